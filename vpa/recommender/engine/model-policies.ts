import type { Selector } from '../../../core/model/selector.ts';
import { changeSettings, firstContainerOf, nameOfAggregate, nextOfSet, releaseAggregate } from './aggregates.kernel.ts';
import { absentBits, namedBits, perRunBits } from './label-groups.ts';
import { dropEmptyNamespace, droppedBits, namespaceState, regroup } from './model-pods.kernel.ts';
import type { EngineState, LabelSet, NamespaceState, PolicyState } from './model-state.ts';
import { addSet, noPolicies } from './model-state.ts';
import { addToIndex, indexKeyOf, removeFromIndex } from './policy-index.ts';
import { olderFirst, selects, settingsFor } from './policy-settings.ts';
import type { TrackedPolicy } from './types.ts';

export function setPolicy(state: EngineState, key: string, policy: TrackedPolicy): void {
  const known = state.policies.get(key);
  if (known === undefined) {
    addPolicy(state, key, policy, undefined);
    return;
  }
  const before = known.policy;
  if (before === policy) return;
  if (before.namespace !== policy.namespace || !sameSelector(before.selector, policy.selector)) {
    // What was loaded stays: another selector does not mean another workload.
    unlinkPolicy(state, known);
    const stays = known.namespace.name === policy.namespace;
    if (!stays) dropLoaded(state, known);
    addPolicy(state, key, policy, stays ? known.loaded : undefined);
    dropEmptyNamespace(state, known.namespace);
    return;
  }
  known.policy = policy;
  known.plans = undefined;
  if (before.containers === policy.containers && before.estimation === policy.estimation && before.created === policy.created) return;
  if (before.created !== policy.created)
    for (const set of known.sets) if (set.policies.length > 1) set.policies = set.policies.toSorted(olderFirst);
  applySettings(state, known);
}

function sameSelector(a: Selector, b: Selector): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function addPolicy(state: EngineState, key: string, policy: TrackedPolicy, loaded: Map<string, number> | undefined): void {
  const namespace = namespaceState(state, policy.namespace);
  const added: PolicyState = {
    key,
    namespace,
    policy,
    indexKey: indexKeyOf(namespace.index, policy.selector),
    naming: state.groups ? namedBits(policy.selector) : 0,
    absent: state.groups ? absentBits(policy.selector) : 0,
    sets: [],
    loaded,
    members: undefined,
    plans: undefined,
    alone: noPolicies,
  };
  added.alone = [added];
  state.policies.set(key, added);
  namespace.policies.set(key, added);
  if (policy.selector.matchesNothing) return;
  addToIndex(namespace.index, added.indexKey, added);
  if (added.naming !== 0) {
    namespace.naming++;
    namespace.absentBits |= added.absent;
    tellApart(state, namespace, added);
  }
  for (const set of candidateSets(added)) if (selects(added, set) && !set.policies.includes(added)) joinSet(added, set);
  applySettings(state, added);
}

/**
 * A policy asks for labels that aggregates were not told apart by: from now on the pods that it selects feed aggregates of their own. What was learnt together before
 * cannot be divided; it stays with the pods that do not have the labels.
 */
function tellApart(state: EngineState, namespace: NamespaceState, { naming, absent }: PolicyState): void {
  for (const pod of namespace.pods.values()) if ((perRunBits(pod.labels) & naming) !== 0) regroup(state, pod);
  if (absent === 0) return;
  const dropped = new Map<LabelSet, number>();
  for (const { set, labels } of namespace.pods.values()) dropped.set(set, (dropped.get(set) ?? 0) | droppedBits(state, namespace, labels));
  for (const [set, bits] of dropped) set.dropped = bits;
}

function joinSet(policy: PolicyState, set: LabelSet): void {
  set.policies = set.policies.length === 0 ? policy.alone : [...set.policies, policy].toSorted(olderFirst);
  addSet(policy, set);
  policy.members = undefined;
}

/** So many are tried one by one. */
const fewSets = 64;

