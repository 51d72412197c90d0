import { buildClusterView } from '../../core/model/cluster-view.ts';
import type { Claim } from '../../core/model/intent.ts';
import { createInterner } from '../../core/model/interner.ts';
import type { MetricsView, PodUsage } from '../../core/model/metrics-view.ts';
import { projectNode } from '../../core/model/node.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { projectPdb } from '../../core/model/pdb.ts';
import { projectPod, type OwnerRecord } from '../../core/model/pod.ts';
import { selectorOf } from '../../core/model/selector.ts';
import { defaultEstimationConfig, defaultVpaConfig } from '../config.ts';
import type { CheckpointStatus } from '../model.ts';
import { createRecommenderEngine } from '../recommender/engine/recommender-engine.ts';
import { recommendRequests, type RequestsInput, type RequestsRecommendation } from './recommend.ts';

/** Scenes for tests: a Deployment `shop/web` of pods with container `app` that asks for 500m and 512Mi, at noon of 2026-11-22. */

export const now = Date.UTC(2026, 10, 22, 12);
export const mebi = 2 ** 20;
const minute = 60_000;
const labels = { app: 'web' };

function time(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

export function pod(
  name: string,
  { requests = { cpu: '500m', memory: '512Mi' }, status = {} }: { readonly requests?: object; readonly status?: object } = {},
): KubeObject {
  const since = time(now - 24 * 60 * minute);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      labels,
      creationTimestamp: since,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5f', uid: 'rs-web', controller: true }],
    },
    spec: { nodeName: 'node-a', containers: [{ name: 'app', resources: { requests } }] },
    status: {
      phase: 'Running',
      startTime: since,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }],
      containerStatuses: [{ name: 'app', ready: true, restartCount: 0, state: { running: { startedAt: since } } }],
      ...status,
    },
  };
}

/** The container was killed for memory five minutes ago, half a minute after its start, and runs again. */
export function oomStatus(): object {
  const terminated = { reason: 'OOMKilled', exitCode: 137, startedAt: time(now - 5.5 * minute), finishedAt: time(now - 5 * minute) };
  return {
    containerStatuses: [
      { name: 'app', ready: true, restartCount: 1, state: { running: { startedAt: time(now - 4 * minute) } }, lastState: { terminated } },
    ],
  };
}

export function pods(count: number): KubeObject[] {
  return Array.from({ length: count }, (_, index) => pod(`web-${index}`));
}

export function policy(spec: object = {}, parts: Partial<KubeObject> = {}): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'VerticalPolicy',
    ...parts,
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'uid-policy',
      generation: 1,
      creationTimestamp: time(now - 48 * 60 * minute),
      ...parts.metadata,
    },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec },
  };
}

