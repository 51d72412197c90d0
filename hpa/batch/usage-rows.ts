import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { PodTable } from './pod-table.ts';
import type { UsageColumns } from '../../core/model/metrics-view.ts';
import { columnsOf } from './usage-columns.ts';

/**
 * The usage that the rows of the table are of. Answers of a metrics API mostly list the same pods in the same order, so that the row of a pod is looked for only
 * when something has come or gone.
 */
export interface UsageRows {
  columns: UsageColumns;
  /** The view that they are of. */
  view: MetricsView | undefined;
  /** Number of the list of containers: another one when they are not those of before. From 1 to 65 535, and then from 1 again. */
  shape: number;
}

const noUsage: UsageColumns = {
  podCount: 0,
  names: [],
  namespaces: [],
  timestamps: new Float64Array(0),
  oldest: -Infinity,
  windowsMs: new Float64Array(0),
  skewed: new Uint8Array(0),
  firstContainer: new Int32Array(1),
  containers: [],
  cpuMilli: new Float64Array(0),
  memoryMilli: new Float64Array(0),
};

export function createUsageRows(): UsageRows {
  return { columns: noUsage, view: undefined, shape: 0 };
}

const maxShape = 0xff_ff;

/** Takes in the usage of a view and tells the table which row each pod has. */
export function readUsage(rows: UsageRows, table: PodTable, view: MetricsView): void {
  let fresh: readonly number[] = [];
  if (rows.view !== view) {
    const before = rows.columns;
    const columns = columnsOf(view);
    const moved = columns.names === before.names && columns.namespaces === before.namespaces ? undefined : align(before, columns);
    if (moved !== undefined) moveRows(table, moved.rowOfOld);
    fresh = moved?.fresh ?? fresh;
    if (columns.containers !== before.containers || columns.firstContainer !== before.firstContainer) nextShape(rows, table);
    rows.columns = columns;
    rows.view = view;
  }
  if (table.hasNewSlots) findRows(rows.columns, table, undefined);
  else if (fresh.length > 0) findRows(rows.columns, table, fresh);
  table.hasNewSlots = false;
}

function nextShape(rows: UsageRows, table: PodTable): void {
  rows.shape += 1;
  if (rows.shape <= maxShape) return;
  // Numbers begin anew: none may mean what it meant before.
  rows.shape = 1;
  table.verified.fill(0);
}

interface Moved {
  /** By row of before: the row now, or -1. */
  readonly rowOfOld: Int32Array;
  /** Rows of pods that were not listed before, rising. */
  readonly fresh: number[];
}

/** So many pods that have gone are skipped in search of the next one that is still there. */
const lookAhead = 32;
/** So many rows in sequence without a match: the order is another one, and looking ahead is in vain. */
const maxMisses = 4096;

/** Matches the rows of two views; `undefined` when the same pods stand in the same rows. */
function align(before: UsageColumns, after: UsageColumns): Moved | undefined {
  const same = samePrefix(before, after);
  if (same === before.podCount && same === after.podCount) return undefined;
  const rowOfOld = new Int32Array(before.podCount).fill(-1);
  for (let row = 0; row < same; row++) rowOfOld[row] = row;
  const fresh: number[] = [];
  let next = same;
  let misses = 0;
  for (let row = same; row < after.podCount; row++) {
    const found = lookFor(before, after, [next, misses > maxMisses ? next + 1 : next + lookAhead], row);
    if (found < 0) {
      fresh.push(row);
      misses += 1;
    } else {
      rowOfOld[found] = row;
      next = found + 1;
      misses = 0;
    }
  }
  return { rowOfOld, fresh };
}

function samePrefix(before: UsageColumns, after: UsageColumns): number {
  const end = Math.min(before.podCount, after.podCount);
  for (let row = 0; row < end; row++) {
    if (before.names[row] !== after.names[row] || before.namespaces[row] !== after.namespaces[row]) return row;
  }
  return end;
}

/** The row of before, from `next` up to `end`, that is that of the pod in row `row`; -1: none. */
function lookFor(before: UsageColumns, after: UsageColumns, [next, end]: readonly [number, number], row: number): number {
  const name = after.names[row];
  const namespace = after.namespaces[row];
  for (let at = next; at < end && at < before.podCount; at++) {
    if (before.names[at] === name && before.namespaces[at] === namespace) return at;
  }
  return -1;
}

function moveRows(table: PodTable, rowOfOld: Int32Array): void {
  const { row, end } = table;
  for (let slot = 0; slot < end; slot++) {
    const old = row[slot] ?? -1;
    if (old >= 0) row[slot] = rowOfOld[old] ?? -1;
  }
}

/** Gives pods without a row theirs, among these rows or, when not said, among all that no pod has. */
function findRows({ namespaces, names, podCount }: UsageColumns, table: PodTable, among: readonly number[] | undefined): void {
  const open = openSlots(table);
  if (open.size === 0) return;
  const find = (row: number): void => {
    const slots = open.get(namespaces[row] ?? '')?.get(names[row] ?? '');
    if (slots === undefined) return;
    for (const slot of typeof slots === 'number' ? [slots] : slots) table.row[slot] = row;
  };
  if (among !== undefined) {
    for (const row of among) find(row);
    return;
  }
  const taken = takenRows(table, podCount);
  for (let row = 0; row < podCount; row++) if (taken[row] === 0) find(row);
}

/** Rows that some pod has. A pod of two groups may miss its row thereby; such groups are not calculated here, and when one of them goes it is looked for again. */
function takenRows({ row, end }: PodTable, count: number): Uint8Array {
  const taken = new Uint8Array(count);
  for (let slot = 0; slot < end; slot++) {
    const held = row[slot] ?? -1;
    if (held >= 0) taken[held] = 1;
  }
  return taken;
}

type OpenSlots = Map<string, Map<string, number | number[]>>;

function openSlots(table: PodTable): OpenSlots {
  const open: OpenSlots = new Map();
  for (const { home, start, records } of table.groups) {
    const { namespace } = home;
    for (let at = 0; at < records.length; at++) {
      if ((table.row[start + at] ?? -1) >= 0) continue;
      const name = records[at]?.name ?? '';
      const byName = open.get(namespace) ?? new Map<string, number | number[]>();
      open.set(namespace, byName);
      const held = byName.get(name);
      byName.set(name, held === undefined ? start + at : [held, start + at].flat());
    }
  }
  return open;
}
