import type { PodUsage } from '../../../core/model/metrics-view.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { SnapshotVertical } from '../../../core/model/snapshot.ts';
import { outlookFrom, readingOf, type Adopted, type Outlook, type SnapshotReading } from '../recommend-from.ts';
import { explainRequests } from './explain-requests.ts';
import { requestItems, type RecommendationItem } from './recommendation-report.ts';
import type { RequestsExplanation } from './requests-explanation.ts';
import { pods, policy as horizontalPolicy, settings, snapshotOf, takenAt, type Scene, type Snapshot } from './scene.fixture.ts';

/** The Deployment `shop/web` of the other scenes, whose container `c` asks for 100m cpu and 64Mi memory, sized by a policy. */

const mebi = 2 ** 20;

export function sized(count: number): KubeObject[] {
  const containers = [{ name: 'c', resources: { requests: { cpu: '100m', memory: '64Mi' } } }];
  return pods(count).map((raw) => ({
    ...raw,
    metadata: { ...raw.metadata, uid: `uid-${raw.metadata.name}` },
    spec: { nodeName: 'node-a', containers },
  }));
}

export function verticalPolicy(spec: object = {}, parts: Partial<KubeObject> = {}): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'VerticalPolicy',
    ...parts,
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'vertical',
      generation: 1,
      creationTimestamp: '2026-11-20T06:00:00Z',
      ...parts.metadata,
    },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec },
  };
}

/** `status` with a recommendation, as the recommender leaves it. */
export function recommended(cpu: string, memory: string, more: object = {}): Partial<KubeObject> {
  const amounts = { cpu, memory };
  const conditions = [
    {
      type: 'RecommendationProvided',
      status: 'True',
      reason: 'RecommendationProvided',
      message: 'there is a recommendation',
      lastTransitionTime: '2026-11-21T06:00:00Z',
    },
  ];
  const containerRecommendations = [
    { containerName: 'c', target: amounts, lowerBound: amounts, upperBound: amounts, uncappedTarget: amounts },
  ];
  return { status: { observedGeneration: 1, conditions, recommendation: { containerRecommendations }, ...more } };
}

/** A day of samples: CPU at about 200m, memory at about 300Mi, in the buckets in which upstream would store them. */
export function checkpoint(owner = 'web', kind = 'VerticalPolicyCheckpoint'): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind,
    metadata: { name: `${owner}-c`, namespace: 'shop' },
    spec: { vpaObjectName: owner, containerName: 'c' },
    status: {
      version: 'v3',
      lastUpdateTime: '2026-11-22T05:59:00Z',
      firstSampleStart: '2026-11-21T06:00:00Z',
      lastSampleStart: '2026-11-22T05:59:00Z',
      totalSamplesCount: 1440,
      cpuHistogram: { referenceTimestamp: '2026-11-22T00:00:00Z', bucketWeights: { 13: 10_000 }, totalWeight: 1000 },
      memoryHistogram: { referenceTimestamp: '2026-11-23T00:00:00Z', bucketWeights: { 19: 10_000 }, totalWeight: 2 },
    },
  };
}

export function deployment(replicas: number): KubeObject {
  const labels = { app: 'web' };
  const containers = [{ name: 'c', resources: { requests: { cpu: '100m', memory: '64Mi' } } }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'web' },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

export function used(count: number, cpuMilli: number, memory: number): PodUsage[] {
  return Array.from({ length: count }, (_, index) => ({
    namespace: 'shop',
    name: `web-${index}`,
    timestamp: takenAt - 10_000,
    windowMs: 15_000,
    containers: [{ name: 'c', cpuMilli, memoryMilli: memory * mebi * 1000 }],
  }));
}

export interface RequestsScene {
  readonly policies?: readonly KubeObject[];
  readonly replicas?: number;
  readonly vertical?: Partial<SnapshotVertical>;
  readonly usage?: readonly PodUsage[];
  /** Of replicas; none unless given. */
  readonly horizontal?: readonly KubeObject[];
  readonly adopt?: Adopted;
  readonly parts?: Scene['parts'];
}

export interface Read {
  readonly snapshot: Snapshot;
  readonly reading: SnapshotReading;
  readonly outlook: Outlook;
}

export function read(scene: RequestsScene): Read {
  const { replicas = 3, policies = [verticalPolicy()], horizontal = [] } = scene;
  const whole = snapshotOf({ replicas, policy: horizontalPolicy(), pods: sized(replicas), usage: scene.usage ?? used(replicas, 180, 280) });
  const vertical: SnapshotVertical = {
    verticalPolicies: policies.filter(({ kind }) => kind === 'VerticalPolicy'),
    verticalPodAutoscalers: policies.filter(({ kind }) => kind === 'VerticalPodAutoscaler'),
    checkpoints: [checkpoint()],
    limitRanges: [],
    workloads: [deployment(replicas)],
    ...scene.vertical,
  };
  const snapshot: Snapshot = {
    ...whole,
    horizontalPolicies: horizontal.filter(({ kind }) => kind === 'HorizontalPolicy'),
    horizontalPodAutoscalers: horizontal.filter(({ kind }) => kind === 'HorizontalPodAutoscaler'),
    vertical,
    ...scene.parts,
  };
  const reading = readingOf(snapshot, settings, { adopt: scene.adopt ?? [] });
  return { snapshot, reading, outlook: outlookFrom(snapshot, settings, reading) };
}

export function itemsOf(scene: RequestsScene): RecommendationItem[] {
  return read(scene).outlook.vertical.flatMap(requestItems);
}

/** The explanation of the first policy by name. */
export function requestsExplanationOf(scene: RequestsScene): RequestsExplanation {
  const { outlook, snapshot, reading } = read(scene);
  const [first] = outlook.vertical;
  if (first === undefined) throw new Error('the scene has no policy of requests');
  return explainRequests(first, { snapshot, reading, settings });
}
