import type { MetricsView, NodeUsage, PodUsage, SourceState } from '../../core/model/metrics-view.ts';

export interface UsageViewInput {
  readonly at: number;
  readonly sequence: number;
  readonly resourceSource: SourceState;
  /** By `namespace/name`. The view keeps the map: it must not be changed afterwards. */
  readonly pods: ReadonlyMap<string, PodUsage>;
  /** By name; kept likewise. */
  readonly nodes: ReadonlyMap<string, NodeUsage>;
  /** Milliseconds after which a sample counts as missing. */
  readonly maxAgeMs: number;
}

/** A frozen view in which a sample older than `maxAgeMs` does not exist. */
export function createUsageView(input: UsageViewInput): MetricsView {
  const oldest = input.at - input.maxAgeMs;
  const pods = withoutStale(input.pods, oldest);
  const nodes = withoutStale(input.nodes, oldest);
  return Object.freeze({
    at: input.at,
    sequence: input.sequence,
    resourceSource: input.resourceSource,
    podUsage: (namespace: string, name: string) => pods.get(`${namespace}/${name}`),
    nodeUsage: (name: string) => nodes.get(name),
    podCount: pods.size,
    pods: () => pods.values(),
    nodes: () => nodes.values(),
  });
}

function withoutStale<T extends { readonly timestamp: number }>(entries: ReadonlyMap<string, T>, oldest: number): Map<string, T> {
  const kept = new Map<string, T>();
  for (const [key, entry] of entries) if (entry.timestamp >= oldest) kept.set(key, entry);
  return kept;
}

/** The view before anything was asked. */
export function emptyUsageView(at: number): MetricsView {
  const resourceSource: SourceState = {
    healthy: false,
    reason: 'not-observed',
    detail: 'metrics.k8s.io was not asked yet',
    since: at,
    lastSuccess: undefined,
  };
  return createUsageView({ at, sequence: 0, resourceSource, pods: new Map(), nodes: new Map(), maxAgeMs: 0 });
}
