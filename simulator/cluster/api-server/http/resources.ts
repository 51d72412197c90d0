import type { KubeObject } from '../../../../core/model/object.ts';
import type { DeleteOptions, WriteOptions } from '../core.ts';
import { strictDecodingError } from '../create-object.ts';
import { badRequest, expired, fieldErrors, invalid, isStatusError, notFound } from '../errors.ts';
import { isJson, objectOf, textOf } from '../json.ts';
import type { FaultTarget } from '../faults.ts';
import type { ApiResponse } from '../types.ts';
import { conform } from '../wire/conform.ts';
import { decodeBody, decodeObject } from './bodies.ts';
import { parsePatch, retryPatch } from './patches.ts';
import { renderList, renderStored, watchRenderer } from './rendering.ts';
import { jsonOf, successStatus } from './responses.ts';
import { selectionOf } from './selectors.ts';
import type { Exchange, ResourceExchange } from './server-context.ts';
import { WatchStream, planWatch } from './watches.ts';

export function faultTarget({ info, userAgent, identity, request }: Exchange): FaultTarget {
  return {
    verb: info.verb,
    group: info.group,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
    userAgent,
    user: identity.user.username,
    continues: (request.query.get('continue') ?? '') !== '',
  };
}

/** Namespace and name of the object that the path names. */
export function keyOf({ kind, info }: ResourceExchange): { readonly namespace: string; readonly name: string } {
  return { namespace: kind.type.namespaced ? info.namespace : '', name: info.name };
}

export function writeOptions(exchange: Exchange): WriteOptions {
  const { query } = exchange.request;
  return {
    dryRun: isDryRun(query.getAll('dryRun')),
    user: exchange.identity.user,
    fieldManager: query.get('fieldManager') ?? undefined,
    strict: query.get('fieldValidation') === 'Strict',
    warnings: exchange.warnings,
  };
}

function isDryRun(values: readonly string[]): boolean {
  for (const value of values) {
    if (value === 'All') return true;
    if (value !== '') {
      throw invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, '', [fieldErrors.notSupported('dryRun', value, ['All'])]);
    }
  }
  return false;
}

/**
 * The object as its builtin type reads it. Unknown fields are refused with `fieldValidation=Strict`, else dropped, with a warning unless
 * the client asked to ignore them.
 */
function checkFields({ kind, request, warnings }: ResourceExchange, object: KubeObject, trusted?: KubeObject): KubeObject {
  const { object: known, unknown } = conform(kind, object, trusted);
  if (unknown.length === 0) return known;
  const level = request.query.get('fieldValidation') ?? 'Warn';
  if (level === 'Strict') throw strictDecodingError(kind, unknown);
  if (level === 'Warn') warnings.push(...unknown.map((path) => `unknown field "${path}"`));
  return known;
}

/** What a patch makes of the object must be readable too; if it is not, the answer says so of the patch and shows the whole object. */
function checkPatched(exchange: ResourceExchange, next: KubeObject, current: KubeObject): KubeObject {
  try {
    return checkFields(exchange, next, current);
  } catch (thrown) {
    if (!isStatusError(thrown, 'BadRequest')) throw thrown;
    const why = thrown.message.replace(/^\S+ in version "\w+" cannot be handled as a \w+: /, '');
    throw invalid({ group: '', kind: '' }, '', [fieldErrors.invalid('patch', JSON.stringify(next), why)]);
  }
}

export function getObject(exchange: ResourceExchange): ApiResponse {
  const { server, kind } = exchange;
  const { namespace, name } = keyOf(exchange);
  const stored = server.core.store.get(kind.storageKey, namespace, name);
  if (stored === undefined) throw notFound(kind.type, name);
  return renderStored(exchange, 200, stored);
}

export function listObjects(exchange: ResourceExchange): ApiResponse {
  const { server, kind, info, request } = exchange;
  const page = server.lister.page(kind, selectionOf(kind, info.namespace, request.query), request.query);
  return renderList(exchange, page);
}

export function watchObjects(exchange: ResourceExchange): ApiResponse {
  const { server, kind, info, request } = exchange;
  const environment = { ...server.core, bookmarkIntervalMs: server.bookmarkIntervalMs };
  const base = selectionOf(kind, info.namespace, request.query);
  // A watch of one name by its path (`…/pods/x?watch=1`) is the same as by field selector.
  const selection = info.name === '' ? base : { ...base, matches: (stored: { name: string }) => stored.name === info.name };
  const plan = planWatch(environment, request.query);
  const render = watchRenderer(exchange);
  const target = faultTarget(exchange);
  const refusal = server.faults.refuseWatch(target);
  if (refusal === 'http') throw expired('too old resource version (injected fault)');
  return {
    status: 200,
    headers: { 'content-type': 'application/json;stream=watch' },
    start: (sink) => {
      const stream = new WatchStream(environment, { kind, selection, query: request.query, render }, sink);
      if (refusal === 'event') {
        stream.expire('too old resource version (injected fault)');
        return () => stream.stop();
      }
      stream.start(plan);
      const leave = server.faults.enterWatch(target, stream);
      return () => {
        leave();
        stream.stop();
      };
    },
  };
}

