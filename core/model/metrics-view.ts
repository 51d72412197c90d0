import type { MetricQuery, SeriesSample } from './metric-query.ts';
import type { PodRecord } from './pod.ts';
import type { Doubt, Sample, UnknownReason } from './sample.ts';

/** Usage of one container in one sample; a resource that the source did not give is `undefined`, never 0. */
export interface ContainerUsage {
  readonly name: string;
  /** Milli-cores, integer, rounded up. */
  readonly cpuMilli: number | undefined;
  /** Milli-bytes, integer, rounded up. */
  readonly memoryMilli: number | undefined;
}

/** Usage of one pod as a metrics source reported it. */
export interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  /** End of the window that CPU was averaged over, epoch milliseconds. */
  readonly timestamp: number;
  readonly windowMs: number;
  readonly containers: readonly ContainerUsage[];
  /** True when this timestamp went backwards against an earlier answer and the earlier sample was kept. */
  readonly clockSkew?: boolean;
}

/** Usage of one node. */
export interface NodeUsage {
  readonly name: string;
  readonly timestamp: number;
  readonly windowMs: number;
  readonly cpuMilli: number | undefined;
  readonly memoryMilli: number | undefined;
}

/** State of one metrics source at the time of a view. */
export type SourceState =
  | { readonly healthy: true; readonly lastSuccess: number }
  | {
      readonly healthy: false;
      readonly reason: UnknownReason;
      readonly detail: string;
      readonly since: number;
      readonly lastSuccess: number | undefined;
    };

/** A source with what is known of how it does. */
export interface SourceReport {
  /** `metrics.k8s.io`, `custom.metrics.k8s.io`, `external.metrics.k8s.io` or `prometheus/<MetricSource>`. */
  readonly name: string;
  readonly state: SourceState;
  /** What it answers may be used for growth only, and why. */
  readonly doubt: Doubt | undefined;
  /** How long its last answer took, milliseconds; `undefined` before the first. */
  readonly latencyMs: number | undefined;
  /** Queries that are asked of it each tick; 0 for usage alone. */
  readonly queries: number;
  /** `open`: it failed several times in a row and gets one probe a tick; `half-open`: the probe is under way. */
  readonly circuit: 'closed' | 'half-open' | 'open';
}

/** The answer to one query. */
export type QueryResult =
  | {
      readonly known: true;
      /** At least one. */
      readonly series: readonly SeriesSample[];
      /** When it was answered, epoch milliseconds. */
      readonly at: number;
      readonly source: string;
      /** Share of what was asked that was answered, 0…1. */
      readonly coverage: number;
      /** Good for growth only: held from before an outage, partial, suspected. */
      readonly doubt: Doubt | undefined;
    }
  | {
      readonly known: false;
      readonly reason: UnknownReason;
      /** One sentence for a person: what was asked, of whom, and what came. */
      readonly detail: string;
      readonly since: number;
      readonly source: string;
    };

/** Recent samples of one container, oldest first; copies, so that nothing later changes them. Columns have equal length. */
export interface ContainerHistory {
  /** Epoch milliseconds, rising. */
  readonly timestamps: Float64Array;
  /** Milli-cores; NaN where the sample did not have it. */
  readonly cpuMilli: Float64Array;
  /** Milli-bytes; NaN where the sample did not have it. */
  readonly memoryMilli: Float64Array;
}

/** Recent values of one query (the sum of its series), oldest first. */
export interface QueryHistory {
  readonly timestamps: Float64Array;
  /** In base units; NaN where the answer was unknown. */
  readonly values: Float64Array;
}

/** Called once for each container whose sample is a new observation; the arguments are those of {@link PodUsage}. */
export type FreshSampleVisitor = (sample: {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly timestamp: number;
  readonly windowMs: number;
  readonly cpuMilli: number | undefined;
  readonly memoryMilli: number | undefined;
}) => void;

/** Usage of pods and nodes, frozen at one instant. */
/**
 * The usage of all pods in columns; nothing in them changes. Row `i` is one pod; its containers are the entries `firstContainer[i]` up to `firstContainer[i + 1]` of
 * the container columns. Snapshots of answers that list the same pods and containers share `names`, `namespaces` and `containers`.
 */
export interface UsageColumns {
  readonly podCount: number;
  readonly names: readonly string[];
  readonly namespaces: readonly string[];
  /** End of the window, epoch milliseconds. */
  readonly timestamps: Float64Array;
  /** Rows with an earlier timestamp do not exist. */
  readonly oldest: number;
  readonly windowsMs: Float64Array;
  /** 1: the clock of the sample is in doubt. */
  readonly skewed: Uint8Array;
  readonly firstContainer: Int32Array;
  readonly containers: readonly string[];
  /** Milli-cores; NaN: unknown. */
  readonly cpuMilli: Float64Array;
  /** Milli-bytes; NaN: unknown. */
  readonly memoryMilli: Float64Array;
}

export interface UsageSnapshot {
  /** Usage of one pod, or `undefined` when the source has none: consult `podGap` for the reason. */
  podUsage(namespace: string, name: string): PodUsage | undefined;
  /** Whether there is usage of the pod, without making an object of it. */
  hasPod(namespace: string, name: string): boolean;
  nodeUsage(name: string): NodeUsage | undefined;
  readonly podCount: number;
  pods(): IterableIterator<PodUsage>;
  nodes(): IterableIterator<NodeUsage>;
  /** `undefined` for a container that was never measured, or so long ago that it is forgotten. */
  containerHistory(namespace: string, pod: string, container: string): ContainerHistory | undefined;
  /** The containers whose sample is newer than in the snapshot before: what a histogram must count, once. */
  eachFresh(visit: FreshSampleVisitor): void;
  /** All of it in columns; absent where it is not kept so. */
  readonly columns?: (() => UsageColumns) | undefined;
}

/**
 * Everything that was measured, frozen at one instant. One view serves all controllers in a tick; nothing in it changes afterwards.
 */
export interface MetricsView extends UsageSnapshot {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Counts up by one with every view, so that a consumer can tell a new one from one it has seen. */
  readonly sequence: number;
  /** State of the source of usage, `metrics.k8s.io` unless a flag says otherwise. */
  readonly resourceSource: SourceState;
  /** Usage as a whole may be used for growth only: many workloads at zero at once, another server answers, the source is down and its last answer held. */
  readonly usageDoubt: Doubt | undefined;
  /** One resource of one container as a sample: a value, or why there is none. */
  containerSample(pod: PodRecord, container: string, resource: 'cpu' | 'memory'): Sample;
  /** Why a pod has no usage; `undefined` for one that has. */
  podGap(pod: PodRecord): { readonly reason: UnknownReason; readonly detail: string } | undefined;
  /** The answer to a query that somebody has asked for; `not-observed` when nobody has, or when it was not answered yet. */
  query(query: MetricQuery): QueryResult;
  queryHistory(query: MetricQuery): QueryHistory | undefined;
  /** Every source, by name. */
  sources(): readonly SourceReport[];
}

/** What a new view has that the one before had not. */
export interface ViewChange {
  /** Usage was answered, or its source failed, since. */
  readonly usage: boolean;
  /** Keys (`queryKey`) that were answered, or failed, since. */
  readonly queries: ReadonlySet<string>;
}
