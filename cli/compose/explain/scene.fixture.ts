import type { MetricQuery } from '../../../core/model/metric-query.ts';
import type { PodUsage, QueryResult, SourceState } from '../../../core/model/metrics-view.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import type { ClusterSnapshot, SnapshotScale } from '../../../core/model/snapshot.ts';
import { readingOf, recommendFrom, type Recommendation } from '../recommend-from.ts';
import { recommendSettings } from '../settings.ts';
import { explainPolicy } from './explain-policy.ts';
import type { Explanation } from './explanation.ts';

/** Scenes for tests: a Deployment `shop/web` whose pods ask for 100m cpu, at 06:00 UTC on Sunday, 22 November 2026. */

export const takenAt = Date.UTC(2026, 10, 22, 6);
export type Snapshot = Omit<ClusterSnapshot, 'complete'>;

export const settings = recommendSettings.parse({});

export function pod(name: string, parts: { readonly status?: object; readonly metadata?: object } = {}): KubeObject {
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-11-22T05:00:10Z' };
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5f', uid: 'rs-web', controller: true };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      labels: { app: 'web' },
      creationTimestamp: '2026-11-22T05:00:00Z',
      ownerReferences: [owner],
      ...parts.metadata,
    },
    spec: { nodeName: 'node-a', containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }] },
    status: { phase: 'Running', startTime: '2026-11-22T05:00:00Z', conditions: [ready], ...parts.status },
  };
}

export function pods(count: number): KubeObject[] {
  return Array.from({ length: count }, (_, index) => pod(`web-${index}`));
}

/** The same usage in every pod, milli-cores, 10 s old. */
export function usage(count: number, cpuMilli: number, timestamp = takenAt - 10_000): PodUsage[] {
  return Array.from({ length: count }, (_, index) => ({
    namespace: 'shop',
    name: `web-${index}`,
    timestamp,
    windowMs: 15_000,
    containers: [{ name: 'c', cpuMilli, memoryMilli: undefined }],
  }));
}

export const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };
export const queue = { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '10' } } };
export const queueQuery: MetricQuery = { kind: 'external', namespace: 'shop', metric: 'queue', metricSelector: '' };
export const queueRequest = { text: '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue', latencyMs: 8 };

/** The queue has so many. */
export function queued(length: number): QueryResult {
  return {
    known: true,
    series: [{ object: '', labels: {}, milli: BigInt(length) * 1000n, timestamp: takenAt - 5_000, windowMs: undefined }],
    at: takenAt - 200,
    source: 'external.metrics.k8s.io',
    coverage: 1,
    doubt: undefined,
  };
}

export const outage: QueryResult = {
  known: false,
  reason: 'source-unavailable',
  detail: 'external.metrics.k8s.io answered 503 for metric "queue" in namespace "shop"',
  since: takenAt - 95_000,
  source: 'external.metrics.k8s.io',
};

export function policy(spec: Readonly<Record<string, unknown>> = {}, parts: Partial<KubeObject> = {}): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'HorizontalPolicy',
    ...parts,
    metadata: { name: 'web', namespace: 'shop', generation: 2, ...parts.metadata },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 10, metrics: [cpu], ...spec },
  };
}

export function scale(replicas: number): SnapshotScale {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    ok: true,
    type: resourceTypes.deployments,
    specReplicas: replicas,
    statusReplicas: replicas,
    selector: 'app=web',
  };
}

const healthy: SourceState = { healthy: true, lastSuccess: takenAt - 1_000 };

export interface Scene {
  readonly replicas: number;
  readonly policy?: KubeObject;
  /** Other policies and autoscalers. */
  readonly others?: readonly KubeObject[];
  readonly pods?: readonly KubeObject[];
  readonly usage?: readonly PodUsage[];
  readonly source?: SourceState;
  readonly queue?: QueryResult;
  readonly parts?: Partial<Snapshot>;
}

export function snapshotOf(scene: Scene): Snapshot {
  const { replicas, policy: own = policy(), others = [] } = scene;
  const all = [own, ...others];
  return {
    kind: 'ConcertinaSnapshot',
    version: 1,
    takenAt,
    server: 'https://cluster',
    horizontalPolicies: all.filter(({ kind }) => kind === 'HorizontalPolicy'),
    horizontalPodAutoscalers: all.filter(({ kind }) => kind === 'HorizontalPodAutoscaler'),
    scales: [scale(replicas)],
    pods: scene.pods ?? pods(replicas),
    replicaSets: [{ uid: 'rs-web', controller: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'web' } }],
    nodes: [],
    metrics: {
      source: scene.source ?? healthy,
      usageSource: 'metrics.k8s.io',
      usageRequest: { text: '/apis/metrics.k8s.io/v1beta1/pods', latencyMs: 12 },
      pods: scene.usage ?? [],
      nodes: [],
      queries: scene.queue === undefined ? [] : [{ query: queueQuery, result: scene.queue, sent: queueRequest }],
    },
    ...scene.parts,
  };
}

export function recommendationsOf(scene: Scene): Recommendation[] {
  return recommendFrom(snapshotOf(scene), settings);
}

/** The explanation of the first policy by name. */
export function explanationOf(scene: Scene): Explanation {
  const snapshot = snapshotOf(scene);
  const reading = readingOf(snapshot, settings);
  const [first] = recommendFrom(snapshot, settings, reading);
  if (first === undefined) throw new Error('the scene has no policy');
  return explainPolicy(first, { snapshot, reading, settings });
}
