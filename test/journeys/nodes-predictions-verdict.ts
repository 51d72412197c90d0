import { createSchedulingSnapshot, type SchedulingSnapshot } from '../../cluster-autoscaler/engine/scheduling/index.ts';
import type { PendingPodReport } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { FilterFailure } from '../../cluster-autoscaler/engine/model.ts';
import type { NodeRecord, PodRecord } from '../../core/model/index.ts';
import { podKey, type Forecast, type SimulatedPlace } from './nodes-predictions-forecast.ts';
import { sceneLabel, type Scene } from './nodes-predictions-scene.ts';

/** The world after the nodes came and the scheduler was through. */
export interface Outcome {
  /** Those that were there and those that came. */
  readonly nodes: readonly NodeRecord[];
  /** Names of those that came, by group, in order. */
  readonly added: ReadonlyMap<string, readonly string[]>;
  readonly pods: readonly PodRecord[];
  /** Keys of pods in the order in which they were bound. */
  readonly bound: readonly string[];
  /** What the scheduler said of pods that it did not place, by key. */
  readonly messages: ReadonlyMap<string, string>;
}

/** Why what happened is not what was said, though nothing is wrong. */
export type Explanation =
  /** A pod with a promised place is left over: the simulation's placement holds on the real nodes, and the scheduler's own choices left it no room. */
  | 'unlucky'
  /** A pod that nobody promised anything is placed: in the simulation's placement there is no room for it, in the scheduler's there was. */
  | 'lucky'
  /** A new node has no pod: the simulation's placement uses it, the scheduler found room elsewhere. */
  | 'spare'
  /** A pod is left over though the scheduler accepts another one like it: no event has made it look at this one again (it does so after five minutes). */
  | 'late'
  /** In scenes as upstream only (§5, §8.3, §9): it looks at pods before those of its option are placed, counts real nodes as nodes of the option, forgets daemons. */
  | 'quirk';

export interface Verdict {
  /** What the simulation got wrong, a sentence each. */
  readonly wrong: readonly string[];
  readonly explained: readonly { readonly why: Explanation; readonly what: string }[];
  /** Pods that the scheduler has left out though they fit: wrong, unless it accepts a pod like them. */
  readonly overlooked: readonly { readonly pod: PodRecord; readonly text: string }[];
}

/** What is compared. */
export interface Evidence {
  readonly scene: Scene;
  /** Pods that the loop saw on nodes. */
  readonly before: readonly PodRecord[];
  /** Pods that the loop was asked to help. */
  readonly pending: readonly PodRecord[];
  readonly said: Forecast;
  readonly came: Outcome;
  /** Keys of those that the scheduler placed before the new nodes came. */
  readonly early: ReadonlySet<string>;
}

/** Compares what the loop said with what the scheduler did. */
export function judge(evidence: Evidence): Verdict {
  const { said } = evidence;
  const wrong: string[] = [];
  const explained: { why: Explanation; what: string }[] = [];
  const overlooked: { pod: PodRecord; text: string }[] = [];
  if (!said.replayAgrees) wrong.push('the replay of the loop asks for other nodes than the loop');
  wrong.push(...contradictions(evidence));
  const simulated = simulate(evidence, { daemons: true });
  judgePods(evidence, simulated, { wrong, explained, overlooked });
  judgeNodes(evidence, { wrong, explained });
  return { wrong, explained, overlooked };
}

interface Findings {
  readonly wrong: string[];
  readonly explained: { why: Explanation; what: string }[];
}

/** What cannot be, whatever the scheduler chose: nodes that differ from their templates, and pods that fit where the scheduler has just refused them. */
function contradictions(evidence: Evidence): readonly string[] {
  const unlike = simulate(evidence, { daemons: false }).refusals.filter(({ lasting }) => lasting);
  const first = world(evidence, { newcomers: false });
  const refused = evidence.scene.mode.podsFirst ? evidence.pending : [];
  const accepted = refused.flatMap((pod) => {
    const room = placeFor(first, pod);
    return room === undefined ? [] : [`pod ${podKey(pod)} fits ${room}, where the scheduler has just refused it`];
  });
  return [...unlike.map(({ text }) => text), ...accepted];
}

