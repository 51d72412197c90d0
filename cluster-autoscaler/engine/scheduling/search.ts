import type { PodClass } from './class-table.ts';
import { allowsNode, allowsPods, incomingOf, meetsRules } from './filters.ts';
import { hasRoom, nextWithRoom, roomFor } from './node-rows.kernel.ts';
import type { NodeEntry } from './node-store.ts';
import type { NodeId, PlaceAroundOptions, SearchOptions } from './snapshot.ts';
import { entryAt, type State } from './state.ts';

/** The any-node search: list order from one after the last match, around. */

/** Nodes in the list. */
export function nodeCount({ rows, holes }: State): number {
  return rows.size - holes.length;
}

/** Row of a place in the list: beyond it by as many holes as have so few places before them. */
function rowAt({ holes }: State, position: number): number {
  let passed = 0;
  let after = holes.length;
  while (passed < after) {
    const middle = (passed + after) >> 1;
    if ((holes[middle] as number) - middle <= position) passed = middle + 1;
    else after = middle;
  }
  return position + passed;
}

/** Place in the list of a row. */
function positionOf({ holes }: State, row: number): number {
  let before = 0;
  let after = holes.length;
  while (before < after) {
    const middle = (before + after) >> 1;
    if ((holes[middle] as number) < row) before = middle + 1;
    else after = middle;
  }
  return row - before;
}

/** The first row whose node has the handle or a later one. Handles rise with rows. */
function firstRowFrom({ rows, entries }: State, from: NodeId): number {
  let low = 0;
  let high = rows.size;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.id ?? -1) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rows to look at, as two stretches one after the other: from the start to the end, then from the beginning to the start. */
interface Round {
  readonly start: number;
  readonly first: number;
  readonly end: number;
}

function roundOf(state: State, from: NodeId | undefined): Round {
  const count = nodeCount(state);
  const first = from === undefined ? 0 : firstRowFrom(state, from);
  const start = count === 0 ? 0 : rowAt(state, (state.lastMatch + 1) % count);
  return { start: Math.max(start, first), first, end: state.rows.size };
}

/** What a search looks for. */
interface Query {
  readonly podClass: PodClass;
  readonly accept: SearchOptions['accept'];
  /** The class has rules to look at beyond room and taints. */
  readonly ruled: boolean;
}

function queryOf(state: State, podClass: PodClass, options: SearchOptions | undefined): Query {
  return { podClass, accept: options?.accept, ruled: hasRules(state, podClass) };
}

/** The next row of [from, end) that takes the class and that the caller accepts; −1 for none. */
function nextMatch(state: State, { podClass, accept, ruled }: Query, from: number, end: number): number {
  const { rows, entries } = state;
  const { demand } = podClass.kind.profile;
  for (let row = from; ; row += 1) {
    row = nextWithRoom(rows, demand, row, end);
    if (row < 0) return row;
    const entry = entries[row] as NodeEntry;
    if (entry.cordoned || (accept !== undefined && !accept(entry.id))) continue;
    if ((!ruled && entry.plain) || meetsRules(state, podClass, row)) return row;
  }
}

/** Whether there is anything but room and taints that could keep the class off a node. */
function hasRules(state: State, podClass: PodClass): boolean {
  const { kind, claims, devices, pinnedNode, boundTo, rejection } = podClass;
  if (rejection !== undefined || devices !== undefined || pinnedNode !== undefined || boundTo !== undefined) return true;
  if (claims.length + kind.ports.length + kind.repellers.length > 0 || kind.profile.selection !== undefined) return true;
  const { spread, affinity, anti } = incomingOf(state, podClass);
  return spread.length + affinity.length + anti.length > 0;
}

/** Whether it is known that no node takes the class: nothing came free since the last search, or nothing changed at all for classes with rules. */
function isHopeless(state: State, podClass: PodClass): boolean {
  return podClass.rejection !== undefined || podClass.kind.profile.hopelessAt === state.gains || podClass.hopelessAt === state.changes;
}

/** Remembers that a search over all nodes found none, of a class without a node of its own. Whether room and node rules alone forbid all of them holds for all classes of the profile. */
function rememberHopeless(state: State, podClass: PodClass): void {
  podClass.hopelessAt = state.changes;
  const { profile } = podClass.kind;
  const { demand } = profile;
  let row = nextWithRoom(state.rows, demand, 0, state.rows.size);
  while (row >= 0) {
    if (!entryAt(state, row).cordoned && allowsNode(state, podClass, row)) return;
    row = nextWithRoom(state.rows, demand, row + 1, state.rows.size);
  }
  profile.hopelessAt = state.gains;
}