export async function createResource(exchange: ResourceExchange): Promise<ApiResponse> {
  const { server, kind, info, request } = exchange;
  const object = decodeObject(request, kind);
  exchange.requestObject = object;
  exchange.objectName = object.metadata.name;
  placeInNamespace(exchange, object);
  if (info.name !== '' && object.metadata.name !== info.name) throw badRequest('the name of the object does not match the name on the URL');
  const known = checkFields(exchange, object);
  if (kind.createOnly) return jsonOf(201, server.review(kind, known, exchange.identity.user));
  const stored = await server.registry.createKind(kind, known, { ...writeOptions(exchange), owned: true });
  exchange.objectName = stored.name;
  return renderStored(exchange, 201, stored);
}

/** The path names the namespace; the object may leave it out, but not name another one. */
function placeInNamespace({ kind, info }: ResourceExchange, object: KubeObject): void {
  if (!kind.type.namespaced) return;
  const { metadata } = object;
  if (metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== info.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  metadata.namespace = info.namespace;
}

export async function updateResource(exchange: ResourceExchange): Promise<ApiResponse> {
  const { server, kind, info, request } = exchange;
  const object = decodeObject(request, kind);
  exchange.requestObject = object;
  placeInNamespace(exchange, object);
  if (object.metadata.name !== info.name) {
    throw badRequest(`the name of the object (${textOf(object.metadata.name)}) does not match the name on the URL (${info.name})`);
  }
  const known = checkFields(exchange, object);
  const { namespace, name } = keyOf(exchange);
  const existed = server.core.store.get(kind.storageKey, namespace, name) !== undefined;
  const options = info.subresource === '' ? writeOptions(exchange) : { ...writeOptions(exchange), subresource: info.subresource };
  const stored = await server.registry.updateKind(kind, known, { ...options, owned: true });
  return renderStored(exchange, existed ? 200 : 201, stored);
}

export async function patchResource(exchange: ResourceExchange): Promise<ApiResponse> {
  const { server, kind, info, request } = exchange;
  const patch = parsePatch(request, kind.merge);
  exchange.requestObject = patch.body;
  const { namespace, name } = keyOf(exchange);
  const options = info.subresource === '' ? writeOptions(exchange) : { ...writeOptions(exchange), subresource: info.subresource };
  const stored = await retryPatch(
    () => server.core.store.get(kind.storageKey, namespace, name),
    kind,
    patch,
    name,
    (next, current) => server.registry.updateKind(kind, checkPatched(exchange, next, current), options),
  );
  return renderStored(exchange, 200, stored);
}

/** DeleteOptions from the body, completed from the query. */
export function deleteOptions(exchange: Exchange): DeleteOptions {
  const { request } = exchange;
  const body = request.body === undefined || request.body.length === 0 ? {} : objectOf(decodeBody(request));
  if (Object.keys(body).length > 0) exchange.requestObject = body;
  const { query } = request;
  const grace = body['gracePeriodSeconds'] ?? numberOrNothing(query.get('gracePeriodSeconds'));
  const orphan = body['orphanDependents'] ?? query.get('orphanDependents');
  const policy = body['propagationPolicy'] ?? query.get('propagationPolicy') ?? orphanPolicy(orphan);
  const preconditions = body['preconditions'];
  const dryRun = Array.isArray(body['dryRun']) ? (body['dryRun'] as string[]) : query.getAll('dryRun');
  return {
    user: exchange.identity.user,
    warnings: exchange.warnings,
    dryRun: isDryRun(dryRun),
    ...(typeof grace === 'number' ? { gracePeriodSeconds: grace } : {}),
    ...(policy === undefined ? {} : { propagationPolicy: checkPolicy(policy) }),
    ...(isJson(preconditions) ? { preconditions: preconditions as { uid?: string; resourceVersion?: string } } : {}),
  };
}

function numberOrNothing(text: string | null): number | undefined {
  return text === null || text === '' ? undefined : Number(text);
}

function orphanPolicy(orphan: unknown): 'Orphan' | 'Background' | undefined {
  if (orphan === null || orphan === undefined) return undefined;
  return orphan === true || orphan === 'true' ? 'Orphan' : 'Background';
}

function checkPolicy(value: unknown): 'Orphan' | 'Background' | 'Foreground' {
  if (value === 'Orphan' || value === 'Background' || value === 'Foreground') return value;
  throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
    fieldErrors.notSupported('propagationPolicy', value, ['Foreground', 'Background', 'Orphan', 'nil']),
  ]);
}

export async function deleteResource(exchange: ResourceExchange): Promise<ApiResponse> {
  const { server, kind } = exchange;
  const { stored, gone } = await server.registry.deleteKind(kind, keyOf(exchange), deleteOptions(exchange));
  // A graceful deletion answers the object that is going, a finished one a Status; so do the real pods strategy and all others.
  if (!gone || kind.gracefulDeletion) return renderStored(exchange, 200, stored);
  const { group, plural } = kind.type;
  return jsonOf(
    200,
    successStatus({ name: stored.name, ...(group === '' ? {} : { group }), kind: plural, uid: stored.object.metadata.uid }),
  );
}

export async function deleteCollection(exchange: ResourceExchange): Promise<ApiResponse> {
  const { server, kind, info, request } = exchange;
  const options = deleteOptions(exchange);
  const query = new URLSearchParams(request.query);
  query.delete('limit');
  const page = server.lister.page(kind, selectionOf(kind, info.namespace, query), query);
  for (const { namespace, name } of page.items) {
    try {
      await server.registry.deleteKind(kind, { namespace, name }, options);
    } catch (thrown) {
      // Gone meanwhile: that is what was asked for.
      if (!isStatusError(thrown, 'NotFound')) throw thrown;
    }
  }
  return renderList(exchange, { ...page, revision: server.core.store.revision });
}
