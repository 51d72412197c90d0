import type { PodRecord } from '../../../core/model/index.ts';
import { decreasingOrder } from '../packing/index.ts';
import type { NodeTemplate } from '../model.ts';
import type { NodeId, SchedulingSnapshot } from '../scheduling/snapshot.ts';
import type { SizeChange } from './model.ts';
import type { PodGroup } from './pod-groups.ts';

/** Nodes that were asked for, as they are put into the snapshot. */
export interface PlannedNodes {
  /** Adds copies of the template under names of their own; the first one's handle. */
  add(group: string, template: NodeTemplate, count: number): NodeId | undefined;
  readonly names: readonly string[];
}

/** Names are the group's id and a number that no node of the snapshot has. */
export function createPlannedNodes(snapshot: SchedulingSnapshot): PlannedNodes {
  const names: string[] = [];
  return {
    names,
    add: (group, template, count) => {
      let first: NodeId | undefined;
      for (let added = 0; added < count; added++) {
        let name = `${group}~planned-${names.length}`;
        while (snapshot.find(name) !== undefined) name += '~';
        const node = snapshot.addCopy(template, name);
        names.push(name);
        first ??= node;
      }
      return first;
    },
  };
}

export interface Placement {
  readonly snapshot: SchedulingSnapshot;
  readonly planned: PlannedNodes;
  readonly templateOf: (group: string) => NodeTemplate | undefined;
}

/**
 * Puts the nodes that were asked for into the snapshot and the pods on them, as the estimation packs: groups by falling size, the any-node search among
 * the new nodes. Answers the pods that found a place; the first ones of each group.
 */
export function placeOnPlanned(changes: readonly SizeChange[], groups: readonly PodGroup[], placement: Placement): readonly PodRecord[] {
  const { snapshot, planned, templateOf } = placement;
  let first: NodeId | undefined;
  let template: NodeTemplate | undefined;
  for (const { group, from, to } of changes) {
    const of = templateOf(group);
    if (of === undefined) continue;
    template ??= of;
    const node = planned.add(group, of, to - from);
    first ??= node;
  }
  if (first === undefined || template === undefined) return [];
  const placed: PodRecord[] = [];
  const exemplars = groups.map(({ podClass }) => snapshot.exemplar(podClass));
  snapshot.fork();
  for (const index of decreasingOrder(exemplars, template.node)) {
    const group = groups[index];
    if (group === undefined) continue;
    const count = snapshot.placeAround(group.podClass, group.pods.length, { from: first });
    for (const pod of group.pods.slice(0, count)) placed.push(pod);
  }
  snapshot.commit();
  return placed;
}
