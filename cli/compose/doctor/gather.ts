import type { KubeClient } from '../../../core/kube/index.ts';
import type { Clock } from '../../../core/model/clock.ts';
import { sourceOfQuery, type MetricQuery, type PrometheusQuery } from '../../../core/model/metric-query.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { createCustomMetricsSource, createExternalMetricsSource, type MetricsSource } from '../../../metrics-aggregator/index.ts';
import { concertinaCrds } from '../crds.ts';
import type { DecisionSettings } from '../settings.ts';
import { findServers } from '../../../metrics-aggregator/index.ts';
import { readAutoscalers } from './autoscalers.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import type { DiscoveredServer } from './discovery-checks.ts';
import { metricsGroups, readMetricsGroup, readUsage, type MetricsGroupFacts } from './metrics-apis.ts';
import { distinctQueries, readPolicies } from './policies.ts';
import type { AskedQuery } from './query-checks.ts';
import { readList, readObject, someAtOnce, valueOr, type Reading } from './reading.ts';
import { readNodes } from './nodes-checks.ts';
import { clusterApiRights, nodesRights } from './nodes-rights.ts';
import { askRights } from './rights-checks.ts';
import { runRights } from './rights-table.ts';
import { readSource, throughApiServer, type SourceFacts } from './sources.ts';
import { readTargetPods } from './target-pods.ts';
import { usedRights } from './used-rights.ts';
import { readVertical } from './vertical-checks.ts';
import { chooseSubject, installedAs, type ServiceAccountName } from './whose-rights.ts';

export interface GatherOptions {
  readonly client: KubeClient;
  /** This machine's: times what goes over sockets. */
  readonly clock: Clock;
  /** The API server's clock less this machine's, milliseconds. */
  readonly skewMs: number;
  readonly settings: DecisionSettings;
  /** Only this namespace; absent: all. What is not in a namespace is looked at all the same. */
  readonly namespace: string | undefined;
  /** Ask MetricSources and found servers themselves. */
  readonly probe: boolean;
  /** Whose rights are looked at; absent: chosen. */
  readonly serviceAccount: ServiceAccountName | undefined;
}

/** Reads everything that the checks look at, once. Writes nothing. */
export async function gather(options: GatherOptions): Promise<ClusterFacts> {
  const { client, clock, settings, namespace, skewMs } = options;
  const secretNamespace = settings.metrics.secretNamespace ?? installedAs.namespace;
  const [crds, groups, policyList, others, sourceList, namespaces, services, pods, nodes, subject, vertical] = await Promise.all([
    readCrds(client),
    Promise.all(metricsGroups.map((group) => readMetricsGroup(client, clock, group))),
    readList(client, resourceTypes.horizontalPolicies, namespace),
    readAutoscalers(client, namespace),
    readList(client, resourceTypes.metricSources),
    readList(client, resourceTypes.namespaces),
    readList(client, resourceTypes.services, namespace),
    readTargetPods(client, namespace),
    readList(client, resourceTypes.nodes),
    chooseSubject(client, options.serviceAccount),
    readVertical(client, namespace),
  ]);
  const cooldown = { scaleUpMs: settings.cooldown.scaleUp, scaleDownMs: settings.cooldown.scaleDown };
  const policies = await readPolicies({ policies: valueOr(policyList, []), hpas: valueOr(others.hpas, []) }, { client, clock, cooldown });
  const queries = [...distinctQueries(policies).values()].map(({ query }) => query);
  const ownNamespace = settings.metrics.secretNamespace ?? subject.namespace;
  const nodeGroups = await readNodes({ client, clock, settings, nodes, now: () => clock.now() + skewMs });
  const scaled = nodeGroups.cloud !== undefined || valueOr(nodeGroups.policies, []).length > 0;
  const cloudRights = settings.cloudProvider === 'clusterapi' ? clusterApiRights : [];
  const neededRights = [...runRights, ...(scaled ? [...nodesRights, ...cloudRights] : []), ...usedRights(policies)];
  const [usage, sources, answers, servers, rights] = await Promise.all([
    isServed(groups, 'metrics.k8s.io') ? readUsage(client, clock, namespace) : Promise.resolve(undefined),
    readSources(sourceList, { options, secretNamespace, queries }),
    askMetricsApis(options, groups, queries),
    readServers(services, sourceList, options),
    subject.client === undefined ? Promise.resolve([]) : askRights(subject.client, neededRights, ownNamespace),
  ]);
  const asked = [...answers.asked, ...valueOr(sources, []).flatMap((source) => source.asked)];
  const notAsked = answers.left;
  const facts = {
    settings,
    namespace,
    secretNamespace,
    crds,
    groups,
    usage,
    policyList,
    policies,
    others,
    pods,
    nodes,
    namespaces,
    sources,
    subject,
    vertical,
    nodeGroups,
  };
  return { now: clock.now() + skewMs, ...facts, rights, asked, notAsked, servers };
}

