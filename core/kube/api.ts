import type { KubeObject, ResourceType } from '../model/object.ts';
import type { SharedParser } from './shared-parser.ts';

/** What the rest of the suite knows of the API server. `createKubeClient` (client.ts) makes one over the pooled transport. */

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Names one object of a type; `namespace` is left out for cluster-scoped types. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** A patch with its media type. Read-modify-replace is not offered on purpose: it drops what a model does not know. */
export type Patch =
  | { readonly type: 'json'; readonly body: readonly JsonPatchOperation[] }
  | { readonly type: 'merge'; readonly body: object }
  | { readonly type: 'strategic'; readonly body: object };

export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly path: string; readonly from: string };

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the request is given up; default 30 000. Watches are exempt. */
  readonly timeoutMs?: number | undefined;
}

export interface WriteOptions extends RequestOptions {
  readonly subresource?: string | undefined;
  /** `dryRun=All`: the API server does everything but store. */
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
  /** `Strict` makes the server refuse unknown fields (422/400 instead of a warning). */
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict' | undefined;
}

export interface ListOptions extends RequestOptions {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Page size; default 500. */
  readonly limit?: number | undefined;
  readonly continueToken?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** `listEach` only: objects come without `managedFields`, a fifth of their bytes, which is then never parsed. */
  readonly trimManagedFields?: boolean | undefined;
  /** `listEach` only: parses the objects, which then share parts and must not be changed. It decides about `managedFields`. */
  readonly parser?: SharedParser | undefined;
}

export interface ListPage<T = KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
  readonly remaining: number | undefined;
}

export interface WatchOptions extends RequestOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
  /** Ask for bookmarks; default true. */
  readonly bookmarks?: boolean | undefined;
  /** WatchList: initial objects come as ADDED events, then a bookmark annotated `k8s.io/initial-events-end: "true"`. */
  readonly sendInitialEvents?: boolean | undefined;
  /** Ends the watch with an error when nothing at all arrives for so long; default 90 000 (bookmarks come every 60 to 75 s). Measured by the client's clock. */
  readonly inactivityMs?: number | undefined;
  /** Objects come without `managedFields`, a fifth of their bytes, which is then never parsed. */
  readonly trimManagedFields?: boolean | undefined;
  /** Parses the events, whose objects then share parts and must not be changed. It decides about `managedFields`. */
  readonly parser?: SharedParser | undefined;
}

export interface WatchEvent<T = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** A `metav1.Status` as far as it is read. */
export interface Status {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  };
}

/** A plain answer for paths that are not objects (discovery, metrics APIs, health). */
export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RawRequest extends RequestOptions {
  readonly method: HttpMethod;
  /** Absolute path with query, already encoded. */
  readonly path: string;
  readonly body?: string | Buffer | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  /** Longest body; more is `API_ANSWER_INVALID` and is not read to its end. Default: no limit. */
  readonly maxBytes?: number | undefined;
  /** How often a read that is answered 429 or 503 is tried again; default 3. Whoever has retries of its own gives 0. */
  readonly retries?: number | undefined;
}

/** The scale of any kind with the subresource. */
export interface Scale {
  readonly resourceVersion: string;
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** Label selector text; empty when the kind has no `labelSelectorPath`. */
  readonly selector: string;
}

/**
 * Asked before every mutating request, of whatever client and path. Throws `ConcertinaError('FENCED')` when this process may not write now.
 * The lease elector's own writes are the only ones made without.
 */
export interface Fence {
  check(request: { readonly method: HttpMethod; readonly path: string }): void;
}

/** Identity for `Impersonate-User` and `Impersonate-Group`. */
export interface Impersonation {
  readonly user: string;
  readonly groups?: readonly string[];
}

/**
 * Failures of the API server are thrown as `ApiStatusError` (status-error.ts), those of the way there as
 * `ConcertinaError('API_UNREACHABLE' | 'CREDENTIALS_EXPIRED' | 'API_ANSWER_INVALID')`.
 */
export interface KubeClient {
  /** Base URL, for messages. */
  readonly server: string;
  raw(request: RawRequest): Promise<RawResponse>;
  get<T = KubeObject>(
    type: ResourceType,
    key: ObjectKey,
    options?: RequestOptions & { subresource?: string; resourceVersion?: string },
  ): Promise<T>;
  /** One page. */
  listPage<T = KubeObject>(type: ResourceType, options?: ListOptions): Promise<ListPage<T>>;
  /** One page, item by item while it is decoded: no more than one raw object is held. Other implementations may leave it out. */
  listEach?<T = KubeObject>(type: ResourceType, options: ListOptions, each: (item: T) => void): Promise<Omit<ListPage<T>, 'items'>>;
  /** All pages joined; a 410 in the middle starts again from the first page. For big types use a Reflector. */
  list<T = KubeObject>(
    type: ResourceType,
    options?: ListOptions,
  ): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }>;
  /** One watch connection: ends when the server closes it, throws on failure (also for an ERROR event: as ApiStatusError). No retries: see Reflector. */
  watch<T = KubeObject>(type: ResourceType, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** The same with a callback for each event, for streams of very many; resolves when the watch ends. Other implementations may leave it out. */
  watchEach?<T = KubeObject>(type: ResourceType, options: WatchOptions, each: (event: WatchEvent<T>) => void): Promise<void>;
  create<T = KubeObject>(type: ResourceType, object: KubeObject, options?: WriteOptions): Promise<T>;
  /** PUT of a whole object that the caller built or just read raw; needs `metadata.resourceVersion` for optimistic locking. */
  replace<T = KubeObject>(type: ResourceType, object: KubeObject, options?: WriteOptions): Promise<T>;
  /** Put preconditions (`metadata.uid`, `metadata.resourceVersion`) into the body of a merge or strategic patch, or `test` operations into a JSON patch. */
  patch<T = KubeObject>(type: ResourceType, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  delete(
    type: ResourceType,
    key: ObjectKey,
    options?: RequestOptions & {
      gracePeriodSeconds?: number;
      propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
      preconditions?: { uid?: string; resourceVersion?: string };
      dryRun?: boolean;
    },
  ): Promise<void>;
  getScale(type: ResourceType, key: ObjectKey, options?: RequestOptions): Promise<Scale>;
  /** PATCH (merge) of the scale with `resourceVersion` as precondition when given. */
  setScale(
    type: ResourceType,
    key: ObjectKey,
    replicas: number,
    options?: RequestOptions & { resourceVersion?: string; dryRun?: boolean },
  ): Promise<Scale>;
  /** POST pods/eviction; a PDB's refusal is the 429 ApiStatusError. */
  evict(
    key: ObjectKey,
    options?: RequestOptions & { gracePeriodSeconds?: number; preconditions?: { uid?: string }; dryRun?: boolean },
  ): Promise<void>;
  /** PATCH pods/resize. */
  resize<T = KubeObject>(key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  /** The same connection under another identity. */
  impersonate(identity: Impersonation): KubeClient;
  /** The same connection, every mutating request passing this fence (after those that stand already). */
  fenced(fence: Fence): KubeClient;
  close(): Promise<void>;
}
