import type { PodRecord } from '../../../core/model/pod.ts';
import { isFinished } from '../../../core/model/pod.ts';
import type { PodShape } from '../../../core/model/pod-shape.ts';
import { sameJson } from '../../../core/model/same-json.ts';
import type { Labels } from '../../../core/model/selector.ts';
import { matchesSelector } from '../../../core/model/selector.ts';
import { addPeak, createAggregate, releaseAggregate, sampleFacts, setSampleFacts, subtractPeak } from './aggregates.kernel.ts';
import {
  aggregateAt,
  allocateContainer,
  nameAt,
  nextAt,
  openPeak,
  previousAt,
  releaseContainer,
  windowEndOf,
} from './container-windows.kernel.ts';
import { labelsKey, perRunBits, withoutBits } from './label-groups.ts';
import type { EngineState, LabelSet, NamespaceState, PodState } from './model-state.ts';
import { addSet, nameNumber } from './model-state.ts';
import { createPolicyIndex, eachCandidate } from './policy-index.ts';
import { policiesOf, settingsFor } from './policy-settings.ts';
import { dropRow, ignoredContainer, noteChanged, unknownContainer } from './usage-rows.kernel.ts';

export function namespaceState(state: EngineState, name: string): NamespaceState {
  let namespace = state.namespaces.get(name);
  if (namespace === undefined) {
    namespace = {
      name,
      policies: new Map(),
      index: createPolicyIndex(),
      sets: new Map(),
      pods: new Map(),
      setsByLabel: undefined,
      naming: 0,
      absentBits: 0,
    };
    state.namespaces.set(name, namespace);
  }
  return namespace;
}

/** A namespace without anything in it is forgotten. */
export function dropEmptyNamespace(state: EngineState, { name, policies, sets, pods }: NamespaceState): void {
  if (policies.size === 0 && sets.size === 0 && pods.size === 0) state.namespaces.delete(name);
}

/** Per-run labels of a pod that its aggregates are not told apart by: all but those that a policy asks for which selects the pod. */
export function droppedBits(state: EngineState, { naming, index }: NamespaceState, labels: Labels): number {
  if (!state.groups) return 0;
  let dropped = perRunBits(labels);
  if (dropped === 0 || naming === 0) return dropped;
  eachCandidate(index, labels, (candidate) => {
    if (candidate.naming !== 0 && matchesSelector(candidate.policy.selector, labels)) dropped &= ~candidate.naming;
  });
  return dropped;
}

/** The label set for these labels, made when there is none. */
export function labelSetFor(state: EngineState, namespace: NamespaceState, labels: Labels): LabelSet {
  const dropped = droppedBits(state, namespace, labels);
  // A pod that has a label which some policy wants to be absent is not to be mixed with pods that do not have it.
  const marked = dropped & namespace.absentBits;
  const plain = labelsKey(labels, dropped);
  const key = marked === 0 ? plain : `${plain}\n${marked}`;
  const known = namespace.sets.get(key);
  if (known !== undefined) {
    if ((known.dropped & namespace.absentBits) === marked) known.dropped |= dropped;
    else takeOverSet(known, dropped);
    return known;
  }
  const set: LabelSet = { namespace, key, labels: withoutBits(labels, dropped), dropped, pods: 0, head: -1, policies: [] };
  set.policies = policiesOf(set);
  for (const policy of set.policies) addSet(policy, set);
  namespace.sets.set(key, set);
  if (namespace.setsByLabel !== undefined) noteSet(namespace.setsByLabel, set);
  return set;
}

/** Pods without a label that some policy wants to be absent take over what pods with it have left behind. */
function takeOverSet(set: LabelSet, dropped: number): void {
  set.dropped = dropped;
  const before = set.policies;
  set.policies = policiesOf(set);
  for (const policy of set.policies) {
    if (before.includes(policy)) continue;
    addSet(policy, set);
    policy.members = undefined;
  }
}

function noteSet(setsByLabel: Map<string, Map<string, LabelSet[]>>, set: LabelSet): void {
  for (const [label, byValue] of setsByLabel) {
    const value = Object.hasOwn(set.labels, label) ? set.labels[label] : undefined;
    if (value === undefined) continue;
    const list = byValue.get(value);
    if (list === undefined) byValue.set(value, [set]);
    else list.push(set);
  }
}

