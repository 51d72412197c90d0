import type { PodRecord } from '../../../core/model/index.ts';
import type { ClassId, NodeId, SchedulingSnapshot } from '../scheduling/index.ts';
import type { RemovalHints } from './model.ts';

/** Number of a pod that found a place in this pass; it keeps it when it has to move on. Pods of one node and class follow each other. */
export type MoveId = number;

/** Pods of one class with consecutive numbers. */
export interface PodRun {
  readonly podClass: ClassId;
  readonly start: MoveId;
  readonly count: number;
}

/** Where the pods of removable nodes are by now in the simulation. */
export interface MovedPods {
  /** Pods that came to a node in this pass, in order of coming. */
  arrivals(node: NodeId): readonly PodRun[];
  pod(move: MoveId): PodRecord;
  /** Registers the pods of a node that is to go, in order; answers them as runs. */
  register(pods: readonly PodRecord[], classes: readonly ClassId[]): readonly PodRun[];
  /** Takes the last registration back. */
  forget(runs: readonly PodRun[]): void;
  /** The node is gone; its registered pods are those of the runs. */
  confirm(node: string, runs: readonly PodRun[]): void;
  moveTo(run: PodRun, node: NodeId): void;
  /** For the next loop: where each pod ended. */
  hints(snapshot: SchedulingSnapshot): RemovalHints;
}

export const noHints: RemovalHints = { ranges: new Map(), pods: [], destinations: [], names: [] };

const none: readonly PodRun[] = [];

export function createMovedPods(): MovedPods {
  const pods: PodRecord[] = [];
  const at: NodeId[] = [];
  const arrivals: (PodRun[] | undefined)[] = [];
  const ranges = new Map<string, readonly [number, number]>();
  return {
    arrivals: (node) => arrivals[node] ?? none,
    pod: (move) => pods[move] as PodRecord,
    register: (added, classes) => {
      const runs: PodRun[] = [];
      let start = pods.length;
      for (let index = 0; index < added.length; index++) {
        pods.push(added[index] as PodRecord);
        at.push(-1);
        const podClass = classes[index] as ClassId;
        if (index + 1 < added.length && classes[index + 1] === podClass) continue;
        runs.push({ podClass, start, count: pods.length - start });
        start = pods.length;
      }
      return runs;
    },
    forget: ([first]) => {
      if (first === undefined) return;
      pods.length = first.start;
      at.length = first.start;
    },
    confirm: (node, runs) => {
      const [first] = runs;
      const last = runs.at(-1);
      if (first !== undefined && last !== undefined) ranges.set(node, [first.start, last.start + last.count]);
    },
    moveTo: (run, node) => {
      for (let move = run.start; move < run.start + run.count; move++) at[move] = node;
      const list = arrivals[node];
      if (list === undefined) arrivals[node] = [run];
      else list.push(run);
    },
    hints: (snapshot) => {
      const indexes: number[] = [];
      const names: string[] = [];
      const destinations = new Int32Array(at.length);
      for (let move = 0; move < at.length; move++) {
        const node = at[move] as NodeId;
        let index = indexes[node];
        if (index === undefined) {
          names.push(snapshot.node(node).name);
          indexes[node] = index = names.length - 1;
        }
        destinations[move] = index;
      }
      return { ranges, pods, destinations, names };
    },
  };
}

/** Looks up where pods of a node found a place in the pass before. */
export interface HintBook {
  /** Destinations by index in `pods`, as they are now in the snapshot; -1 for none. */
  of(node: string, pods: readonly PodRecord[]): Int32Array | undefined;
}

const unknown = -2;

export function createHintBook({ ranges, pods: known, destinations, names }: RemovalHints, snapshot: SchedulingSnapshot): HintBook {
  const ids = new Int32Array(names.length).fill(unknown);
  const idOf = (index: number): NodeId => {
    let id = ids[index] ?? -1;
    if (id === unknown) ids[index] = id = snapshot.find(names[index] ?? '') ?? -1;
    return id;
  };
  /** Where a pod stands in [start, end). Mostly the pods are the same in the same order; one that is new or gone shifts the rest. */
  const indexOf = (pod: PodRecord, next: number, start: number, end: number): number => {
    for (let step = 0; step < end - start; step++) {
      const at = next + step < end ? next + step : next + step - (end - start);
      const candidate = known[at] as PodRecord;
      if (candidate === pod || (pod.uid !== '' && candidate.uid === pod.uid)) return at;
    }
    return -1;
  };
  return {
    of: (node, pods) => {
      const range = ranges.get(node);
      if (range === undefined) return undefined;
      const [start, end] = range;
      const found = new Int32Array(pods.length).fill(-1);
      let next = start;
      for (let index = 0; index < pods.length; index++) {
        const at = indexOf(pods[index] as PodRecord, next, start, end);
        if (at < 0) continue;
        found[index] = idOf(destinations[at] ?? -1);
        next = at + 1 === end ? start : at + 1;
      }
      return found;
    },
  };
}
