import { isForbidden, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import { apiVersionOf, resourceTypes, type KubeObject, type ResourceType } from '../../core/model/object.ts';
import { prunePolicyForSnapshot, pruneWorkloadForSnapshot, type SnapshotVertical } from '../../core/model/snapshot.ts';

const workloadTypes = [
  resourceTypes.deployments,
  resourceTypes.statefulSets,
  resourceTypes.daemonSets,
  resourceTypes.jobs,
  resourceTypes.cronJobs,
  resourceTypes.replicationControllers,
];

/** Policies of requests and what they look at; checkpoints and workloads are read only where there is such a policy. */
export async function captureVertical(client: KubeClient, namespace: string | undefined): Promise<SnapshotVertical> {
  const unread: string[] = [];
  const list = (type: ResourceType): Promise<KubeObject[]> =>
    listOrEmpty(client, type, namespace).catch((error: unknown) => {
      if (!isForbidden(error)) throw error;
      unread.push(type.plural);
      return [];
    });
  const [verticalPolicies, verticalPodAutoscalers] = await Promise.all([
    list(resourceTypes.verticalPolicies),
    list(resourceTypes.verticalPodAutoscalers),
  ]);
  const policies = {
    verticalPolicies: verticalPolicies.map(prunePolicyForSnapshot),
    verticalPodAutoscalers: verticalPodAutoscalers.map(pruneVpa),
  };
  if (verticalPolicies.length + verticalPodAutoscalers.length === 0) {
    return { ...policies, checkpoints: [], limitRanges: [], workloads: [], ...unreadPart(unread) };
  }
  const [own, upstream, limitRanges, budgets, ...workloads] = await Promise.all([
    list(resourceTypes.verticalPolicyCheckpoints),
    list(resourceTypes.verticalPodAutoscalerCheckpoints),
    list(resourceTypes.limitRanges),
    list(resourceTypes.podDisruptionBudgets),
    ...workloadTypes.map(list),
  ]);
  return {
    ...policies,
    checkpoints: [...own, ...upstream].map(prunePolicyForSnapshot),
    limitRanges: limitRanges.map(prunePolicyForSnapshot),
    workloads: workloads.flat().map(pruneWorkloadForSnapshot),
    podDisruptionBudgets: budgets.map(prunePolicyForSnapshot),
    ...unreadPart(unread),
  };
}

/** ReplicaSets say how many of their pods may be away at once; the templates of those of a Deployment are the Deployment's. */
export function withReplicaSets(vertical: SnapshotVertical, replicaSets: readonly KubeObject[]): SnapshotVertical {
  const { kind } = resourceTypes.replicaSets;
  const pruned = replicaSets.map((raw) => {
    const whole = pruneWorkloadForSnapshot({ ...raw, apiVersion: apiVersionOf(resourceTypes.replicaSets), kind });
    if (raw.metadata.ownerReferences === undefined) return whole;
    const { template: _template, ...spec } = whole.spec as { readonly template?: unknown };
    return { ...whole, spec };
  });
  return { ...vertical, workloads: [...vertical.workloads, ...pruned] };
}

function unreadPart(unread: readonly string[]): Pick<SnapshotVertical, 'unread'> {
  return unread.length === 0 ? {} : { unread: unread.toSorted() };
}

/** Its annotations may hold post-processors, which are part of what it says. */
function pruneVpa(raw: KubeObject): KubeObject {
  const kept = Object.entries(raw.metadata.annotations ?? {}).filter(
    ([name]) => name.startsWith('vpa-post-processor.kubernetes.io/') || name.startsWith('concertina.dev/'),
  );
  const pruned = prunePolicyForSnapshot(raw);
  return kept.length === 0 ? pruned : { ...pruned, metadata: { ...pruned.metadata, annotations: Object.fromEntries(kept) } };
}

/** A cluster without the kind has none of it. */
async function listOrEmpty(client: KubeClient, type: ResourceType, namespace: string | undefined): Promise<KubeObject[]> {
  try {
    const { items } = await client.list(type, { namespace });
    return items.map((item) => ({ ...item, apiVersion: apiVersionOf(type), kind: type.kind }));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
