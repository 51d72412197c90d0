import type { KubeObject } from '../../../core/model/object.ts';
import { applyLimitDefaults } from './admission/limit-ranger.ts';
import { checkNodeRestriction } from './admission/node-restriction.ts';
import { admitContext, hasWebhooks, kindContext, mutateByWebhooks, systemUser, validateByWebhooks } from './core.ts';
import type { Core, WriteAdmission, WriteOptions } from './core.ts';
import { createObject, prepareCustom, validateObject } from './create-object.ts';
import { conflict, fieldErrors, invalid, methodNotAllowed, notFound } from './errors.ts';
import { cloneJson, equalJson, objectOf } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import { validateMetadataUpdate } from './kinds/metadata-validation.ts';
import { sameObject, updatedMetadata } from './metadata.ts';
import { Stored } from './storage/stored.ts';
import { bindPod } from './subresources/binding.ts';
import { resizePod } from './subresources/resize.ts';

/**
 * Replaces an object, or the part of it that `options.subresource` owns. With `metadata.resourceVersion` it is an optimistic lock.
 * A write that changes nothing is not stored, as upstream: no new revision, no event.
 */
export async function updateObject(core: Core, kind: Kind, input: KubeObject, options: WriteOptions = {}): Promise<Stored> {
  const { name, namespace = '' } = input.metadata;
  const current = core.store.get(kind.storageKey, kind.type.namespaced ? namespace : '', name);
  if (current === undefined) return createInstead(core, kind, input, options);
  const old = current.object;
  const { subresource, user } = options;
  checkNodeRestriction(core.store, {
    operation: 'UPDATE',
    type: kind.type,
    subresource,
    namespace,
    name,
    object: input,
    oldObject: old,
    user,
  });
  checkLock(kind, input, old, options);
  const next = buildNext(core, kind, { input: kind.decode === undefined ? input : kind.decode(input), old, options });
  if (hasWebhooks(core, kind)) return store(core, kind, await askWebhooks(core, kind, { current, next, options }));
  check(kind, next, old, options);
  kind.admit?.(next, old, admitContext(core, options));
  return store(core, kind, { current, next, options });
}

/** A write that is ready but for the checks. */
interface Pending {
  readonly current: Stored;
  readonly next: KubeObject;
  readonly options: WriteOptions;
}

/** A few kinds come into being by their first PUT. */
async function createInstead(core: Core, kind: Kind, input: KubeObject, options: WriteOptions): Promise<Stored> {
  const { name, uid = '' } = input.metadata;
  if (!kind.createOnUpdate || options.subresource !== undefined || uid !== '') throw notFound(kind.type, name);
  const { resourceVersion: _, ...metadata } = input.metadata;
  return createObject(core, kind, { ...input, metadata: { ...metadata, name } }, options);
}

async function askWebhooks(core: Core, kind: Kind, { current, next: given, options }: Pending): Promise<Pending> {
  const old = current.object;
  let next = given;
  const admission = admissionOf(old, options);
  const changed = await mutateByWebhooks(core, kind, { ...admission, object: next }, options.warnings);
  if (changed !== undefined && changed !== next) next = buildNext(core, kind, { input: changed, old, options });
  check(kind, next, old, options);
  kind.admit?.(next, old, admitContext(core, options));
  await validateByWebhooks(core, kind, { ...admission, object: next }, options.warnings);
  if (core.store.get(kind.storageKey, current.namespace, current.name) !== current) throw conflict(kind.type, current.name);
  return { current, next, options };
}

function store(core: Core, kind: Kind, { current, next, options }: Pending): Stored {
  const old = current.object;
  if (sameObject(next, old)) return current;
  const counted = kind.generation !== 'never' && options.subresource !== 'status';
  if (counted && contentChanged(kind, next, old)) next.metadata.generation = (old.metadata.generation ?? 0) + 1;
  if (options.dryRun === true) return new Stored(kind.storageKey, next, current.revision);
  if (isFinished(next)) return core.store.remove(kind.storageKey, current.namespace, current.name, next) ?? current;
  return core.store.put(kind.storageKey, next);
}

function admissionOf(old: KubeObject, options: WriteOptions): WriteAdmission {
  return {
    operation: 'UPDATE',
    subresource: options.subresource,
    namespace: old.metadata.namespace,
    name: old.metadata.name,
    oldObject: old,
    user: options.user ?? systemUser,
    dryRun: options.dryRun === true,
  };
}

