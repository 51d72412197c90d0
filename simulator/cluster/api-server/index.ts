import type { Clock, Random } from '../../../core/model/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { Activity } from './activity.ts';
import type { ActivityView } from './activity.ts';
import { createWebhookAdmission } from './admission/index.ts';
import type { ServiceAddress } from './admission/index.ts';
import { Aggregation, registerCustomGroup } from './aggregation.ts';
import type { AggregatedResource, Mount } from './aggregation.ts';
import { AuditLog } from './audit.ts';
import type { AuditListener } from './audit.ts';
import { createRbacAuthorizer } from './authorization/index.ts';
import type { RbacAuthorizer } from './authorization/index.ts';
import { bootstrap } from './bootstrap.ts';
import type { Core } from './core.ts';
import { Faults } from './faults.ts';
import { GarbageCollector } from './garbage.ts';
import { InProcessDispatcher } from './http/dispatcher.ts';
import { createHandler } from './http/handler.ts';
import { Lister } from './http/lists.ts';
import { listen } from './http/node-server.ts';
import type { ListenOptions, Listener } from './http/node-server.ts';
import { servedDocuments } from './http/openapi-documents.ts';
import type { LogSource, ServerContext } from './http/server-context.ts';
import { Identities } from './identity.ts';
import { KindTable } from './kinds/kind-table.ts';
import { ClusterRegistry } from './registry.ts';
import { createReviews } from './reviews.ts';
import { ServiceBackends } from './service-backends.ts';
import { Store } from './storage/store.ts';
import type { ApiHandler, Registry } from './types.ts';

export type { ActivityView } from './activity.ts';
export type { ServiceAddress } from './admission/index.ts';
export type { AggregatedResource, Mount } from './aggregation.ts';
export type { AuditListener, AuditRecord } from './audit.ts';
export { StatusError, isStatusError } from './errors.ts';
export type { FieldError, StatusDetails } from './errors.ts';
export type { Fault, FaultHandle, FaultMatch, FaultRule, Faults } from './faults.ts';
export { InProcessDispatcher } from './http/dispatcher.ts';
export type { ListenOptions, Listener } from './http/node-server.ts';
export type { LogSource } from './http/server-context.ts';
export type {
  ApiHandler,
  ApiRequest,
  ApiResponse,
  ApiSink,
  Registry,
  RegistryDeleteOptions,
  RegistryEvent,
  RegistryWriteOptions,
  UserInfo,
} from './types.ts';

export interface ApiServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Default `AlwaysAllow`. */
  readonly authorization?: 'AlwaysAllow' | 'RBAC';
  /** Interval of watch bookmarks by the clock; default one minute, as upstream. */
  readonly bookmarkIntervalMs?: number;
  /** Changes kept for each type, from which a watch can resume; default 10,000. */
  readonly historyLimit?: number;
  /** Text behind `kubectl logs`. */
  readonly logs?: LogSource;
}

export interface ApiServer {
  readonly registry: Registry;
  readonly handle: ApiHandler;
  readonly faults: Faults;
  /** Serves an API group from elsewhere in the process, with an APIService object that says whether it is available. */
  mount(groupVersion: string, handler: ApiHandler, resources: readonly AggregatedResource[]): Mount;
  /**
   * Where a Service of the cluster leads: an address of this machine, for webhooks with `clientConfig.service`. The Service object must exist and have the port;
   * one of type ExternalName needs no word. Answers the function that takes the address away.
   */
  serveService(service: { readonly namespace: string; readonly name: string }, address: ServiceAddress): () => void;
  /** Called once for every mutating request, over HTTP or in process; answers the function that ends it. */
  onAudit(listener: AuditListener): () => void;
  /** A new undici dispatcher that reaches the server without sockets. All of them share one activity count. */
  dispatcher(): InProcessDispatcher;
  activity(): ActivityView;
  /** Resolves when nothing is due any more: for a VirtualClock. */
  settle(): Promise<void>;
  listen(options?: ListenOptions): Promise<Listener>;
  /** Forgets the history of all types: watches from an older revision get their 410. */
  compact(): void;
  close(): Promise<void>;
}

const defaultBookmarkMs = 60_000;
const defaultHistory = 10_000;

/** A Kubernetes API server in process. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { clock, random } = options;
  const activity = new Activity();
  const store = new Store(options.historyLimit ?? defaultHistory);
  const backends = new ServiceBackends(store);
  const core: Core = {
    store,
    kinds: new KindTable(),
    clock,
    random,
    activity,
    webhooks: createWebhookAdmission({ clock, random, resolveService: (service) => backends.resolve(service) }),
  };
  const audit = new AuditLog();
  const aggregation = new Aggregation(core);
  const registry = new ClusterRegistry(core, audit);
  bootstrap(core);
  const garbage = new GarbageCollector(core);
  const stopGroups = followCustomGroups(core, registry);
  const authorizer: RbacAuthorizer | undefined = options.authorization === 'RBAC' ? createRbacAuthorizer(registry) : undefined;
  const identities = new Identities(clock, random);
  const server: ServerContext = {
    core,
    registry,
    lister: new Lister(core.store, clock),
    faults: new Faults(clock, random, activity),
    audit,
    identities,
    aggregation,
    authorizer,
    review: createReviews(identities, authorizer),
    logs: options.logs,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? defaultBookmarkMs,
  };
  const handle = createHandler(server, servedDocuments(server));
  const dispatchers = new Set<InProcessDispatcher>();
  const listeners = new Set<Listener>();
  return {
    registry,
    handle,
    faults: server.faults,
    serveService: (service, address) => backends.serve(service, address),
    mount: (groupVersion, handler, resources) => aggregation.mount(groupVersion, handler, resources),
    onAudit: (listener) => audit.onAudit(listener),
    dispatcher: () => {
      const dispatcher = new InProcessDispatcher(handle, activity);
      dispatchers.add(dispatcher);
      return dispatcher;
    },
    activity: () => activity.view(),
    settle: () => activity.settle(),
    listen: async (listenOptions) => {
      const listener = await listen(handle, { now: () => clock.now(), ...listenOptions });
      listeners.add(listener);
      return listener;
    },
    compact: () => core.store.compact(),
    close: async () => {
      garbage.stop();
      stopGroups();
      for (const dispatcher of dispatchers) await dispatcher.destroy();
      for (const listener of listeners) await listener.close();
      await core.webhooks.close();
    },
  };
}

/** An APIService for every group and version of custom resources. */
function followCustomGroups(core: Core, registry: Registry): () => void {
  const known = new Set<string>();
  const follow = (crd: KubeObject): void => {
    const { group = '', versions = [] } = crd.spec as { group?: string; versions?: { name?: string; served?: boolean }[] };
    for (const { name = '', served } of versions) {
      const groupVersion = `${group}/${name}`;
      if (served !== true || known.has(groupVersion)) continue;
      known.add(groupVersion);
      // In a turn of its own: a listener never writes.
      queueMicrotask(() => registerCustomGroup(core, groupVersion));
    }
  };
  const type = {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
  };
  return registry.watch(type, (event) => {
    if (event.type !== 'DELETED') follow(event.object);
  });
}
