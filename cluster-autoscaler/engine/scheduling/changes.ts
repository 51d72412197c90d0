import type { PodRecord } from '../../../core/model/index.ts';
import type { PodClass } from './class-table.ts';
import { addColumns, closeRow, openRow, popRow, pushRow, takeRoom } from './node-rows.kernel.ts';
import { deviceNodeOf, kindsOn, podsToChange, type NamelessPods, type NodeEntry } from './node-store.ts';
import type { PodKind } from './pod-kind.ts';
import { entryAt, fault, type State } from './state.ts';
import { createUndoLog, undo, type UndoCode } from './undo-log.ts';
import { claimKeys } from './volumes.ts';

/** Every change of a snapshot and how it is taken back. Rows, not handles. */
export interface Changes {
  /** Appends; `used` is what the entry's pods take, or empty: then they are counted one by one. */
  addNode(entry: NodeEntry, allocatable: Float64Array, used: Float64Array): void;
  removeNode(row: number): void;
  place(pod: PodRecord, row: number): void;
  placeMany(podClass: PodClass, row: number, count: number): void;
  displace(pod: PodRecord, row: number): void;
  requireFork(): void;
  fork(): void;
  revert(): void;
  commit(): void;
}

const noClaims: readonly string[] = [];

export function createChanges(state: State): Changes {
  const { rows, entries, holes, rowOf, names, relations, topology, ports, volumes, devices } = state;
  const log = createUndoLog();

  /** Counts what pods of a row mean for others, without their room. */
  const relate = (kind: PodKind, claims: readonly string[], row: number, count: number): void => {
    relations.shift(kind, row, count);
    if (kind.ports.length > 0) ports.shift(kind, row, count);
    if (claims.length > 0) volumes.shift(claims, row, count);
  };
  const shift = (kind: PodKind, claims: readonly string[], row: number, count: number): void => {
    takeRoom(rows, row, kind.profile.demand, count);
    relate(kind, claims, row, count);
    state.changes += 1;
    if (count < 0) state.gains += 1;
  };
  const claimsOf = (pod: PodRecord): readonly string[] =>
    volumes.known && pod.claims.length > 0 ? claimKeys(pod.namespace, pod.claims) : noClaims;
  /** A kind may have brought new resources. */
  const kindOf = (pod: PodRecord): PodKind => {
    const kind = state.kinds.kindOf(pod);
    addColumns(rows, state.columns.names.length);
    return kind;
  };
  const relateAll = (entry: NodeEntry, row: number, sign: 1 | -1): void => {
    const kinds = kindsOn(entry);
    for (let index = 0; index < kinds.length;) {
      const end = endOfRun(kinds, index);
      relate(kinds[index] as PodKind, noClaims, row, sign * (end - index));
      index = end;
    }
    if (volumes.known) {
      for (const pod of entry.pods ?? entry.prepared?.template.pods ?? []) {
        if (pod.claims.length > 0) volumes.shift(claimsOf(pod), row, sign);
      }
    }
    for (const { kind, claims, count } of entry.nameless) relate(kind, claims, row, sign * count);
  };
  const appear = (entry: NodeEntry, row: number): void => {
    rowOf[entry.id] = row;
    names.set(entry.name, entry.id);
    topology.addRow(row);
    relateAll(entry, row, 1);
    state.changes += 1;
    state.gains += 1;
  };
  const disappear = (entry: NodeEntry, row: number): void => {
    relateAll(entry, row, -1);
    topology.removeRow(row);
    names.delete(entry.name);
    rowOf[entry.id] = -1;
    state.changes += 1;
  };

  const addNode = (entry: NodeEntry, allocatable: Float64Array, used: Float64Array): void => {
    addColumns(rows, state.columns.names.length);
    const row = pushRow(rows, allocatable, used.length > 0 ? used : sumUp(kindsOn(entry), state.columns.names.length));
    entries[row] = entry;
    appear(entry, row);
    if (needsLedger(entry, devices.knowsClaims)) devices.appear(deviceNodeOf(entry), entry.pods ?? noPods);
    log.write(undo.addNode, row, 0, undefined);
  };
  const removeNode = (row: number): void => {
    const entry = entryAt(state, row);
    devices.disappear(entry.id);
    disappear(entry, row);
    closeRow(rows, row);
    holes.splice(holeIndex(holes, row), 0, row);
    log.write(undo.removeNode, row, 0, undefined);
  };
  const append = (pod: PodRecord, kind: PodKind, row: number, at: number): void => {
    const { pods, kinds } = podsToChange(entryAt(state, row));
    if (at === pods.length) {
      pods.push(pod);
      kinds.push(kind);
    } else {
      pods.splice(at, 0, pod);
      kinds.splice(at, 0, kind);
    }
    shift(kind, claimsOf(pod), row, 1);
  };
  const takeOff = (row: number, at: number): void => {
    const { pods, kinds } = podsToChange(entryAt(state, row));
    const pod = pods[at] as PodRecord;
    const kind = kinds[at] as PodKind;
    if (at === pods.length - 1) {
      pods.pop();
      kinds.pop();
    } else {
      pods.splice(at, 1);
      kinds.splice(at, 1);
    }
    shift(kind, claimsOf(pod), row, -1);
  };
  const takeBack = (code: UndoCode, row: number, amount: number, subject: unknown): void => {
    switch (code) {
      case undo.place:
        takeOff(row, (entryAt(state, row).pods ?? []).length - 1);
        break;
      case undo.placeMany:
        takeNameless(entryAt(state, row), amount);
        break;
      case undo.displace: {
        const { pod, kind } = subject as { readonly pod: PodRecord; readonly kind: PodKind };
        append(pod, kind, row, amount);
        break;
      }
      case undo.addNode:
        disappear(entryAt(state, row), row);
        popRow(rows);
        entries.length = row;
        break;
      case undo.removeNode:
        holes.splice(holeIndex(holes, row), 1);
        openRow(rows, row);
        appear(entryAt(state, row), row);
        break;
    }
  };
  const takeNameless = (entry: NodeEntry, count: number): void => {
    const row = rowOf[entry.id] as number;
    const last = entry.nameless.at(-1) as NamelessPods;
    shift(last.kind, last.claims, row, -count);
    last.count -= count;
    if (last.count === 0) entry.nameless.pop();
  };

  return {
    addNode,
    removeNode,
    place: (pod, row) => {
      const entry = entryAt(state, row);
      if (pod.shape.resourceClaims.length > 0) devices.take(devices.needsOf(pod), deviceNodeOf(entry), pod);
      append(pod, kindOf(pod), row, entry.pods?.length ?? kindsOn(entry).length);
      log.write(undo.place, row, 0, undefined);
    },
    placeMany: ({ kind, claims, devices: needs }, row, count) => {
      addColumns(rows, state.columns.names.length);
      const entry = entryAt(state, row);
      if (needs !== undefined) for (let each = 0; each < count; each++) devices.take(needs, deviceNodeOf(entry), undefined);
      const { nameless } = entry;
      const last = nameless.at(-1);
      if (last !== undefined && last.kind === kind && last.claims === claims) last.count += count;
      else nameless.push({ kind, claims, count });
      shift(kind, claims, row, count);
      log.write(undo.placeMany, row, count, undefined);
    },
    displace: (pod, row) => {
      const entry = entryAt(state, row);
      const { pods, kinds } = podsToChange(entry);
      const at = indexOfPod(pods, pod);
      if (at < 0) fault(`pod ${pod.namespace}/${pod.name} is not on node ${entry.name}`, { pod: pod.name, node: entry.name });
      if (pod.shape.resourceClaims.length > 0) devices.leave(pod, entry.id);
      if (log.depth > 0) log.write(undo.displace, row, at, { pod: pods[at], kind: kinds[at] });
      takeOff(row, at);
    },
    requireFork: () => {
      if (log.depth === 0) fault('pods without names are only placed in a fork');
    },
    fork: () => {
      log.fork();
      devices.fork();
    },
    revert: () => {
      if (log.depth === 0) fault('there is no fork to revert');
      log.revert(takeBack);
      devices.revert();
    },
    commit: () => {
      if (log.depth === 0) fault('there is no fork to commit');
      log.commit();
      devices.commit();
    },
  };
}

