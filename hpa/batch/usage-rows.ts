import type { ContainerUsage, MetricsView, PodUsage } from '../../core/model/metrics-view.ts';
import type { PodTable } from './pod-table.ts';

/**
 * The usage of all pods of a view in columns, in the view's order. Answers of a metrics API mostly list the same pods in the same order, so that the row of a
 * pod is looked for only when something has come or gone.
 */
export interface UsageRows {
  count: number;
  names: string[];
  namespaces: string[];
  /** Milli-cores of all containers together; NaN: not known, -1: not an amount that a double holds exactly. */
  cpu: Float64Array;
  /** Milli-bytes, likewise; `undefined` until some policy asks for it. */
  memory: Float64Array | undefined;
  timestamps: Float64Array;
  windowsMs: Float64Array;
  /** Bit 1: the clock of the sample is in doubt. */
  flags: Uint8Array;
  /** Number of the list of container names, see {@link listOf}. */
  lists: Uint16Array;
  readonly containerLists: ContainerLists;
  /** The view that the rows are of. */
  view: MetricsView | undefined;
}

/** Lists of container names that samples have had. */
interface ContainerLists {
  readonly names: (readonly string[])[];
  readonly numbers: Map<string, number>;
}

export const rowFlag = { skewed: 1 } as const;
/** Stands for every list that found no number of its own. */
export const unnumberedList = 0xff_fe;
const maxLists = 60_000;

export function createUsageRows(): UsageRows {
  return {
    count: 0,
    names: [],
    namespaces: [],
    cpu: new Float64Array(0),
    memory: undefined,
    timestamps: new Float64Array(0),
    windowsMs: new Float64Array(0),
    flags: new Uint8Array(0),
    lists: new Uint16Array(0),
    containerLists: { names: [], numbers: new Map() },
    view: undefined,
  };
}

/** Reads memory too from now on; it is there after the next {@link readUsage}. */
export function needMemoryRows(rows: UsageRows): void {
  if (rows.memory !== undefined) return;
  rows.memory = new Float64Array(rows.cpu.length).fill(Number.NaN);
  rows.view = undefined;
}

/** Takes in the usage of a view and tells the table which row each pod has. */
export function readUsage(rows: UsageRows, table: PodTable, view: MetricsView): void {
  if (rows.view !== view) {
    reserve(rows, view.podCount);
    const moved = readRows(rows, view);
    if (moved !== undefined) moveRows(table, moved.rowOfOld);
    if (moved !== undefined || table.hasNewSlots) findRows(rows, table, table.hasNewSlots ? undefined : moved?.fresh);
    rows.view = view;
  } else if (table.hasNewSlots) findRows(rows, table, undefined);
  table.hasNewSlots = false;
}

function reserve(rows: UsageRows, count: number): void {
  if (count <= rows.cpu.length) return;
  const room = Math.ceil(count * 1.05) + 16;
  rows.cpu = grown(rows.cpu, new Float64Array(room));
  if (rows.memory !== undefined) rows.memory = grown(rows.memory, new Float64Array(room));
  rows.timestamps = grown(rows.timestamps, new Float64Array(room));
  rows.windowsMs = grown(rows.windowsMs, new Float64Array(room));
  rows.flags = grown(rows.flags, new Uint8Array(room));
  rows.lists = grown(rows.lists, new Uint16Array(room));
}

function grown<T extends Float64Array | Uint8Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

interface Moved {
  /** By row of before: the row now, or -1. */
  readonly rowOfOld: Int32Array;
  /** Rows of pods that were not listed before, rising. */
  readonly fresh: readonly number[];
}

/** Reads the rows; answers what has moved, or `undefined` when the same pods stand in the same rows as before. */
function readRows(rows: UsageRows, view: MetricsView): Moved | undefined {
  const before = rows.count;
  let aligner: Aligner | undefined;
  let row = 0;
  for (const usage of view.pods()) {
    if (row >= rows.cpu.length) reserve(rows, row + 1024);
    if (aligner === undefined) {
      const same = row < before && rows.names[row] === usage.name && rows.namespaces[row] === usage.namespace;
      if (!same) aligner = startAligner(rows, row);
    }
    if (aligner !== undefined) align(aligner, usage, row);
    writeRow(rows, usage, row);
    row += 1;
  }
  rows.count = row;
  if (aligner === undefined && row < before) aligner = startAligner(rows, row);
  rows.names.length = row;
  rows.namespaces.length = row;
  return aligner;
}