/** The aggregate of that label set and container name, made when there is none. */
export function aggregateFor(state: EngineState, set: LabelSet, name: number): number {
  const { aggregates } = state;
  for (let a = set.head; a >= 0; a = aggregates.nextOfSet[a]!) if (aggregates.names[a] === name) return a;
  const a = createAggregate(aggregates, name, settingsFor(state, set.policies, state.names[name]!));
  aggregates.nextOfSet[a] = set.head;
  set.head = a;
  state.setOf[a] = set;
  setSampleFacts(aggregates, a, { created: state.latest });
  for (const policy of set.policies) policy.members = undefined;
  return a;
}

/** Forgets an aggregate of a label set; live containers that feed it get a new one with their next sample. */
export function dropAggregate(state: EngineState, a: number): void {
  const { aggregates, windows } = state;
  const set = state.setOf[a];
  for (let c = aggregates.firstContainer[a]!; c >= 0;) {
    const next = windows.i32[c * 16 + nextAt]!;
    windows.i32[c * 16 + aggregateAt] = -1;
    windows.i32[c * 16 + nextAt] = -1;
    windows.i32[c * 16 + previousAt] = -1;
    c = next;
  }
  if (set !== undefined) {
    if (set.head === a) set.head = aggregates.nextOfSet[a]!;
    else {
      let before = set.head;
      while (aggregates.nextOfSet[before] !== a) before = aggregates.nextOfSet[before]!;
      aggregates.nextOfSet[before] = aggregates.nextOfSet[a]!;
    }
    for (const policy of set.policies) policy.members = undefined;
  }
  state.setOf[a] = undefined;
  state.oomNotes.delete(a);
  releaseAggregate(aggregates, a);
  if (set !== undefined) dropUnusedSet(state, set);
}

export function dropUnusedSet(state: EngineState, set: LabelSet): void {
  if (set.pods !== 0 || set.head >= 0) return;
  const { namespace } = set;
  set.pods = -1;
  namespace.sets.delete(set.key);
  // Policies leave it out when they next look at their sets.
  for (const policy of set.policies) policy.members = undefined;
  dropEmptyNamespace(state, namespace);
}

function linkContainer({ aggregates, windows }: EngineState, c: number, a: number): void {
  const { i32 } = windows;
  const next = aggregates.firstContainer[a]!;
  i32[c * 16 + aggregateAt] = a;
  i32[c * 16 + nextAt] = next;
  i32[c * 16 + previousAt] = -1;
  if (next >= 0) i32[next * 16 + previousAt] = c;
  aggregates.firstContainer[a] = c;
}

function unlinkContainer({ aggregates, windows }: EngineState, c: number): void {
  const { i32 } = windows;
  const a = i32[c * 16 + aggregateAt]!;
  if (a < 0) return;
  const next = i32[c * 16 + nextAt]!;
  const previous = i32[c * 16 + previousAt]!;
  if (previous >= 0) i32[previous * 16 + nextAt] = next;
  else aggregates.firstContainer[a] = next;
  if (next >= 0) i32[next * 16 + previousAt] = previous;
  i32[c * 16 + aggregateAt] = -1;
}

/** The aggregate that a container feeds; makes one for a container whose aggregate was dropped as too old. */
export function feedingAggregate(state: EngineState, c: number): number {
  const held = state.windows.i32[c * 16 + aggregateAt]!;
  if (held >= 0) return held;
  const pod = state.podOf[c]!;
  const a = aggregateFor(state, pod.set, state.windows.i32[c * 16 + nameAt]!);
  linkContainer(state, c, a);
  return a;
}

/** Lets a container feed the aggregates of another label set; the entry of its open window goes with it. */
function moveContainer(state: EngineState, c: number, set: LabelSet): void {
  const { aggregates, windows } = state;
  const from = windows.i32[c * 16 + aggregateAt]!;
  const peak = openPeak(windows, c, state.latest);
  const end = windowEndOf(windows, c);
  if (from >= 0 && peak > 0) subtractPeak(aggregates, from, peak, end);
  unlinkContainer(state, c);
  const to = aggregateFor(state, set, windows.i32[c * 16 + nameAt]!);
  linkContainer(state, c, to);
  if (from < 0) return;
  if (peak > 0) addPeak(aggregates, to, peak, end);
  const { last, lastPeak } = sampleFacts(aggregates, from);
  if (aggregates.firstContainer[from]! < 0 && last === -Infinity && lastPeak === -Infinity) dropAggregate(state, from);
}

export function podState(state: EngineState, namespace: string, name: string): PodState | undefined {
  return state.namespaces.get(namespace)?.pods.get(name);
}

