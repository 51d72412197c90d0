import type { NodeRecord, PodRecord } from '../../../core/model/index.ts';
import type { NodeTemplate } from '../model.ts';
import { columnOf, wholeUnits, type ResourceColumns } from './demand.ts';
import type { DeviceNode } from './devices/index.ts';
import type { KindTable } from './kind-table.ts';
import { isPlain, kindText, type NodeFace, type NodeKindId } from './node-rules.ts';
import type { PodKind } from './pod-kind.ts';
import type { NodeId } from './snapshot.ts';

/** Pods of one kind that have no names. */
export interface NamelessPods {
  readonly kind: PodKind;
  /** `namespace/name`. */
  readonly claims: readonly string[];
  count: number;
}

/** What is known once for all copies of a template. */
export interface PreparedTemplate {
  readonly template: NodeTemplate;
  readonly plain: boolean;
  readonly nodeKind: NodeKindId;
  /** Thousandths by column; what its pods take. */
  readonly allocatable: Float64Array;
  readonly used: Float64Array;
  readonly kinds: readonly PodKind[];
}

/** A node of the snapshot. */
export interface NodeEntry {
  readonly id: NodeId;
  readonly name: string;
  /** For copies of a template made when asked for. */
  record: NodeRecord | undefined;
  readonly prepared: PreparedTemplate | undefined;
  /** Nothing that a pod must tolerate. */
  readonly plain: boolean;
  readonly cordoned: boolean;
  /** −1 until asked for. */
  nodeKind: NodeKindId;
  /** Pods with names, in order of placing; for copies made when asked for. */
  pods: PodRecord[] | undefined;
  /** The kind of each of them. */
  kinds: PodKind[] | undefined;
  /** The list of pods was handed out: it is copied before it is changed. */
  lent: boolean;
  readonly nameless: NamelessPods[];
}

const hostname = 'kubernetes.io/hostname';

export function recordOf(entry: NodeEntry): NodeRecord {
  return (entry.record ??= copyRecord(entry));
}

function copyRecord({ name, prepared }: NodeEntry): NodeRecord {
  const { node } = (prepared as PreparedTemplate).template;
  return { ...node, name, labels: { ...node.labels, [hostname]: name } };
}

/** As the ledger of devices knows it. */
export function deviceNodeOf(entry: NodeEntry): DeviceNode {
  return { id: entry.id, name: entry.name, labels: recordOf(entry).labels, template: entry.prepared?.template };
}

/** Without making the record of a copy. */
export function labelOf({ name, prepared, record }: NodeEntry, key: string): string | undefined {
  if (record === undefined && key === hostname) return name;
  const labels = (record ?? (prepared as PreparedTemplate).template.node).labels;
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** What rules that do not look at names may look at. */
export function faceOf({ prepared, record }: NodeEntry): NodeFace {
  return record ?? (prepared as PreparedTemplate).template.node;
}

/** The list of pods, to be changed. */
export function podsToChange(entry: NodeEntry): { readonly pods: PodRecord[]; readonly kinds: PodKind[] } {
  let { pods } = entry;
  if (pods === undefined) {
    const { template } = entry.prepared as PreparedTemplate;
    pods = template.pods.map((pod) => ({ ...pod, nodeName: entry.name }));
  } else if (entry.lent) {
    pods = pods.slice();
  }
  entry.pods = pods;
  entry.lent = false;
  entry.kinds ??= [...(entry.prepared as PreparedTemplate).kinds];
  return { pods, kinds: entry.kinds };
}

/** The kinds of the pods with names. */
export function kindsOn({ kinds, prepared }: NodeEntry): readonly PodKind[] {
  return kinds ?? (prepared as PreparedTemplate).kinds;
}

/** Makes entries and what rows start with. */
export interface NodeMaker {
  entry(id: NodeId, record: NodeRecord, pods: readonly PodRecord[]): NodeEntry;
  copy(id: NodeId, template: NodeTemplate, name: string): NodeEntry & { readonly prepared: PreparedTemplate };
  /** Thousandths by column. */
  allocatable(record: NodeRecord): Float64Array;
  nodeKind(entry: NodeEntry): NodeKindId;
}

export function createNodeMaker(columns: ResourceColumns, table: KindTable): NodeMaker {
  const nodeKinds = new Map<string, NodeKindId>();
  const prepared = new Map<NodeTemplate, PreparedTemplate>();

  const kindOfFace = (node: NodeFace): NodeKindId => {
    const text = kindText(node);
    const known = nodeKinds.get(text);
    if (known !== undefined) return known;
    nodeKinds.set(text, nodeKinds.size);
    return nodeKinds.size - 1;
  };
  const allocatableOf = ({ allocatable }: NodeRecord): Float64Array => {
    const names = Object.keys(allocatable);
    const indexes = names.map((name) => columnOf(columns, name));
    const amounts = new Float64Array(columns.names.length);
    for (const [index, name] of names.entries()) amounts[indexes[index] as number] = wholeUnits(name, allocatable[name] ?? 0);
    return amounts;
  };
  const prepare = (template: NodeTemplate): PreparedTemplate => {
    let made = prepared.get(template);
    if (made !== undefined) return made;
    const allocatable = allocatableOf(template.node);
    const kinds = template.pods.map((pod) => table.kindOf(pod));
    const used = new Float64Array(columns.names.length);
    for (const { profile } of kinds) {
      for (const [index, column] of profile.demand.columns.entries())
        used[column] = (used[column] ?? 0) + (profile.demand.amounts[index] ?? 0);
    }
    made = { template, plain: isPlain(template.node), nodeKind: kindOfFace(template.node), allocatable, used, kinds };
    prepared.set(template, made);
    return made;
  };

  return {
    entry: (id, record, pods) => ({
      id,
      name: record.name,
      record,
      prepared: undefined,
      plain: isPlain(record),
      cordoned: record.unschedulable,
      nodeKind: -1,
      pods: pods.slice(),
      kinds: pods.map((pod) => table.kindInPlace(pod)),
      lent: false,
      nameless: [],
    }),
    copy: (id, template, name) => {
      const base = prepare(template);
      return {
        id,
        name,
        record: undefined,
        prepared: base,
        plain: base.plain,
        cordoned: template.node.unschedulable,
        nodeKind: base.nodeKind,
        pods: undefined,
        kinds: undefined,
        lent: false,
        nameless: [],
      };
    },
    allocatable: allocatableOf,
    nodeKind: (entry) => {
      if (entry.nodeKind < 0) entry.nodeKind = kindOfFace(faceOf(entry));
      return entry.nodeKind;
    },
  };
}
