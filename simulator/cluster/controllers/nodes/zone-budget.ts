import type { Clock } from '../../../../core/model/clock.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import type { Registry } from '../../api-server/types.ts';
import type { KubeNode } from '../kinds.ts';
import { readinessOf } from './node-conditions.ts';

/** How fast the nodes of a zone may begin to evict. */
export interface ZoneBudget {
  /** Milliseconds until the node may be given its NoExecute taint; 0 takes its turn. Infinite while the whole cluster is out. */
  waitFor(node: KubeNode): number;
  /** The node is ready or gone. */
  recovered(name: string): void;
}

/** Below this many unready nodes a zone is never disrupted; above this many nodes a disrupted zone still evicts, slowly. */
const fewNodes = 3;
const largeCluster = 50;
const slowRate = 0.01;

/**
 * Upstream's rule, simplified: a healthy zone evicts at `rate`, a zone with more than `threshold` unready nodes at a tenth of it, or not at
 * all in a small cluster; when every zone is fully out the fault is taken to be elsewhere and nothing is evicted.
 */
export function createZoneBudget(
  registry: Registry,
  clock: Clock,
  options: { readonly rate: number; readonly threshold: number },
): ZoneBudget {
  /** When the zone's next node may go. */
  const next = new Map<string, number>();
  const granted = new Set<string>();

  return {
    waitFor: (node) => {
      const { name } = node.metadata;
      if (granted.has(name)) return 0;
      const zone = zoneOf(node);
      const rate = rateOf(zone, registry.list(resourceTypes.nodes) as readonly KubeNode[], options);
      const now = clock.monotonic();
      // Looked at again after a while: the zones may have recovered.
      if (rate === 0) return 20_000;
      const at = next.get(zone) ?? now;
      if (at > now) return at - now;
      next.set(zone, now + 1000 / rate);
      granted.add(name);
      return 0;
    },
    recovered: (name) => void granted.delete(name),
  };
}

function zoneOf(node: KubeNode): string {
  const labels = node.metadata.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`;
}

function rateOf(zone: string, nodes: readonly KubeNode[], { rate, threshold }: { rate: number; threshold: number }): number {
  const zones = new Map<string, { ready: number; unready: number }>();
  for (const node of nodes) {
    const counts = zones.get(zoneOf(node)) ?? { ready: 0, unready: 0 };
    zones.set(zoneOf(node), counts);
    if (readinessOf(node) === 'ready') counts.ready += 1;
    else counts.unready += 1;
  }
  const all = [...zones.values()];
  const out = ({ ready, unready }: { ready: number; unready: number }): boolean => ready === 0 && unready > 0;
  if (all.length > 0 && all.every(out) && nodes.length > 1) return 0;
  const own = zones.get(zone);
  if (own === undefined || out(own)) return rate;
  const disrupted = own.unready >= fewNodes && own.unready / (own.ready + own.unready) >= threshold;
  if (!disrupted) return rate;
  return nodes.length > largeCluster ? Math.min(rate, slowRate) : 0;
}
