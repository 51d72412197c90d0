import type { KubeObject, Taint } from '../../core/model/index.ts';

/**
 * A recorded decision path of the upstream autoscaler, as the schema of `ca-trajectory.json` says: the world at its start, and for every loop what differs
 * in the world from the loop before and what upstream did. Times are seconds since 2000-01-01T00:00:00Z.
 */
export interface NodesRecording {
  readonly id: string;
  readonly input: RecordedInput;
  readonly loops: readonly RecordedLoop[];
}

export interface RecordedInput {
  readonly flags: readonly string[];
  readonly worldSecondsBeforeLoop: number;
  readonly groups: readonly RecordedGroup[];
  readonly shapes: Readonly<Record<string, KubeObject>>;
  readonly sets: readonly { readonly kind: string; readonly name: string; readonly namespace: string; readonly uid: string }[];
  readonly daemonSets?: readonly KubeObject[];
  readonly pdbs?: readonly KubeObject[];
  readonly initial: readonly RecordedEvent[];
}

export interface RecordedGroup {
  readonly id: string;
  readonly min: number;
  readonly max: number;
  readonly template: KubeObject;
  readonly templatePods?: readonly KubeObject[];
  readonly nodeAllocatable?: Readonly<Record<string, string>>;
  readonly lateInstances?: boolean;
}

export type RecordedInstanceState = 'creating' | 'running' | 'stockout';

/** What differs in the world from the loop before, in no order of time. */
export type RecordedEvent =
  | { readonly e: 'instance'; readonly name: string; readonly group: string; readonly state: RecordedInstanceState }
  | { readonly e: 'instanceGone'; readonly name: string }
  | RecordedNode
  | { readonly e: 'nodeGone'; readonly node: string }
  | { readonly e: 'ready' | 'notReady'; readonly node: string; readonly t: number }
  | { readonly e: 'taints'; readonly node: string; readonly taints: readonly Taint[]; readonly unschedulable?: boolean }
  | RecordedPod
  | { readonly e: 'bound'; readonly pod: string; readonly node: string }
  | { readonly e: 'unschedulable' | 'terminating'; readonly pod: string; readonly t: number }
  | { readonly e: 'podGone'; readonly pod: string }
  | { readonly e: 'replicas'; readonly set: string; readonly spec: number; readonly current: number }
  | { readonly e: 'pdb'; readonly name: string; readonly allowed: number };

export interface RecordedNode {
  readonly e: 'node';
  readonly name: string;
  readonly group: string;
  readonly t: number;
  readonly ready: boolean;
  readonly since: number;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RecordedPod {
  readonly e: 'pod';
  readonly name: string;
  readonly shape: string;
  readonly t: number;
  readonly node?: string;
  readonly unschedulable?: number;
  readonly terminating?: number;
}

/** A call to the cloud that changes a target size. */
export interface RecordedSizeCall {
  readonly group: string;
  readonly delta: number;
  readonly refused?: boolean;
}

/** One loop: what came before it, and what upstream did in it and until the next one. */
export interface RecordedLoop {
  readonly t: number;
  readonly events?: readonly RecordedEvent[];
  readonly expected: RecordedDoings;
}

/** What upstream did, as far as the cluster and the cloud saw it. */
export interface RecordedDoings {
  readonly scaleUp?: Readonly<Record<string, number>>;
  readonly scaleUpRefused?: readonly RecordedSizeCall[];
  readonly targetSizes: Readonly<Record<string, number>>;
  readonly deletionStarted?: { readonly empty?: readonly string[]; readonly drain?: readonly string[] };
  readonly deleted?: readonly { readonly t: number; readonly node: string; readonly refused?: boolean }[];
  readonly evictions?: readonly { readonly t: number; readonly pod: string; readonly refused?: boolean | string }[];
}

/** New things first, then what changes them, so that no change comes before what it changes. */
export function inOrder(events: readonly RecordedEvent[] = []): readonly RecordedEvent[] {
  const isNew = ({ e }: RecordedEvent): boolean => e === 'instance' || e === 'node' || e === 'pod';
  return [...events.filter(isNew), ...events.filter((event) => !isNew(event))];
}
