import type { Demand } from './demand.ts';

/**
 * What nodes have and what is taken of it, one typed array for each resource, nodes as rows in list order. Rows are given and taken back at the
 * end (a fork that is undone); a node that is removed leaves a hole, in which nothing fits. Amounts are thousandths, integers.
 *
 * Blocks of 64 rows carry an upper bound of what is free in each column: a search passes over a block that cannot hold the demand. Taking room
 * leaves bounds too high, which is harmless; a search that finds nothing in a block lowers them. Giving room back raises them at once.
 */
export interface NodeRows {
  /** Rows in use, holes included. */
  size: number;
  /** Rows that the arrays have room for. */
  capacity: number;
  readonly allocatable: Float64Array[];
  readonly used: Float64Array[];
  /** allocatable − used; −∞ in holes. */
  readonly free: Float64Array[];
  readonly bounds: Float64Array[];
}

const blockShift = 6;
const blockSize = 1 << blockShift;

export function createRows(columns: number): NodeRows {
  const rows: NodeRows = { size: 0, capacity: 256, allocatable: [], used: [], free: [], bounds: [] };
  addColumns(rows, columns);
  return rows;
}

/** Makes sure that there are so many columns; nodes have nothing of a resource that nobody named before. */
export function addColumns(rows: NodeRows, columns: number): void {
  while (rows.used.length < columns) {
    rows.allocatable.push(new Float64Array(rows.capacity));
    rows.used.push(new Float64Array(rows.capacity));
    rows.free.push(new Float64Array(rows.capacity));
    rows.bounds.push(new Float64Array(rows.capacity >> blockShift));
  }
}

function grow(rows: NodeRows): void {
  rows.capacity *= 2;
  for (const arrays of [rows.allocatable, rows.used, rows.free]) enlarge(arrays, rows.capacity);
  enlarge(rows.bounds, rows.capacity >> blockShift);
}

function enlarge(arrays: Float64Array[], length: number): void {
  for (let column = 0; column < arrays.length; column++) {
    const larger = new Float64Array(length);
    larger.set(arrays[column] as Float64Array);
    arrays[column] = larger;
  }
}

/** Appends a row; `allocatable` and `used` are by column and may be shorter than the number of columns. */
export function pushRow(rows: NodeRows, allocatable: Float64Array, used: Float64Array): number {
  if (rows.size === rows.capacity) grow(rows);
  const row = rows.size++;
  for (let column = 0; column < rows.used.length; column++) {
    (rows.allocatable[column] as Float64Array)[row] = allocatable[column] ?? 0;
    (rows.used[column] as Float64Array)[row] = used[column] ?? 0;
  }
  openRow(rows, row);
  return row;
}

/** Gives the last row back. */
export function popRow(rows: NodeRows): void {
  rows.size -= 1;
}

/** Makes a hole: nothing fits any more. */
export function closeRow(rows: NodeRows, row: number): void {
  for (const free of rows.free) free[row] = Number.NEGATIVE_INFINITY;
}

/** Undoes {@link closeRow}. */
export function openRow(rows: NodeRows, row: number): void {
  const block = row >> blockShift;
  for (let column = 0; column < rows.used.length; column++) {
    const free = ((rows.allocatable[column] as Float64Array)[row] as number) - ((rows.used[column] as Float64Array)[row] as number);
    (rows.free[column] as Float64Array)[row] = free;
    const bounds = rows.bounds[column] as Float64Array;
    if (row === block << blockShift && row === rows.size - 1) bounds[block] = free;
    else if (free > (bounds[block] as number)) bounds[block] = free;
  }
}

/** Takes room for so many pods; a negative number gives it back. Not for holes. */
export function takeRoom(rows: NodeRows, row: number, demand: Demand, count: number): void {
  const { columns, amounts } = demand;
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] as number;
    const used = rows.used[column] as Float64Array;
    const taken = (used[row] as number) + (amounts[index] as number) * count;
    used[row] = taken;
    const free = ((rows.allocatable[column] as Float64Array)[row] as number) - taken;
    (rows.free[column] as Float64Array)[row] = free;
    if (count < 0) {
      const bounds = rows.bounds[column] as Float64Array;
      if (free > (bounds[row >> blockShift] as number)) bounds[row >> blockShift] = free;
    }
  }
}

/** Whether there is room for one pod. */
export function hasRoom(rows: NodeRows, row: number, demand: Demand): boolean {
  return hasRoomFrom(rows, row, demand, 0);
}

function hasRoomFrom(rows: NodeRows, row: number, { columns, amounts }: Demand, first: number): boolean {
  for (let index = first; index < columns.length; index++) {
    if (((rows.free[columns[index] as number] as Float64Array)[row] as number) < (amounts[index] as number)) return false;
  }
  return true;
}

/** How many pods there is room for, ≥ 0. */
export function roomFor(rows: NodeRows, row: number, { columns, amounts }: Demand): number {
  let room = Number.POSITIVE_INFINITY;
  for (let index = 0; index < columns.length; index++) {
    const free = (rows.free[columns[index] as number] as Float64Array)[row] as number;
    const pods = Math.floor(free / (amounts[index] as number));
    if (pods < room) room = pods;
  }
  return Math.max(0, room);
}

/** The first row of [from, to) with room for one pod, or −1. */
export function nextWithRoom(rows: NodeRows, demand: Demand, from: number, to: number): number {
  const { columns, amounts } = demand;
  const count = columns.length;
  // Nearly all demands are cpu, memory and the pod itself.
  const second = count > 1 ? 1 : 0;
  const third = count > 2 ? 2 : 0;
  const free0 = rows.free[columns[0] as number] as Float64Array;
  const free1 = rows.free[columns[second] as number] as Float64Array;
  const free2 = rows.free[columns[third] as number] as Float64Array;
  const amount0 = amounts[0] as number;
  const amount1 = amounts[second] as number;
  const amount2 = amounts[third] as number;
  let row = from;
  while (row < to) {
    const block = row >> blockShift;
    const start = block << blockShift;
    const end = Math.min(to, start + blockSize);
    if (isExcluded(rows, demand, block)) {
      row = end;
      continue;
    }
    const whole = row === start && (end === start + blockSize || end === rows.size);
    for (; row < end; row++) {
      if ((free0[row] as number) < amount0 || (free1[row] as number) < amount1 || (free2[row] as number) < amount2) continue;
      if (count <= 3 || hasRoomFrom(rows, row, demand, 3)) return row;
    }
    if (whole) lowerBounds(rows, demand, block);
  }
  return -1;
}

function isExcluded(rows: NodeRows, { columns, amounts }: Demand, block: number): boolean {
  for (let index = 0; index < columns.length; index++) {
    if (((rows.bounds[columns[index] as number] as Float64Array)[block] as number) < (amounts[index] as number)) return true;
  }
  return false;
}

/** Sets the block's bounds to what is free now, until one of them excludes the demand. */
function lowerBounds(rows: NodeRows, { columns, amounts }: Demand, block: number): void {
  const start = block << blockShift;
  const end = Math.min(rows.size, start + blockSize);
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] as number;
    const free = rows.free[column] as Float64Array;
    let most = Number.NEGATIVE_INFINITY;
    for (let row = start; row < end; row++) if ((free[row] as number) > most) most = free[row] as number;
    (rows.bounds[column] as Float64Array)[block] = most;
    if (most < (amounts[index] as number)) return;
  }
}