function judgePods(
  evidence: Evidence,
  simulated: Simulated,
  { wrong, explained, overlooked }: Findings & { readonly overlooked: { pod: PodRecord; text: string }[] },
): void {
  const { scene, said, came, pending } = evidence;
  const { compat } = scene.mode;
  const real = follow(evidence, wrong);
  const leftOver: string[] = [];
  const state = new Map(came.pods.map((pod) => [podKey(pod), pod]));
  for (const pod of pending) {
    const key = podKey(pod);
    const now = state.get(key);
    const report = said.reports.get(key);
    if (now === undefined || report === undefined) wrong.push(`pod ${key} is ${now === undefined ? 'gone' : 'not in the report'}`);
    else if (now.nodeName === undefined) {
      const room = placeFor(real, now);
      if (room !== undefined)
        overlooked.push({ pod: now, text: `pod ${key} fits ${room}, but the scheduler says: ${came.messages.get(key) ?? 'nothing'}` });
      else if (isPromised(report)) leftOver.push(key);
    } else if (report.state === 'refused') {
      const room = placeFor(simulated.snapshot, pod);
      const what = `pod ${key} is on ${now.nodeName} and would be on ${room} in the simulation, but: ${report.message}`;
      if (room !== undefined && !compat) wrong.push(what);
      else explained.push({ why: room === undefined ? 'lucky' : 'quirk', what: key });
    }
  }
  judgeLeftOver(leftOver, simulated, { wrong, explained, compat });
}

/** Promised pods that have no place: the simulation's own placement must hold. */
function judgeLeftOver(
  keys: readonly string[],
  { refusals }: Simulated,
  { wrong, explained, compat }: Findings & { readonly compat: boolean },
): void {
  if (keys.length === 0) return;
  if (refusals.length > 0 && !compat) wrong.push(`promised and not placed: ${keys.join(', ')}`, ...refusals.map(({ text }) => text));
  else for (const what of keys) explained.push({ why: refusals.length === 0 ? 'unlucky' : 'quirk', what });
}

/** New nodes must be used, by the scheduler or at least in the simulation. */
function judgeNodes({ scene, said, came }: Evidence, { wrong, explained }: Findings): void {
  const busy = new Set(came.pods.filter((pod) => !isFixed(pod)).map(({ nodeName }) => nodeName));
  const used = new Set(said.places.map((place) => nodeOf(place, came)));
  for (const node of [...came.added.values()].flat()) {
    if (busy.has(node)) continue;
    if (used.has(node)) explained.push({ why: 'spare', what: node });
    else if (scene.mode.compat) explained.push({ why: 'quirk', what: node });
    else wrong.push(`node ${node} is empty, and in the simulation, too`);
  }
}

function isPromised(report: PendingPodReport | undefined): boolean {
  return report?.state === 'helped' || report?.state === 'scheduled';
}

/** Of every node, whatever is scheduled. */
export function isFixed({ mirror, owner }: PodRecord): boolean {
  return mirror || owner?.kind === 'DaemonSet';
}

/** The name of a node that a pod fits. */
function placeFor(snapshot: SchedulingSnapshot, pod: PodRecord): string | undefined {
  const podClass = snapshot.classOf(pod);
  const node = snapshot.nodeIds().find((id) => !snapshot.node(id).unschedulable && snapshot.fits(podClass, id));
  return node === undefined ? undefined : snapshot.node(node).name;
}

/** The real nodes, with the pods that were on them when the loop looked and the static ones of new nodes. */
function world(evidence: Evidence, { newcomers }: { readonly newcomers: boolean }): SchedulingSnapshot {
  const { scene, came } = evidence;
  const snapshot = createSchedulingSnapshot({ namespaces: new Map(scene.namespaces.map(({ name, labels }) => [name, labels])) });
  addNodes(
    snapshot,
    evidence,
    came.nodes.filter(({ name }) => newcomers || !isNew(name, came)),
  );
  return snapshot;
}

function addNodes(snapshot: SchedulingSnapshot, { before, came }: Evidence, nodes: readonly NodeRecord[]): void {
  const known = new Set(before.map(podKey));
  const pods = [...before, ...came.pods.filter((pod) => pod.mirror && !known.has(podKey(pod)))];
  for (const node of nodes) {
    snapshot.addNode(
      node,
      pods.filter(({ nodeName }) => nodeName === node.name),
    );
  }
}

function nodeOf({ node }: SimulatedPlace, { added }: Outcome): string | undefined {
  return typeof node === 'string' ? node : added.get(node.group)?.[node.index];
}

/** The simulation's placement on the real nodes. */
interface Simulated {
  readonly snapshot: SchedulingSnapshot;
  /** Pods that are not accepted where the simulation put them, though the others are there already; `lasting`: because of the node alone. */
  readonly refusals: readonly { readonly lasting: boolean; readonly text: string }[];
}

