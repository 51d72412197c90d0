import type { PodRecord } from '../../../core/model/index.ts';
import { decreasingOrder } from '../packing/index.ts';
import type { NodeTemplate } from '../model.ts';
import type { NodeId, SchedulingSnapshot } from '../scheduling/snapshot.ts';
import type { SizeChange } from './model.ts';
import type { PodGroup } from './pod-groups.ts';

/** Adds a copy of the template under a name that no node of the snapshot has: the group's id and a number. The name goes to the list. */
export function addPlanned(
  snapshot: SchedulingSnapshot,
  template: NodeTemplate,
  { group, names }: { readonly group: string; readonly names: string[] },
): NodeId {
  let name = `${group}~planned-${names.length}`;
  while (snapshot.find(name) !== undefined) name += '~';
  names.push(name);
  return snapshot.addCopy(template, name);
}

export interface Placement {
  readonly snapshot: SchedulingSnapshot;
  /** Gets the names of the nodes that are added. */
  readonly names: string[];
  readonly templateOf: (group: string) => NodeTemplate | undefined;
}

/**
 * Puts the nodes that were asked for into the snapshot and the pods on them, as the estimation packs: groups by falling size, the any-node search among
 * the new nodes. Answers the pods that found a place; the first ones of each group.
 */
export function placeOnPlanned(changes: readonly SizeChange[], groups: readonly PodGroup[], placement: Placement): readonly PodRecord[] {
  const { snapshot, names, templateOf } = placement;
  let first: NodeId | undefined;
  let template: NodeTemplate | undefined;
  for (const { group, from, to } of changes) {
    const of = templateOf(group);
    if (of === undefined) continue;
    template ??= of;
    for (let added = from; added < to; added++) {
      const node = addPlanned(snapshot, of, { group, names });
      first ??= node;
    }
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

/** Places pods on nodes that were added, from the first one on, until no more find room: each that is placed may be what another has to be beside. */
export function placeBeside(groups: readonly PodGroup[], snapshot: SchedulingSnapshot, from: NodeId): readonly PodRecord[] {
  const placed: PodRecord[] = [];
  const done = groups.map(() => 0);
  snapshot.fork();
  for (let before = -1; before < placed.length;) {
    before = placed.length;
    for (const [index, { podClass, pods }] of groups.entries()) {
      const start = done[index] ?? 0;
      if (start === pods.length) continue;
      const count = snapshot.placeAround(podClass, pods.length - start, { from });
      for (const pod of pods.slice(start, start + count)) placed.push(pod);
      done[index] = start + count;
    }
  }
  snapshot.commit();
  return placed;
}
