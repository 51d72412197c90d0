import { messageOf } from '../../core/errors.ts';
import { isNotFound, type KubeClient } from '../../core/kube/index.ts';
import type { Clock } from '../../core/model/clock.ts';
import { resourceTypes, type KubeObject, type ObjectReference, type ResourceType } from '../../core/model/object.ts';
import { pruneForSnapshot, type ClusterSnapshot, type SnapshotScale } from '../../core/model/snapshot.ts';
import { createMetricsAggregator, createMetricsServerSource } from '../../metrics-aggregator/index.ts';
import { createScaleAccess } from '../../hpa/index.ts';
import { clusterClock } from './cluster-clock.ts';
import type { DecisionSettings } from './settings.ts';

export interface CaptureOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly settings: DecisionSettings;
  /** Only this namespace; default all. Nodes are left out then. */
  readonly namespace?: string | undefined;
}

/** Reads everything that a recommendation is made of, once. Writes nothing. */
export async function captureCluster(options: CaptureOptions): Promise<Omit<ClusterSnapshot, 'complete'>> {
  const { client, settings, namespace } = options;
  const { clock } = await clusterClock(client, options.clock);
  const [policies, hpas, pods, nodes] = await Promise.all([
    listOrEmpty(client, resourceTypes.horizontalPolicies, namespace),
    listOrEmpty(client, resourceTypes.horizontalPodAutoscalers, namespace),
    client.list(resourceTypes.pods, { namespace }).then((list) => list.items),
    namespace === undefined ? client.list(resourceTypes.nodes).then((list) => list.items) : Promise.resolve([]),
  ]);
  const aggregator = createMetricsAggregator({
    source: createMetricsServerSource(client, { timeoutMs: settings.metrics.timeout }),
    clock,
    config: { pollIntervalMs: settings.metrics.pollInterval, maxAgeMs: settings.metrics.maxAge, timeoutMs: settings.metrics.timeout },
    runningPods: () => pods.filter((pod) => (pod.status as { phase?: string } | undefined)?.phase === 'Running').length,
  });
  const view = await aggregator.refresh();
  const named = <T extends KubeObject>(kind: string, apiVersion: string, items: readonly T[]): KubeObject[] =>
    items.map((item) => ({ ...pruneForSnapshot(item), apiVersion, kind }));
  return {
    kind: 'ConcertinaSnapshot',
    version: 1,
    takenAt: clock.now(),
    server: client.server,
    horizontalPolicies: named('HorizontalPolicy', 'concertina.dev/v1alpha1', policies),
    horizontalPodAutoscalers: named('HorizontalPodAutoscaler', 'autoscaling/v2', hpas),
    scales: await readScales(client, clock, [...policies, ...hpas]),
    pods: named('Pod', 'v1', pods),
    nodes: named('Node', 'v1', nodes),
    metrics: {
      source: view.resourceSource,
      pods: [...view.pods()].filter((pod) => namespace === undefined || pod.namespace === namespace),
      nodes: namespace === undefined ? [...view.nodes()] : [],
    },
  };
}

/** A cluster without the CRD has no policies; everything else that goes wrong is told. */
async function listOrEmpty(client: KubeClient, type: ResourceType, namespace: string | undefined): Promise<readonly KubeObject[]> {
  try {
    return (await client.list(type, { namespace })).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** Scales are read a few at a time: a cluster with thousands of policies is not to be flooded by a recommendation. */
const scalesAtOnce = 16;

async function readScales(client: KubeClient, clock: Clock, policies: readonly KubeObject[]): Promise<SnapshotScale[]> {
  const access = createScaleAccess({ client, clock });
  const targets = new Map<string, ObjectReference & { readonly namespace: string }>();
  for (const raw of policies) {
    const target = targetOf(raw);
    if (target !== undefined) targets.set(`${target.apiVersion}/${target.kind}/${target.namespace}/${target.name}`, target);
  }
  const queue = [...targets.values()];
  const scales: SnapshotScale[] = [];
  const worker = async (): Promise<void> => {
    for (let target = queue.pop(); target !== undefined; target = queue.pop()) {
      const { apiVersion, kind, namespace, name } = target;
      const read = await access.read(target).catch((error: unknown) => ({ ok: false as const, message: messageOf(error) }));
      const common = { apiVersion, kind, namespace, name };
      if (!read.ok) scales.push({ ...common, ok: false, message: read.message });
      else {
        const { specReplicas, statusReplicas, selector } = read.scale;
        scales.push({ ...common, ok: true, type: read.type, specReplicas, statusReplicas, selector });
      }
    }
  };
  await Promise.all(Array.from({ length: scalesAtOnce }, worker));
  return scales.toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

function targetOf(raw: KubeObject): (ObjectReference & { readonly namespace: string }) | undefined {
  const reference = (raw.spec as { scaleTargetRef?: { apiVersion?: unknown; kind?: unknown; name?: unknown } } | undefined)?.scaleTargetRef;
  const { apiVersion = 'v1', kind, name } = reference ?? {};
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') return undefined;
  return { apiVersion, kind, name, namespace: raw.metadata.namespace ?? '' };
}
