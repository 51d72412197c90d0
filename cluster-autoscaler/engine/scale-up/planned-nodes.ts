import type { PodRecord } from '../../../core/model/index.ts';
import { decreasingOrder } from '../packing/index.ts';
import { upcomingName } from '../templates/index.ts';
import type { NodeTemplate } from '../model.ts';
import type { NodeId, SchedulingSnapshot } from '../scheduling/snapshot.ts';
import type { SizeChange } from './model.ts';
import type { PodGroup } from './pod-groups.ts';

/** A node that is to be bought, in the snapshot as a copy of its template. */
export interface PlannedNode {
  readonly group: string;
  readonly template: NodeTemplate;
  /** Number of the purchase that it is part of, from 1. */
  readonly purchase: number;
}

/** Pods on a node of the snapshot. */
export interface PlacedPods {
  /** Name; a planned node or one that was there before. */
  readonly node: string;
  readonly pods: readonly PodRecord[];
}

/** What is to be bought, and where pods find their places then. Everything in it is in the snapshot, too. */
export interface PurchasePlan {
  /** By name, in the order in which they were planned. */
  readonly nodes: Map<string, PlannedNode>;
  /** In an order of placing in which each pod passes the filters. */
  placed: PlacedPods[];
  purchases: number;
  /** By group: the first number that was not given as part of a name. */
  readonly numbers: Map<string, number>;
}

export function createPurchasePlan(): PurchasePlan {
  return { nodes: new Map(), placed: [], purchases: 0, numbers: new Map() };
}

/**
 * Adds a copy of the template to plan and snapshot. It has the name under which the next loop knows it as an upcoming node, so that where pods were placed now
 * is where they are placed then.
 */
export function addPlanned(plan: PurchasePlan, snapshot: SchedulingSnapshot, node: PlannedNode): NodeId {
  const { group, template } = node;
  let number = plan.numbers.get(group) ?? 0;
  while (snapshot.find(upcomingName(template, number)) !== undefined) number += 1;
  plan.numbers.set(group, number + 1);
  const name = upcomingName(template, number);
  plan.nodes.set(name, node);
  return snapshot.addCopy(template, name);
}

/** What a purchase is planned with. */
export interface Placement {
  readonly plan: PurchasePlan;
  readonly snapshot: SchedulingSnapshot;
  readonly templateOf: (group: string) => NodeTemplate | undefined;
}

/**
 * Plans the nodes that the sizes mean and puts the pods on them, as the estimation packs: groups by falling size, the any-node search among the new nodes.
 * Answers the pods that found a place; the first ones of each group.
 */
export function planNodes(changes: readonly SizeChange[], groups: readonly PodGroup[], placement: Placement): ReadonlySet<PodRecord> {
  const { plan, snapshot, templateOf } = placement;
  const placed = new Set<PodRecord>();
  plan.purchases += 1;
  let first: NodeId | undefined;
  let template: NodeTemplate | undefined;
  for (const { group, from, to } of changes) {
    const of = templateOf(group);
    if (of === undefined) continue;
    template ??= of;
    for (let added = from; added < to; added++) {
      const node = addPlanned(plan, snapshot, { group, template: of, purchase: plan.purchases });
      first ??= node;
    }
  }
  if (first === undefined || template === undefined) return placed;
  const exemplars = groups.map(({ podClass }) => snapshot.exemplar(podClass));
  for (const index of decreasingOrder(exemplars, template.node)) {
    const group = groups[index];
    if (group === undefined) continue;
    const count = placeGroup(group, { plan, snapshot, from: first });
    for (const pod of group.pods.slice(0, count)) placed.add(pod);
  }
  return placed;
}

/** Places the first pods of a group, as many as there is room for; how many. */
export function placeGroup(
  { podClass, pods }: PodGroup,
  { plan, snapshot, from }: Pick<Placement, 'plan' | 'snapshot'> & { readonly from?: NodeId | undefined },
): number {
  let done = 0;
  const placed = (node: NodeId, count: number): void => {
    plan.placed.push({ node: snapshot.node(node).name, pods: pods.slice(done, done + count) });
    done += count;
  };
  return snapshot.placeAround(podClass, pods.length, { from, placed });
}
