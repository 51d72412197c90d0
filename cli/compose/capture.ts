import { messageOf } from '../../core/errors.ts';
import { isForbidden, isGone, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import { resourceTypes, type KubeObject, type ObjectReference, type ResourceType } from '../../core/model/object.ts';
import {
  pruneForSnapshot,
  prunePolicyForSnapshot,
  type ClusterSnapshot,
  type SentRequest,
  type SnapshotOwner,
  type SnapshotScale,
} from '../../core/model/snapshot.ts';
import { queryKey, type MetricQuery } from '../../core/model/metric-query.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import { createInterner } from '../../core/model/interner.ts';
import { projectPod } from '../../core/model/pod.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import { createScaleAccess, fromHpa, metricQueries, parsePolicy } from '../../hpa/index.ts';
import { factsOf } from '../../metrics-aggregator/index.ts';
import { wellKnownKinds } from '../../vpa/index.ts';
import { createAggregation, type AggregationOptions } from './aggregation.ts';
import { captureNodePools, targetsAtRest } from './capture-nodes.ts';
import { captureVertical, withReplicaSets } from './capture-vertical.ts';
import { clusterClock } from './cluster-clock.ts';
import { confinedQuery, recordRequests, type RequestRecord } from './explain/sent-requests.ts';
import type { ProviderFactory } from './nodes.ts';
import type { DecisionSettings } from './settings.ts';

export interface CaptureOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: DecisionSettings;
  /** Told what is wrong with MetricSources. */
  readonly logger: Logger;
  readonly network?: AggregationOptions['network'];
  /** Only this namespace; default all. Nodes are left out then, but where policies of requests are to be capped to them. */
  readonly namespace?: string | undefined;
  /** The cloud whose node groups are looked at; default: that of the settings. */
  readonly provider?: ProviderFactory | undefined;
  /** The policies that are decided upon: sources are asked for these only; default all. */
  readonly only?: ((policy: KubeObject) => boolean) | undefined;
}

/** Reads everything that a recommendation is made of, once. Writes nothing. */
export async function captureCluster(options: CaptureOptions): Promise<Omit<ClusterSnapshot, 'complete'>> {
  const { client, settings, namespace, only = () => true } = options;
  const { clock } = await clusterClock(client, options.clock);
  const [policies, hpas, pods, allNodes, metricSources, captured] = await Promise.all([
    listOrEmpty(client, resourceTypes.horizontalPolicies, namespace),
    listOrEmpty(client, resourceTypes.horizontalPodAutoscalers, namespace),
    client.list(resourceTypes.pods, { namespace }).then((list) => list.items),
    namespace === undefined ? client.list(resourceTypes.nodes).then((list) => list.items) : Promise.resolve<readonly KubeObject[]>([]),
    listOrEmpty(client, resourceTypes.metricSources, undefined),
    captureVertical(client, namespace),
  ]);
  const sizing = [...captured.verticalPolicies, ...captured.verticalPodAutoscalers];
  const [scales, replicaSets, nodes, nodePools] = await Promise.all([
    readScales(client, clock, [...policies, ...hpas, ...sizing]),
    readReplicaSets(client, pods, namespace),
    namespace !== undefined && sizing.length > 0 ? nodesForSizing(client) : Promise.resolve(allNodes),
    // Node groups are for all namespaces: a part of the pods says nothing of them.
    namespace === undefined
      ? captureNodePools({
          ...options,
          clock,
          namespace: settings.metrics.secretNamespace ?? defaultSecretNamespace,
          pods,
          nodes: allNodes,
        })
      : Promise.resolve(undefined),
  ]);
  const vertical = sizing.length === 0 ? captured : withReplicaSets(captured, replicaSets ?? []);
  const named = (kind: string, apiVersion: string, items: readonly KubeObject[]): KubeObject[] =>
    items.map((item) => ({ ...item, apiVersion, kind }));
  const horizontalPolicies = named('HorizontalPolicy', 'concertina.dev/v1alpha1', policies.map(prunePolicyForSnapshot));
  const horizontalPodAutoscalers = named('HorizontalPodAutoscaler', 'autoscaling/v2', hpas.map(prunePolicyForSnapshot));
  const queries = queriesOf({
    policies: horizontalPolicies.filter(only),
    hpas: horizontalPodAutoscalers.filter(only),
    scales,
    settings,
  });
  const { view, record } = await measure(options, { clock, pods, metricSources, queries });
  const now = clock.now();
  return {
    kind: 'ConcertinaSnapshot',
    version: 1,
    takenAt: now,
    server: client.server,
    horizontalPolicies,
    horizontalPodAutoscalers,
    scales,
    pods: named('Pod', 'v1', pods.map(pruneForSnapshot)),
    ...(replicaSets === undefined ? {} : { replicaSets: replicaSets.map(ownerOf) }),
    nodes: named('Node', 'v1', nodes.map(pruneForSnapshot)),
    vertical,
    ...(nodePools === undefined
      ? {}
      : { nodePools: { ...nodePools, controllers: [...nodePools.controllers, ...(await targetsAtRest(client, scales))] } }),
    metrics: {
      ...usageFacts(view, { record, namespace, usageSource: settings.metrics.usageSource }),
      queries: queries.map((query) => ({ query, result: view.query(query), ...sentFor(query, { record, metricSources, now }) })),
    },
  };
}

