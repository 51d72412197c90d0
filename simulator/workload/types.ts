import type { Clock, Random } from '../../core/model/clock.ts';
import type { LatencyModel } from './latency.ts';
import type { LoadSeries } from './load-series.ts';

/** What the workload model knows of a pod. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Names of the owner and, for a ReplicaSet of a Deployment, of the Deployment. */
  readonly owners: readonly string[];
  /** Main containers, in the order of the spec. */
  readonly containers: readonly string[];
}

export interface MemoryDefinition {
  /** Bytes of one idle container. */
  readonly base: number;
  /** Bytes that each request in work or waiting holds; default 0. */
  readonly perRequest?: number;
  /** Bytes per second since the start of the container that are never given back; default 0. */
  readonly leak?: number;
  /** More bytes over time, since the origin of the load; default none. */
  readonly series?: LoadSeries;
}

/** How one workload (the pods of a Deployment, usually) uses resources. */
export interface WorkloadDefinition {
  /** Unique in the model. */
  readonly name: string;
  readonly namespace: string;
  /** Labels that its pods carry, all of them; or… */
  readonly selector?: Readonly<Record<string, string>>;
  /** …the name of the Deployment, StatefulSet, ReplicaSet or Job that owns them. */
  readonly owner?: string;
  /** The container that takes the load; default the first one. */
  readonly container?: string;
  /** Requests per second over all replicas, since {@link WorkloadDefinition.origin}. */
  readonly load: LoadSeries;
  /** Epoch milliseconds of the series' time zero; default: when it is defined. */
  readonly origin?: number;
  /** Core-milliseconds of CPU that one request takes: at 10, a hundred requests per second take one core. */
  readonly cpuPerRequest: number;
  /** Milli-cores that a running container takes without load; default 1. */
  readonly baseCpu?: number;
  readonly memory: MemoryDefinition;
  /** Requests that one replica works on at the same time; default 1. It matters for latency, and as a limit together with `latency.serviceMs`. */
  readonly concurrency?: number;
  /** Requests per second that one replica can serve however much CPU it has; default no bound. */
  readonly capacity?: number;
  /** Requests that may wait over all replicas; default no bound. */
  readonly maxQueue?: number;
  /** Whether requests wait (true) or fail (false, default) while no replica is ready. */
  readonly holdWhenEmpty?: boolean;
  /** CPU that a container burns when it starts; it is ready only when that is done, later if its limit slows it down. */
  readonly startup?: { readonly cpuMilli: number; readonly durationMs: number };
  /** Default `{kind: 'mmc'}`. */
  readonly latency?: LatencyModel;
}

/** The state of one workload at one instant. */
export interface WorkloadResults {
  /** Requests per second that come. */
  readonly demand: number;
  /** Milli-cores that the demand would take if nothing held it back, without the idle use of the replicas. */
  readonly demandCpu: number;
  /** Replicas that serve. */
  readonly replicas: number;
  /** Containers that run, serving or not. */
  readonly running: number;
  /** Requests per second that can be served. */
  readonly capacity: number;
  /** Milli-cores of an average serving replica. */
  readonly cpuPerReplica: number;
  /** Bytes of an average running container. */
  readonly memoryPerReplica: number;
  /** Requests that wait. */
  readonly queue: number;
  readonly latencyMs: number;
  readonly latencyP95Ms: number;
  /** Requests since the definition. */
  readonly totals: { readonly arrived: number; readonly served: number; readonly dropped: number };
  /** Whether replicas are held back by their limits now. */
  readonly throttled: boolean;
}

/** One running container; made when it starts, released when it ends. All instants are epoch milliseconds and must not go back. */
export interface ContainerUsage {
  /** CPU used since the start, in milli-core × milliseconds (a millionth of a core-second). */
  cpu(at: number): number;
  /** Milliseconds during which the container wanted more CPU than it got. */
  throttledMs(at: number): number;
  /** Bytes of working set wanted at this instant; may be over the limit: that is an OOM kill. */
  memory(at: number): number;
  /** Milli-cores that it uses at this instant. */
  rate(at: number): number;
  /** The most milli-cores that it would use between two instants, were it not for its ceiling; infinite with a queue. */
  wanted(from: number, to: number): number;
  /** The most milli-cores that it may use from now on: its limit, or less on a crowded node. */
  setCeiling(at: number, milli: number): void;
  /** Whether requests are sent to it. */
  setServing(at: number, serving: boolean): void;
  /** When its start-up burst will be over at the present ceiling; `at` or before when there is none left. */
  startupEnd(at: number): number;
  /** The container has ended; only `cpu` and `throttledMs` may be asked afterwards. */
  release(at: number): void;
}

export interface WorkloadModelOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** What pods use, by the load on their workload. It knows nothing of nodes or of the API server. */
export interface WorkloadModel {
  /** Adds or replaces a definition; pods that run already come under it at once. */
  define(definition: WorkloadDefinition): void;
  remove(name: string): void;
  /** Replaces the load of a workload from now on; the time zero of the series is `origin`, default now. */
  setLoad(name: string, load: LoadSeries, origin?: number): void;
  names(): readonly string[];
  definition(name: string): WorkloadDefinition | undefined;
  results(name: string, at?: number): WorkloadResults | undefined;
  /** Work that a container has to do before it can serve, for start-up delays; 0 without a definition. */
  start(pod: PodIdentity, container: string, options: { readonly at: number; readonly memoryLimit?: number | undefined }): ContainerUsage;
}
