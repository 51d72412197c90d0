import type { Clock, Random } from '../model/clock.ts';
import { apiVersionOf, resourceTypes, type KubeObject, type ResourceType } from '../model/object.ts';
import type { Fence, HttpMethod, KubeClient, ObjectKey, Patch, RawRequest, RequestOptions, Scale, WriteOptions } from './api.ts';
import type { Connection } from './connection.ts';
import { listAll, listEach, listOnePage, parseObject } from './list.ts';
import { collectionPath, objectPath, withQuery } from './paths.ts';
import { sendRequest, type ClientContext, type RequestOutcome, type RetryNotice } from './pipeline.ts';
import { createRateLimiter, type RateLimit } from './rate-limit.ts';
import { watchEach, watchEvents } from './watch.ts';

/** Options of {@link createKubeClient}. */
export interface KubeClientOptions {
  readonly connection: Connection;
  /** Times limits, retries, rate and watchdogs. */
  readonly clock: Clock;
  /** Jitters retries. */
  readonly random: Random;
  /** Shows in the audit log: give each part of the suite its own. */
  readonly userAgent: string;
  /** Shared by all derived clients. Default: none; the server's own priority and fairness decides. */
  readonly rateLimit?: RateLimit | undefined;
  /** The first fence of every write; `fenced` adds more. */
  readonly fence?: Fence | undefined;
  /** Told about every attempt: request metrics. */
  readonly observer?: ((outcome: RequestOutcome) => void) | undefined;
  /** Told before every wait for another attempt. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

const patchTypes: Readonly<Record<Patch['type'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

/** A client of one API server over the connection's pool. Cheap to derive from; `close` ends the connection for all that were derived. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  return clientOf({
    connection: options.connection,
    clock: options.clock,
    random: options.random,
    userAgent: options.userAgent,
    limiter: options.rateLimit === undefined ? undefined : createRateLimiter(options.rateLimit, options.clock),
    fences: options.fence === undefined ? [] : [options.fence],
    identity: undefined,
    observer: options.observer,
    onRetry: options.onRetry,
  });
}

function clientOf(context: ClientContext): KubeClient {
  const send = <T>(request: SendRequest): Promise<T> => sendObject<T>(context, request);
  const patch = async <T>(type: ResourceType, key: ObjectKey, body: Patch, options: WriteOptions = {}): Promise<T> =>
    send<T>({
      method: 'PATCH',
      path: withQuery(objectPath(type, key, options.subresource), writeQuery(options)),
      body: body.body,
      contentType: patchTypes[body.type],
      options,
    });
  return {
    server: context.connection.server,
    raw: (request) => sendRaw(context, request),
    get: async (type, key, options = {}) =>
      send({
        method: 'GET',
        path: withQuery(objectPath(type, key, options.subresource), { resourceVersion: options.resourceVersion }),
        options,
      }),
    listPage: (type, options) => listOnePage(context, type, options),
    listEach: (type, options, each) => listEach(context, type, options, each),
    list: (type, options) => listAll(context, type, options),
    watch: (type, options) => watchEvents(context, type, options),
    watchEach: (type, options, each) => watchEach(context, type, options, each),
    create: async (type, object, options = {}) =>
      send({ method: 'POST', path: createPath(type, object, options), body: withKind(type, object), options }),
    replace: async (type, object, options = {}) => {
      const key = { namespace: object.metadata.namespace, name: object.metadata.name };
      const path = withQuery(objectPath(type, key, options.subresource), writeQuery(options));
      return send({ method: 'PUT', path, body: withKind(type, object), options });
    },
    patch,
    delete: async (type, key, options = {}) => {
      const body = {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        gracePeriodSeconds: options.gracePeriodSeconds,
        propagationPolicy: options.propagationPolicy,
        preconditions: options.preconditions,
        dryRun: options.dryRun === true ? ['All'] : undefined,
      };
      await send({ method: 'DELETE', path: objectPath(type, key), body, options });
    },
    getScale: async (type, key, options = {}) => readScale(await send({ method: 'GET', path: objectPath(type, key, 'scale'), options })),
    setScale: async (type, key, replicas, options = {}) => {
      const metadata = options.resourceVersion === undefined ? undefined : { resourceVersion: options.resourceVersion };
      const body: Patch = { type: 'merge', body: { metadata, spec: { replicas } } };
      return readScale(await patch(type, key, body, { ...options, subresource: 'scale' }));
    },
    evict: async (key, options = {}) => {
      const deleteOptions = {
        gracePeriodSeconds: options.gracePeriodSeconds,
        preconditions: options.preconditions,
        dryRun: options.dryRun === true ? ['All'] : undefined,
      };
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: key.name, namespace: key.namespace }, deleteOptions };
      const path = withQuery(objectPath(resourceTypes.pods, key, 'eviction'), { dryRun: options.dryRun === true ? 'All' : undefined });
      await send({ method: 'POST', path, body, options });
    },
    resize: (key, body, options = {}) => patch(resourceTypes.pods, key, body, { ...options, subresource: 'resize' }),
    impersonate: (identity) => clientOf({ ...context, identity }),
    fenced: (fence) => clientOf({ ...context, fences: [...context.fences, fence] }),
    close: async () => context.connection.close?.(),
  };
}

interface SendRequest {
  readonly method: HttpMethod;
  readonly path: string;
  readonly body?: object;
  readonly contentType?: string;
  readonly options: RequestOptions;
}

async function sendObject<T>(context: ClientContext, request: SendRequest): Promise<T> {
  const answer = await sendRequest(context, {
    method: request.method,
    path: request.path,
    body: request.body === undefined ? undefined : JSON.stringify(request.body),
    contentType: request.contentType,
    signal: request.options.signal,
    timeoutMs: request.options.timeoutMs,
  });
  return parseObject<T>(answer, request);
}

/** Answers any status but 401, which is the connection's matter on every path. */
async function sendRaw(context: ClientContext, request: RawRequest): ReturnType<KubeClient['raw']> {
  if (!request.path.startsWith('/')) throw new RangeError(`a raw path begins with a slash, got "${request.path}"`);
  return sendRequest(context, request);
}

function writeQuery(options: WriteOptions): Record<string, string | undefined> {
  return {
    dryRun: options.dryRun === true ? 'All' : undefined,
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
  };
}

function createPath(type: ResourceType, object: KubeObject, options: WriteOptions): string {
  const { namespace, name } = object.metadata;
  if (options.subresource !== undefined) return withQuery(objectPath(type, { namespace, name }, options.subresource), writeQuery(options));
  if (type.namespaced && (namespace === undefined || namespace === '')) {
    throw new RangeError(`${type.kind} ${name} is namespaced but its metadata names no namespace`);
  }
  return withQuery(collectionPath(type, namespace), writeQuery(options));
}

function withKind(type: ResourceType, object: KubeObject): KubeObject {
  if (object.apiVersion !== undefined && object.kind !== undefined) return object;
  return { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
}

interface RawScale {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number; readonly selector?: string };
}

/** Zero replicas are left out of the JSON (`omitempty`), so absent is 0 here. */
function readScale(raw: RawScale): Scale {
  return {
    resourceVersion: raw.metadata?.resourceVersion ?? '',
    specReplicas: raw.spec?.replicas ?? 0,
    statusReplicas: raw.status?.replicas ?? 0,
    selector: raw.status?.selector ?? '',
  };
}
