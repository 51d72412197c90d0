import { buildClusterView, type ClusterView } from '../../core/model/cluster-view.ts';
import { createInterner } from '../../core/model/interner.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { projectPod } from '../../core/model/pod.ts';
import type { ClusterSnapshot } from '../../core/model/snapshot.ts';
import { recommend, type ControllerOf } from '../../hpa/index.ts';
import { createMetricsView, plainUsageSnapshot } from '../../metrics-aggregator/index.ts';
import type { DecisionSettings } from './settings.ts';
import { hpaConfig } from './suite.ts';

/** What would be decided for one policy, and all that it was made of. */
export type Recommendation = ReturnType<typeof recommend>[number];

type Snapshot = Omit<ClusterSnapshot, 'complete'>;

/** A snapshot as the engine reads it. */
export interface SnapshotReading {
  readonly pods: ClusterView;
  readonly view: MetricsView;
  /** `undefined`: the snapshot does not say whose the pods are. */
  readonly controllerOf: ControllerOf | undefined;
}

export function readingOf(snapshot: Snapshot, settings: DecisionSettings): SnapshotReading {
  const interner = createInterner();
  const { takenAt } = snapshot;
  const { source, usageSource, pods, nodes, doubt, unscrapedNodes = [], queries = [] } = snapshot.metrics;
  return {
    pods: buildClusterView({ at: takenAt, pods: snapshot.pods.map((raw) => projectPod(raw, interner)) }),
    view: createMetricsView({
      at: takenAt,
      sequence: 1,
      usage: plainUsageSnapshot(pods, nodes, { at: takenAt, maxAgeMs: settings.metrics.maxAge }),
      usageSource: usageSource ?? settings.metrics.usageSource,
      resourceSource: source,
      usageDoubt: doubt,
      unscrapedNodes: new Map(unscrapedNodes.map((node) => [node.name, node])),
      startGraceMs,
      queries: new Map(queries.map(({ query, result }) => [queryKey(query), result])),
      sources: [],
    }),
    controllerOf: controllersOf(snapshot.replicaSets),
  };
}

function controllersOf(owners: Snapshot['replicaSets']): ControllerOf | undefined {
  if (owners === undefined) return undefined;
  const byUid = new Map(owners.map(({ uid, controller }) => [uid, controller ?? ('none' as const)]));
  return ({ uid }) => byUid.get(uid);
}

/** What would be decided at the instant of the snapshot, by the same functions as in `run`; in the order of namespace, name and kind. */
export function recommendFrom(snapshot: Snapshot, settings: DecisionSettings, reading = readingOf(snapshot, settings)): Recommendation[] {
  const scales = new Map(snapshot.scales.map((scale) => [targetKey(scale), scale]));
  return recommend({
    policies: [...snapshot.horizontalPolicies, ...snapshot.horizontalPodAutoscalers].toSorted(byName),
    scaleOf: (target) => {
      const scale = scales.get(targetKey(target));
      if (scale === undefined) return `the snapshot has no scale of ${target.kind} ${target.namespace ?? ''}/${target.name}`;
      return scale.ok ? scale : scale.message;
    },
    pods: reading.pods,
    view: reading.view,
    controllerOf: reading.controllerOf,
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
  const key = ({ metadata, kind }: KubeObject): string => JSON.stringify([metadata.namespace ?? '', metadata.name, kind ?? '']);
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : Number(left > right);
}
