import type { KubeObject } from '../../../../core/model/object.ts';
import { checkNodeRestriction } from '../admission/index.ts';
import { StatusError, badRequest, fieldErrors, invalid, methodNotAllowed, notFound, unknownResource } from '../errors.ts';
import { isJson, objectOf, textOf } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Stored } from '../storage/stored.ts';
import { evictPod } from '../subresources/eviction.ts';
import { scaleOf, scaleType, withReplicas } from '../subresources/scale.ts';
import type { ApiResponse } from '../types.ts';
import { checkKind, decodeBody } from './bodies.ts';
import { parsePatch } from './patches.ts';
import { getObject, keyOf, patchResource, updateResource, writeOptions } from './resources.ts';
import { jsonOf, text } from './responses.ts';
import type { Handler, ResourceExchange } from './server-context.ts';

function current(exchange: ResourceExchange): Stored {
  const { namespace, name } = keyOf(exchange);
  const stored = exchange.server.core.store.get(exchange.kind.storageKey, namespace, name);
  if (stored === undefined) throw notFound(exchange.kind.type, name);
  return stored;
}

function bodyObject(exchange: ResourceExchange, kind: string, ...apiVersions: readonly string[]): KubeObject {
  const value = decodeBody(exchange.request);
  if (!isJson(value)) throw badRequest(`the body must be a ${kind} object`);
  const version = textOf(value['apiVersion']);
  checkKind(value, kind, apiVersions.includes(version) ? version : (apiVersions[0] ?? ''));
  exchange.requestObject = value;
  return { ...value, metadata: isJson(value['metadata']) ? value['metadata'] : {} } as KubeObject;
}

/** get, update and patch of the object itself, as `…/status` and `…/resize` have them. */
function partOfObject(exchange: ResourceExchange): Promise<ApiResponse> | ApiResponse {
  switch (exchange.info.verb) {
    case 'get':
      return getObject(exchange);
    case 'update':
      return updateResource(exchange);
    case 'patch':
      return patchResource(exchange);
    default:
      throw methodNotAllowed();
  }
}

async function scale(exchange: ResourceExchange): Promise<ApiResponse> {
  const { kind, info, request, server } = exchange;
  if (info.verb === 'get') return jsonOf(200, scaleOf(kind, current(exchange).object));
  if (info.verb === 'update') return jsonOf(200, await setScale(exchange, bodyObject(exchange, 'Scale', 'autoscaling/v1')));
  if (info.verb !== 'patch') throw methodNotAllowed();
  const patch = parsePatch(request, {});
  exchange.requestObject = patch.body;
  for (let tries = 1; ; tries++) {
    const before = current(exchange);
    const next = patch.apply(scaleOf(kind, before.object), {});
    try {
      return jsonOf(200, await setScale(exchange, next));
    } catch (thrown) {
      const raced =
        thrown instanceof StatusError &&
        thrown.reason === 'Conflict' &&
        server.core.store.get(kind.storageKey, before.namespace, before.name) !== before;
      const pinned = next.metadata.resourceVersion !== before.object.metadata.resourceVersion;
      if (!raced || pinned || tries >= 5) throw thrown;
    }
  }
}

async function setScale(exchange: ResourceExchange, wanted: KubeObject): Promise<KubeObject> {
  const { kind, server, info } = exchange;
  const before = current(exchange);
  if (wanted.metadata.name !== undefined && wanted.metadata.name !== info.name) {
    throw badRequest(`the name of the object (${wanted.metadata.name}) does not match the name on the URL (${info.name})`);
  }
  const replicas = objectOf(wanted.spec)['replicas'] ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas))
    throw badRequest(`spec.replicas must be an integer, got ${JSON.stringify(replicas)}`);
  if (replicas < 0) {
    throw invalid(scaleType, info.name, [fieldErrors.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')]);
  }
  const object = withReplicas(kind, before.object, replicas);
  const metadata = { ...object.metadata };
  const { resourceVersion, uid } = wanted.metadata;
  if (resourceVersion === undefined || resourceVersion === '') delete metadata.resourceVersion;
  else metadata.resourceVersion = resourceVersion;
  if (uid !== undefined && uid !== '') metadata.uid = uid;
  const stored = await server.registry.updateKind(kind, { ...object, metadata }, { ...writeOptions(exchange), subresource: 'scale' });
  return scaleOf(kind, stored.object);
}

async function binding(exchange: ResourceExchange): Promise<ApiResponse> {
  if (exchange.info.verb !== 'create') throw methodNotAllowed();
  return bind(exchange, exchange.info.name);
}

/** POST pods/binding, and POST bindings where the body names the pod. */
export async function bind(exchange: ResourceExchange, name: string): Promise<ApiResponse> {
  const { info, server } = exchange;
  const object = bodyObject(exchange, 'Binding', 'v1');
  const metadata = { ...object.metadata, name: name === '' ? object.metadata.name : name, namespace: info.namespace };
  exchange.objectName = metadata.name;
  await server.registry.bind({ ...object, metadata }, writeOptions(exchange));
  return jsonOf(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
}

async function eviction(exchange: ResourceExchange): Promise<ApiResponse> {
  if (exchange.info.verb !== 'create') throw methodNotAllowed();
  const { server, info } = exchange;
  const object = bodyObject(exchange, 'Eviction', 'policy/v1', 'policy/v1beta1');
  if (object.metadata.name !== undefined && object.metadata.name !== info.name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  await evictPod(server.core, keyOf(exchange), object, writeOptions(exchange));
  return jsonOf(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
}

function log(exchange: ResourceExchange): ApiResponse {
  if (exchange.info.verb !== 'get') throw methodNotAllowed();
  const { server, request } = exchange;
  const pod = current(exchange).object;
  const content = server.logs?.(pod, request.query);
  if (content === undefined) {
    throw badRequest(`container logs of pod "${pod.metadata.name}" are not available: nothing in this cluster writes them`);
  }
  return text(200, content);
}

function token(exchange: ResourceExchange): ApiResponse {
  if (exchange.info.verb !== 'create') throw methodNotAllowed();
  const request = bodyObject(exchange, 'TokenRequest', 'authentication.k8s.io/v1');
  const { identity, kind, server } = exchange;
  const key = keyOf(exchange);
  const asked = { operation: 'CREATE', type: kind.type, subresource: 'token', ...key } as const;
  checkNodeRestriction(server.core.store, { ...asked, object: request, user: identity.user });
  return jsonOf(201, server.identities.issue(current(exchange).object, request));
}

async function finalize(exchange: ResourceExchange): Promise<ApiResponse> {
  if (exchange.info.verb !== 'update') throw methodNotAllowed();
  return updateResource(exchange);
}

function refused(what: string): Handler {
  return () => {
    throw new StatusError(501, 'NotImplemented', `the embedded API server does not serve ${what}: its pods and nodes are simulated`);
  };
}

const handlers: Readonly<Record<string, Handler>> = {
  status: partOfObject,
  resize: partOfObject,
  scale,
  binding,
  eviction,
  log,
  token,
  finalize,
  ephemeralcontainers: refused('ephemeral containers'),
  exec: refused('exec'),
  attach: refused('attach'),
  portforward: refused('port forwarding'),
  proxy: refused('the proxy'),
};

export function handleSubresource(exchange: ResourceExchange): Promise<ApiResponse> | ApiResponse {
  const { kind, info } = exchange;
  const name = (info.subresource.split('/')[0] ?? '') as Kind['subresources'][number];
  const handler = handlers[name];
  if (handler === undefined || !kind.subresources.includes(name)) throw unknownResource();
  return handler(exchange);
}