type UsageFacts = Omit<ClusterSnapshot['metrics'], 'queries'>;

function usageFacts(
  view: MetricsView,
  {
    record,
    namespace,
    usageSource,
  }: { readonly record: RequestRecord; readonly namespace: string | undefined; readonly usageSource: string },
): UsageFacts {
  const request = record.usage();
  const unscraped = [...factsOf(view).unscrapedNodes].map(([name, node]) => ({ name, ...node }));
  return {
    source: view.resourceSource,
    usageSource,
    ...(request === undefined ? {} : { usageRequest: request }),
    ...(unscraped.length === 0 ? {} : { unscrapedNodes: unscraped }),
    pods: [...view.pods()].filter((pod) => namespace === undefined || pod.namespace === namespace),
    nodes: namespace === undefined ? [...view.nodes()] : [],
    ...(view.usageDoubt === undefined ? {} : { doubt: view.usageDoubt }),
  };
}

function sentFor(
  query: MetricQuery,
  { record, metricSources, now }: { readonly record: RequestRecord; readonly metricSources: readonly KubeObject[]; readonly now: number },
): { readonly sent?: SentRequest } {
  const text = query.kind === 'prometheus' ? confinedQuery(query, metricSources, now) : undefined;
  const sent = text === undefined ? record.query(query) : { text };
  return sent === undefined ? {} : { sent };
}

