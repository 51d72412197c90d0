import type { PodRecord } from '../../../core/model/index.ts';
import type { ClassId, NodeId, SchedulingSnapshot } from './snapshot.ts';

/** Where pods found a place in an earlier loop: node name by {@link hintKey}. */
export type PlacementHints = ReadonlyMap<string, string>;

/** Options of {@link filterOutSchedulable}. */
export interface FilterOutOptions {
  /** Only nodes for which this holds, for hinted nodes too. */
  readonly accept?: ((node: NodeId) => boolean) | undefined;
  /** Stop at the first pod that finds no place: for callers that need all of them placed. Pods after it are neither placed nor pending. */
  readonly stopAtFirstFailure?: boolean | undefined;
}

/** What {@link filterOutSchedulable} found. */
export interface FilterOutResult {
  /** Pods without a place, in the order in which they came. */
  readonly pending: readonly PodRecord[];
  /** Pods that are now on a node of the snapshot, in the order of placing: the hints of the next loop. */
  readonly placed: readonly { readonly pod: PodRecord; readonly node: NodeId }[];
  /** Controllers with more different failing pods than are remembered. */
  readonly overflowingControllers: number;
}

/** Under what a pod's hint is kept: its uid, or namespace and name where it has none. */
export function hintKey(pod: PodRecord): string {
  return pod.uid === '' ? `${pod.namespace}/${pod.name}` : pod.uid;
}

/** Different failing pods that are remembered of one controller (upstream's maxPodsPerOwnerRef). */
const rememberedFailures = 10;

/**
 * Finds pods a place among the snapshot's nodes and puts them there, as the scheduler is about to (upstream's hinting simulator): highest
 * priority first; of one priority first all pods with a hint on the node of the hint, then the others by the any-node search, in the order in
 * which they came. A pod that equals one of its controller that just failed is not tried again. Changes the snapshot; fork before to undo it.
 */
export function filterOutSchedulable(
  snapshot: SchedulingSnapshot,
  pods: readonly PodRecord[],
  hints: PlacementHints,
  options: FilterOutOptions = {},
): FilterOutResult {
  const steps = filterOutInSteps(snapshot, pods, hints, options);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Pods that are tried in one step. */
const podsAtOnce = 256;

/** The same as {@link filterOutSchedulable}, a few hundred pods at a time; nothing else may touch the snapshot before the end. */
export function* filterOutInSteps(
  snapshot: SchedulingSnapshot,
  pods: readonly PodRecord[],
  hints: PlacementHints,
  options: FilterOutOptions = {},
): Generator<void, FilterOutResult> {
  const run: Run = {
    snapshot,
    pods,
    hints,
    options,
    placed: [],
    failures: createFailureMemory(),
    failed: new Uint8Array(pods.length),
    stopped: false,
  };
  for (const indexes of byPriority(pods)) {
    const unhinted = yield* placeHinted(run, indexes);
    for (let start = 0; start < unhinted.length && !run.stopped; start += podsAtOnce) {
      placeByOrder(run, unhinted, start);
      yield;
    }
    if (run.stopped) break;
  }
  const { placed, failures, failed } = run;
  return { pending: pods.filter((_, index) => failed[index] === 1), placed, overflowingControllers: failures.overflowing };
}

interface Run {
  readonly snapshot: SchedulingSnapshot;
  readonly pods: readonly PodRecord[];
  readonly hints: PlacementHints;
  readonly options: FilterOutOptions;
  readonly placed: { pod: PodRecord; node: NodeId }[];
  readonly failures: FailureMemory;
  /** By index of the pod: 1 = it was tried and found no place. */
  readonly failed: Uint8Array;
  stopped: boolean;
}

/** Tries the pods from `start` on by the any-node search. */
function placeByOrder(run: Run, indexes: readonly number[], start: number): void {
  const { snapshot, pods, options, placed, failures, failed } = run;
  const end = Math.min(start + podsAtOnce, indexes.length);
  for (let at = start; at < end; at++) {
    const index = indexes[at] as number;
    const pod = pods[index] as PodRecord;
    const podClass = snapshot.classOf(pod);
    const node = failures.has(pod, podClass) ? undefined : snapshot.search(podClass, options);
    if (node !== undefined) {
      snapshot.place(pod, node);
      placed.push({ pod, node });
      continue;
    }
    failures.add(pod, podClass);
    failed[index] = 1;
    if (options.stopAtFirstFailure === true) {
      run.stopped = true;
      return;
    }
  }
}

/** Indexes of the pods of each priority, highest first. */
function byPriority(pods: readonly PodRecord[]): number[][] {
  const groups = new Map<number, number[]>();
  for (let index = 0; index < pods.length; index++) {
    const priority = pods[index]?.shape.priority ?? 0;
    const group = groups.get(priority);
    if (group === undefined) groups.set(priority, [index]);
    else group.push(index);
  }
  return [...groups].toSorted(([a], [b]) => b - a).map(([, indexes]) => indexes);
}

/** Tries pods on the nodes that their hints name; answers those that are left. */
function* placeHinted(
  { snapshot, pods, hints, options: { accept }, placed }: Run,
  indexes: readonly number[],
): Generator<void, readonly number[]> {
  if (hints.size === 0) return indexes;
  const left: number[] = [];
  for (const [tried, index] of indexes.entries()) {
    if (tried % podsAtOnce === podsAtOnce - 1) yield;
    const pod = pods[index] as PodRecord;
    const hint = hints.get(hintKey(pod));
    const node = hint === undefined ? undefined : snapshot.find(hint);
    if (node === undefined || (accept !== undefined && !accept(node)) || !snapshot.fits(snapshot.classOf(pod), node)) {
      left.push(index);
      continue;
    }
    snapshot.place(pod, node);
    placed.push({ pod, node });
  }
  return left;
}

interface FailureMemory {
  has(pod: PodRecord, podClass: ClassId): boolean;
  add(pod: PodRecord, podClass: ClassId): void;
  readonly overflowing: number;
}

/** Classes of pods that found no place, by controller. Pods without one, and daemons, are tried each for itself. */
function createFailureMemory(): FailureMemory {
  const failed = new Map<string, ClassId[]>();
  const overflowing = new Set<string>();
  return {
    has: ({ owner }, podClass) => owner !== undefined && failed.get(owner.uid)?.includes(podClass) === true,
    add: ({ owner }, podClass) => {
      if (owner === undefined || owner.kind === 'DaemonSet') return;
      const classes = failed.get(owner.uid);
      if (classes === undefined) failed.set(owner.uid, [podClass]);
      else if (classes.includes(podClass)) return;
      else if (classes.length < rememberedFailures) classes.push(podClass);
      else overflowing.add(owner.uid);
    },
    get overflowing() {
      return overflowing.size;
    },
  };
}