/** Filters that do not look at other nodes. */
const ofTheNode: ReadonlySet<FilterFailure['filter']> = new Set([
  'NodeUnschedulable',
  'TaintToleration',
  'NodeAffinity',
  'NodePorts',
  'NodeResourcesFit',
]);

/** Puts every pod where the simulation put it: those for which there is room already on the old nodes, then those for which nodes are bought. */
function simulate(evidence: Evidence, { daemons }: { readonly daemons: boolean }): Simulated {
  const { scene, said, came, pending } = evidence;
  const refusals: { lasting: boolean; text: string }[] = [];
  const snapshot = world(evidence, { newcomers: false });
  const isEarly = ({ pod }: SimulatedPlace): boolean => said.reports.get(podKey(pod))?.state === 'scheduled';
  const tell = (places: readonly SimulatedPlace[]): void => {
    for (const place of places) {
      const name = nodeOf(place, came);
      const node = name === undefined ? undefined : snapshot.find(name);
      const failure = node === undefined ? undefined : snapshot.failure(snapshot.classOf(place.pod), node);
      const reason = failure === undefined ? 'which did not come' : `which refuses it: ${failure.filter}, ${failure.reason}`;
      refusals.push({
        lasting: failure === undefined || ofTheNode.has(failure.filter),
        text: `pod ${podKey(place.pod)} is in the simulation on ${name ?? JSON.stringify(place.node)}, ${reason}`,
      });
      if (node !== undefined) snapshot.place(place.pod, node);
    }
  };
  const home = (place: SimulatedPlace): string | undefined => nodeOf(place, came);
  const late = placeAll(snapshot, said.places.filter(isEarly), home);
  addNodes(
    snapshot,
    evidence,
    came.nodes.filter(({ name }) => isNew(name, came)),
  );
  // The daemon pods of new nodes are in the templates.
  for (const pod of daemons ? came.pods : []) {
    const name = pod.nodeName ?? pod.pinnedNode;
    const node = name === undefined ? undefined : snapshot.find(name);
    if (pod.owner?.kind === 'DaemonSet' && node !== undefined && isNew(name, came)) snapshot.place(pod, node);
  }
  tell(placeAll(snapshot, [...late, ...said.places.filter((place) => !isEarly(place))], home));
  const placed = new Set(said.places.map(({ pod }) => podKey(pod)));
  for (const pod of pending) {
    if (placed.has(podKey(pod)) || !isPromised(said.reports.get(podKey(pod)))) continue;
    // Where one option is carried out, pods that are alike are counted only: any room will do.
    const node = scene.mode.compat ? snapshot.search(snapshot.classOf(pod)) : undefined;
    if (node === undefined)
      refusals.push({ lasting: !scene.mode.compat, text: `pod ${podKey(pod)} is promised a place, and the simulation has none for it` });
    else snapshot.place(pod, node);
  }
  return { snapshot, refusals };
}

/** Orders that are tried. */
const orders = 10;

/**
 * Places what its node accepts; answers what is left. What one pod forbids another depends on which comes first, and bindings that are written at the same
 * time are seen in any order: pods that are left are tried first in the next order.
 */
function placeAll<T extends { readonly pod: PodRecord }>(
  snapshot: SchedulingSnapshot,
  items: readonly T[],
  nameOf: (item: T) => string | undefined,
): readonly T[] {
  let order = items;
  for (let tried = 1; ; tried++) {
    snapshot.fork();
    const left = placeInTurn(snapshot, order, nameOf);
    if (left.length === 0 || tried === orders) {
      snapshot.commit();
      return left;
    }
    snapshot.revert();
    order = [...left, ...order.filter((item) => !left.includes(item))];
  }
}

/** In turn, and then again as long as something more is accepted. */
function placeInTurn<T extends { readonly pod: PodRecord }>(
  snapshot: SchedulingSnapshot,
  items: readonly T[],
  nameOf: (item: T) => string | undefined,
): readonly T[] {
  let waiting = items;
  for (let progress = true; progress && waiting.length > 0;) {
    const left = waiting.filter((item) => {
      const name = nameOf(item);
      const node = name === undefined ? undefined : snapshot.find(name);
      if (node === undefined || !snapshot.fits(snapshot.classOf(item.pod), node)) return true;
      snapshot.place(item.pod, node);
      return false;
    });
    progress = left.length < waiting.length;
    waiting = left;
  }
  return waiting;
}

function isNew(name: string | undefined, { added }: Outcome): boolean {
  return name !== undefined && [...added.values()].some((names) => names.includes(name));
}

