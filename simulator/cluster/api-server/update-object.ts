import type { KubeObject } from '../../../core/model/object.ts';
import { kindContext, mutateByWebhooks, systemUser, validateByWebhooks } from './core.ts';
import type { Core, WriteOptions } from './core.ts';
import { createObject, prepareCustom, validateObject } from './create-object.ts';
import { conflict, fieldErrors, invalid, methodNotAllowed, notFound } from './errors.ts';
import { cloneJson, equalJson, objectOf } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import { validateMetadataUpdate } from './kinds/metadata-validation.ts';
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
  if (current === undefined) {
    const mayCreate = kind.createOnUpdate && options.subresource === undefined && (input.metadata.uid ?? '') === '';
    if (!mayCreate) throw notFound(kind.type, name);
    const { resourceVersion: _, ...metadata } = input.metadata;
    return await createObject(core, kind, { ...input, metadata: { ...metadata, name } }, options);
  }
  const old = current.object;
  checkLock(kind, input, old, options);
  let next = buildNext(core, kind, { input: kind.decode === undefined ? input : kind.decode(input), old, options });
  const admission = {
    operation: 'UPDATE' as const,
    subresource: options.subresource,
    namespace: old.metadata.namespace,
    name,
    oldObject: old,
    user: options.user ?? systemUser,
    dryRun: options.dryRun === true,
  };
  const mutated = mutateByWebhooks(core, kind, { ...admission, object: next }, options.warnings);
  if (mutated !== undefined) {
    const changed = await mutated;
    if (changed !== undefined && changed !== next) next = buildNext(core, kind, { input: changed, old, options });
  }
  check(kind, next, old, options);
  const validated = validateByWebhooks(core, kind, { ...admission, object: next }, options.warnings);
  if (validated !== undefined) await validated;
  if (core.store.get(kind.storageKey, old.metadata.namespace ?? '', name) !== current) throw conflict(kind.type, name);
  if (equalJson(withoutRevision(next), withoutRevision(old))) return current;
  next.metadata = { ...next.metadata, ...generationOf(kind, next, old) };
  if (options.dryRun === true) return new Stored(next, current.revision);
  if (isFinished(next)) {
    return core.store.remove(kind.storageKey, next.metadata.namespace ?? '', name, next) ?? current;
  }
  return core.store.put(kind.storageKey, next);
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
      return resizePod(change.input, change.old, core.store.get('/nodes', '', nodeNameOf(change.old))?.object);
    case 'binding':
      return bindPod(change.input, change.old, core);
    case 'eviction':
      return { ...change.old, status: change.input.status, metadata: { ...change.old.metadata } };
    case 'finalize':
      return { ...change.old, spec: change.input.spec, metadata: { ...change.old.metadata } };
    default:
      throw methodNotAllowed(`the embedded API server does not write the subresource "${change.options.subresource}" of ${kind.type.plural}`);
  }
}

function nodeNameOf(pod: KubeObject): string {
  const name = objectOf(pod.spec)['nodeName'];
  return typeof name === 'string' ? name : '';
}

function nextMain(core: Core, kind: Kind, { input, old, options }: Change): KubeObject {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, status, ...content } = input;
  // A caller in process that left the spec as it was shares it with the stored object: nothing to default or copy.
  const untouched = content.spec !== undefined && content.spec === old.spec;
  const body = untouched || options.owned === true ? content : cloneJson(content);
  const next = { kind: old.kind, apiVersion: old.apiVersion, metadata: keptMetadata(input, old), ...body } as KubeObject;
  const nextStatus = kind.hasStatus ? old.status : status;
  if (nextStatus !== undefined) next.status = nextStatus;
  if (!untouched) kind.defaults?.(next);
  kind.prepareUpdate?.(next, old, kindContext(core, options.user));
  return kind.custom === undefined ? next : prepareCustom(kind, next, old, options);
}

/** Metadata as the client wrote it, with what only the server may set taken from the stored object. */
function keptMetadata(input: KubeObject, old: KubeObject): KubeObject['metadata'] {
  const metadata: KubeObject['metadata'] = { ...input.metadata };
  for (const field of [
    'uid',
    'creationTimestamp',
    'generation',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'namespace',
    'generateName',
    'resourceVersion',
  ] as const) {
    const value = old.metadata[field];
    if (value === undefined) delete metadata[field];
    else (metadata as Record<string, unknown>)[field] = value;
  }
  delete metadata.managedFields;
  delete metadata['selfLink'];
  dropEmpty(metadata);
  return metadata;
}

/** An emptied map or list is as good as an absent one: the server's `omitempty`. */
function dropEmpty(metadata: KubeObject['metadata']): void {
  if (metadata.finalizers?.length === 0) delete metadata.finalizers;
  if (metadata.ownerReferences?.length === 0) delete metadata.ownerReferences;
  for (const field of ['labels', 'annotations'] as const) {
    const value = metadata[field];
    if (value === null || (value !== undefined && Object.keys(value).length === 0)) delete metadata[field];
  }
}

function nextStatus(kind: Kind, { input, old, options }: Change): KubeObject {
  if (!kind.hasStatus) throw methodNotAllowed(`${kind.type.plural} has no status subresource`);
  const metadata = { ...old.metadata };
  if (kind.statusTouchesMetadata) {
    for (const field of ['labels', 'annotations', 'finalizers'] as const) {
      const value = input.metadata[field];
      if (value === undefined) delete metadata[field];
      else (metadata as Record<string, unknown>)[field] = value;
    }
    dropEmpty(metadata);
  }
  const next: KubeObject = { ...old, metadata };
  if (input.status === undefined) delete next.status;
  else next.status = kind.completeStatus === undefined ? input.status : kind.completeStatus(input.status, old.status);
  return kind.custom === undefined ? next : prepareCustom(kind, next, old, options);
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

function withoutRevision(object: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function generationOf(kind: Kind, next: KubeObject, old: KubeObject): { generation?: number } {
  if (kind.generation === 'never') return {};
  const before = old.metadata.generation ?? 0;
  return contentChanged(kind, next, old) ? { generation: before + 1 } : before === 0 ? {} : { generation: before };
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
