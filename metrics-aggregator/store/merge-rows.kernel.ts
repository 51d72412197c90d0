import { isAhead, sampleOrder, type SampleOrder } from '../engine/merge-usage.ts';
import { isImplausible, plausibleCpu, plausibleMemory } from '../engine/plausible-usage.ts';
import type { ContainerHistories } from './container-histories.ts';
import type { RowMatch } from './match-rows.kernel.ts';
import { freshness, type PodShape, type UsageGeneration } from './usage-generation.ts';
import type { UsageTable } from './usage-table.ts';

/** An answer on its way into the generation that it makes. */
export interface RowMerge {
  readonly table: UsageTable;
  readonly match: RowMatch;
  readonly previous: UsageGeneration;
  /** The shape of the new generation: the one before, or one with the rows of the table. */
  readonly shape: PodShape;
  /** Row of the table by row of the shape; `undefined`: they are equal. */
  readonly answerRows: Int32Array | undefined;
  /** Row of the generation before by row of the shape; `undefined`: they are equal. */
  readonly previousRows: Int32Array | undefined;
  readonly histories: ContainerHistories;
  readonly historyPoints: number;
  readonly now: number;
  readonly columns: MergeColumns;
  readonly counts: { fresh: number; backwards: number; ahead: number; implausible: number };
  /** Rows of the shape (pod, container) and values of the first implausible samples. */
  readonly implausible: { readonly pod: number; readonly container: number; readonly cpuMilli: number; readonly memoryMilli: number }[];
  readonly maxImplausible: number;
  oldest: number;
}

export type MergeColumns = Pick<
  UsageGeneration,
  'timestamps' | 'windowsMs' | 'skewed' | 'cpuMilli' | 'memoryMilli' | 'ends' | 'points' | 'fresh'
>;

export function mergeColumns({ podCount, containerCount }: PodShape): MergeColumns {
  return {
    timestamps: new Float64Array(podCount),
    windowsMs: new Float64Array(podCount),
    skewed: new Uint8Array(podCount),
    cpuMilli: new Float64Array(containerCount),
    memoryMilli: new Float64Array(containerCount),
    ends: new Uint32Array(containerCount),
    points: new Uint16Array(containerCount),
    fresh: new Uint8Array(containerCount),
  };
}

/** Fills the pods `from` up to `to` of the columns, and appends what is new to the histories. */
export function mergeRows(merge: RowMerge, from: number, to: number): void {
  const { columns, counts, now } = merge;
  for (let pod = from; pod < to; pod++) {
    mergePod(merge, pod);
    const used = columns.timestamps[pod]!;
    if (isAhead(used, now)) counts.ahead++;
    if (used < merge.oldest) merge.oldest = used;
  }
}

function mergePod(merge: RowMerge, pod: number): void {
  const { table, match, previous, counts, now } = merge;
  const row = match.pods[pod]!;
  // No time at all is older than any.
  const timestamp = Number.isNaN(table.timestamps[pod]!) ? -Infinity : table.timestamps[pod]!;
  const order = row < 0 ? undefined : sampleOrder(previous.timestamps[row]!, timestamp, now);
  if (order === 'backwards' || order === 'overdue') counts.backwards++;
  // A pod with other containers is replaced as a whole: what was measured of the ones before says nothing of it.
  if (match.sameSet[pod] === 1 && (order === 'same' || order === 'backwards')) keepPod(merge, pod, order);
  else takePod(merge, pod, timestamp, order);
}

function keepPod(merge: RowMerge, pod: number, order: SampleOrder): void {
  const { match, previous, previousRows, shape, columns } = merge;
  const podRow = match.pods[pod]!;
  columns.timestamps[pod] = previous.timestamps[podRow]!;
  columns.windowsMs[pod] = previous.windowsMs[podRow]!;
  columns.skewed[pod] = order === 'backwards' ? 1 : previous.skewed[podRow]!;
  const end = shape.firstContainer[pod + 1]!;
  for (let at = shape.firstContainer[pod]!; at < end; at++) {
    const row = previousRows === undefined ? at : previousRows[at]!;
    columns.cpuMilli[at] = previous.cpuMilli[row]!;
    columns.memoryMilli[at] = previous.memoryMilli[row]!;
    columns.ends[at] = previous.ends[row]!;
    columns.points[at] = previous.points[row]!;
    columns.fresh[at] = previous.fresh[row]! >= previous.unpublished ? freshness.carried : freshness.none;
    if (previousRows !== undefined) shape.slots[at] = previous.shape.slots[row]!;
  }
}

