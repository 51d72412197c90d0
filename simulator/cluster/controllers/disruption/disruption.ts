import { type KubeObject, type ResourceType, resourceTypes } from '../../../../core/model/object.ts';
import type { Registry, RegistryEvent } from '../../api-server/types.ts';
import { controllerOf, keyOf, type Pod, type PodDisruptionBudget, splitKey, uidOf } from '../kinds.ts';
import { sameJson } from '../runtime/canonical.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { coalesceMs, createKeyedQueue } from '../runtime/keyed-queue.ts';
import { compileSelector, type LabelMatcher, labelsOf } from '../runtime/label-selector.ts';
import { budgetStatus, nextExpiryMs } from './budget-status.ts';

interface Membership {
  readonly selector: unknown;
  readonly matches: LabelMatcher;
  readonly pods: Map<string, Pod>;
}

/** Kinds whose scale is known, by the kind in an owner reference. */
const scalable: Readonly<Record<string, ResourceType>> = {
  ReplicaSet: resourceTypes.replicaSets,
  StatefulSet: resourceTypes.statefulSets,
  Deployment: resourceTypes.deployments,
};

/** Keeps the status of PodDisruptionBudgets, by which evictions are granted. */
export function startDisruptionController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const type = resourceTypes.podDisruptionBudgets;
  const events = recorderFor(context, 'controllermanager');
  const byNamespace = new Map<string, Map<string, Membership>>();

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { namespace, name } = splitKey(key);
    const members = byNamespace.get(namespace)?.get(key);
    if (members === undefined) return undefined;
    const pods = [...members.pods.values()];
    const stored = await registry.mutate(
      type,
      namespace,
      name,
      (object) => {
        const budget = object as PodDisruptionBudget;
        // Inside, so that an eviction that was granted meanwhile is not forgotten.
        const status = budgetStatus(budget, { pods, scale: () => scaleOf(registry, pods), now: clock.now() });
        return sameJson(status, budget.status) ? object : { ...object, status };
      },
      { subresource: 'status' },
    );
    if (stored === undefined) return undefined;
    warn(stored as PodDisruptionBudget, pods);
    return nextExpiryMs((stored as PodDisruptionBudget).status, clock.now());
  };

  const warn = (budget: PodDisruptionBudget, pods: readonly Pod[]): void => {
    const failed = budget.status?.conditions?.find(({ reason }) => reason === 'SyncFailed');
    if (failed !== undefined) {
      events.record(
        budget,
        'Warning',
        'CalculateExpectedPodCountFailed',
        `Failed to calculate the number of expected pods: ${failed.message ?? ''}`,
      );
    }
    if (pods.length === 0) events.record(budget, 'Normal', 'NoPods', 'No matching pods found');
  };

  const queue = createKeyedQueue({ clock, reconcile, onError: (key, error) => context.onError('disruption', key, error) });
  const onBudget = (event: RegistryEvent): void => {
    const budget = event.object as PodDisruptionBudget;
    const namespace = budget.metadata.namespace ?? '';
    const key = keyOf(budget);
    const budgets = byNamespace.get(namespace) ?? new Map<string, Membership>();
    byNamespace.set(namespace, budgets);
    if (event.type === 'DELETED') {
      budgets.delete(key);
      return;
    }
    if (!sameJson(budgets.get(key)?.selector, budget.spec.selector ?? null)) {
      const matches = compileSelector(budget.spec.selector);
      const members = (registry.list(resourceTypes.pods, namespace) as readonly Pod[]).filter((pod) => matches(labelsOf(pod)));
      budgets.set(key, { selector: budget.spec.selector ?? null, matches, pods: new Map(members.map((pod) => [keyOf(pod), pod])) });
    }
    // A granted eviction shows in the status alone: it must be looked at when it runs out.
    if (
      event.previous === undefined ||
      !sameJson(event.object.status, event.previous.status) ||
      !sameJson(budget.spec, event.previous.spec)
    )
      queue.add(key);
  };
  const ends = [
    registry.watch(type, onBudget),
    ...Object.values(scalable).map((owner) =>
      registry.watch(owner, ({ object, previous }) => {
        if (previous !== undefined && !sameJson(replicasOf(object), replicasOf(previous))) {
          for (const key of byNamespace.get(object.metadata.namespace ?? '')?.keys() ?? []) queue.add(key);
        }
      }),
    ),
  ];
  context.pods.subscribe((change, pod) => {
    for (const [key, { matches, pods }] of byNamespace.get(pod.metadata.namespace ?? '') ?? []) {
      const was = pods.has(keyOf(pod));
      const is = change !== 'DELETED' && matches(labelsOf(pod));
      if (!was && !is) continue;
      if (is) pods.set(keyOf(pod), pod);
      else pods.delete(keyOf(pod));
      queue.addAfter(key, coalesceMs(pods.size));
    }
  });
  return {
    stop: () => {
      for (const end of ends) end();
      queue.stop();
    },
    idle: () => queue.idle() && events.idle(),
  };
}

function replicasOf(object: KubeObject): unknown {
  return (object.spec as { replicas?: number } | undefined)?.replicas;
}

/** Replicas that the owners of the pods want in all; a sentence when one of them cannot be asked. */
function scaleOf(registry: Registry, pods: readonly Pod[]): number | string {
  const owners = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    // Pods without a controller are not counted: nobody says how many there should be.
    if (owner === undefined || owners.has(owner.uid)) continue;
    const found = wantedBy(registry, pod.metadata.namespace, owner);
    if (found === undefined)
      return `${owner.kind} "${owner.name}" of pod "${pod.metadata.name}" has no scale: give minAvailable as a number`;
    owners.set(owner.uid, 0);
    owners.set(found.uid, found.replicas);
  }
  return [...owners.values()].reduce((total, replicas) => total + replicas, 0);
}

function wantedBy(
  registry: Registry,
  namespace: string | undefined,
  owner: { readonly kind: string; readonly name: string; readonly uid: string },
): { uid: string; replicas: number } | undefined {
  const type = scalable[owner.kind];
  const object = type === undefined ? undefined : registry.get(type, namespace, owner.name);
  if (object === undefined || uidOf(object) !== owner.uid) return undefined;
  const above = owner.kind === 'ReplicaSet' ? controllerOf(object) : undefined;
  if (above?.kind === 'Deployment') {
    const deployment = wantedBy(registry, namespace, above);
    if (deployment !== undefined) return deployment;
  }
  const replicas = replicasOf(object);
  return { uid: owner.uid, replicas: typeof replicas === 'number' ? replicas : 1 };
}
