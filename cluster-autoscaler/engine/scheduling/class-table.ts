import type { PodRecord } from '../../../core/model/index.ts';
import type { FilterFailure } from '../model.ts';
import type { DeviceLedger, DeviceNeeds } from './devices/index.ts';
import type { KindTable } from './kind-table.ts';
import type { PodKind } from './pod-kind.ts';
import type { Incoming } from './relations.ts';
import type { ClassId, ClassOptions } from './snapshot.ts';
import { claimKeys, type Volumes } from './volumes.ts';

/** Pods that filters cannot tell apart: a kind with its claims on volumes and devices and the node that it is tied to. */
export interface PodClass {
  readonly id: ClassId;
  readonly exemplar: PodRecord;
  readonly kind: PodKind;
  readonly pinnedNode: string | undefined;
  /** For the filter NodeName. */
  readonly boundTo: string | undefined;
  /** `namespace/name`; empty also when nothing is known about claims. */
  readonly claims: readonly string[];
  /** `undefined`: it has no claims on devices. */
  readonly devices: DeviceNeeds | undefined;
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

export function createClassTable(table: KindTable, volumes: Volumes, ledger: Pick<DeviceLedger, 'needsOf'>): ClassTable {
  const classes: PodClass[] = [];
  /** Classes that are nothing but their kind, by kind. */
  const plain: (PodClass | undefined)[] = [];
  const others = new Map<string, PodClass>();

  const make = (pod: PodRecord, kind: PodKind, boundTo: string | undefined, devices: DeviceNeeds | undefined): PodClass => {
    const claims = volumes.known && pod.claims.length > 0 ? claimKeys(pod.namespace, pod.claims) : none;
    const conflicting = kind.profile.selection?.conflicting === true;
    const made: PodClass = {
      id: classes.length,
      exemplar: pod,
      kind,
      pinnedNode: pod.pinnedNode,
      boundTo,
      claims,
      devices,
      rejection: conflicting
        ? { filter: 'NodeAffinity', reason: 'pod affinity terms conflict' }
        : (volumes.rejection(claims) ?? devices?.rejection),
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
      const { pinnedNode, claims, shape } = pod;
      const devices = shape.resourceClaims.length === 0 ? undefined : ledger.needsOf(pod);
      const isPlain = pinnedNode === undefined && boundTo === undefined && claims.length === 0 && devices === undefined;
      if (isPlain) return (plain[kind.id] ??= make(pod, kind, boundTo, devices));
      const text = `${kind.id}\n${pinnedNode ?? ''}\n${boundTo ?? ''}\n${claims.join('\n')}\n${devices?.text ?? ''}`;
      let found = others.get(text);
      if (found === undefined) others.set(text, (found = make(pod, kind, boundTo, devices)));
      return found;
    },
    byId: (id) => classes[id],
  };
}
