import { apiVersionOf, type KubeObject, type OwnerReference, type ResourceType } from '../../../../core/model/object.ts';
import type { Registry } from '../../api-server/types.ts';
import { controllerOf, uidOf } from '../kinds.ts';
import { type LabelMatcher, labelsOf } from './label-selector.ts';

export interface ClaimOptions {
  readonly registry: Registry;
  readonly type: ResourceType;
  /** The set that owns, and the type it has. */
  readonly owner: KubeObject;
  readonly ownerType: ResourceType;
  readonly matches: LabelMatcher;
  /** Objects of the namespace without a controller. */
  readonly orphans: Iterable<KubeObject>;
}

/** The reference that a set puts on what it creates. */
export function controllerReference(owner: KubeObject, type: ResourceType): OwnerReference {
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name: owner.metadata.name,
    uid: uidOf(owner),
    controller: true,
    blockOwnerDeletion: true,
  };
}

/**
 * The owned objects that match the selector; those that no longer match are released, orphans that match are adopted.
 * An owner that is being deleted neither adopts nor releases.
 */
export async function claim(options: ClaimOptions): Promise<KubeObject[]> {
  const { registry, type, owner, matches } = options;
  const deleting = owner.metadata.deletionTimestamp !== undefined;
  const claimed: KubeObject[] = [];
  for (const object of registry.listOwned(type, uidOf(owner))) {
    if (matches(labelsOf(object))) claimed.push(object);
    else if (!deleting && object.metadata.deletionTimestamp === undefined) await release(options, object);
  }
  if (deleting) return claimed;
  for (const orphan of Array.from(options.orphans)) {
    if (orphan.metadata.deletionTimestamp !== undefined || !matches(labelsOf(orphan))) continue;
    const adopted = await adopt(options, orphan);
    if (adopted !== undefined) claimed.push(adopted);
  }
  return claimed;
}

async function adopt(options: ClaimOptions, orphan: KubeObject): Promise<KubeObject | undefined> {
  const { registry, type, owner, ownerType } = options;
  const uid = uidOf(owner);
  const stored = await registry.mutate(type, orphan.metadata.namespace, orphan.metadata.name, (object) => {
    if (controllerOf(object) !== undefined || uidOf(object) !== uidOf(orphan)) return object;
    const references = [...(object.metadata.ownerReferences ?? []), controllerReference(owner, ownerType)];
    return { ...object, metadata: { ...object.metadata, ownerReferences: references } };
  });
  return stored !== undefined && controllerOf(stored)?.uid === uid ? stored : undefined;
}

async function release(options: ClaimOptions, owned: KubeObject): Promise<void> {
  const { registry, type, owner } = options;
  const uid = uidOf(owner);
  await registry.mutate(type, owned.metadata.namespace, owned.metadata.name, (object) => ({
    ...object,
    metadata: { ...object.metadata, ownerReferences: (object.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid) },
  }));
}
