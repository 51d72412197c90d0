import type { NodeUsage, PodUsage } from '../../core/model/metrics-view.ts';
import type { UnknownReason } from '../../core/model/sample.ts';

/** One complete answer of a source of resource usage. */
export interface ResourceUsage {
  readonly pods: readonly PodUsage[];
  readonly nodes: readonly NodeUsage[];
  /** Entries of the answer that could not be used, each as one sentence; they count as unknown, never as zero. */
  readonly rejected: readonly string[];
}

/** What asking a source came to. A failure is a value: the engine maps it to unknown samples. */
export type SourceAnswer =
  { readonly ok: true; readonly usage: ResourceUsage } | { readonly ok: false; readonly reason: UnknownReason; readonly detail: string };

/** A source of CPU and memory usage of pods and nodes. Never throws for what the far side does; rejects only when the signal aborts. */
export interface ResourceMetricsSource {
  /** Stable name that appears in samples, conditions and metric labels. */
  readonly name: string;
  fetch(signal: AbortSignal): Promise<SourceAnswer>;
}
