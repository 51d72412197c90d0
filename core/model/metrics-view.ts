import type { UnknownReason } from './sample.ts';

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

/**
 * Everything that was measured, frozen at one instant. One view serves all controllers in a tick; nothing in it changes afterwards.
 */
export interface MetricsView {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Counts up by one with every view, so that a consumer can tell a new one from one it has seen. */
  readonly sequence: number;
  /** State of `metrics.k8s.io`. */
  readonly resourceSource: SourceState;
  /** Usage of one pod, or `undefined` when the source has none: consult {@link resourceSource} for the reason. */
  podUsage(namespace: string, name: string): PodUsage | undefined;
  nodeUsage(name: string): NodeUsage | undefined;
  readonly podCount: number;
  pods(): IterableIterator<PodUsage>;
  nodes(): IterableIterator<NodeUsage>;
}
