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
  /** Pods with consecutive numbers are on the node now; the one on which they were before is gone. */
  moveTo(start: MoveId, count: number, node: NodeId): void;
  /** For the next loop: where each pod ended. */
  hints(snapshot: SchedulingSnapshot): RemovalHints;
}

export const noHints: RemovalHints = { ranges: new Map(), pods: [], destinations: [], names: [] };

const none: readonly PodRun[] = [];

/** Integers by index, −1 where nothing was written. */
interface Column {
  values: Int32Array;
}

function createColumn(): Column {
  return { values: new Int32Array(1024).fill(-1) };
}

function write(column: Column, index: number, value: number): void {
  if (index >= column.values.length) {
    const larger = new Int32Array(Math.max(index + 1, column.values.length * 2)).fill(-1);
    larger.set(column.values);
    column.values = larger;
  }
  column.values[index] = value;
}

function read(column: Column, index: number): number {
  return column.values[index] ?? -1;
}

export function createMovedPods(): MovedPods {
  // Tens of thousands of pods may move one by one: there is no object for each. By pod: its class, where it is, who came to that node after it.
  const pods: PodRecord[] = [];
  const classOf = createColumn();
  const at = createColumn();
  const after = createColumn();
  // By node: who came first, who came last.
  const heads = createColumn();
  const tails = createColumn();
  const ranges = new Map<string, readonly [number, number]>();
  return {
    arrivals: (node) => {
      let move = read(heads, node);
      if (move < 0) return none;
      const runs: PodRun[] = [];
      while (move >= 0) {
        const start = move;
        const podClass = read(classOf, start);
        let end = start;
        do {
          move = read(after, end);
          end += 1;
        } while (move === end && read(classOf, move) === podClass);
        runs.push({ podClass, start, count: end - start });
      }
      return runs;
    },
    pod: (move) => pods[move] as PodRecord,
    register: (added, classes) => {
      const runs: PodRun[] = [];
      let start = pods.length;
      for (let index = 0; index < added.length; index++) {
        const podClass = classes[index] as ClassId;
        write(classOf, pods.length, podClass);
        pods.push(added[index] as PodRecord);
        if (index + 1 < added.length && classes[index + 1] === podClass) continue;
        runs.push({ podClass, start, count: pods.length - start });
        start = pods.length;
      }
      return runs;
    },
    forget: ([first]) => {
      if (first !== undefined) pods.length = first.start;
    },
    confirm: (node, runs) => {
      const [first] = runs;
      const last = runs.at(-1);
      if (first !== undefined && last !== undefined) ranges.set(node, [first.start, last.start + last.count]);
    },
    moveTo: (start, count, node) => {
      let last = read(tails, node);
      for (let move = start; move < start + count; move++) {
        write(at, move, node);
        write(after, move, -1);
        if (last < 0) write(heads, node, move);
        else write(after, last, move);
        last = move;
      }
      write(tails, node, last);
    },
    hints: (snapshot) => {
      const indexes: number[] = [];
      const names: string[] = [];
      const destinations = new Int32Array(pods.length);
      for (let move = 0; move < pods.length; move++) {
        const node = read(at, move);
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
