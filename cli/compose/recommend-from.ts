import { buildClusterView, type ClusterView } from '../../core/model/cluster-view.ts';
import type { Claim } from '../../core/model/intent.ts';
import { createInterner } from '../../core/model/interner.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import { projectNode } from '../../core/model/node.ts';
import { projectPdb } from '../../core/model/pdb.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { projectPod } from '../../core/model/pod.ts';
import type { ClusterSnapshot, SnapshotVertical } from '../../core/model/snapshot.ts';
import { fromHpa, parsePolicy, recommend, type ControllerOf, type MetricSpec } from '../../hpa/index.ts';
import { createMetricsView, plainUsageSnapshot } from '../../metrics-aggregator/index.ts';
import { requestsOutlook, type RequestsOutlook, type RequestsRecommendation } from '../../vpa/index.ts';
import type { DecisionSettings } from './settings.ts';
import { hpaConfig } from './suite.ts';
import { vpaConfig } from './vpa-settings.ts';

/** What would be decided for one policy of replicas, and all that it was made of. */
export type Recommendation = ReturnType<typeof recommend>[number];

type Snapshot = Omit<ClusterSnapshot, 'complete'>;

/** Native objects that `run` carries out in this cluster, as its `--adopt` says. */
export type Adopted = readonly ('hpa' | 'vpa')[];

/** A snapshot as the engines read it. */
export interface SnapshotReading {
  readonly pods: ClusterView;
  readonly view: MetricsView;
  /** `undefined`: the snapshot does not say whose the pods are. */
  readonly controllerOf: ControllerOf | undefined;
  readonly adopt: Adopted;
}

const noVertical: SnapshotVertical = { verticalPolicies: [], verticalPodAutoscalers: [], checkpoints: [], limitRanges: [], workloads: [] };

export function readingOf(
  snapshot: Snapshot,
  settings: DecisionSettings,
  { adopt = [] }: { readonly adopt?: Adopted } = {},
): SnapshotReading {
  const interner = createInterner();
  const { takenAt, vertical = noVertical } = snapshot;
  const { source, usageSource, pods, nodes, doubt, unscrapedNodes = [], queries = [] } = snapshot.metrics;
  const { podDisruptionBudgets: budgets = [] } = vertical;
  return {
    pods: buildClusterView({
      at: takenAt,
      pods: snapshot.pods.map((raw) => projectPod(raw, interner)),
      nodes: snapshot.nodes.map((raw) => projectNode(raw, interner)),
      pdbs: budgets.map((raw) => projectPdb(raw, interner)),
    }),
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
    adopt,
  };
}

function controllersOf(owners: Snapshot['replicaSets']): ControllerOf | undefined {
  if (owners === undefined) return undefined;
  const byUid = new Map(owners.map(({ uid, controller }) => [uid, controller ?? ('none' as const)]));
  return ({ uid }) => byUid.get(uid);
}

/** What would be decided at the instant of a snapshot, of replicas and of requests; each in the order of namespace, name and kind. */
export interface Outlook {
  readonly horizontal: readonly Recommendation[];
  readonly vertical: readonly RequestsRecommendation[];
}

/** By the same functions as in `run`. What moves requests is decided first: utilization may be measured against the pod template because of it. */
export function outlookFrom(snapshot: Snapshot, settings: DecisionSettings, reading = readingOf(snapshot, settings)): Outlook {
  const claims = horizontalClaims(snapshot, settings, reading.adopt);
  const requests = requestsFrom(snapshot, settings, { reading, claims });
  return { horizontal: replicasFrom(snapshot, settings, { reading, claims, requests }), vertical: requests.recommendations };
}

/** Of the policies of replicas alone. */
export function recommendFrom(snapshot: Snapshot, settings: DecisionSettings, reading = readingOf(snapshot, settings)): Recommendation[] {
  return [...outlookFrom(snapshot, settings, reading).horizontal];
}