const noPods: readonly PodRecord[] = [];

/** Copies are told of for the devices that their own pods hold, real nodes for those of their pods that have claims. */
function needsLedger({ prepared, pods }: NodeEntry, knowsClaims: boolean): boolean {
  if (prepared !== undefined) return prepared.template.heldDevices !== undefined;
  return knowsClaims && pods?.some(({ shape }) => shape.resourceClaims.length > 0) === true;
}

/** What pods of the kinds take, by column. */
function sumUp(kinds: readonly PodKind[], columns: number): Float64Array {
  const taken = new Float64Array(columns);
  for (let index = 0; index < kinds.length;) {
    const end = endOfRun(kinds, index);
    const { demand } = (kinds[index] as PodKind).profile;
    for (let at = 0; at < demand.columns.length; at++) {
      const column = demand.columns[at] as number;
      taken[column] = (taken[column] as number) + (demand.amounts[at] as number) * (end - index);
    }
    index = end;
  }
  return taken;
}

/** Where the kinds that equal the one at `start` and follow it end: pods of one workload often stand together. */
function endOfRun(kinds: readonly PodKind[], start: number): number {
  let end = start + 1;
  while (end < kinds.length && kinds[end] === kinds[start]) end += 1;
  return end;
}

/** The record itself, else a record of the same pod. */
function indexOfPod(pods: readonly PodRecord[], pod: PodRecord): number {
  const at = pods.indexOf(pod);
  if (at >= 0) return at;
  return pods.findIndex(({ name, namespace }) => name === pod.name && namespace === pod.namespace);
}

/** Where a row stands, or would stand, among the ascending holes. */
function holeIndex(holes: readonly number[], row: number): number {
  let low = 0;
  let high = holes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((holes[middle] as number) < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
