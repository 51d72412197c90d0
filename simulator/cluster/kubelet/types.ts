import type { Clock, Random } from '../../../core/model/clock.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import type { WorkloadModel } from '../../workload/index.ts';
import type { Delay } from './delay.ts';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** A node to play. Quantities are Kubernetes texts. */
export interface NodeSpec {
  readonly name: string;
  readonly cpu: string | number;
  readonly memory: string | number;
  /** How many pods fit; default 110. */
  readonly pods?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly providerID?: string;
  readonly zone?: string;
  readonly region?: string;
  readonly instanceType?: string;
  /** More resources (`nvidia.com/gpu`, `ephemeral-storage`). */
  readonly resources?: Readonly<Record<string, string | number>>;
  /** What pods may take of it when that is less than the capacity. */
  readonly allocatable?: Readonly<Record<string, string | number>>;
  /** InternalIP; default one of 172.16.0.0/12, or the address of the metrics endpoint. */
  readonly address?: string;
  /**
   * Who creates the Node object: the node itself (default, as a kubelet does), or the admin client, for labels that NodeRestriction refuses
   * to kubelets (`node-role.kubernetes.io/…`).
   */
  readonly registerAs?: 'node' | 'admin';
}

/** How long the steps of a pod's start take when no annotation says otherwise. */
export interface StartupOptions {
  /** First pull of an image on a node; later ones take a tenth. Default 1–3 s. */
  readonly pull?: Delay;
  /** From the image to a running process; default 0.3–1 s. */
  readonly start?: Delay;
  /** From running to ready. When set it holds for every container; by default only those with a readiness probe take 0.5–2 s. */
  readonly ready?: Delay;
  /** How long an init container runs; default 0.5–1 s. */
  readonly init?: Delay;
}

export interface FleetOptions {
  readonly startup?: StartupOptions;
  /** Time that a container takes to stop, at most the pod's grace period; default 0.5–2 s. */
  readonly stop?: Delay;
  /** Time from accepting a resize to having done it; default 1 s. */
  readonly resize?: Delay;
  /** How long the containers of a Job's pod run when no annotation says so; default 30 s. */
  readonly jobDuration?: Delay;
  /** Lease renewal; default 10 000. */
  readonly heartbeatMs?: number;
  /** Default 40. */
  readonly leaseDurationSeconds?: number;
  /** Node status is written so often even when nothing changes; default 300 000. */
  readonly statusRefreshMs?: number;
  /** How often memory, ceilings and pressure are looked at; default 1000. */
  readonly tickMs?: number;
  /** How often each node takes the numbers that it serves, a multiple of the tick; default 10 000. */
  readonly housekeepingMs?: number;
  /** Requests in flight for pods; default 32. Heartbeats have eight of their own, so that a flood of pods cannot stop them. */
  readonly concurrency?: number;
  /** Whether a node refuses pods that do not fit (`OutOfcpu`); default true. */
  readonly admission?: boolean;
  /** What the system itself uses on each node; default 25 milli-cores and 100 MiB, at most 5 % of a small node. */
  readonly system?: { readonly cpuMilli: number; readonly memoryBytes: number };
  /** Where `/metrics/resource` of all nodes is served: nodes say so in `daemonEndpoints` and by the path annotation. */
  readonly endpoint?: { readonly port: number; readonly address: string };
  /** Kubelet version in `nodeInfo`; default v1.36.0. */
  readonly kubeletVersion?: string;
  /** Told of requests that failed and what is done about it; default: nobody. */
  readonly onProblem?: (problem: { readonly subject: string; readonly error: unknown }) => void;
}

/** Faults that hold as long as they are set. */
export interface KubeletFaults {
  /** Nodes whose `/metrics/resource` does not answer. */
  readonly failScrape: Set<string>;
  /** Nodes that do not renew their lease although everything else works. */
  readonly pauseHeartbeats: Set<string>;
  /** Images that cannot be pulled. */
  readonly failPull: Set<string>;
  /** Pods (`namespace/name`) whose resizes fail when they are actuated. */
  readonly failResize: Set<string>;
  /** Pods (`namespace/name`) that never become ready while they stand here. */
  readonly notReady: Set<string>;
}

/** One point of a container as the kubelet publishes it. */
export interface ContainerPoint {
  readonly name: string;
  /** Core-seconds since the start of the container. */
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  /** Epoch milliseconds. */
  readonly startTime: number;
  readonly timestamp: number;
}

export interface PodPoint {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly ContainerPoint[];
}

/** What one node publishes: the state at its last housekeeping. */
export interface NodeScrape {
  readonly node: { readonly name: string; readonly cpuSeconds: number; readonly memoryBytes: number; readonly timestamp: number };
  readonly pods: readonly PodPoint[];
}

/** One container as tests and the dashboard look at it. */
export interface ContainerView {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'terminated';
  /** Waiting or termination reason; empty while running. */
  readonly reason: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Core-seconds since the start of the container, now. */
  readonly cpuSeconds: number;
  /** Milli-cores, now. */
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly throttledMs: number;
}

export interface PodView {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly resize: 'none' | 'Deferred' | 'Infeasible' | 'InProgress' | 'Error';
  readonly containers: readonly ContainerView[];
}

export interface KubeletFleetDependencies {
  /** Admin: nodes act through it by impersonation. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly workload: WorkloadModel;
  readonly options?: FleetOptions;
}

/** Simulated kubelets of many nodes: clients of whatever API server there is. */
export interface KubeletFleet {
  /** Creates the Node (or adopts it with its pods) and starts its heartbeats. Resolves when it is registered. */
  addNode(spec: NodeSpec): Promise<void>;
  /** The machine is gone: deletes the Node, and its pods without grace unless `pods: 'leave'` (then PodGC does, after a minute). */
  removeNode(name: string, options?: { readonly pods?: 'delete' | 'leave'; readonly node?: 'delete' | 'leave' }): Promise<void>;
  /** The kubelet falls silent; its containers go on (`keep`, default: cut off from the control plane) or stop (power cut). */
  failNode(name: string, options?: { readonly containers?: 'keep' | 'stop' }): void;
  /** Ends {@link failNode} and {@link notReady}: heartbeats, Ready=True, and all that was missed. Stopped containers restart. */
  recoverNode(name: string): void;
  /** The kubelet itself reports Ready=False. */
  notReady(name: string, reason?: string): void;
  /** Starts to watch pods. Resolves when the pods that exist are known. */
  start(): Promise<void>;
  /** Ends everything; objects in the API server stay as they are. */
  stop(): Promise<void>;
  /** Resolves when no request is in flight or waiting. */
  idle(): Promise<void>;
  nodeNames(): readonly string[];
  hasNode(name: string): boolean;
  pods(): readonly PodView[];
  pod(namespace: string, name: string): PodView | undefined;
  /** Ends a container as if its process had exited. */
  killContainer(
    pod: { readonly namespace: string; readonly name: string },
    container: string,
    exit: { readonly code: number; readonly reason: string },
  ): boolean;
  /** Numbers of the last housekeeping; throws when the node does not answer. */
  scrape(node: string): NodeScrape;
  /** The same as text: what `/metrics/resource` answers. */
  resourceMetrics(node: string): string;
  /** Where the metrics of all nodes are served from now on; nodes that exist are told. */
  setEndpoint(endpoint: { readonly port: number; readonly address: string }): void;
  readonly faults: KubeletFaults;
}