interface Known {
  readonly reading: SnapshotReading;
  /** What horizontal policies steer. */
  readonly claims: readonly Claim[];
}

function replicasFrom(
  snapshot: Snapshot,
  settings: DecisionSettings,
  { reading, claims, requests }: Known & { readonly requests: RequestsOutlook },
): Recommendation[] {
  const scales = scalesOf(snapshot);
  // kube-controller-manager measures against what the pods request, whatever we do.
  const own = new Set(claims.filter(({ foreign }) => foreign !== true).map(({ target }) => targetKey(target)));
  return recommend({
    policies: [...snapshot.horizontalPolicies, ...snapshot.horizontalPodAutoscalers].toSorted(byName),
    scaleOf: (target) => scales.get(targetKey(target)) ?? noScale(target),
    pods: reading.pods,
    view: reading.view,
    controllerOf: reading.controllerOf,
    requestReferenceOf: (target) => (own.has(targetKey(target)) ? requests.requestReferenceOf(target) : undefined),
    now: snapshot.takenAt,
    config: hpaConfig(settings),
  });
}

function requestsFrom(snapshot: Snapshot, settings: DecisionSettings, { reading, claims }: Known): RequestsOutlook {
  const { vertical = noVertical } = snapshot;
  const scales = scalesOf(snapshot);
  return requestsOutlook({
    policies: [...vertical.verticalPolicies, ...vertical.verticalPodAutoscalers].toSorted(byName),
    checkpoints: vertical.checkpoints,
    pods: reading.pods,
    view: reading.view,
    limitRanges: vertical.limitRanges,
    nodes: reading.pods.nodes,
    workloads: vertical.workloads,
    controllerOf: reading.controllerOf,
    scaleOf: (target) => {
      const scale = scales.get(targetKey(target)) ?? noScale(target);
      return typeof scale === 'string' ? scale : { selector: scale.selector, replicas: scale.specReplicas };
    },
    unread: vertical.unread,
    horizontalClaims: claims,
    now: snapshot.takenAt,
    config: vpaConfig(settings, { adoptVpas: reading.adopt.includes('vpa') }),
  });
}

type ReadScale = Extract<Snapshot['scales'][number], { ok: true }>;

function scalesOf({ scales }: Snapshot): ReadonlyMap<string, ReadScale | string> {
  return new Map(scales.map((scale) => [targetKey(scale), scale.ok ? scale : scale.message]));
}

function noScale({ kind, namespace = '', name }: ObjectReference): string {
  return `the snapshot has no scale of ${kind} ${namespace}/${name}`;
}

/** What horizontal policies steer by a share of the requests; native ones are somebody else's unless they are adopted. */
function horizontalClaims(snapshot: Snapshot, settings: DecisionSettings, adopt: Adopted): Claim[] {
  const { cooldown } = hpaConfig(settings);
  const own = snapshot.horizontalPolicies.map((raw) => ({ parsed: parsePolicy(raw, cooldown), foreign: false }));
  const native = snapshot.horizontalPodAutoscalers.map((raw) => ({
    parsed: fromHpa(raw, { anyMetric: true }),
    foreign: !adopt.includes('hpa'),
  }));
  return [...own, ...native].flatMap(({ parsed, foreign }) => {
    // Whoever leaves the target alone claims nothing.
    if (!parsed.ok || parsed.policy.spec.mode !== 'Auto') return [];
    const { reference: policy, target, spec } = parsed.policy;
    return spec.metrics.flatMap((metric) => {
      const measures = measuredResource(metric);
      if (measures === undefined) return [];
      return [{ controller: 'hpa', policy, target, dimension: 'replicas', measures, ...(foreign ? { foreign } : {}) }];
    });
  });
}

/** Only a share of the request moves with the request. */
function measuredResource(metric: MetricSpec): string | undefined {
  if (metric.type !== 'Resource' && metric.type !== 'ContainerResource') return undefined;
  return metric.target.averageUtilization === undefined ? undefined : metric.resource;
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
