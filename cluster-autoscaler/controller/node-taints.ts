import { isConcertinaError, messageOf } from '../../core/errors.ts';
import { isConflict, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import type { Taint } from '../../core/model/node.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { candidateTaintKey, deletionTaintKey } from '../engine/templates/index.ts';

/** What became of a change of a node. */
export type NodeWrite =
  { readonly ok: true; readonly changed: boolean } | { readonly ok: false; readonly message: string; readonly fenced: boolean };

/** What is to be different on a node: taints to add, keys of taints to remove, and whether new pods may come. */
export interface NodeChange {
  readonly add?: readonly Taint[] | undefined;
  readonly remove?: readonly string[] | undefined;
  readonly unschedulable?: boolean | undefined;
}

interface RawNodeSpec {
  readonly taints?: readonly Taint[] | null;
  readonly unschedulable?: boolean | null;
}

/** Somebody else writes nodes all the time (kubelets, the node controller): so often a change is tried on what is there then. */
const mostTries = 6;

/** Changes a node on what the API server has now; one that is as it should be is not written. A node that has gone needs no taint removed. */
export async function changeNode(client: KubeClient, name: string, change: NodeChange, signal?: AbortSignal): Promise<NodeWrite> {
  for (let tries = 1; ; tries += 1) {
    try {
      const node = await client.get(resourceTypes.nodes, { name }, { signal });
      const body = patchOf(node, change);
      if (body === undefined) return { ok: true, changed: false };
      await client.patch(resourceTypes.nodes, { name }, { type: 'merge', body }, { signal });
      return { ok: true, changed: true };
    } catch (error) {
      if (isConflict(error) && tries < mostTries) continue;
      if (isNotFound(error) && change.add === undefined) return { ok: true, changed: false };
      return { ok: false, message: messageOf(error), fenced: isConcertinaError(error, 'FENCED') };
    }
  }
}

/** Lists are replaced as a whole, so the version that was read is a precondition. */
function patchOf({ metadata, spec }: KubeObject, { add = [], remove = [], unschedulable }: NodeChange): object | undefined {
  const { taints, unschedulable: cordoned } = (spec ?? {}) as RawNodeSpec;
  const before = taints ?? [];
  const kept = before.filter(({ key }) => !remove.includes(key));
  const missing = add.filter(({ key, effect }) => !kept.some((taint) => taint.key === key && taint.effect === effect));
  const after = [...kept, ...missing];
  const tainted = after.length === before.length && missing.length === 0 ? {} : { taints: after.length === 0 ? null : after };
  const cordon = unschedulable === undefined || unschedulable === (cordoned === true) ? {} : { unschedulable: unschedulable ? true : null };
  const changes = { ...tainted, ...cordon };
  if (Object.keys(changes).length === 0) return undefined;
  const { resourceVersion, uid } = metadata;
  return { metadata: { resourceVersion, ...(uid === undefined ? {} : { uid }) }, spec: changes };
}

/** The taint of a node that goes, with the time in seconds as its value. */
export function toBeDeleted(now: number): Taint {
  return { key: deletionTaintKey, value: unixSeconds(now), effect: 'NoSchedule' };
}

/** The taint of a node that is not needed at the moment. */
export function deletionCandidate(now: number): Taint {
  return { key: candidateTaintKey, value: unixSeconds(now), effect: 'PreferNoSchedule' };
}

function unixSeconds(now: number): string {
  return String(Math.floor(now / 1000));
}

/** Runs the tasks, so many at a time, and answers in their order. */
export async function atMost<T, R>(most: number, items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await task(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return results;
}
