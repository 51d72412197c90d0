import type { MetricsView, PodUsage, UsageColumns, UsageSnapshot } from '../../../core/model/metrics-view.ts';
import type { ObservedUsage, RecommenderEngine } from '../engine/types.ts';

/** Why a view was not fed. */
export type UsageRefusal = 'seen' | 'not-measured' | 'unhealthy' | 'doubt';

export type UsageFed = { readonly fed: true; readonly usage: ObservedUsage } | { readonly fed: false; readonly why: UsageRefusal };

/**
 * Feeds each view once. What is in doubt (many workloads at zero at once, another server answers) or held from before an outage is not fed at all: a histogram
 * cannot take a lie back, and what it misses is only time.
 */
export function createUsageFeed(engine: Pick<RecommenderEngine, 'observeUsage'>): (view: MetricsView) => UsageFed {
  let last = 0;
  return (view) => {
    if (view.sequence === 0) return { fed: false, why: 'not-measured' };
    if (view.sequence === last) return { fed: false, why: 'seen' };
    last = view.sequence;
    if (!view.resourceSource.healthy) return { fed: false, why: 'unhealthy' };
    if (view.usageDoubt !== undefined) return { fed: false, why: 'doubt' };
    return { fed: true, usage: engine.observeUsage(withoutSkewed(view)) };
  };
}

/** The snapshot without pods whose clock is in doubt; the same one when there are none. */
export function withoutSkewed(usage: UsageSnapshot): UsageSnapshot {
  const columns = usage.columns?.();
  if (columns !== undefined && !columns.skewed.includes(1)) return usage;
  if (columns === undefined && !hasSkewed(usage)) return usage;
  const isSkewed = (namespace: string, name: string): boolean => usage.podUsage(namespace, name)?.clockSkew === true;
  const cleared = columns === undefined ? undefined : withoutSkewedRows(columns);
  return {
    podUsage: (namespace, name) => (isSkewed(namespace, name) ? undefined : usage.podUsage(namespace, name)),
    hasPod: (namespace, name) => usage.hasPod(namespace, name) && !isSkewed(namespace, name),
    nodeUsage: (name) => usage.nodeUsage(name),
    podCount: usage.podCount,
    pods: () => unskewed(usage),
    nodes: () => usage.nodes(),
    containerHistory: (namespace, pod, container) => usage.containerHistory(namespace, pod, container),
    eachFresh: (visit) =>
      usage.eachFresh((sample) => {
        if (!isSkewed(sample.namespace, sample.pod)) visit(sample);
      }),
    ...(cleared === undefined ? {} : { columns: () => cleared }),
  };
}

/** The columns with NaN, unknown, in every skewed row: rows keep their places, so that shared lists stay shared. */
function withoutSkewedRows(columns: UsageColumns): UsageColumns {
  const cpuMilli = columns.cpuMilli.slice();
  const memoryMilli = columns.memoryMilli.slice();
  for (let row = 0; row < columns.podCount; row++) {
    if (columns.skewed[row] !== 1) continue;
    const from = columns.firstContainer[row] ?? 0;
    const to = columns.firstContainer[row + 1] ?? from;
    cpuMilli.fill(Number.NaN, from, to);
    memoryMilli.fill(Number.NaN, from, to);
  }
  return { ...columns, cpuMilli, memoryMilli };
}

function hasSkewed(usage: UsageSnapshot): boolean {
  for (const { clockSkew } of usage.pods()) if (clockSkew === true) return true;
  return false;
}

function* unskewed(usage: UsageSnapshot): IterableIterator<PodUsage> {
  for (const pod of usage.pods()) if (pod.clockSkew !== true) yield pod;
}
