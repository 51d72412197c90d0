import type { PodRecord } from '../../core/model/pod.ts';
import type { Selector } from '../../core/model/selector.ts';
import type { EngineConfig } from '../engine/index.ts';
import { createRequestReader, flagsOf, type PodTiming } from './pod-facts.ts';
import type { NamespaceGroups } from './target-groups.ts';

/**
 * The pods of all targets in columns. A group (the pods that one selector finds) has its pods side by side, so that a calculation runs through memory once;
 * a pod that two selectors find stands in both groups.
 */
export interface PodTable {
  /** By slot: bits of `podFlag`. */
  flags: Uint8Array;
  /** Milli-cores; NaN: a request is missing. */
  cpuRequest: Float64Array;
  /** Milli-bytes, likewise; `undefined` until some policy asks for it. */
  memoryRequest: Float64Array | undefined;
  /** The pod's row of usage, or -1. */
  row: Int32Array;
  /** Statuses of containers that the pod has, init containers included; 255: or more. */
  statuses: Uint8Array;
  /** Shape of usage (see `UsageRows`) in which every running container of the pod was found; 0: none. */
  verified: Uint16Array;
  /** Slots from here on are free. */
  end: number;
  /** Slots before `end` that no group uses. */
  wasted: number;
  readonly groups: Set<PodGroup>;
  /** There may be a row for a slot that has none: a pod came, or one went that had the row of a pod of two groups. */
  hasNewSlots: boolean;
}

/** The pods of a namespace that a selector finds. */
export interface PodGroup {
  /** The selectors of its namespace. */
  readonly home: NamespaceGroups;
  readonly text: string;
  /** `undefined`: it wants one label to have one value, `label` and `value`, and is looked for under these. */
  selector: Selector | undefined;
  label: string | undefined;
  value: string | undefined;
  /** The next group under the same label and value. */
  next: PodGroup | undefined;
  /** First slot; the pod at `records[i]` has slot `start + i`. */
  start: number;
  capacity: number;
  /** Never changed in place once lent. */
  records: PodRecord[];
  /** `records` was handed out: the next change makes a new array. */
  lent: boolean;
  timing: PodTiming;
  /** Policies that go by it. */
  policies: number;
  /** Counts up with every change of its pods. */
  revision: number;
  /** Some pod is in another group too; valid for `checkedVersion` of its namespace, which is -1 after a change of the pods. */
  overlaps: boolean;
  checkedVersion: number;
}

/** What the columns are filled by. */
export interface TableContext {
  readonly table: PodTable;
  readonly requestsOf: ReturnType<typeof createRequestReader>;
  /** Epoch milliseconds of the last tick. */
  now: number;
}

export function createTableContext(config: EngineConfig): TableContext {
  const room = 64;
  const table: PodTable = {
    flags: new Uint8Array(room),
    cpuRequest: new Float64Array(room),
    memoryRequest: undefined,
    row: new Int32Array(room),
    statuses: new Uint8Array(room),
    verified: new Uint16Array(room),
    end: 0,
    wasted: 0,
    groups: new Set(),
    hasNewSlots: false,
  };
  // Far in the past every pod is young: the first tick looks closer.
  return { table, requestsOf: createRequestReader(config), now: -Infinity };
}

export function createGroup(
  home: NamespaceGroups,
  { text, selector }: { readonly text: string; readonly selector: Selector },
  timing: PodTiming,
): PodGroup {
  return {
    home,
    text,
    selector,
    label: undefined,
    value: undefined,
    next: undefined,
    start: 0,
    capacity: 0,
    records: [],
    lent: false,
    timing,
    policies: 0,
    revision: 0,
    overlaps: false,
    checkedVersion: -1,
  };
}

/** Judges the pods of the group by other times from now on. */
export function setTiming(context: TableContext, group: PodGroup, timing: PodTiming): void {
  const { cpuInitializationMs, initialReadinessDelayMs } = group.timing;
  if (cpuInitializationMs === timing.cpuInitializationMs && initialReadinessDelayMs === timing.initialReadinessDelayMs) return;
  group.timing = timing;
  refreshFlags(context, group);
}

/** Brings the clock of the table to `now`; a pod may be young again when it went back. */
export function setNow(context: TableContext, now: number): void {
  const back = now < context.now;
  context.now = now;
  if (back) for (const group of context.table.groups) refreshFlags(context, group);
}

function refreshFlags({ table, now }: TableContext, { start, records, timing }: PodGroup): void {
  for (const [at, pod] of records.entries()) table.flags[start + at] = flagsOf(pod, now, timing);
}

/** Gives the group these pods instead of those that it had. */
export function fillGroup(context: TableContext, group: PodGroup, records: PodRecord[]): void {
  const { table } = context;
  dropGroup(table, group);
  table.groups.add(group);
  group.records = records;
  group.lent = false;
  touch(group);
  reserve(table, group, records.length);
  for (let at = 0; at < records.length; at++) fillSlot(context, group, at);
}

/** Takes the group out of the table. */
export function dropGroup(table: PodTable, group: PodGroup): void {
  if (!table.groups.delete(group)) return;
  table.row.fill(-1, group.start, group.start + group.capacity);
  table.wasted += group.capacity;
  group.capacity = 0;
  group.records = [];
  table.hasNewSlots = true;
}