/** The number of a pod's container, or why it has none. */
export function containerOf(state: EngineState, pod: PodState, container: string): number {
  if (pod.finished) return ignoredContainer;
  const found = findContainer(state, pod, container);
  if (found >= 0) return found;
  return pod.shape.initContainers.some(({ name }) => name === container) ? ignoredContainer : unknownContainer;
}

/** Of finished pods too; −1: it has none of that name. */
export function findContainer({ nameNumbers, windows }: EngineState, pod: PodState, container: string): number {
  const number = nameNumbers.get(container);
  if (number === undefined) return -1;
  let c = pod.head;
  while (c >= 0 && windows.i32[c * 16 + nameAt] !== number) c = windows.nextOfPod[c]!;
  return c;
}

export function setPod(state: EngineState, pod: PodRecord): void {
  const known = podState(state, pod.namespace, pod.name);
  if (known === undefined) {
    // Upstream lists pods once they are scheduled and started: one that waits says nothing of usage.
    if (pod.phase !== 'Pending') addPod(state, pod);
    return;
  }
  const finished = isFinished(pod);
  let changed = known.finished !== finished;
  known.finished = finished;
  if (known.labels !== pod.labels) {
    const relabelled = !sameJson(known.labels, pod.labels);
    known.labels = pod.labels;
    if (relabelled) regroup(state, known);
  }
  if (known.shape !== pod.shape) {
    known.shape = pod.shape;
    syncContainers(state, known, pod.shape);
    changed = true;
  }
  if (changed) noteChanged(state.rows, known);
}

function addPod(state: EngineState, { namespace: namespaceName, name, labels, shape, phase }: PodRecord): void {
  const namespace = namespaceState(state, namespaceName);
  const set = labelSetFor(state, namespace, labels);
  set.pods++;
  const finished = phase === 'Succeeded' || phase === 'Failed';
  const pod: PodState = { namespace, name, labels, shape, set, head: -1, row: -1, finished };
  namespace.pods.set(name, pod);
  state.pods++;
  for (let index = shape.containers.length - 1; index >= 0; index--) addContainer(state, pod, shape.containers[index]!.name);
  state.rows.added = true;
}

function addContainer(state: EngineState, pod: PodState, container: string): void {
  const { windows } = state;
  const name = nameNumber(state, container);
  const c = allocateContainer(windows, name);
  windows.nextOfPod[c] = pod.head;
  pod.head = c;
  state.podOf[c] = pod;
  state.containers++;
  linkContainer(state, c, aggregateFor(state, pod.set, name));
}

function dropContainer(state: EngineState, c: number): void {
  unlinkContainer(state, c);
  state.podOf[c] = undefined;
  releaseContainer(state.windows, c);
  state.containers--;
}

function syncContainers(state: EngineState, pod: PodState, shape: PodShape): void {
  const { windows } = state;
  let before = -1;
  for (let c = pod.head; c >= 0;) {
    const next = windows.nextOfPod[c]!;
    const name = state.names[windows.i32[c * 16 + nameAt]!];
    if (shape.containers.some((container) => container.name === name)) before = c;
    else {
      if (before < 0) pod.head = next;
      else windows.nextOfPod[before] = next;
      dropContainer(state, c);
    }
    c = next;
  }
  for (const { name } of shape.containers) if (findContainer(state, pod, name) < 0) addContainer(state, pod, name);
}

/** Finds the pod's label set anew: its labels changed, or what aggregates are told apart by did. */
export function regroup(state: EngineState, pod: PodState): void {
  const before = pod.set;
  const set = labelSetFor(state, pod.namespace, pod.labels);
  if (set === before) return;
  set.pods++;
  before.pods--;
  pod.set = set;
  for (let c = pod.head; c >= 0; c = state.windows.nextOfPod[c]!) moveContainer(state, c, set);
  dropUnusedSet(state, before);
}

export function removePod(state: EngineState, namespace: string, name: string): void {
  const pod = podState(state, namespace, name);
  if (pod === undefined) return;
  dropRow(state.rows, pod);
  for (let c = pod.head; c >= 0;) {
    const next = state.windows.nextOfPod[c]!;
    dropContainer(state, c);
    c = next;
  }
  pod.head = -1;
  pod.namespace.pods.delete(name);
  pod.set.pods--;
  state.pods--;
  dropUnusedSet(state, pod.set);
  dropEmptyNamespace(state, pod.namespace);
}

/** Live containers that feed the aggregate and have not finished. */
export function isFed({ aggregates, windows, podOf }: EngineState, a: number): boolean {
  for (let c = aggregates.firstContainer[a]!; c >= 0; c = windows.i32[c * 16 + nextAt]!) if (podOf[c]?.finished === false) return true;
  return false;
}