function checkLock(kind: Kind, input: KubeObject, old: KubeObject, options: WriteOptions): void {
  const { resourceVersion = '', uid = '', name } = input.metadata;
  if (resourceVersion === '' || resourceVersion === '0') {
    if (!kind.unconditionalUpdate && options.subresource === undefined && options.user !== systemUser) {
      throw invalid(kind.type, name, [fieldErrors.invalid('metadata.resourceVersion', 0, 'must be specified for an update')]);
    }
  } else if (resourceVersion !== old.metadata.resourceVersion) throw conflict(kind.type, name);
  if (uid !== '' && uid !== old.metadata.uid) {
    throw conflict(kind.type, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`);
  }
}

interface Change {
  readonly input: KubeObject;
  readonly old: KubeObject;
  readonly options: WriteOptions;
}

function buildNext(core: Core, kind: Kind, change: Change): KubeObject {
  switch (change.options.subresource) {
    case undefined:
    case '':
      return nextMain(core, kind, change);
    case 'status':
      return nextStatus(kind, change);
    case 'scale':
      return nextMain(core, kind, { ...change, input: { ...change.old, spec: change.input.spec } });
    case 'resize':
      return resizePod(withLimitDefaults(core, change), change.old);
    case 'binding':
      return bindPod(change.input, change.old, core);
    case 'eviction':
      return { ...change.old, status: change.input.status, metadata: { ...change.old.metadata } };
    case 'finalize':
      return { ...change.old, spec: change.input.spec, metadata: { ...change.old.metadata } };
    default:
      throw methodNotAllowed(
        `the embedded API server does not write the subresource "${change.options.subresource}" of ${kind.type.plural}`,
      );
  }
}

/** LimitRanger also looks at a resize, as at a new pod. */
function withLimitDefaults(core: Core, { input, old }: Change): KubeObject {
  const ranges = core.store.list('/limitranges', old.metadata.namespace ?? '').map((stored) => stored.object);
  if (ranges.length === 0) return input;
  const draft = cloneJson(input);
  applyLimitDefaults(draft, ranges);
  return draft;
}

function nextMain(core: Core, kind: Kind, { input, old, options }: Change): KubeObject {
  // A caller in process that left the spec as it was shares it with the stored object: nothing to default or copy.
  const untouched = input.spec !== undefined && input.spec === old.spec;
  const next: KubeObject = {
    kind: kind.type.kind,
    apiVersion: old.apiVersion ?? '',
    metadata: updatedMetadata(input.metadata, old.metadata),
  };
  copyContent(next, input, untouched || options.owned === true ? input : old);
  const status = kind.hasStatus ? old.status : input.status;
  if (status !== undefined) next.status = status;
  if (!untouched) kind.defaults?.(next);
  kind.prepareUpdate?.(next, old, kindContext(core, options.user));
  return kind.custom === undefined ? next : prepareCustom(kind, next, old, options);
}

const ownFields = new Set(['kind', 'apiVersion', 'metadata', 'status']);

/** Everything but type, metadata and status; what `shared` does not have as the same value is copied, so that defaults may be filled in. */
function copyContent(next: KubeObject, input: KubeObject, shared: KubeObject): void {
  for (const field in input) {
    const value = input[field];
    if (value !== undefined && !ownFields.has(field)) next[field] = value === shared[field] ? value : cloneJson(value);
  }
}

function nextStatus(kind: Kind, { input, old, options }: Change): KubeObject {
  if (!kind.hasStatus) throw methodNotAllowed(`${kind.type.plural} has no status subresource`);
  const next: KubeObject = { ...old, metadata: statusMetadata(kind, input, old) };
  if (input.status === undefined) delete next.status;
  else next.status = kind.completeStatus === undefined ? input.status : kind.completeStatus(input.status, old.status);
  return kind.custom === undefined ? next : prepareCustom(kind, next, old, options);
}

function statusMetadata({ statusTouchesMetadata }: Kind, input: KubeObject, { metadata: old }: KubeObject): KubeObject['metadata'] {
  if (statusTouchesMetadata === false) return { ...old };
  // Owner references are never the status writer's, even where its labels are.
  const { ownerReferences = [], labels = {} } = old;
  return updatedMetadata({ ...input.metadata, ownerReferences, ...(statusTouchesMetadata === 'annotations' ? { labels } : {}) }, old);
}

function check(kind: Kind, next: KubeObject, old: KubeObject, options: WriteOptions): void {
  const errors = validateMetadataUpdate(next, old);
  if (errors.length > 0) throw invalid(kind.type, next.metadata.name, errors);
  switch (options.subresource) {
    case undefined:
    case '':
    case 'scale':
      validateObject(kind, next, old);
      return;
    case 'status': {
      const wrong = kind.validateStatus?.(next, old) ?? [];
      if (wrong.length > 0) throw invalid(kind.type, next.metadata.name, wrong);
      return;
    }
    default:
  }
}

function contentChanged(kind: Kind, next: KubeObject, old: KubeObject): boolean {
  if (kind.generation === 'content') {
    const content = ({ metadata: _metadata, status, ...rest }: KubeObject): object =>
      kind.hasStatus || status === undefined ? rest : { ...rest, status };
    return !equalJson(content(next), content(old));
  }
  if (!equalJson(next.spec, old.spec)) return true;
  return kind.generation === 'spec-and-annotations' && !equalJson(next.metadata.annotations ?? {}, old.metadata.annotations ?? {});
}

/** Marked for deletion, with nothing left that holds it. */
function isFinished(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds > 0 || finalizers.length > 0) return false;
  if (object.kind !== 'Namespace') return true;
  const held = objectOf(object.spec)['finalizers'];
  return !Array.isArray(held) || held.length === 0;
}
