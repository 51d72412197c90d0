import { formatTime, parseTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { checkNodeRestriction } from './admission/node-restriction.ts';
import { systemUser, validateByWebhooks } from './core.ts';
import type { Core, DeleteOptions } from './core.ts';
import { conflict, forbidden, notFound } from './errors.ts';
import { objectOf } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import type { PodSpec, PodStatus } from './kinds/shapes.ts';
import type { Stored } from './storage/stored.ts';

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';

/** `gone`: the object is out of the storage; otherwise it is marked and waits for its grace period or its finalizers. */
export interface Deletion {
  readonly stored: Stored;
  readonly gone: boolean;
}

/** Namespaces that the server itself needs. */
const keptNamespaces = ['default', 'kube-system', 'kube-public'];

export async function deleteObject(
  core: Core,
  kind: Kind,
  key: { readonly namespace: string; readonly name: string },
  options: DeleteOptions = {},
): Promise<Deletion> {
  const current = core.store.get(kind.storageKey, key.namespace, key.name);
  if (current === undefined) throw notFound(kind.type, key.name);
  checkNodeRestriction(core.store, { operation: 'DELETE', type: kind.type, ...key, oldObject: current.object, user: options.user });
  checkPreconditions(kind, current.object, options);
  if (kind.storageKey === '/namespaces' && keptNamespaces.includes(key.name)) {
    throw forbidden(kind.type, key.name, 'this namespace may not be deleted');
  }
  const admitted = validateByWebhooks(
    core,
    kind,
    {
      operation: 'DELETE',
      ...key,
      oldObject: current.object,
      user: options.user ?? systemUser,
      dryRun: options.dryRun === true,
    },
    options.warnings,
  );
  if (admitted !== undefined) await admitted;
  const now = core.store.get(kind.storageKey, key.namespace, key.name);
  if (now === undefined) throw notFound(kind.type, key.name);
  return remove(core, kind, now, options);
}

function checkPreconditions(kind: Kind, object: KubeObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion, name } = object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(kind.type, name, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid ?? ''}`);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(
      kind.type,
      name,
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion ?? ''}`,
    );
  }
}

function remove(core: Core, kind: Kind, current: Stored, options: DeleteOptions): Deletion {
  const { object } = current;
  const { metadata } = object;
  const finalizers = finalizersFor(core, kind, object, options);
  const grace = kind.gracefulDeletion ? graceOf(object, options) : 0;
  const marked = markDeleted(core, object, grace);
  if (finalizers.length > 0) marked.finalizers = finalizers;
  else delete marked.finalizers;
  const held = grace > 0 || finalizers.length > 0 || holdsNamespace(object);
  if (options.dryRun === true) return { stored: current, gone: !held };
  if (!held) {
    return { stored: core.store.remove(kind.storageKey, current.namespace, current.name) ?? current, gone: true };
  }
  const unchanged =
    metadata.deletionTimestamp === marked.deletionTimestamp &&
    metadata.deletionGracePeriodSeconds === marked.deletionGracePeriodSeconds &&
    (metadata.finalizers ?? []).join() === finalizers.join();
  if (unchanged) return { stored: current, gone: false };
  const next: KubeObject = { ...object, metadata: marked };
  if (kind.storageKey === '/namespaces') next.status = { ...objectOf(object.status), phase: 'Terminating' };
  return { stored: core.store.put(kind.storageKey, next), gone: false };
}

function holdsNamespace(object: KubeObject): boolean {
  if (object.kind !== 'Namespace') return false;
  const finalizers = objectOf(object.spec)['finalizers'];
  return Array.isArray(finalizers) && finalizers.length > 0;
}

/** The first deletion sets the time; a later one may only bring it nearer. */
function markDeleted(core: Core, object: KubeObject, grace: number): KubeObject['metadata'] {
  const metadata = { ...object.metadata };
  const before = metadata.deletionGracePeriodSeconds;
  const at = parseTime(metadata.deletionTimestamp);
  if (at === undefined) {
    metadata.deletionTimestamp = formatTime(core.clock.now() + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
    if (metadata.generation !== undefined) metadata.generation += 1;
    return metadata;
  }
  if (grace < (before ?? 0)) {
    metadata.deletionTimestamp = formatTime(at - ((before ?? 0) - grace) * 1000);
    metadata.deletionGracePeriodSeconds = grace;
  }
  return metadata;
}

/** A pod that nobody runs goes at once: not bound, or run to its end. */
function graceOf(pod: KubeObject, options: DeleteOptions): number {
  const spec = objectOf(pod.spec) as PodSpec;
  const status = objectOf(pod.status) as PodStatus;
  const before = pod.metadata.deletionGracePeriodSeconds;
  let grace = options.gracePeriodSeconds ?? (before === undefined ? (spec.terminationGracePeriodSeconds ?? 30) : before);
  if (grace < 0) grace = 1;
  if (spec.nodeName === undefined || spec.nodeName === '') return 0;
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return 0;
  return pod.metadata.deletionTimestamp === undefined ? grace : Math.min(grace, before ?? grace);
}

/** The object's own finalizers with those of the garbage collector as the propagation policy has them. */
function finalizersFor(core: Core, kind: Kind, object: KubeObject, options: DeleteOptions): string[] {
  const existing = object.metadata.finalizers ?? [];
  const policy = options.propagationPolicy ?? defaultPolicy(kind, existing);
  const own = existing.filter((name) => name !== orphanFinalizer && name !== foregroundFinalizer);
  const hasDependents = core.store.owners.dependentsOf(object.metadata.uid ?? '').length > 0;
  if (policy === 'Orphan') return hasDependents ? [...own, orphanFinalizer] : own;
  if (policy === 'Foreground') return hasDependents ? [...own, foregroundFinalizer] : own;
  return own;
}

function defaultPolicy(kind: Kind, finalizers: readonly string[]): 'Orphan' | 'Foreground' | 'Background' {
  if (finalizers.includes(orphanFinalizer)) return 'Orphan';
  if (finalizers.includes(foregroundFinalizer)) return 'Foreground';
  return kind.orphanByDefault ? 'Orphan' : 'Background';
}
