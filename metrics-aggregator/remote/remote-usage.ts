import type { PodUsage, UsageSnapshot } from '../../core/model/metrics-view.ts';
import { createUsageStore, type UsageStore } from '../store/usage-store.ts';
import type { ReceivedUsage } from './view-decoder.ts';

/** The memory of usage of a remote view: the same store as an aggregator has itself, so that histories and what is fresh are the same too. */
export interface RemoteUsage {
  /** Calls are taken one after the other. */
  take(usage: ReceivedUsage, at: number): Promise<void>;
  /** For a view that is published: what it shows as fresh is not shown again. */
  snapshot(at: number, maxAgeMs: number): UsageSnapshot;
}

export function createRemoteUsage(store: UsageStore = createUsageStore()): RemoteUsage {
  let skewed: ReadonlySet<string> = new Set();
  return {
    take: async (usage, at) => {
      await store.ingest({ pods: usage.pods, nodes: usage.nodes }, at);
      ({ skewed } = usage);
    },
    snapshot: (at, maxAgeMs) => withSkew(store.snapshot({ at, maxAgeMs, publish: true }), skewed),
  };
}

/** The store sees timestamps go wrong by itself only between two views; what the aggregator has seen in between it has to be told. */
function withSkew(snapshot: UsageSnapshot, skewed: ReadonlySet<string>): UsageSnapshot {
  if (skewed.size === 0) return snapshot;
  const flagged = (pod: PodUsage): PodUsage =>
    pod.clockSkew !== true && skewed.has(`${pod.namespace}/${pod.name}`) ? { ...pod, clockSkew: true } : pod;
  return {
    ...snapshot,
    podUsage: (namespace, name) => {
      const pod = snapshot.podUsage(namespace, name);
      return pod === undefined ? undefined : flagged(pod);
    },
    pods: function* () {
      for (const pod of snapshot.pods()) yield flagged(pod);
    },
  };
}
