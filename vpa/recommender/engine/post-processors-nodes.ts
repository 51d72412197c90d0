import {
  containerSizing,
  sizedResources,
  type Amounts,
  type ContainerRecommendation,
  type Recommendation,
  type SizedResource,
  type SizingPolicy,
} from '../../model.ts';
import { amountText, type Clamp, type Processed } from './post-processors-clamp.ts';

/** What nodes have for one pod of the workload. */
export interface NodeRoom {
  /**
   * For each node that the pod may run on, or node that a pool could make: allocatable less what DaemonSets ask for there. A resource that is absent is not
   * known and limits nothing. Empty: no such node is known, nothing is capped.
   */
  readonly nodes: readonly Amounts[];
  /** What the pod asks for besides: requests of containers without recommendation, sidecars, overhead. */
  readonly others: Amounts;
  /** Containers of the pod; recommendations of others count for nothing. `undefined`: all are of the pod. */
  readonly containers?: ReadonlySet<string> | undefined;
}

export interface NodeCapped extends Processed {
  /** The pod fits no node all the same; one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Caps a pod that no node could hold to the node on which it keeps most: the fractions of CPU and memory that it keeps, multiplied, and of equal ones the
 * node that leaves more memory. Only a resource that does not fit is scaled, all its containers by one factor, none below its minAllowed: where those alone
 * are too much, or the pod's other containers leave nothing, the pod stays too large, and a warning says so. The lower bound goes down with its target, for a pod that runs at the target must not be out of
 * its bounds; the upper bound is capped to what the node has.
 */
export function capToNodes(recommendation: Recommendation, room: NodeRoom, policy: Pick<SizingPolicy, 'containers'>): NodeCapped {
  const inPod = recommendation.containers.filter(({ container }) => room.containers?.has(container) ?? true);
  const needs = sumOfTargets(inPod);
  const node = bestNode(room, needs);
  if (node === undefined) return { recommendation, clamps: [], warnings: [] };
  const clamps: Clamp[] = [];
  const warnings: string[] = [];
  const changes = new Map<string, ContainerRecommendation>();
  for (const resource of sizedResources) {
    const { available, kept } = share(resource, { node, needs, others: room.others });
    if (kept === 1) continue;
    if (available <= 0) {
      warnings.push(noRoom(resource, { needs, others: room.others, node }));
      continue;
    }
    const targets = fitTargets(inPod, resource, { available, policy });
    const sum = [...targets.values()].reduce((total, amount) => total + amount, 0);
    if (sum > available) warnings.push(tooLarge(resource, { sum, available, node }));
    for (const each of inPod) {
      const from = each.target[resource];
      const to = targets.get(each.container);
      if (from === undefined || to === undefined || to >= from) continue;
      changes.set(each.container, capped(changes.get(each.container) ?? each, resource, { to, available }));
      const message =
        `target ${resource} of container ${each.container} capped from ${amountText(resource, from)} to ${amountText(resource, to)}: the largest node that ` +
        `the pod may run on has ${amountText(resource, Math.max(0, available))} for its containers; a larger node lifts this`;
      clamps.push({ container: each.container, resource, field: 'target', from, to, by: 'node-size', message });
    }
  }
  const containers = recommendation.containers.map((each) => changes.get(each.container) ?? each);
  return { recommendation: changes.size === 0 ? recommendation : { ...recommendation, containers }, clamps, warnings };
}

function sumOfTargets(containers: readonly ContainerRecommendation[]): Amounts {
  const sum: Record<string, number> = {};
  for (const { target } of containers) {
    for (const resource of sizedResources) {
      const amount = target[resource];
      if (amount !== undefined) sum[resource] = (sum[resource] ?? 0) + amount;
    }
  }
  return sum;
}

interface Fit {
  readonly node: Amounts;
  readonly needs: Amounts;
  readonly others: Amounts;
}

/** What the node has for the recommended containers, and the fraction of their needs that they keep there. */
function share(resource: SizedResource, { node, needs, others }: Fit): { readonly available: number; readonly kept: number } {
  const size = node[resource];
  const need = needs[resource] ?? 0;
  const available = size === undefined ? Infinity : size - (others[resource] ?? 0);
  return { available, kept: need <= 0 || need <= available ? 1 : Math.max(0, available / need) };
}

/** `undefined`: the pod fits some node as it is, or no node is known. */
function bestNode({ nodes, others }: NodeRoom, needs: Amounts): Amounts | undefined {
  let best: { readonly node: Amounts; readonly kept: number; readonly memory: number } | undefined;
  for (const node of nodes) {
    const cpu = share('cpu', { node, needs, others }).kept;
    const memory = share('memory', { node, needs, others }).kept;
    if (cpu === 1 && memory === 1) return undefined;
    const kept = cpu * memory;
    if (best === undefined || kept > best.kept || (kept === best.kept && memory > best.memory)) best = { node, kept, memory };
  }
  return best?.node;
}

/** Targets by container, scaled by one factor; those that reach their least amount stop there and the others give more. */
function fitTargets(
  containers: readonly ContainerRecommendation[],
  resource: SizedResource,
  { available, policy }: { readonly available: number; readonly policy: Pick<SizingPolicy, 'containers'> },
): Map<string, number> {
  const fitted = new Map<string, number>();
  let open = containers.flatMap(({ container, target }) => {
    const amount = target[resource] ?? 0;
    const minAllowed = containerSizing(policy.containers, container)?.minAllowed[resource] ?? 0;
    // A request of 0 would be no request.
    return amount > 0 ? [{ container, amount, least: Math.min(amount, Math.max(1, minAllowed)) }] : [];
  });
  let left = available;
  for (;;) {
    const sum = open.reduce((total, { amount }) => total + amount, 0);
    const factor = sum > 0 ? Math.max(0, left) / sum : 0;
    const stuck = open.filter(({ amount, least }) => amount * factor < least);
    if (stuck.length === 0) {
      for (const { container, amount } of open) fitted.set(container, Math.floor(amount * factor));
      return fitted;
    }
    for (const { container, least } of stuck) {
      fitted.set(container, least);
      left -= least;
    }
    open = open.filter((each) => !stuck.includes(each));
  }
}

function capped(
  each: ContainerRecommendation,
  resource: SizedResource,
  { to, available }: { readonly to: number; readonly available: number },
): ContainerRecommendation {
  const lower = each.lowerBound[resource];
  const upper = each.upperBound[resource];
  return {
    ...each,
    target: { ...each.target, [resource]: to },
    ...(lower === undefined ? {} : { lowerBound: { ...each.lowerBound, [resource]: Math.min(lower, to) } }),
    ...(upper === undefined ? {} : { upperBound: { ...each.upperBound, [resource]: Math.min(upper, Math.max(available, to)) } }),
  };
}

function tooLarge(
  resource: SizedResource,
  { sum, available, node }: { readonly sum: number; readonly available: number; readonly node: Amounts },
): string {
  const size = amountText(resource, node[resource] ?? 0);
  return (
    `the pod asks for ${amountText(resource, sum)} of ${resource} at the least (minAllowed), but the largest node that it may run on has ` +
    `${amountText(resource, Math.max(0, available))} of its ${size} for these containers: lower minAllowed or add a larger node`
  );
}

function noRoom(resource: SizedResource, { needs, others, node }: Fit): string {
  return (
    `the pod asks for ${amountText(resource, others[resource] ?? 0)} of ${resource} besides the ${amountText(resource, needs[resource] ?? 0)} that are ` +
    `recommended, and that alone fills the largest node that it may run on (${amountText(resource, node[resource] ?? 0)}): nothing is capped; add a larger node`
  );
}
