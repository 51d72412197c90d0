import { apiVersionOf } from '../../../core/model/object.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { checkNodeRestriction } from './admission/node-restriction.ts';
import { admitContext, hasWebhooks, kindContext, mutateByWebhooks, systemUser, validateByWebhooks } from './core.ts';
import type { Core, WriteAdmission, WriteOptions } from './core.ts';
import { StatusError, alreadyExists, badRequest, forbidden, invalid, notFound } from './errors.ts';
import type { FieldError } from './errors.ts';
import { cloneJson, isJson } from './json.ts';
import { validateMetadata } from './kinds/metadata-validation.ts';
import type { Kind } from './kinds/kind.ts';
import { copyClientMetadata } from './metadata.ts';
import { generatedName, timeText, uuid } from './names.ts';
import { Stored } from './storage/stored.ts';

/** Creates an object: metadata, namespace rules, defaults, admission, validation, storage. Answers what was stored. */
export async function createObject(core: Core, kind: Kind, input: KubeObject, options: WriteOptions = {}): Promise<Stored> {
  const draft = startObject(core, kind, options.owned === true ? input : cloneJson(input));
  checkNamespace(core, kind, draft);
  const { namespace, name } = draft.metadata;
  checkNodeRestriction(core.store, { operation: 'CREATE', type: kind.type, namespace, name, object: draft, user: options.user });
  const generated = input.metadata.name === undefined || input.metadata.name === '';
  let object = complete(core, kind, draft, options);
  if (hasWebhooks(core, kind)) object = await askWebhooks(core, kind, object, { ...options, generated });
  else {
    kind.settleCreate?.(object);
    validateObject(kind, object, undefined);
    kind.admit?.(object, undefined, admitContext(core, options));
  }
  claimName(core, kind, object, generated && object.metadata.name === name);
  if (options.dryRun === true) return new Stored(kind.storageKey, object, core.store.revision);
  return core.store.put(kind.storageKey, object);
}

interface CreateOptions extends WriteOptions {
  /** The server has made the name. */
  readonly generated: boolean;
}

async function askWebhooks(core: Core, kind: Kind, draft: KubeObject, options: CreateOptions): Promise<KubeObject> {
  const admission = admissionOf(draft, options);
  let object = draft;
  const shown = forMutating(kind, draft, options);
  const name = options.generated ? undefined : draft.metadata.name;
  const changed = await mutateByWebhooks(core, kind, { ...admission, name, object: shown }, options.warnings);
  if (changed !== undefined && changed !== shown) {
    object = fromMutating(changed, draft);
    kind.defaults?.(object);
    kind.readmit?.(object, kindContext(core, options.user));
    kind.finishCreate?.(object);
    if (kind.custom !== undefined) object = prepareCustom(kind, object, undefined, options);
  }
  kind.settleCreate?.(object);
  validateObject(kind, object, undefined);
  kind.admit?.(object, undefined, admitContext(core, options));
  await validateByWebhooks(core, kind, { ...admission, object }, options.warnings);
  return object;
}

/** Mutating webhooks see a new object before the server gives it name, identity and status. */
function forMutating(kind: Kind, draft: KubeObject, { generated }: CreateOptions): KubeObject {
  const { uid: _uid, creationTimestamp: _time, generation: _generation, name, ...rest } = draft.metadata;
  const metadata = generated ? rest : { name, ...rest };
  const shown: KubeObject = { ...draft, metadata: metadata as KubeObject['metadata'] };
  if (kind.hasStatus && !kind.keepStatusOnCreate) delete shown.status;
  return shown;
}

function fromMutating(changed: KubeObject, draft: KubeObject): KubeObject {
  const object = cloneJson(changed);
  const { name, namespace, uid, creationTimestamp, generation } = draft.metadata;
  const own = Object.fromEntries(
    Object.entries({ name, namespace, uid, creationTimestamp, generation }).filter(([, value]) => value !== undefined),
  );
  const given = object.metadata.name;
  object.metadata = { ...own, ...object.metadata, name: given === undefined || given === '' ? name : given };
  if (object.status === undefined && draft.status !== undefined) object.status = cloneJson(draft.status);
  return object;
}

/** Tries of upstream for a generated name that is taken. */
const nameTries = 8;

function claimName(core: Core, kind: Kind, object: KubeObject, generated: boolean): void {
  const { metadata } = object;
  const taken = (): boolean => core.store.get(kind.storageKey, metadata.namespace ?? '', metadata.name) !== undefined;
  for (let tries = 1; taken(); tries++) {
    if (!generated || tries >= nameTries) throw alreadyExists(kind.type, metadata.name);
    metadata.name = generatedName(metadata.generateName ?? '', core.random);
  }
}

function admissionOf(draft: KubeObject, options: WriteOptions): WriteAdmission {
  return {
    operation: 'CREATE',
    namespace: draft.metadata.namespace,
    name: draft.metadata.name,
    user: options.user ?? systemUser,
    dryRun: options.dryRun === true,
  };
}