function writeRow(rows: UsageRows, usage: PodUsage, row: number): void {
  const { containers } = usage;
  rows.names[row] = usage.name;
  rows.namespaces[row] = usage.namespace;
  rows.timestamps[row] = usage.timestamp;
  rows.windowsMs[row] = usage.windowMs;
  rows.flags[row] = usage.clockSkew === true ? rowFlag.skewed : 0;
  rows.cpu[row] = sumOf(containers, true);
  if (rows.memory !== undefined) rows.memory[row] = sumOf(containers, false);
  rows.lists[row] = listOf(rows, containers, row);
}

/** The pod's value as the engine adds it up; without containers, or without one's value, there is none. */
function sumOf(containers: readonly ContainerUsage[], cpu: boolean): number {
  if (containers.length === 0) return Number.NaN;
  let sum = 0;
  for (const each of containers) sum += (cpu ? each.cpuMilli : each.memoryMilli) ?? Number.NaN;
  return Number.isNaN(sum) || (Number.isSafeInteger(sum) && sum >= 0) ? sum : -1;
}

/** Number of the list of the containers' names: that of the row as it was or of the row above, mostly. */
function listOf({ lists, containerLists }: UsageRows, containers: readonly ContainerUsage[], row: number): number {
  const { names, numbers } = containerLists;
  const held = lists[row] ?? 0;
  if (isList(names[held], containers)) return held;
  const above = row === 0 ? held : (lists[row - 1] ?? 0);
  if (isList(names[above], containers)) return above;
  const list = containers.map(({ name }) => name);
  const key = JSON.stringify(list);
  const known = numbers.get(key);
  if (known !== undefined) return known;
  if (names.length >= maxLists) return unnumberedList;
  numbers.set(key, names.length);
  return names.push(list) - 1;
}

function isList(names: readonly string[] | undefined, containers: readonly ContainerUsage[]): boolean {
  if (names === undefined || names.length !== containers.length) return false;
  for (let at = 0; at < names.length; at++) if (names[at] !== containers[at]?.name) return false;
  return true;
}

/** Matches rows with those of before from the first that differs on. */
interface Aligner extends Moved {
  readonly fresh: number[];
  /** Names and namespaces of before, from row `from` on. */
  readonly names: readonly string[];
  readonly namespaces: readonly string[];
  readonly from: number;
  /** Entry of `names` that the next row should have. */
  next: number;
  /** Rows in sequence that nothing matched. */
  misses: number;
}

/** So many pods that have gone are skipped in search of the next one that is still there. */
const lookAhead = 32;
/** So many rows without a match: the order is another one, and looking ahead is in vain. */
const maxMisses = 4096;

function startAligner({ count, names, namespaces }: UsageRows, from: number): Aligner {
  const rowOfOld = new Int32Array(count);
  for (let row = 0; row < from; row++) rowOfOld[row] = row;
  rowOfOld.fill(-1, from);
  return { rowOfOld, fresh: [], names: names.slice(from, count), namespaces: namespaces.slice(from, count), from, next: 0, misses: 0 };
}

function align(aligner: Aligner, { name, namespace }: PodUsage, row: number): void {
  const { names, namespaces, next, from } = aligner;
  const end = aligner.misses > maxMisses ? next + 1 : next + lookAhead;
  for (let at = next; at < end && at < names.length; at++) {
    if (names[at] !== name || namespaces[at] !== namespace) continue;
    aligner.rowOfOld[from + at] = row;
    aligner.next = at + 1;
    aligner.misses = 0;
    return;
  }
  aligner.misses += 1;
  aligner.fresh.push(row);
}

function moveRows(table: PodTable, rowOfOld: Int32Array): void {
  const { row, end } = table;
  for (let slot = 0; slot < end; slot++) {
    const old = row[slot] ?? -1;
    if (old >= 0) row[slot] = rowOfOld[old] ?? -1;
  }
}

/** Gives pods without a row theirs, among these rows or, when not said, among all that no pod has. */
function findRows(rows: UsageRows, table: PodTable, among: readonly number[] | undefined): void {
  if (among?.length === 0) return;
  const open = openSlots(table);
  if (open.size === 0) return;
  const find = (row: number): void => {
    const slots = open.get(rows.namespaces[row] ?? '')?.get(rows.names[row] ?? '');
    if (slots === undefined) return;
    for (const slot of typeof slots === 'number' ? [slots] : slots) table.row[slot] = row;
  };
  if (among !== undefined) {
    for (const row of among) find(row);
    return;
  }
  const taken = takenRows(table, rows.count);
  for (let row = 0; row < rows.count; row++) if (taken[row] === 0) find(row);
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
  for (const { namespace, start, records } of table.groups) {
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
