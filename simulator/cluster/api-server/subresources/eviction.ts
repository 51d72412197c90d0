import { formatTime } from '../../../../core/model/condition.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { checkNodeRestriction } from '../admission/node-restriction.ts';
import { systemUser } from '../core.ts';
import type { Core, WriteOptions } from '../core.ts';
import { deleteObject } from '../delete-object.ts';
import { StatusError, internalError, isStatusError, methodNotAllowed, notFound, tooManyRequests } from '../errors.ts';
import { objectOf } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import type { LabelSelectorShape, PodStatus } from '../kinds/shapes.ts';
import { matchesSelector } from '../label-selectors.ts';
import { updateObject } from '../update-object.ts';

interface Budget extends KubeObject {
  spec?: { selector?: LabelSelectorShape | null; unhealthyPodEvictionPolicy?: string };
  status?: {
    observedGeneration?: number;
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    disruptedPods?: Record<string, string>;
  };
}

const podsType = { group: '', plural: 'pods' };
/** More pods than this in `disruptedPods` and the budget takes no more, as upstream. */
const maxDisrupted = 2000;
const maxTries = 10;

/** POST pods/eviction: deletes the pod if its disruption budget has room, else 429; the budget's status is written first. */
export async function evictPod(
  core: Core,
  key: { readonly namespace: string; readonly name: string },
  eviction: KubeObject,
  options: WriteOptions,
): Promise<void> {
  const kind = core.kinds.ofStorage('/pods');
  const pod = core.store.get('/pods', key.namespace, key.name)?.object;
  if (kind === undefined || pod === undefined) throw notFound(podsType, key.name);
  const asked = { operation: 'CREATE', type: kind.type, subresource: 'eviction', ...key } as const;
  checkNodeRestriction(core.store, { ...asked, object: eviction, oldObject: pod, user: options.user });
  const wanted = objectOf(eviction['deleteOptions']);
  const dryRun = options.dryRun === true || (Array.isArray(wanted['dryRun']) && wanted['dryRun'].includes('All'));
  if (!ignoresBudgets(pod)) await spendBudget(core, pod, dryRun);
  const { gracePeriodSeconds, preconditions, propagationPolicy } = wanted;
  if (!dryRun) await markDisrupted(core, kind, pod);
  await deleteObject(core, kind, key, {
    user: options.user,
    dryRun,
    ...(typeof gracePeriodSeconds === 'number' ? { gracePeriodSeconds } : {}),
    ...(preconditions === undefined ? {} : { preconditions: objectOf(preconditions) as { uid?: string; resourceVersion?: string } }),
    ...(typeof propagationPolicy === 'string' ? { propagationPolicy: propagationPolicy as 'Background' } : {}),
  });
}

/** Finished, unstarted and already deleted pods serve nobody. */
function ignoresBudgets(pod: KubeObject): boolean {
  const { phase } = objectOf(pod.status) as PodStatus;
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined;
}

function isReady(pod: KubeObject): boolean {
  const conditions = (objectOf(pod.status) as PodStatus).conditions ?? [];
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

function budgetsOf(core: Core, pod: KubeObject): Budget[] {
  const labels = pod.metadata.labels ?? {};
  return core.store
    .list('policy/poddisruptionbudgets', pod.metadata.namespace ?? '')
    .map((stored) => stored.object as Budget)
    .filter((budget) => {
      const selector = budget.spec?.selector;
      return selector !== undefined && selector !== null && matchesSelector(selector, labels);
    });
}

async function spendBudget(core: Core, pod: KubeObject, dryRun: boolean): Promise<void> {
  for (let tries = 1; ; tries++) {
    const budgets = budgetsOf(core, pod);
    const [budget] = budgets;
    if (budget === undefined) return;
    if (budgets.length > 1) {
      throw internalError('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
    }
    if (!isReady(pod) && unhealthyMayGo(budget)) return;
    const next = decrement(core, pod, budget);
    if (dryRun) return;
    const kind = core.kinds.ofStorage('policy/poddisruptionbudgets');
    if (kind === undefined) return;
    try {
      await updateObject(core, kind, next, { subresource: 'status', user: systemUser });
      return;
    } catch (thrown) {
      if (!isStatusError(thrown, 'Conflict') || tries >= maxTries) throw thrown;
    }
  }
}

/** A pod that is not ready is not part of the healthy ones that the budget protects. */
function unhealthyMayGo(budget: Budget): boolean {
  if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

function decrement(core: Core, pod: KubeObject, budget: Budget): Budget {
  const status = budget.status ?? {};
  const { name } = budget.metadata;
  const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";
  if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
    throw tooManyRequests(refusal, 10, [
      { reason: 'DisruptionBudget', message: `The disruption budget ${name} is still being processed by the server.` },
    ]);
  }
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0)
    throw new StatusError(403, 'Forbidden', `poddisruptionbudgets.policy "${name}" is forbidden: pdb disruptions allowed is negative`);
  const disrupted = status.disruptedPods ?? {};
  if (Object.keys(disrupted).length > maxDisrupted) {
    throw new StatusError(
      403,
      'Forbidden',
      `poddisruptionbudgets.policy "${name}" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller`,
    );
  }
  if (allowed === 0) {
    throw tooManyRequests(refusal, 0, [
      {
        reason: 'DisruptionBudget',
        message: `The disruption budget ${name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`,
      },
    ]);
  }
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: { ...disrupted, [pod.metadata.name]: formatTime(core.clock.now()) },
    },
  };
}

/** The pod says in its own status that it was evicted, not merely deleted. */
async function markDisrupted(core: Core, kind: Kind, pod: KubeObject): Promise<void> {
  const current = core.store.get(kind.storageKey, pod.metadata.namespace ?? '', pod.metadata.name)?.object;
  if (current === undefined) throw methodNotAllowed();
  const status = objectOf(current.status) as PodStatus;
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    observedGeneration: current.metadata.generation ?? 0,
    lastProbeTime: null,
    lastTransitionTime: formatTime(core.clock.now()),
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  const conditions = [...(status.conditions ?? []).filter((entry) => entry.type !== condition.type), condition];
  await updateObject(core, kind, { ...current, status: { ...status, conditions } }, { subresource: 'eviction', user: systemUser });
}