/** The label sets that have the label by which the policy is found; all of them when there is no such label. */
function candidateSets({ namespace, indexKey }: PolicyState): Iterable<LabelSet> {
  if (indexKey === undefined || namespace.sets.size < fewSets) return namespace.sets.values();
  namespace.setsByLabel ??= new Map();
  let byValue = namespace.setsByLabel.get(indexKey.label);
  if (byValue === undefined) {
    byValue = new Map();
    for (const set of namespace.sets.values()) {
      const value = Object.hasOwn(set.labels, indexKey.label) ? set.labels[indexKey.label] : undefined;
      if (value === undefined) continue;
      const list = byValue.get(value);
      if (list === undefined) byValue.set(value, [set]);
      else list.push(set);
    }
    namespace.setsByLabel.set(indexKey.label, byValue);
  }
  const found = byValue;
  return [...new Set(indexKey.values)].flatMap((value) => found.get(value)?.filter(({ pods }) => pods >= 0) ?? []);
}

function applySettings(state: EngineState, policy: PolicyState): void {
  const { aggregates, names } = state;
  for (const set of liveSets(policy)) {
    for (let a = set.head; a >= 0; a = nextOfSet(aggregates, a)) {
      changeSettings(aggregates, a, settingsFor(state, set.policies, names[nameOfAggregate(aggregates, a)] ?? ''));
    }
  }
  for (const [container, a] of policy.loaded ?? []) changeSettings(aggregates, a, settingsFor(state, policy.alone, container));
}

/** Takes the policy out of everything that knows it; what it loaded is left to the caller. */
function unlinkPolicy(state: EngineState, policy: PolicyState): void {
  const { namespace } = policy;
  state.policies.delete(policy.key);
  namespace.policies.delete(policy.key);
  if (!policy.policy.selector.matchesNothing) removeFromIndex(namespace.index, policy.indexKey, policy);
  if (policy.naming !== 0 && !policy.policy.selector.matchesNothing) {
    namespace.naming--;
    namespace.absentBits = 0;
    for (const { absent } of namespace.policies.values()) namespace.absentBits |= absent;
  }
  const { aggregates, names } = state;
  for (const set of liveSets(policy)) {
    const rest = set.policies.filter((each) => each !== policy);
    const [only] = rest;
    set.policies = rest.length > 1 ? rest : (only?.alone ?? noPolicies);
    for (let a = set.head; a >= 0; a = nextOfSet(aggregates, a)) {
      changeSettings(aggregates, a, settingsFor(state, set.policies, names[nameOfAggregate(aggregates, a)] ?? ''));
    }
  }
  policy.sets = [];
}

export function removePolicy(state: EngineState, key: string): void {
  const policy = state.policies.get(key);
  if (policy === undefined) return;
  unlinkPolicy(state, policy);
  dropLoaded(state, policy);
  dropEmptyNamespace(state, policy.namespace);
}

function dropLoaded(state: EngineState, policy: PolicyState): void {
  for (const a of policy.loaded?.values() ?? []) releaseAggregate(state.aggregates, a);
  policy.loaded = undefined;
}

/** The label sets of a policy, without those that are gone. */
export function liveSets(policy: PolicyState): readonly LabelSet[] {
  if (policy.sets.some(({ pods }) => pods < 0)) policy.sets = policy.sets.filter(({ pods }) => pods >= 0);
  return policy.sets;
}

/** The aggregates of a policy in the order in which they are merged: by container name, by label set, a loaded checkpoint last. */
export function membersOf(state: EngineState, policy: PolicyState): readonly number[] {
  if (policy.members !== undefined) return policy.members;
  const { aggregates, names } = state;
  const members: number[] = [];
  const sets = liveSets(policy);
  for (const set of sets) for (let a = set.head; a >= 0; a = nextOfSet(aggregates, a)) members.push(a);
  for (const a of policy.loaded?.values() ?? []) members.push(a);
  if (members.length > 1) {
    const nameOf = (a: number): string => names[nameOfAggregate(aggregates, a)] ?? '';
    members.sort((a, b) => compare(nameOf(a), nameOf(b)) || compareSets(state.setOf[a], state.setOf[b]));
  }
  policy.members = members.slice();
  return policy.members;
}

function compareSets(a: LabelSet | undefined, b: LabelSet | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compare(a.key, b.key);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Whether some live pod still has a container that feeds one of the aggregates. */
export function anyFed(state: EngineState, members: readonly number[], from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    const a = members[index];
    if (a !== undefined && state.setOf[a] !== undefined && firstContainerOf(state.aggregates, a) >= 0) return true;
  }
  return false;
}
