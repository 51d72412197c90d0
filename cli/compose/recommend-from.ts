import { buildClusterView } from '../../core/model/cluster-view.ts';
import type { Decision } from '../../core/model/decision.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { projectPod } from '../../core/model/pod.ts';
import type { ClusterSnapshot } from '../../core/model/snapshot.ts';
import { recommend } from '../../hpa/index.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import { createMetricsView, plainUsageSnapshot } from '../../metrics-aggregator/index.ts';
import type { DecisionSettings } from './settings.ts';
import { hpaConfig } from './suite.ts';

/** What would be decided at the instant of the snapshot; the same functions as in `run`. */
export function recommendFrom(snapshot: Omit<ClusterSnapshot, 'complete'>, settings: DecisionSettings): Decision[] {
  const interner = createInterner();
  const scales = new Map(snapshot.scales.map((scale) => [targetKey(scale), scale]));
  const { source, pods, nodes, doubt, queries = [] } = snapshot.metrics;
  return recommend({
    policies: [...snapshot.horizontalPolicies, ...snapshot.horizontalPodAutoscalers].toSorted(byName),
    scaleOf: (target) => {
      const scale = scales.get(targetKey(target));
      if (scale === undefined) return `the snapshot has no scale of ${target.kind} ${target.namespace ?? ''}/${target.name}`;
      return scale.ok ? scale : scale.message;
    },
    pods: buildClusterView({ at: snapshot.takenAt, pods: snapshot.pods.map((raw) => projectPod(raw, interner)) }),
    view: createMetricsView({
      at: snapshot.takenAt,
      sequence: 1,
      usage: plainUsageSnapshot(pods, nodes, { at: snapshot.takenAt, maxAgeMs: settings.metrics.maxAge }),
      usageSource: settings.metrics.usageSource,
      resourceSource: source,
      usageDoubt: doubt,
      unscrapedNodes: new Map(),
      startGraceMs,
      queries: new Map(queries.map(({ query, result }) => [queryKey(query), result])),
      sources: [],
    }),
    now: snapshot.takenAt,
    config: hpaConfig(settings),
  });
}

/** Two scrapes at 15 s and the time until a pod is ready. */
const startGraceMs = 60_000;

/** With the group and version: two groups may have a kind of the same name. */
function targetKey({ apiVersion, kind, namespace = '', name }: ObjectReference): string {
  return `${apiVersion}/${kind}/${namespace}/${name}`;
}

function byName(a: KubeObject, b: KubeObject): number {
  const name = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  return name(a) < name(b) ? -1 : 1;
}
