import { refusalText, requestAttributes } from '../authorization/index.ts';
import { StatusError, forbidden, methodNotAllowed, toStatusError, unknownResource } from '../errors.ts';
import { ConnectionDropped } from '../faults.ts';
import type { RequestFaults } from '../faults.ts';
import type { ApiHandler, ApiRequest, ApiResponse } from '../types.ts';
import { discovery } from './discovery.ts';
import { requestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import {
  createResource,
  deleteCollection,
  deleteResource,
  faultTarget,
  getObject,
  listObjects,
  patchResource,
  updateResource,
  watchObjects,
} from './resources.ts';
import { failure, jsonOf, text, withWarnings } from './responses.ts';
import type { Exchange, Handler, ResourceExchange, ServerContext } from './server-context.ts';
import { bind, handleSubresource } from './subresources.ts';
import type { ServedDocuments } from './documents.ts';

const verbs: Readonly<Record<string, Handler>> = {
  get: getObject,
  list: listObjects,
  watch: watchObjects,
  create: createResource,
  update: updateResource,
  patch: patchResource,
  delete: deleteResource,
  deletecollection: deleteCollection,
};

const mutating = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** The request handler of the server: identity, faults, authorization, routing, audit. */
export function createHandler(server: ServerContext, documents: ServedDocuments): ApiHandler {
  return async (request) => {
    const end = server.core.activity.begin();
    try {
      return await answer(server, documents, request);
    } finally {
      end();
    }
  };
}

async function answer(server: ServerContext, documents: ServedDocuments, request: ApiRequest): Promise<ApiResponse> {
  const info = requestInfo(request);
  let exchange: Exchange | undefined;
  let response: ApiResponse;
  try {
    exchange = open(server, request, info);
    response = await handle(exchange, documents);
  } catch (thrown) {
    if (thrown instanceof ConnectionDropped) throw thrown;
    response = failure(toStatusError(thrown));
  }
  if (exchange !== undefined && mutating.has(info.verb) && info.isResource && server.audit.active) record(exchange, response.status);
  return exchange === undefined ? response : withWarnings(response, exchange.warnings);
}

function open(server: ServerContext, request: ApiRequest, info: RequestInfo): Exchange {
  return {
    server,
    request,
    info,
    identity: server.identities.of(request),
    userAgent: request.headers['user-agent'] ?? '',
    warnings: [],
    requestObject: undefined,
    objectName: undefined,
  };
}

async function handle(exchange: Exchange, documents: ServedDocuments): Promise<ApiResponse> {
  const { server, request } = exchange;
  const faults = server.faults.forRequest(faultTarget(exchange), () => request.signal);
  if (faults !== undefined) await faults.before();
  authorize(exchange);
  const response = await route(exchange, documents);
  return faults === undefined ? response : changed(response, faults);
}

function changed(response: ApiResponse, faults: RequestFaults): ApiResponse {
  return 'body' in response ? { ...response, body: faults.after(response.body) } : response;
}

function authorize({ server, identity, info, request }: Exchange): void {
  const { authorizer } = server;
  if (authorizer === undefined) return;
  const { impersonator, user } = identity;
  if (impersonator !== undefined) {
    const attributes = { verb: 'impersonate', group: '', resource: 'users', name: user.username };
    if (!authorizer(impersonator, attributes).allowed) throw denied(`users "${user.username}"`, refusalText(impersonator, attributes));
  }
  const attributes = requestAttributes(info, request.query);
  const decision = authorizer(user, attributes);
  if (decision.allowed) return;
  const why = refusalText(user, attributes);
  if (!info.isResource) throw denied('', why);
  throw forbidden({ group: info.group, plural: info.resource }, info.name, decision.reason === '' ? why : `${why}: ${decision.reason}`);
}

function denied(subject: string, why: string): StatusError {
  return new StatusError(403, 'Forbidden', subject === '' ? `forbidden: ${why}` : `${subject} is forbidden: ${why}`, {});
}

async function route(exchange: Exchange, documents: ServedDocuments): Promise<ApiResponse> {
  const { server, info, request } = exchange;
  const [root, group = '', version = ''] = info.path.split('/').slice(1);
  const aggregated = root === 'apis' ? server.aggregation.find(group, version) : undefined;
  if (aggregated !== undefined) return aggregated(request);
  if (!info.isResource) {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
    return discovery(server, request, info.path) ?? (await documents(info.path, request)) ?? notHere(info.path);
  }
  const kind = server.core.kinds.find(info.group, info.version, info.resource);
  if (kind === undefined) return unknownKind(exchange);
  const resource = { ...exchange, kind };
  try {
    return await handlerOf(resource)(resource);
  } finally {
    exchange.requestObject = resource.requestObject;
    exchange.objectName = resource.objectName;
  }
}

function handlerOf({ kind, info, request }: ResourceExchange): Handler {
  // A cluster-scoped resource is in no namespace; a namespaced one is only read across them.
  if (!kind.type.namespaced && info.namespace !== '') throw unknownResource();
  if (info.subresource !== '') return handleSubresource;
  const handler = info.verb === 'get' && isWatchOfOne(request) ? watchObjects : verbs[info.verb];
  const everywhere = kind.type.namespaced && info.namespace === '';
  if (handler === undefined || !fitsPath(info, everywhere) || (kind.createOnly && info.verb !== 'create')) throw methodNotAllowed();
  return handler;
}

/** Whether the path, of a collection or of one object, has the verb. */
function fitsPath({ verb, name }: RequestInfo, everywhere: boolean): boolean {
  if (everywhere) return verb === 'list' || verb === 'watch';
  if (verb === 'create') return name === '';
  return name !== '' || (verb !== 'update' && verb !== 'patch');
}

function isWatchOfOne(request: ApiRequest): boolean {
  const value = request.query.get('watch');
  return value === 'true' || value === '1';
}

async function unknownKind(exchange: Exchange): Promise<ApiResponse> {
  const { info, server } = exchange;
  const pods = server.core.kinds.ofStorage('/pods');
  if (info.group === '' && info.resource === 'bindings' && info.verb === 'create' && pods !== undefined) {
    return bind({ ...exchange, kind: pods }, '');
  }
  const groupKnown = server.core.kinds.all().some((kind) => kind.type.group === info.group && kind.type.version === info.version);
  if (groupKnown) throw unknownResource();
  return text(404, '404 page not found\n');
}

function notHere(path: string): ApiResponse {
  if (path === '/')
    return jsonOf(200, { paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'] });
  return text(404, '404 page not found\n');
}

function record(exchange: Exchange, code: number): void {
  const { server, info, identity, userAgent } = exchange;
  const kind = server.core.kinds.find(info.group, info.version, info.resource);
  const type = kind?.type ?? {
    group: info.group,
    version: info.version,
    plural: info.resource,
    kind: '',
    namespaced: info.namespace !== '',
  };
  server.audit.record({
    user: identity.user,
    ...(identity.impersonator === undefined ? {} : { impersonator: identity.impersonator }),
    userAgent,
    verb: info.verb,
    type,
    namespace: info.namespace === '' ? undefined : info.namespace,
    name: info.name === '' ? exchange.objectName : info.name,
    subresource: info.subresource === '' ? undefined : info.subresource,
    dryRun: exchange.request.query.get('dryRun') === 'All',
    code,
    requestObject: exchange.requestObject,
    time: server.core.clock.now(),
  });
}
