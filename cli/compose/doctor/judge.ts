import { queryKey, type MetricQuery } from '../../../core/model/metric-query.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { Check } from './check.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { judgeConflicts } from './conflict-checks.ts';
import { judgeCrd } from './crd-checks.ts';
import { judgeDiscovery } from './discovery-checks.ts';
import { judgeMetricsGroup, type Need } from './metrics-api-checks.ts';
import type { MetricsGroup } from './metrics-apis.ts';
import { distinctQueries } from './policies.ts';
import { judgePolicies } from './policy-checks.ts';
import { judgeAnswers, judgeSourceUse } from './query-checks.ts';
import { skipped } from './check.ts';
import { unreadLine } from './reading.ts';
import { judgeNodes } from './nodes-checks.ts';
import { judgeRights } from './rights-checks.ts';
import { judgeSources } from './source-checks.ts';
import { judgeUsage } from './usage-checks.ts';
import { judgeVertical } from './vertical-checks.ts';

/** Everything that there is to say about a cluster, in a fixed order of areas and by name within one. */
export function judgeCluster(facts: ClusterFacts): readonly Check[] {
  const { now, secretNamespace, namespaces } = facts;
  return [
    ...facts.crds.map(({ built, installed }) => judgeCrd(built, installed)),
    ...judgeMetrics(facts),
    ...judgeSources(facts.sources, {
      now,
      maxAgeMs: facts.settings.metrics.maxAge,
      secretNamespace,
      namespaces: namespaces.ok ? namespaces.value.map(({ metadata }) => metadata.name) : undefined,
    }),
    facts.subject.line,
    ...judgeRights(facts.rights, facts.subject),
    ...judgeConflicts(facts.policies, facts.others, (policy) => containersOf(facts, policy)),
    ...judgePolicyArea(facts),
    ...judgeVertical(facts.vertical),
    ...judgeNodes(facts.nodeGroups),
    ...judgeDiscovery(facts.servers),
  ];
}

function judgeMetrics(facts: ClusterFacts): Check[] {
  return facts.groups.flatMap((group) => {
    const lines = judgeMetricsGroup(group, needOf(facts, group.group));
    return group.group === 'metrics.k8s.io' && facts.usage !== undefined
      ? [...lines, ...judgeUsage(facts.usage, usageContext(facts))]
      : lines;
  });
}

/** How much the policies and the settings need an API group; what only native HPAs need is not our fault. */
function needOf({ policies, settings }: ClusterFacts, group: MetricsGroup): Need {
  const own = policies.filter(({ native }) => !native);
  const kinds = group === 'custom.metrics.k8s.io' ? ['pods', 'object'] : ['external'];
  if (group === 'metrics.k8s.io') return { policies: 0, usage: usesMetricsServer(settings) };
  return { policies: own.filter(({ queries }) => queries.some(({ kind }) => kinds.includes(kind))).length, usage: false };
}

function usesMetricsServer({ metrics }: ClusterFacts['settings']): boolean {
  return metrics.usageSource === 'metrics.k8s.io';
}

function usageContext({ now, settings, pods, nodes }: ClusterFacts): Parameters<typeof judgeUsage>[1] {
  return {
    now,
    maxAgeMs: settings.metrics.maxAge,
    pods: pods.all,
    readyNodes: nodes.ok ? nodes.value.filter(isReady).map(({ metadata }) => metadata.name) : undefined,
    used: usesMetricsServer(settings),
  };
}

function isReady({ status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly { readonly type?: string; readonly status?: string }[] };
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

function containersOf({ pods }: ClusterFacts, policy: Parameters<ClusterFacts['pods']['of']>[0]): readonly string[] | undefined {
  return pods.of(policy)?.[0]?.shape.containers.map(({ name }) => name);
}

function judgePolicyArea({ policyList, policies, pods, sources, asked, notAsked, now }: ClusterFacts): Check[] {
  const queries = distinctQueries(policies);
  const askerOf = (query: MetricQuery): { readonly name: string; readonly native: boolean } =>
    queries.get(queryKey(query))?.policy ?? { name: 'a policy', native: false };
  const unread = policyList.ok
    ? []
    : [
        policyList.kind === 'absent'
          ? skipped('policies', 'there are no HorizontalPolicies: their type is not installed')
          : unreadLine('policies', 'HorizontalPolicies', policyList),
      ];
  return [
    ...unread,
    ...(policyList.ok || policies.length > 0 ? judgePolicies(policies, (policy) => pods.of(policy)) : []),
    ...judgeSourceUse(policies, sources, now),
    ...judgeAnswers(asked, { askerOf, left: notAsked, now }),
  ];
}