async function readCrds(client: KubeClient): Promise<ClusterFacts['crds']> {
  return Promise.all(
    concertinaCrds().map(async (built) => ({
      built,
      installed: await readObject(client, resourceTypes.customResourceDefinitions, { name: built.metadata.name }),
    })),
  );
}

/** A group whose APIServices may not be read is asked all the same. */
function isServed(groups: readonly MetricsGroupFacts[], name: string): boolean {
  const group = groups.find((each) => each.group === name);
  return group !== undefined && !(group.services.ok && group.services.value.length === 0);
}

const sourcesAtOnce = 8;

async function readSources(
  list: Reading<readonly KubeObject[]>,
  {
    options,
    secretNamespace,
    queries,
  }: { readonly options: GatherOptions; readonly secretNamespace: string; readonly queries: readonly MetricQuery[] },
): Promise<Reading<readonly SourceFacts[]>> {
  if (!list.ok) return list;
  const { client, clock, probe } = options;
  const queriesOf = (name: string): readonly PrometheusQuery[] =>
    queries.filter((query) => query.kind === 'prometheus' && query.source === name) as PrometheusQuery[];
  const read = (raw: KubeObject): Promise<SourceFacts> => readSource(raw, { client, clock, secretNamespace, probe, queriesOf });
  return { ok: true, value: await someAtOnce(list.value, sourcesAtOnce, read) };
}

/** Distinct queries of policies that are asked of custom and external metrics. */
const mostQueries = 40;
const queriesAtOnce = 4;

async function askMetricsApis(
  { client, clock, skewMs, settings }: GatherOptions,
  groups: readonly MetricsGroupFacts[],
  queries: readonly MetricQuery[],
): Promise<{ readonly asked: readonly AskedQuery[]; readonly left: number }> {
  const timeoutMs = settings.metrics.timeout;
  // Ages and timestamps in the future are judged by the cluster's clock.
  const clusterTime: Clock = {
    now: () => clock.now() + skewMs,
    monotonic: () => clock.monotonic(),
    setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
  };
  const sources = new Map<string, MetricsSource>(
    [
      createCustomMetricsSource({ client, clock: clusterTime, timeoutMs }),
      createExternalMetricsSource({ client, clock: clusterTime, timeoutMs }),
    ].map((source) => [source.name, source]),
  );
  // Where nobody serves the group that is said once, and not for each query.
  const askable = queries.filter((query) => {
    // Without a selector the target was not found, which is said of the policy.
    if (query.kind === 'pods' && query.selector === '') return false;
    return sources.has(sourceOfQuery(query)) && isServed(groups, sourceOfQuery(query));
  });
  const chosen = askable.slice(0, mostQueries);
  const never = new AbortController().signal;
  const asked = await someAtOnce(chosen, queriesAtOnce, async (query) => {
    const answer = await sources.get(sourceOfQuery(query))?.ask?.(query, never);
    return answer === undefined ? [] : [{ query, answer }];
  });
  return { asked: asked.flat(), left: askable.length - chosen.length };
}

async function readServers(
  services: Reading<readonly KubeObject[]>,
  sources: Reading<readonly KubeObject[]>,
  { client, probe }: GatherOptions,
): Promise<Reading<readonly DiscoveredServer[]>> {
  if (!services.ok) return services;
  const declared = valueOr(sources, []).flatMap(({ metadata, spec }) => {
    const { url } = (spec ?? {}) as { readonly url?: unknown };
    return typeof url === 'string' ? [{ name: metadata.name, url }] : [];
  });
  const found = findServers(services.value, declared);
  const value = await someAtOnce(found, sourcesAtOnce, async (server) => {
    if (!probe || server.usedBy !== undefined) return { found: server, answer: undefined };
    const { scheme, name, namespace, port, path } = server;
    return { found: server, answer: await throughApiServer(client, `${scheme}://${name}.${namespace}.svc:${port}${path}`) };
  });
  return { ok: true, value };
}
