import type { PodRecord } from '../../../core/model/index.ts';
import type { FilterFailure } from '../model.ts';
import type { KindTable } from './kind-table.ts';
import type { PodKind } from './pod-kind.ts';
import type { Incoming } from './relations.ts';
import type { ClassId, ClassOptions } from './snapshot.ts';
import { claimKeys, type Volumes } from './volumes.ts';

/** Pods that filters cannot tell apart: a kind with its claims and the node that it is tied to. */
export interface PodClass {
  readonly id: ClassId;
  readonly exemplar: PodRecord;
  readonly kind: PodKind;
  readonly pinnedNode: string | undefined;
  /** For the filter NodeName. */
  readonly boundTo: string | undefined;
  /** `namespace/name`; empty also when nothing is known about claims. */
  readonly claims: readonly string[];
  /** Said before any node is looked at, for all of them. */
  readonly rejection: FilterFailure | undefined;
  /** Made when first asked for. */
  incoming: Incoming | undefined;
  /** Number of changes of the snapshot at which no node would do; see `search.ts`. */
  hopelessAt: number;
}

export interface ClassTable {
  classOf(pod: PodRecord, options: ClassOptions | undefined): PodClass;
  byId(id: ClassId): PodClass | undefined;
}

const none: readonly string[] = [];

export function createClassTable(table: KindTable, volumes: Volumes): ClassTable {
  const classes: PodClass[] = [];
  /** Classes that are nothing but their kind, by kind. */
  const plain: (PodClass | undefined)[] = [];
  const others = new Map<string, PodClass>();

  const make = (pod: PodRecord, kind: PodKind, boundTo: string | undefined): PodClass => {
    const claims = volumes.known && pod.claims.length > 0 ? claimKeys(pod.namespace, pod.claims) : none;
    const conflicting = kind.profile.selection?.conflicting === true;
    const made: PodClass = {
      id: classes.length,
      exemplar: pod,
      kind,
      pinnedNode: pod.pinnedNode,
      boundTo,
      claims,
      rejection: conflicting ? { filter: 'NodeAffinity', reason: 'pod affinity terms conflict' } : volumes.rejection(claims),
      incoming: undefined,
      hopelessAt: -1,
    };
    classes.push(made);
    return made;
  };

  return {
    classOf: (pod, options) => {
      const kind = table.kindOf(pod);
      const boundTo = options?.bound === true ? pod.nodeName : undefined;
      const { pinnedNode, claims } = pod;
      if (pinnedNode === undefined && boundTo === undefined && claims.length === 0) return (plain[kind.id] ??= make(pod, kind, undefined));
      const text = `${kind.id}\n${pinnedNode ?? ''}\n${boundTo ?? ''}\n${claims.join('\n')}`;
      let found = others.get(text);
      if (found === undefined) others.set(text, (found = make(pod, kind, boundTo)));
      return found;
    },
    byId: (id) => classes[id],
  };
}
