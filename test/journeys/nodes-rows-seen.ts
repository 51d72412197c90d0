import { parseTime } from '../../core/model/index.ts';
import type { KubeObject } from '../../core/model/object.ts';

interface RawCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}

/** A node as rows look at it. */
export interface SeenNode {
  readonly name: string;
  readonly ready: boolean;
  readonly unschedulable: boolean;
  /** Keys of its taints. */
  readonly taints: readonly string[];
  readonly zone: string;
  /** Of the instance. */
  readonly instance: string;
  /** Epoch milliseconds. */
  readonly created: number;
}

/** A pod as rows look at it. */
export interface SeenPod {
  readonly name: string;
  readonly uid: string;
  /** Empty: none yet. */
  readonly node: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly going: boolean;
  /** When it was asked to go, epoch milliseconds. */
  readonly askedAt: number | undefined;
  /** The scheduler has found no room for it. */
  readonly unschedulable: boolean;
  /** Epoch milliseconds. */
  readonly created: number;
}

/** An Event as rows look at it. */
export interface SeenEvent {
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
  readonly message: string;
}

export function seenNode({ metadata, spec, status }: KubeObject): SeenNode {
  const {
    taints = [],
    unschedulable = false,
    providerID = '',
  } = (spec ?? {}) as {
    readonly taints?: readonly { readonly key: string }[];
    readonly unschedulable?: boolean;
    readonly providerID?: string;
  };
  return {
    name: metadata.name,
    ready: isTrue(status, 'Ready'),
    unschedulable,
    taints: taints.map(({ key }) => key),
    zone: metadata.labels?.['topology.kubernetes.io/zone'] ?? '',
    instance: providerID.slice(providerID.lastIndexOf('/') + 1),
    created: parseTime(metadata.creationTimestamp) ?? 0,
  };
}

export function seenPod({ metadata, spec, status }: KubeObject): SeenPod {
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    node: (spec as { readonly nodeName?: string } | undefined)?.nodeName ?? '',
    phase: (status as { readonly phase?: string } | undefined)?.phase ?? '',
    ready: isTrue(status, 'Ready'),
    going: metadata.deletionTimestamp !== undefined,
    askedAt: deletionAsked(metadata),
    unschedulable: conditionsOf(status).some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable'),
    created: parseTime(metadata.creationTimestamp) ?? 0,
  };
}

/** The timestamp is the end of its grace. */
function deletionAsked({ deletionTimestamp, deletionGracePeriodSeconds = 0 }: KubeObject['metadata']): number | undefined {
  const end = parseTime(deletionTimestamp);
  return end === undefined ? undefined : end - Number(deletionGracePeriodSeconds) * 1000;
}

export function seenEvent(raw: KubeObject): SeenEvent {
  const { kind, name } = raw['involvedObject'] as { readonly kind: string; readonly name: string };
  return { kind, name, reason: String(raw['reason']), message: String(raw['message']) };
}

function conditionsOf(status: unknown): readonly RawCondition[] {
  return (status as { readonly conditions?: readonly RawCondition[] } | undefined)?.conditions ?? [];
}

function isTrue(status: unknown, condition: string): boolean {
  return conditionsOf(status).some(({ type, status: is }) => type === condition && is === 'True');
}