/** The scheduler's placement, in an order near to that of binding; every pod must be allowed where it is by our filters. */
function follow(evidence: Evidence, wrong: string[]): SchedulingSnapshot {
  const { before, came, early, scene } = evidence;
  const known = new Set(before.map(podKey));
  const rank = new Map(came.bound.map((key, index) => [key, index]));
  const rankOf = (pod: PodRecord): number => rank.get(podKey(pod)) ?? rank.size;
  const placed = came.pods
    .filter((pod) => pod.nodeName !== undefined && !pod.mirror && !known.has(podKey(pod)))
    .toSorted((a, b) => rankOf(a) - rankOf(b))
    .map((pod) => ({ pod }));
  const first = placed.filter(({ pod }) => early.has(podKey(pod)));
  const rest = placed.filter((item) => !first.includes(item));
  let { snapshot, left } = history(evidence, first, rest, 'together');
  // Pods that wait take the first nodes before the last ones are there, which might have made a spread uneven.
  if (left.length > 0 && scene.mode.podsFirst) ({ snapshot, left } = history(evidence, first, rest, 'when used'));
  for (const { pod } of left) {
    const node = snapshot.find(pod.nodeName ?? '');
    const failure = node === undefined ? undefined : snapshot.failure(snapshot.classOf(pod), node);
    wrong.push(
      `the scheduler put ${podKey(pod)} on ${pod.nodeName}, where it may not be: ${failure?.filter ?? 'no such node'}, ${failure?.reason ?? ''}`,
    );
    if (node !== undefined) snapshot.place(pod, node);
  }
  return snapshot;
}

interface Bound {
  readonly pod: PodRecord;
}

/** Places pods on the old nodes and then on all, with the new nodes coming at the same time, or each when it gets its first pod. */
function history(
  evidence: Evidence,
  first: readonly Bound[],
  rest: readonly Bound[],
  coming: 'together' | 'when used',
): { readonly snapshot: SchedulingSnapshot; readonly left: readonly Bound[] } {
  const { came } = evidence;
  const snapshot = world(evidence, { newcomers: false });
  const nodeName = ({ pod }: Bound): string | undefined => pod.nodeName;
  const missing = (): readonly NodeRecord[] => came.nodes.filter(({ name }) => snapshot.find(name) === undefined);
  let left = placeAll(snapshot, first, nodeName);
  for (const item of coming === 'when used' ? rest : []) {
    addNodes(
      snapshot,
      evidence,
      missing().filter(({ name }) => name === nodeName(item)),
    );
    left = placeAll(snapshot, [...left, item], nodeName);
  }
  addNodes(snapshot, evidence, missing());
  return { snapshot, left: coming === 'when used' ? left : [...left, ...placeAll(snapshot, rest, nodeName)] };
}

/** The scene in few words, for whoever looks for the mistake. */
export function describeScene({ scene, pending, said, came, before }: Evidence): string {
  const { mode } = scene;
  const lines = [
    `seed ${scene.seed}: ${mode.compat ? 'as upstream' : 'house'}, expander ${mode.expander ?? 'default'}, ${mode.balance ? 'balancing, ' : ''}${mode.podsFirst ? 'pods first' : 'nodes first'}`,
    ...scene.pools.map(
      ({ id, maxSize, machine }) => `pool ${id} (max ${maxSize}, +${said.growth.get(id) ?? 0}): ${JSON.stringify(machine)}`,
    ),
    ...came.nodes.map((node) => {
      const on = came.pods.filter(({ nodeName }) => nodeName === node.name);
      const first = new Set(before.map(podKey));
      const names = on.map((pod) => `${pod.name}${first.has(podKey(pod)) ? '*' : ''}`);
      return `node ${node.name}${node.unschedulable ? ' (cordoned)' : ''}${node.zone === '' ? '' : ` in ${node.zone}`}: ${names.join(' ')}`;
    }),
    ...said.places.map((place) => `simulated: ${place.pod.name} on ${nodeOf(place, came) ?? JSON.stringify(place.node)}`),
    ...scene.workloads.map(({ name, namespace, labels, spec }) => {
      const { [sceneLabel]: _, ...own } = labels;
      return `workload ${namespace}/${name} ${JSON.stringify(own)}: ${JSON.stringify(spec)}`;
    }),
    ...pending.map((pod) => {
      const key = podKey(pod);
      const report = said.reports.get(key);
      const now = came.pods.find((each) => podKey(each) === key);
      return `pod ${key}: ${report?.state ?? 'not reported'} (${report?.message ?? ''}) → ${now?.nodeName ?? came.messages.get(key) ?? 'not placed'}`;
    }),
  ];
  return lines.join('\n');
}