export function addPod(context: TableContext, group: PodGroup, pod: PodRecord): void {
  const { table } = context;
  const records = own(group);
  records.push(pod);
  if (records.length > group.capacity) relocate(table, group);
  fillSlot(context, group, records.length - 1);
}

export function replacePod(context: TableContext, group: PodGroup, [old, pod]: readonly [PodRecord, PodRecord]): void {
  const at = group.records.indexOf(old);
  if (at < 0) return;
  own(group)[at] = pod;
  const slot = group.start + at;
  const row = context.table.row[slot] ?? -1;
  fillSlot(context, group, at);
  // Usage goes by name, so that a pod of the same name has the same row.
  if (row >= 0) context.table.row[slot] = row;
}

export function removePod({ table }: TableContext, group: PodGroup, pod: PodRecord): void {
  const at = group.records.indexOf(pod);
  if (at < 0) return;
  own(group).splice(at, 1);
  const from = group.start + at;
  const end = group.start + group.records.length;
  for (const column of columnsOf(table)) column.copyWithin(from, from + 1, end + 1);
  table.row[end] = -1;
  table.hasNewSlots = true;
}

/** Memory requests from now on, and of the pods that are there. */
export function needMemory(context: TableContext): void {
  const { table, requestsOf } = context;
  if (table.memoryRequest !== undefined) return;
  const column = new Float64Array(table.flags.length);
  table.memoryRequest = column;
  for (const group of table.groups) {
    for (const [at, pod] of group.records.entries()) column[group.start + at] = requestsOf(pod).memory;
  }
}

function own(group: PodGroup): PodRecord[] {
  if (group.lent) {
    group.records = group.records.slice();
    group.lent = false;
  }
  touch(group);
  return group.records;
}

function touch(group: PodGroup): void {
  group.revision += 1;
  group.checkedVersion = -1;
}

function fillSlot({ table, requestsOf, now }: TableContext, group: PodGroup, at: number): void {
  const pod = group.records[at];
  if (pod === undefined) return;
  const slot = group.start + at;
  const { cpu, memory } = requestsOf(pod);
  table.flags[slot] = flagsOf(pod, now, group.timing);
  table.cpuRequest[slot] = cpu;
  if (table.memoryRequest !== undefined) table.memoryRequest[slot] = memory;
  table.row[slot] = -1;
  table.statuses[slot] = Math.min(255, pod.statuses.length);
  table.verified[slot] = 0;
  table.hasNewSlots = true;
}

/** Moves a group that has grown out of its place to the end. */
function relocate(table: PodTable, group: PodGroup): void {
  const { start, capacity } = group;
  const held = group.records.length - 1;
  reserve(table, group, group.records.length + (group.records.length >> 2) + 1);
  for (const column of columnsOf(table)) column.copyWithin(group.start, start, start + held);
  table.row.fill(-1, start, start + capacity);
  table.wasted += capacity;
}

function reserve(table: PodTable, group: PodGroup, capacity: number): void {
  if (table.end + capacity > table.flags.length) makeRoom(table, capacity);
  group.start = table.end;
  group.capacity = capacity;
  table.row.fill(-1, table.end, table.end + capacity);
  table.end += capacity;
}

/** Larger columns; the length grows by an eighth, since they are copied seldom and never shrink. */
function makeRoom(table: PodTable, capacity: number): void {
  const room = Math.ceil((table.end + capacity) * 1.125);
  table.flags = grown(table.flags, new Uint8Array(room));
  table.cpuRequest = grown(table.cpuRequest, new Float64Array(room));
  if (table.memoryRequest !== undefined) table.memoryRequest = grown(table.memoryRequest, new Float64Array(room));
  table.row = grown(table.row, new Int32Array(room));
  table.statuses = grown(table.statuses, new Uint8Array(room));
  table.verified = grown(table.verified, new Uint16Array(room));
}

/** Brings the groups together when a third of the table is waste, and at least so many slots. Slots change, so nothing outside may keep one. */
export function compact(table: PodTable, leastWaste = 1024): void {
  if (table.wasted * 3 < table.end || table.wasted < leastWaste) return;
  const used = [...table.groups].toSorted((a, b) => a.start - b.start);
  let end = 0;
  for (const group of used) {
    const { start } = group;
    const held = group.records.length;
    for (const column of columnsOf(table)) column.copyWithin(end, start, start + held);
    group.start = end;
    group.capacity = held;
    end += held;
  }
  table.row.fill(-1, end, table.end);
  table.end = end;
  table.wasted = 0;
}

type Column = Uint8Array | Uint16Array | Int32Array | Float64Array;

function columnsOf({ flags, cpuRequest, memoryRequest, row, statuses, verified }: PodTable): readonly Column[] {
  const columns: Column[] = [flags, cpuRequest, row, statuses, verified];
  if (memoryRequest !== undefined) columns.push(memoryRequest);
  return columns;
}

function grown<T extends Column>(from: T, to: T): T {
  to.set(from);
  return to;
}