/** Whose the ReplicaSets of the pods are; `undefined` where they may not be read: a recommendation is made all the same, by labels. */
async function readReplicaSets(
  client: KubeClient,
  pods: readonly KubeObject[],
  namespace: string | undefined,
): Promise<KubeObject[] | undefined> {
  const owning = new Set(pods.flatMap(({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid)));
  if (owning.size === 0) return [];
  try {
    return await ownersAmong(client, owning, namespace);
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** What nodes can hold; empty where they may not be read: nothing is capped to them then. */
async function nodesForSizing(client: KubeClient): Promise<readonly KubeObject[]> {
  try {
    return (await client.list(resourceTypes.nodes)).items;
  } catch (error) {
    if (isForbidden(error)) return [];
    throw error;
  }
}

/** A list that grows too old under way is begun again so often. */
const listTries = 3;

/** Page by page: old revisions are many times as many as what owns pods, and nothing of those is kept. */
async function ownersAmong(client: KubeClient, owning: ReadonlySet<string>, namespace: string | undefined): Promise<KubeObject[]> {
  for (let tries = 1; ; tries += 1) {
    const owners: KubeObject[] = [];
    let continueToken: string | undefined;
    try {
      do {
        const page = await client.listPage(resourceTypes.replicaSets, { namespace, continueToken });
        owners.push(...page.items.filter(({ metadata: { uid } }) => uid !== undefined && owning.has(uid)));
        ({ continueToken } = page);
      } while (continueToken !== undefined);
      return owners;
    } catch (error) {
      if (!isGone(error) || tries === listTries) throw error;
    }
  }
}

function ownerOf({ metadata: { uid = '', ownerReferences } }: KubeObject): SnapshotOwner {
  const controller = ownerReferences?.find((owner) => owner.controller === true);
  if (controller === undefined) return { uid };
  const { apiVersion, kind, name, uid: of } = controller;
  return { uid, controller: { apiVersion, kind, name, uid: of } };
}

/** Asks every source once. */
async function measure(
  options: CaptureOptions,
  facts: {
    readonly clock: Clock;
    readonly pods: readonly KubeObject[];
    readonly metricSources: readonly KubeObject[];
    readonly queries: readonly MetricQuery[];
  },
): Promise<{ readonly view: MetricsView; readonly record: RequestRecord }> {
  const { settings, random, logger, network } = options;
  const record = recordRequests(options.client, options.clock);
  const interner = createInterner();
  const pods = facts.pods.map((pod) => projectPod(pod, interner));
  const { aggregator, sources } = createAggregation({
    client: record.client,
    clock: facts.clock,
    transportClock: options.clock,
    random,
    settings,
    metricSources: fixedMirror(facts.metricSources),
    cluster: { runningPods: () => pods.filter(({ phase }) => phase === 'Running').length, pods: () => pods },
    secretNamespace: settings.metrics.secretNamespace ?? defaultSecretNamespace,
    logger,
    network,
  });
  sources.start();
  try {
    await sources.settled();
    aggregator.demand('capture', facts.queries);
    return { view: await aggregator.refresh(), record };
  } finally {
    aggregator.stop();
    sources.stop();
  }
}

/** Where `deploy/` installs the program. */
const defaultSecretNamespace = 'concertina-system';

function fixedMirror(objects: readonly KubeObject[]): AggregationOptions['metricSources'] {
  const byName = new Map(objects.map((object) => [object.metadata.name, object]));
  return {
    get: (name) => byName.get(name),
    hasSynced: () => true,
    onDelta: (handler) => {
      for (const [key, object] of byName) handler({ key, new: object });
      return () => undefined;
    },
  };
}

interface QueryFacts {
  readonly policies: readonly KubeObject[];
  readonly hpas: readonly KubeObject[];
  readonly scales: readonly SnapshotScale[];
  readonly settings: DecisionSettings;
}

/** What the policies ask of other sources than usage; one whose scale is not known has nothing to ask about its pods. */
function queriesOf({ policies, hpas, scales, settings }: QueryFacts): MetricQuery[] {
  const selectors = new Map(scales.flatMap((scale) => (scale.ok ? [[scaleKey(scale), scale.selector] as const] : [])));
  const cooldown = { scaleUpMs: settings.cooldown.scaleUp, scaleDownMs: settings.cooldown.scaleDown };
  const parsed = [...policies.map((raw) => parsePolicy(raw, cooldown)), ...hpas.map((raw) => fromHpa(raw))];
  const queries = parsed.flatMap((result) => {
    if (!result.ok) return [];
    const { target, spec, reference } = result.policy;
    const selector = selectors.get(scaleKey(target));
    return selector === undefined ? [] : metricQueries(spec.metrics, { namespace: reference.namespace ?? '', selector });
  });
  return [...new Map(queries.map((query) => [queryKey(query), query])).values()];
}

function scaleKey({ apiVersion, kind, namespace = '', name }: ObjectReference): string {
  return `${apiVersion}/${kind}/${namespace}/${name}`;
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

interface RawReference {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly name?: unknown;
}

/** What a policy scales, or what it sizes where its pods can be told by a scale only. */
function targetOf(raw: KubeObject): (ObjectReference & { readonly namespace: string }) | undefined {
  const { scaleTargetRef, targetRef } = (raw.spec ?? {}) as { readonly scaleTargetRef?: RawReference; readonly targetRef?: RawReference };
  const sized = wellKnownKinds.some((each) => each === targetRef?.kind) ? undefined : targetRef;
  const { apiVersion = 'v1', kind, name } = scaleTargetRef ?? sized ?? {};
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') return undefined;
  return { apiVersion, kind, name, namespace: raw.metadata.namespace ?? '' };
}
