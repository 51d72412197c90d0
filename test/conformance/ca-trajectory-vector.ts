import type { KubeObject, Taint } from '../../core/model/index.ts';

/** The cases of `ca-trajectory.json`, as its schema says. Times are seconds since 2000-01-01T00:00:00Z. */
export interface TrajectoryInput {
  readonly flags: readonly string[];
  readonly worldSecondsBeforeLoop: number;
  readonly groups: readonly GroupVector[];
  readonly shapes: Readonly<Record<string, KubeObject>>;
  readonly sets: readonly { readonly kind: string; readonly name: string; readonly namespace: string; readonly uid: string }[];
  readonly daemonSets?: readonly KubeObject[];
  readonly pdbs?: readonly KubeObject[];
  readonly initial: readonly WorldEvent[];
}

export interface GroupVector {
  readonly id: string;
  readonly min: number;
  readonly max: number;
  readonly template: KubeObject & { readonly spec: { readonly taints?: readonly Taint[] }; readonly status: NodeStatusVector };
  readonly templatePods?: readonly KubeObject[];
  readonly nodeAllocatable?: Readonly<Record<string, string>>;
}

export interface NodeStatusVector {
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
}

export type InstanceState = 'creating' | 'running' | 'stockout';

/** What differs in the world from the loop before, in no order of time. */
export type WorldEvent =
  | { readonly e: 'instance'; readonly name: string; readonly group: string; readonly state: InstanceState }
  | { readonly e: 'instanceGone'; readonly name: string }
  | NodeEvent
  | { readonly e: 'nodeGone'; readonly node: string }
  | { readonly e: 'ready' | 'notReady'; readonly node: string; readonly t: number }
  | { readonly e: 'taints'; readonly node: string; readonly taints: readonly Taint[]; readonly unschedulable?: boolean }
  | PodEvent
  | { readonly e: 'bound'; readonly pod: string; readonly node: string }
  | { readonly e: 'unschedulable' | 'terminating'; readonly pod: string; readonly t: number }
  | { readonly e: 'podGone'; readonly pod: string }
  | { readonly e: 'replicas'; readonly set: string; readonly spec: number; readonly current: number }
  | { readonly e: 'pdb'; readonly name: string; readonly allowed: number };

export interface NodeEvent {
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

export interface PodEvent {
  readonly e: 'pod';
  readonly name: string;
  readonly shape: string;
  readonly t: number;
  readonly node?: string;
  readonly unschedulable?: number;
  readonly terminating?: number;
}

/** A call to the cloud that changes a target size. */
export interface SizeCall {
  readonly group: string;
  readonly delta: number;
  readonly refused?: boolean;
}

export interface Expected {
  readonly scaleUp?: Readonly<Record<string, number>>;
  readonly scaleUpRefused?: readonly SizeCall[];
  readonly decreased?: readonly SizeCall[];
  readonly targetSizes: Readonly<Record<string, number>>;
  readonly deletionStarted?: { readonly empty?: readonly string[]; readonly drain?: readonly string[] };
  readonly deleted?: readonly { readonly t: number; readonly node: string; readonly refused?: boolean }[];
  readonly evictions?: readonly { readonly t: number; readonly pod: string; readonly refused?: boolean | string }[];
  readonly unneeded?: readonly string[];
  readonly unremovable?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, { readonly nodes: number; readonly pods: number; readonly similar?: readonly string[] }>>;
  readonly chosen?: readonly string[];
  readonly helped?: Readonly<Record<string, number>>;
  readonly scaleUpResult: readonly string[];
  readonly blocked?: Readonly<Record<string, string>>;
  readonly clusterUnhealthy?: boolean;
  readonly error?: unknown;
}

/** One loop of the recorded path. */
export interface LoopVector {
  readonly t: number;
  readonly events?: readonly WorldEvent[];
  readonly expected: Expected;
}
