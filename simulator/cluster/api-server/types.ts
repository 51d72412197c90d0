import type { KubeObject, ResourceType } from '../../../core/model/object.ts';

/** A request as the API server handles it, whatever it came over (node:http or the in-process dispatcher). */
export interface ApiRequest {
  readonly method: string;
  /** Decoded by the router, not here: still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer | undefined;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

/** Where a streaming answer (a watch) is written to. */
export interface ApiSink {
  write(chunk: string | Buffer): void;
  end(): void;
  /** Breaks the connection without a proper end, for faults. */
  destroy(): void;
  /** Bytes written that the client has not taken yet; absent where nothing can pile up. */
  pendingBytes?(): number;
}

export type ApiResponse =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string | Buffer }
  /** `start` begins writing; the function that it returns is called once when the client goes away or the sink has ended. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly start: (sink: ApiSink) => () => void };

export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>;

/** Who asks; `system:masters` may everything. */
export interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
}

export interface RegistryEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
  /** The object before the change; absent for ADDED. */
  readonly previous?: KubeObject;
}

export interface RegistryWriteOptions {
  readonly subresource?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly user?: UserInfo | undefined;
  readonly fieldManager?: string | undefined;
}

export interface RegistryDeleteOptions extends RegistryWriteOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
  readonly preconditions?: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined } | undefined;
}

/**
 * The generic REST storage, in process: what the HTTP layer and the embedded cluster's own controllers and scheduler share.
 * Every rule (defaulting, validation, admission webhooks, generation, finalizers, conflicts) applies on this way too.
 *
 * Objects that it gives out are the stored ones: shared, immutable, never to be changed in place (build a new one by spreading).
 * Reads are synchronous. Failures are thrown as `StatusError` (errors.ts) with the same code and reason as over HTTP.
 */
export interface Registry {
  get(type: ResourceType, namespace: string | undefined, name: string): KubeObject | undefined;
  /** All objects, or those of one namespace, in key order. */
  list(type: ResourceType, namespace?: string): readonly KubeObject[];
  /** Objects of a type whose controller owner reference (`controller: true`) has this uid. */
  listOwned(type: ResourceType, ownerUid: string): readonly KubeObject[];
  create(type: ResourceType, object: KubeObject, options?: RegistryWriteOptions): Promise<KubeObject>;
  /** With `metadata.resourceVersion` set it is the optimistic lock. `subresource: 'status'` writes only status, and so on. */
  update(type: ResourceType, object: KubeObject, options?: RegistryWriteOptions): Promise<KubeObject>;
  /**
   * Reads the newest object, applies `change` (return the same object for "nothing to do") and stores it, retrying on conflict.
   * Answers `undefined` when the object does not exist.
   */
  mutate(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    change: (object: KubeObject) => KubeObject,
    options?: RegistryWriteOptions,
  ): Promise<KubeObject | undefined>;
  delete(type: ResourceType, namespace: string | undefined, name: string, options?: RegistryDeleteOptions): Promise<void>;
  /**
   * Called for every committed change of the type, in order, right after the commit; must only note what to do (a work queue), never write.
   * Existing objects are delivered as ADDED before this call returns. Answers the function that ends it.
   */
  watch(type: ResourceType, handler: (event: RegistryEvent) => void): () => void;
}
