import type { FilterFailure } from '../model.ts';
import type { PodClass } from './class-table.ts';
import { onePod, podsColumn } from './demand.ts';
import { hasRoom } from './node-rows.kernel.ts';
import { isCordonBit, isTaintBit } from './node-rules.ts';
import { deviceNodeOf, recordOf } from './node-store.ts';
import { affinityVerdict, spreadVerdict, type Incoming } from './relations.ts';
import { entryAt, intoleranceAt, isSelected, type State } from './state.ts';
import { untoleratedTaint } from '../../../core/model/index.ts';

/** The scheduler's filters for one class and one row. */

/** The class's rules about other pods. */
export function incomingOf(state: State, podClass: PodClass): Incoming {
  const { kind, pinnedNode } = podClass;
  if (podClass.incoming !== undefined) return podClass.incoming;
  podClass.incoming =
    pinnedNode === undefined ? (kind.incoming ??= state.relations.incoming(kind, undefined)) : state.relations.incoming(kind, pinnedNode);
  return podClass.incoming;
}

/** All filters. */
export function fitsRow(state: State, podClass: PodClass, row: number): boolean {
  return hasRoom(state.rows, row, podClass.kind.profile.demand) && meetsRules(state, podClass, row);
}

/** All filters but NodeResourcesFit. */
export function meetsRules(state: State, podClass: PodClass, row: number): boolean {
  return podClass.rejection === undefined && allowsNode(state, podClass, row) && allowsPods(state, podClass, row);
}

/** What the node decides by itself. */
export function allowsNode(state: State, { kind, pinnedNode, boundTo }: PodClass, row: number): boolean {
  const { tolerations, selection } = kind.profile;
  const entry = entryAt(state, row);
  if (pinnedNode !== undefined && pinnedNode !== entry.name) return false;
  if (boundTo !== undefined && boundTo !== entry.name) return false;
  if (!entry.plain && intoleranceAt(state, tolerations, row) !== 0) return false;
  return selection === undefined || isSelected(state, selection, row);
}

/** What depends on the pods that are there. */
export function allowsPods(state: State, podClass: PodClass, row: number): boolean {
  const { kind, claims, devices } = podClass;
  if (kind.ports.length > 0 && !state.ports.areFree(kind.ports, row)) return false;
  if (claims.length > 0 && state.volumes.failure(claims, row, recordOf(entryAt(state, row))) !== undefined) return false;
  const incoming = incomingOf(state, podClass);
  if (spreadVerdict(incoming, row) !== 'met' || affinityVerdict(incoming, kind.repellers, row) !== 'met') return false;
  return devices === undefined || state.devices.failure(devices, deviceNodeOf(entryAt(state, row))) === undefined;
}

const selectionReason = "node(s) didn't match Pod's node affinity/selector";
const spreadReasons = {
  skewed: "node(s) didn't match pod topology spread constraints",
  unlabelled: "node(s) didn't match pod topology spread constraints (missing required label)",
} as const;
const affinityReasons = {
  affinity: "node(s) didn't match pod affinity rules",
  'anti-affinity': "node(s) didn't match pod anti-affinity rules",
  'existing anti-affinity': "node(s) didn't satisfy existing pods anti-affinity rules",
} as const;

/** The first filter that fails, in the scheduler's order. */
export function explainRow(state: State, podClass: PodClass, row: number): FilterFailure | undefined {
  return (
    podClass.rejection ??
    explainNode(state, podClass, row) ??
    explainPorts(state, podClass, row) ??
    explainRoom(state, podClass, row) ??
    explainVolumes(state, podClass, row) ??
    explainRelations(state, podClass, row) ??
    explainDevices(state, podClass, row)
  );
}

function explainNode(state: State, { kind, pinnedNode, boundTo }: PodClass, row: number): FilterFailure | undefined {
  const { tolerations, selection } = kind.profile;
  const entry = entryAt(state, row);
  const intolerance = intoleranceAt(state, tolerations, row);
  if (isCordonBit(intolerance)) return { filter: 'NodeUnschedulable', reason: 'node(s) were unschedulable' };
  if (boundTo !== undefined && boundTo !== entry.name)
    return { filter: 'NodeName', reason: "node(s) didn't match the requested node name" };
  if (isTaintBit(intolerance)) {
    const taint = untoleratedTaint(recordOf(entry).taints, tolerations.tolerations);
    return { filter: 'TaintToleration', reason: `node(s) had untolerated taint {${taint?.key ?? ''}: ${taint?.value ?? ''}}` };
  }
  const selected =
    (pinnedNode === undefined || pinnedNode === entry.name) && (selection === undefined || isSelected(state, selection, row));
  return selected ? undefined : { filter: 'NodeAffinity', reason: selectionReason };
}

function explainPorts({ ports }: State, { kind }: PodClass, row: number): FilterFailure | undefined {
  if (kind.ports.length === 0 || ports.areFree(kind.ports, row)) return undefined;
  return { filter: 'NodePorts', reason: "node(s) didn't have free ports for the requested pod ports" };
}

/** Every resource that does not fit is named: the number of pods first, then in column order. */
function explainRoom({ rows, columns }: State, { kind }: PodClass, row: number): FilterFailure | undefined {
  const { demand } = kind.profile;
  const resources: { name: string; requested: number; free: number }[] = [];
  const podsFree = rows.free[podsColumn]?.[row] ?? 0;
  if (podsFree < onePod) resources.push({ name: 'pods', requested: onePod, free: podsFree });
  for (const [index, column] of demand.columns.entries()) {
    const requested = demand.amounts[index] ?? 0;
    const free = rows.free[column]?.[row] ?? 0;
    if (column !== podsColumn && requested > free) resources.push({ name: columns.names[column] ?? '', requested, free });
  }
  if (resources.length === 0) return undefined;
  const reasons = resources.map(({ name }) => (name === 'pods' ? 'Too many pods' : `Insufficient ${name}`));
  return { filter: 'NodeResourcesFit', reason: reasons.join(', '), resources };
}

function explainVolumes(state: State, { claims }: PodClass, row: number): FilterFailure | undefined {
  return claims.length === 0 ? undefined : state.volumes.failure(claims, row, recordOf(entryAt(state, row)));
}

function explainRelations(state: State, podClass: PodClass, row: number): FilterFailure | undefined {
  const incoming = incomingOf(state, podClass);
  const spread = spreadVerdict(incoming, row);
  if (spread !== 'met') return { filter: 'PodTopologySpread', reason: spreadReasons[spread] };
  const affinity = affinityVerdict(incoming, podClass.kind.repellers, row);
  return affinity === 'met' ? undefined : { filter: 'InterPodAffinity', reason: affinityReasons[affinity] };
}

function explainDevices(state: State, { devices }: PodClass, row: number): FilterFailure | undefined {
  return devices === undefined ? undefined : state.devices.failure(devices, deviceNodeOf(entryAt(state, row)));
}