/** A class that may go to one node only: that one. */
function searchNamed(state: State, podClass: PodClass, name: string, options: SearchOptions | undefined): number {
  const id = state.names.get(name);
  const row = id === undefined ? -1 : (state.rowOf[id] as number);
  if (id === undefined || id < (options?.from ?? 0) || entryAt(state, row).cordoned) return -1;
  if (options?.accept !== undefined && !options.accept(id)) return -1;
  return hasRoom(state.rows, row, podClass.kind.profile.demand) && meetsRules(state, podClass, row) ? row : -1;
}

/** The row that the search ends at, or −1. Remembers where it matched. */
export function searchRow(state: State, podClass: PodClass, options: SearchOptions | undefined): number {
  if (isHopeless(state, podClass)) return -1;
  const name = podClass.boundTo ?? podClass.pinnedNode;
  let row = -1;
  if (name !== undefined) {
    row = searchNamed(state, podClass, name, options);
  } else {
    const { start, first, end } = roundOf(state, options?.from);
    const query = queryOf(state, podClass, options);
    row = nextMatch(state, query, start, end);
    if (row < 0) row = nextMatch(state, query, first, start);
    if (row < 0 && options?.accept === undefined && options?.from === undefined) rememberHopeless(state, podClass);
  }
  if (row >= 0) state.lastMatch = positionOf(state, row);
  return row;
}

/** No rules about other pods of its own: placing one changes nothing but room. */
export function isIndependent(state: State, podClass: PodClass): boolean {
  const { kind, claims, devices } = podClass;
  if (kind.ports.length > 0 || claims.length > 0 || devices !== undefined) return false;
  const { spread, affinity, anti } = incomingOf(state, podClass);
  return spread.length === 0 && affinity.length === 0 && anti.length === 0;
}

/** Pods of an independent class that the row takes. */
export function roomAt(state: State, podClass: PodClass, row: number): number {
  if (podClass.rejection !== undefined || !allowsNode(state, podClass, row) || !allowsPods(state, podClass, row)) return 0;
  return roomFor(state.rows, row, podClass.kind.profile.demand);
}

/**
 * Shares out up to `count` pods of an independent class as one search after the other would: the matching nodes in turn, each as often as it has
 * room. `place` is told of each row once. Answers how many were placed.
 */
export function shareAround(
  state: State,
  podClass: PodClass,
  count: number,
  { place, options }: { readonly place: (row: number, count: number) => void; readonly options: PlaceAroundOptions },
): number {
  if (count === 0 || isHopeless(state, podClass)) return 0;
  const matches = matchesAround(state, podClass, count, options);
  const last = matches.at(-1);
  if (last === undefined) return 0;
  if (matches.length === count) {
    for (const row of matches) place(row, 1);
    state.lastMatch = positionOf(state, last);
    return count;
  }
  const rooms = Float64Array.from(matches, (row) => roomFor(state.rows, row, podClass.kind.profile.demand));
  const { level, extra } = levelOf(rooms, count);
  let placed = 0;
  let above = extra;
  let end = last;
  for (const [index, row] of matches.entries()) {
    const room = rooms[index] as number;
    // The last pod is one above the level, if there is any, else one of the last full turn.
    if (room > level ? above > 0 || extra === 0 : room === level && extra === 0) end = row;
    const share = Math.min(room, level) + (room > level && above > 0 ? 1 : 0);
    if (share > Math.min(room, level)) above -= 1;
    placed += share;
    if (share > 0) place(row, share);
  }
  state.lastMatch = positionOf(state, end);
  return placed;
}

/** Matching rows in the order of the search, at most `limit`. */
function matchesAround(state: State, podClass: PodClass, limit: number, options: SearchOptions): number[] {
  const { start, first, end } = roundOf(state, options.from);
  const query = queryOf(state, podClass, options);
  const matches: number[] = [];
  for (const [from, to] of [
    [start, end],
    [first, start],
  ] as const) {
    for (let row = from; matches.length < limit; row += 1) {
      row = nextMatch(state, query, row, to);
      if (row < 0) break;
      matches.push(row);
    }
  }
  return matches;
}

/** How many full turns `count` pods make over nodes with so much room, and how many pods go one further. */
function levelOf(rooms: Float64Array, count: number): { readonly level: number; readonly extra: number } {
  const sorted = rooms.toSorted();
  let left = count;
  let level = 0;
  for (let index = 0; index < sorted.length; index++) {
    const nodes = sorted.length - index;
    const step = (sorted[index] as number) - level;
    if (step * nodes > left) {
      const turns = Math.floor(left / nodes);
      return { level: level + turns, extra: left - turns * nodes };
    }
    left -= step * nodes;
    level += step;
  }
  return { level, extra: 0 };
}