function takePod(merge: RowMerge, pod: number, timestamp: number, order: SampleOrder | undefined): void {
  const { table, match, previous, columns, counts, now } = merge;
  const row = match.pods[pod]!;
  columns.timestamps[pod] = timestamp;
  columns.windowsMs[pod] = table.windowsMs[pod]!;
  columns.skewed[pod] = skewOf(order, isAhead(timestamp, now), row < 0 ? 0 : previous.skewed[row]!);
  const observed = takeContainers(merge, pod, timestamp);
  if (order === 'newer' || (order === undefined && observed)) counts.fresh++;
}

function skewOf(order: SampleOrder | undefined, ahead: boolean, before: number): number {
  if (ahead || order === 'backwards' || order === 'overdue') return 1;
  return order === 'same' ? before : 0;
}

/** True when something was observed: a pod that comes back with the sample that it left with brings nothing new. */
function takeContainers(merge: RowMerge, pod: number, timestamp: number): boolean {
  const { shape, table, answerRows, columns } = merge;
  const start = shape.firstContainer[pod]!;
  const end = shape.firstContainer[pod + 1]!;
  let observed = start === end;
  for (let at = start; at < end; at++) {
    const answer = answerRows === undefined ? at : answerRows[at]!;
    const cpu = table.cpuMilli[answer]!;
    const memory = table.memoryMilli[answer]!;
    if (isImplausible(cpu, memory)) noteImplausible(merge, { pod, container: at, cpuMilli: cpu, memoryMilli: memory });
    columns.cpuMilli[at] = plausibleCpu(cpu, memory);
    columns.memoryMilli[at] = plausibleMemory(memory);
    if (appendHistory(merge, pod, at, timestamp)) observed = true;
  }
  return observed;
}

function noteImplausible(merge: RowMerge, sample: RowMerge['implausible'][number]): void {
  merge.counts.implausible++;
  if (merge.implausible.length < merge.maxImplausible) merge.implausible.push(sample);
}

/** Appends the sample in row `at` to its container's history when it is an observation, and marks it. */
function appendHistory(merge: RowMerge, pod: number, at: number, timestamp: number): boolean {
  const { shape, columns, histories, previous, previousRows } = merge;
  const row = previousRows === undefined ? at : previousRows[at]!;
  let points = row < 0 ? 0 : previous.points[row]!;
  let slot = row < 0 ? -1 : previous.shape.slots[row]!;
  if (slot < 0) {
    const claimed = histories.claim(shape.namespaces[pod]!, shape.names[pod]!, shape.containers[at]!);
    slot = claimed.slot;
    points = claimed.points;
    shape.slots[at] = slot;
  } else if (previousRows !== undefined) {
    shape.slots[at] = slot;
  }
  const verdict = slot < 0 ? verdictWithoutRing(merge, pod, timestamp) : verdictByRing(merge, slot, points, timestamp);
  if (slot >= 0) {
    if (verdict !== 'old') {
      histories.rings.append(slot, timestamp, columns.cpuMilli[at]!, columns.memoryMilli[at]!);
      points = verdict === 'restart' ? 1 : Math.min(points + 1, merge.historyPoints);
    }
    columns.ends[at] = histories.rings.end(slot);
    columns.points[at] = points;
  }
  const isNew = verdict === 'new';
  const carried = row >= 0 && previous.fresh[row]! >= previous.unpublished;
  columns.fresh[at] = isNew ? freshness.now : carried ? freshness.carried : freshness.none;
  return isNew;
}

/**
 * An observation is later than all before. One that is not, after a sample of the future, begins the history again: there is no order between what was measured
 * before, meanwhile and after by a clock that was set.
 */
function verdictByRing({ histories, now }: RowMerge, slot: number, points: number, timestamp: number): 'new' | 'old' | 'restart' {
  const last = points === 0 ? -Infinity : histories.rings.lastTimestamp(slot);
  if (timestamp > last) return 'new';
  return timestamp < last && isAhead(last, now) ? 'restart' : 'old';
}

function verdictWithoutRing({ match, previous }: RowMerge, pod: number, timestamp: number): 'new' | 'old' {
  const row = match.pods[pod]!;
  return row < 0 || timestamp > previous.timestamps[row]! ? 'new' : 'old';
}
