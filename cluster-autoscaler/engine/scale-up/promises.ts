import type { PodRecord } from '../../../core/model/index.ts';
import { append } from '../append.ts';
import { filterOutSchedulable, hintKey, type PlacementHints } from '../scheduling/index.ts';
import { placeGroup, type PlacedPods } from './planned-nodes.ts';
import { groupPods, sortedPods } from './pod-groups.ts';
import type { Run } from './run.ts';

/** Whether how many of its like are in other domains decides where a pod may go. */
export function spreads({ shape }: PodRecord): boolean {
  return shape.topologySpread.some(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
}

/** Whether where other pods are decides where a pod may go: it may find room because another one was placed. */
export function looksAtOthers(pod: PodRecord): boolean {
  const { podAffinity } = pod.shape.affinity ?? {};
  return (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length > 0 || spreads(pod);
}

/**
 * Places pods wherever there is room, until no more find any: each that is placed may be what another has to be beside, or may even out a spread. No empty
 * node takes a pod that has to be beside another one; the node of that other one does. Answers the pods that are left.
 */
export function placeBeside({ plan, input: { snapshot } }: Run, pods: readonly PodRecord[]): readonly PodRecord[] {
  if (pods.length === 0) return pods;
  const groups = groupPods(pods, (pod) => snapshot.classOf(pod)).map((group) => ({ ...group, done: 0 }));
  for (let more = true; more;) {
    more = false;
    for (const group of groups) {
      const left = group.pods.length - group.done;
      if (left === 0) continue;
      const count = placeGroup({ ...group, pods: group.pods.slice(group.done) }, { plan, snapshot });
      group.done += count;
      more ||= count > 0;
    }
  }
  if (groups.every(({ done }) => done === 0)) return pods;
  return groups.flatMap(({ pods: members, done }) => members.slice(done));
}

/**
 * Takes off all pods that were placed and puts them back with every planned node in sight: a node of a new domain, planned after them, may have made a
 * spread uneven. Each pod goes to its node again if it can. Nodes that are named are left out. Answers the pods that lose their place. Undoes the caller's
 * fork, and opens it anew.
 */
export function placeAgain({ plan, input: { snapshot } }: Run, without: ReadonlySet<string> = new Set()): readonly PodRecord[] {
  const hints = new Map<string, string>();
  for (const { node, pods } of plan.placed) for (const pod of pods) hints.set(hintKey(pod), node);
  let waiting = sortedPods(plan.placed.flatMap(({ pods }) => pods));
  snapshot.revert();
  snapshot.fork();
  for (const [name, { template }] of plan.nodes) if (!without.has(name)) snapshot.addCopy(template, name);
  plan.placed = [];
  for (;;) {
    const { placed, pending } = filterOutSchedulable(snapshot, waiting, hints);
    for (const { pod, node } of placed) plan.placed.push({ node: snapshot.node(node).name, pods: [pod] });
    if (placed.length === 0 || pending.length === 0) return pending;
    waiting = pending;
  }
}

/** Pods for which other nodes are sought, at most: what it takes is bounded whatever was planned. */
const podsTried = 1000;

/**
 * Gives up planned nodes that nobody needs: without a pod, or whose pods all find room on what was planned later or is there. Not if a pod would lose its
 * place by it (rules that name a least number of domains). Answers whether any was given up.
 */
export function giveUpNeedless(run: Run): boolean {
  const { plan } = run;
  const { empty, emptied } = needlessNodes(run);
  const held = plan.placed;
  const tries = emptied.size === 0 ? [empty] : [new Set([...empty, ...emptied]), empty];
  for (const without of tries) {
    if (without.size === 0) continue;
    if (placeAgain(run, without).length === 0) {
      noteGivenUp(run, without);
      for (const name of without) plan.nodes.delete(name);
      return true;
    }
    restore(run, held);
  }
  return false;
}

function noteGivenUp({ plan, trace }: Run, names: ReadonlySet<string>): void {
  const counts = new Map<string, number>();
  for (const name of names) {
    const group = plan.nodes.get(name)?.group ?? '';
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const text = [...counts].map(([group, count]) => `${group} ${count}`).join(', ');
  trace.push({
    step: 'give-up',
    message: `planned nodes that are not needed after all, their pods find room on the others: ${text}`,
    values: { nodes: names.size },
  });
}

/** Makes the snapshot what it was when this was placed. */
function restore({ plan, input: { snapshot } }: Run, held: PlacedPods[]): void {
  snapshot.revert();
  snapshot.fork();
  for (const [name, { template }] of plan.nodes) snapshot.addCopy(template, name);
  for (const { node, pods } of held) {
    const id = snapshot.find(node);
    if (id !== undefined) for (const pod of pods) snapshot.place(pod, id);
  }
  plan.placed = held;
}

const noHints: PlacementHints = new Map();

interface Needless {
  readonly empty: ReadonlySet<string>;
  /** Their pods find room elsewhere. */
  readonly emptied: ReadonlySet<string>;
}

function needlessNodes({ plan, granted, input }: Run): Needless {
  const { snapshot, groups } = input;
  const wholes = new Set(groups.flatMap(({ group }) => (group.options.zeroOrMax ? [group.id] : [])));
  const used = new Set(plan.placed.map(({ node }) => node));
  const nodes = [...plan.nodes].filter(([name, { group }]) => !granted.has(name) && !wholes.has(group));
  const empty = new Set(nodes.flatMap(([name]) => (used.has(name) ? [] : [name])));
  const emptied = new Set<string>();
  const earlier = new Map(
    nodes.flatMap(([name, { purchase }]) => (used.has(name) && purchase < plan.purchases ? [[name, [] as PodRecord[]] as const] : [])),
  );
  for (const { node, pods } of earlier.size === 0 ? [] : plan.placed) append(earlier.get(node) ?? [], pods);
  let tried = 0;
  snapshot.fork();
  for (const [name, pods] of [...earlier].toSorted(([, a], [, b]) => a.length - b.length)) {
    const node = snapshot.find(name);
    tried += pods.length;
    if (node === undefined || tried > podsTried) break;
    snapshot.fork();
    snapshot.removeNode(node);
    const { pending } = filterOutSchedulable(snapshot, pods, noHints, { stopAtFirstFailure: true });
    if (pending.length > 0) {
      snapshot.revert();
      continue;
    }
    snapshot.commit();
    emptied.add(name);
  }
  snapshot.revert();
  return { empty, emptied };
}
