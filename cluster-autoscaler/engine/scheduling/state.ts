import { ConcertinaError } from '../../../core/errors.ts';
import type { ClassTable, PodClass } from './class-table.ts';
import type { ResourceColumns } from './demand.ts';
import type { DeviceLedger } from './devices/index.ts';
import type { HostPorts } from './host-ports.ts';
import type { KindTable } from './kind-table.ts';
import type { NodeRows } from './node-rows.kernel.ts';
import { intolerance, isTaintBit, selects, selectsKind, type SelectionRule, type TolerationRule } from './node-rules.ts';
import { faceOf, recordOf, type NodeEntry, type NodeMaker } from './node-store.ts';
import type { Relations } from './relations.ts';
import type { ClassId, NodeId } from './snapshot.ts';
import type { Topology } from './topology.ts';
import type { Volumes } from './volumes.ts';

/** Everything that a snapshot holds; filters, search and changes are functions of it. */
export interface State {
  readonly columns: ResourceColumns;
  readonly rows: NodeRows;
  /** By row; a hole keeps what was there until its removal can no longer be undone. */
  readonly entries: (NodeEntry | undefined)[];
  /** Rows whose node was removed, ascending. */
  readonly holes: number[];
  /** By handle; −1: no longer there. */
  readonly rowOf: number[];
  readonly names: Map<string, NodeId>;
  readonly kinds: KindTable;
  readonly classes: ClassTable;
  readonly maker: NodeMaker;
  readonly topology: Topology;
  readonly relations: Relations;
  readonly ports: HostPorts;
  readonly volumes: Volumes;
  readonly devices: DeviceLedger;
  /** Counts what can make a pod fit that did not: nodes that come, room given back. */
  gains: number;
  /** Counts all changes. */
  changes: number;
  /** Position in the list of the node at which the last search ended. */
  lastMatch: number;
}

export function fault(message: string, details: Readonly<Record<string, unknown>> = {}): never {
  throw new ConcertinaError('INTERNAL', message, { details });
}

export function rowById({ rowOf }: State, id: NodeId): number {
  const row = rowOf[id] ?? -1;
  return row < 0 ? fault(`node ${id} is not in the snapshot`, { node: id }) : row;
}

export function entryAt({ entries }: State, row: number): NodeEntry {
  return entries[row] ?? fault(`row ${row} of the snapshot is empty`, { row });
}

export function classById({ classes }: State, id: ClassId): PodClass {
  return classes.byId(id) ?? fault(`pod class ${id} is not of this snapshot`, { podClass: id });
}

/** Whether the row's node meets node selector and required node affinity. */
export function isSelected(state: State, rule: SelectionRule, row: number): boolean {
  const entry = entryAt(state, row);
  return rule.byName ? selects(rule, recordOf(entry)) : selectsKind(rule, state.maker.nodeKind(entry), faceOf(entry));
}

/** What is not tolerated of the row's node: bits of `intolerance`, 0 for nothing. */
export function intoleranceAt(state: State, rule: TolerationRule, row: number): number {
  const entry = entryAt(state, row);
  return entry.plain ? 0 : intolerance(rule, state.maker.nodeKind(entry), faceOf(entry));
}

export function hasUntoleratedTaint(state: State, rule: TolerationRule, row: number): boolean {
  return isTaintBit(intoleranceAt(state, rule, row));
}

/** Rows with a node, in list order. */
export function eachRow({ rows, rowOf, entries }: State, visit: (row: number) => void): void {
  for (let row = 0; row < rows.size; row++) {
    const entry = entries[row];
    if (entry !== undefined && rowOf[entry.id] === row) visit(row);
  }
}