/** Metadata that only the server may fill in, in the order in which the server prints fields. */
function startObject(core: Core, kind: Kind, input: KubeObject): KubeObject {
  if (!isJson(input.metadata)) input.metadata = { name: '' };
  if (input.metadata.resourceVersion !== undefined && input.metadata.resourceVersion !== '') {
    // The real server takes this for a fault of its own: no reason, 500.
    throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  const object: KubeObject = {
    kind: kind.type.kind,
    apiVersion: apiVersionOf(kind.type),
    metadata: newMetadata(core, kind, input.metadata),
  };
  for (const field in input) {
    if (field !== 'kind' && field !== 'apiVersion' && field !== 'metadata') object[field] = input[field];
  }
  return object;
}

/** Built field by field, always in this order: thousands of objects then share one shape, and none keeps what it may not bring. */
function newMetadata(core: Core, kind: Kind, given: KubeObject['metadata']): KubeObject['metadata'] {
  const generated = given.name === undefined || given.name === '';
  const metadata: KubeObject['metadata'] = { name: generated ? nameFor(core, given.generateName) : given.name };
  if (kind.type.namespaced) {
    if (given.namespace === undefined || given.namespace === '') throw badRequest('namespace is required on objects of this type');
    metadata.namespace = given.namespace;
  }
  metadata.uid = uuid(core.random);
  metadata.creationTimestamp = timeText(core.clock.now());
  if (kind.generation !== 'never') metadata.generation = 1;
  copyClientMetadata(metadata, given);
  if (given.generateName !== undefined && given.generateName !== '') metadata.generateName = given.generateName;
  return metadata;
}

function nameFor(core: Core, prefix: string | undefined): string {
  return prefix === undefined || prefix === '' ? '' : generatedName(prefix, core.random);
}

function checkNamespace(core: Core, kind: Kind, object: KubeObject): void {
  if (!kind.type.namespaced) return;
  const name = object.metadata.namespace ?? '';
  const namespace = core.store.get('/namespaces', '', name)?.object;
  if (namespace === undefined) throw notFound({ group: '', plural: 'namespaces' }, name);
  if (namespace.metadata.deletionTimestamp === undefined) return;
  throw forbidden(kind.type, object.metadata.name, `unable to create new content in namespace ${name} because it is being terminated`, [
    { reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' },
  ]);
}

/** Status, defaults, allocations and builtin admission; the answer is in the stored version. */
function complete(core: Core, kind: Kind, draft: KubeObject, options: WriteOptions): KubeObject {
  if (kind.hasStatus && !kind.keepStatusOnCreate) delete draft.status;
  let object = kind.decode === undefined ? draft : kind.decode(draft);
  kind.defaults?.(object);
  kind.prepareCreate?.(object, kindContext(core, options.user));
  kind.finishCreate?.(object);
  if (kind.hasStatus && kind.custom === undefined) object.status ??= { ...kind.initialStatus };
  if (kind.custom !== undefined) object = prepareCustom(kind, object, undefined, options);
  return object;
}

/** Prunes, defaults and validates a custom resource by its schema. */
export function prepareCustom(kind: Kind, object: KubeObject, old: KubeObject | undefined, options: WriteOptions): KubeObject {
  const schema = kind.custom;
  if (schema === undefined) return object;
  const strict = options.strict === true;
  const result = schema.prepare(object, old === undefined ? { operation: 'create', strict } : { operation: 'update', old, strict });
  if (strict && result.unknownFields.length > 0) throw strictDecodingError(kind, result.unknownFields);
  options.warnings?.push(...result.warnings, ...result.unknownFields.map((path) => `unknown field "${path}"`));
  // Metadata is checked here too, so that one answer names everything that is wrong.
  const errors = [...(old === undefined ? validateMetadata(kind, result.object) : []), ...result.errors];
  if (errors.length > 0) throw invalid(kind.type, result.object.metadata.name, errors);
  return result.object;
}

export function strictDecodingError(kind: Kind, fields: readonly string[]): StatusError {
  const texts = fields.map((path) => `unknown field "${path}"`).join(', ');
  const version = apiVersionOf(kind.type);
  const prefix =
    kind.custom === undefined ? `${kind.type.kind} in version "${kind.type.version}" cannot be handled as a ${kind.type.kind}: ` : '';
  return badRequest(
    kind.custom === undefined ? `${prefix}strict decoding error: ${texts}` : `${kind.type.kind}.${version} strict decoding error: ${texts}`,
  );
}

/** Throws the 422 that names every field that is wrong. */
export function validateObject(kind: Kind, object: KubeObject, old: KubeObject | undefined): void {
  const errors: FieldError[] = [...validateMetadata(kind, object), ...(kind.validate?.(object, old) ?? [])];
  if (errors.length > 0) throw invalid(kind.type, object.metadata.name, errors);
}