export function vpa(spec: object = {}, parts: Partial<KubeObject> = {}): KubeObject {
  return policy(spec, { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', ...parts });
}

/** `status` with that recommendation, as a recommender leaves it. */
export function recommended(cpu: string, memory: string, more: object = {}): { readonly status: object } {
  const amounts = { cpu, memory };
  const recommendation = {
    containerRecommendations: [
      { containerName: 'app', target: amounts, lowerBound: amounts, upperBound: amounts, uncappedTarget: amounts },
    ],
  };
  const conditions = [{ type: 'RecommendationProvided', status: 'True', reason: 'r', message: 'm', lastTransitionTime: time(now) }];
  return { status: { conditions, recommendation, ...more } };
}

export function deployment(replicas: number, parts: { readonly name?: string } = {}): KubeObject {
  const containers = [{ name: 'app', resources: { requests: { cpu: '500m', memory: '512Mi' } } }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: parts.name ?? 'web', namespace: 'shop', uid: 'web' },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

export function usage(count: number, cpuMilli: number, memory: number): PodUsage[] {
  return Array.from({ length: count }, (_, index) => ({
    namespace: 'shop',
    name: `web-${index}`,
    timestamp: now - 10_000,
    windowMs: 15_000,
    containers: [{ name: 'app', cpuMilli, memoryMilli: memory * 1000 }],
  }));
}

/** A view of nothing but usage. */
export function viewOf(usages: readonly PodUsage[], parts: Partial<MetricsView> = {}): MetricsView {
  const find = (namespace: string, name: string): PodUsage | undefined =>
    usages.find((each) => each.namespace === namespace && each.name === name);
  return {
    at: now,
    sequence: 1,
    resourceSource: { healthy: true, lastSuccess: now },
    usageDoubt: undefined,
    podCount: usages.length,
    podUsage: find,
    hasPod: (namespace, name) => find(namespace, name) !== undefined,
    nodeUsage: () => undefined,
    pods: () => usages.values(),
    nodes: () => [].values(),
    containerHistory: () => undefined,
    eachFresh: (visit) => {
      for (const { namespace, name, timestamp, windowMs, containers } of usages) {
        for (const { name: container, cpuMilli, memoryMilli } of containers)
          visit({ namespace, pod: name, container, timestamp, windowMs, cpuMilli, memoryMilli });
      }
    },
    containerSample: () => {
      throw new Error('not asked for');
    },
    podGap: () => ({ reason: 'missing', detail: 'no sample of it' }),
    query: () => {
      throw new Error('not asked for');
    },
    queryHistory: () => undefined,
    sources: () => [],
    ...parts,
  };
}

/** What a recommender that has seen a steady day stores. */
export function checkpoint(cpuCores: number, memory: number, written = now - minute): KubeObject {
  const engine = createRecommenderEngine(defaultEstimationConfig);
  engine.setPolicy('k', {
    namespace: 'shop',
    selector: selectorOf({ matchLabels: labels }),
    containers: [],
    estimation: {},
    created: undefined,
  });
  engine.setPod(projectPod(pod('past'), createInterner()));
  const count = 1440;
  engine.observeHistory({
    namespace: 'shop',
    pod: 'past',
    container: 'app',
    labels,
    timestamps: Float64Array.from({ length: count }, (_, index) => written - (count - index) * minute),
    cpu: new Float64Array(count).fill(cpuCores),
    memory: new Float64Array(count).fill(memory),
  });
  const status: CheckpointStatus | undefined = engine.saveCheckpoint('k', 'app', written + 8 * 24 * 60 * minute);
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'VerticalPolicyCheckpoint',
    metadata: { name: 'web-app', namespace: 'shop' },
    spec: { vpaObjectName: 'web', containerName: 'app' },
    status: { ...status, lastUpdateTime: time(written) },
  };
}

export function node(cpu: string, memory: string): KubeObject {
  return {
    metadata: { name: 'node-a' },
    spec: {},
    status: { allocatable: { cpu, memory }, conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

export interface Scene {
  readonly policies?: readonly KubeObject[];
  readonly checkpoints?: readonly KubeObject[];
  readonly pods?: readonly KubeObject[];
  readonly workloads?: readonly KubeObject[];
  readonly pdbs?: readonly KubeObject[];
  readonly nodes?: readonly KubeObject[];
  readonly limitRanges?: readonly KubeObject[];
  readonly view?: MetricsView;
  readonly claims?: readonly Claim[];
  readonly parts?: Partial<RequestsInput>;
}

export function inputOf(scene: Scene): RequestsInput {
  const interner = createInterner();
  const own = scene.pods ?? pods(3);
  return {
    policies: scene.policies ?? [policy()],
    checkpoints: scene.checkpoints ?? [],
    pods: buildClusterView({
      at: now,
      pods: own.map((raw) => projectPod(raw, interner)),
      pdbs: (scene.pdbs ?? []).map((raw) => projectPdb(raw, interner)),
    }),
    view: scene.view ?? viewOf(usage(own.length, 100, 200 * mebi)),
    limitRanges: scene.limitRanges ?? [],
    nodes: (scene.nodes ?? []).map((raw) => projectNode(raw, interner)),
    workloads: scene.workloads ?? [deployment(own.length)],
    controllerOf: ownedBy({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'web' }),
    horizontalClaims: scene.claims ?? [],
    now,
    config: defaultVpaConfig,
    ...scene.parts,
  };
}

/** What controls the ReplicaSet of the pods. */
export function ownedBy(owner: OwnerRecord): NonNullable<RequestsInput['controllerOf']> {
  return ({ uid }) => (uid === 'rs-web' ? owner : undefined);
}

export function recommendationOf(scene: Scene): RequestsRecommendation {
  const [first] = recommendRequests(inputOf(scene));
  if (first === undefined) throw new Error('the scene has no policy');
  return first;
}
