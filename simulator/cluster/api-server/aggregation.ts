import { formatTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { Core } from './core.ts';
import { localApiService } from './bootstrap.ts';
import { serviceUnavailable } from './errors.ts';
import { text } from './http/responses.ts';
import { objectOf } from './json.ts';
import { uuid } from './names.ts';
import type { ApiHandler, ApiRequest, ApiResponse } from './types.ts';

/** A resource that an aggregated API says it has, as discovery lists it. */
export interface AggregatedResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
}

export interface Mount {
  /** Unavailable: every request is answered 503 and the APIService says so. */
  setAvailable(available: boolean): void;
  /** Takes the group away, its APIService too. */
  unmount(): void;
}

interface Mounted {
  readonly group: string;
  readonly version: string;
  readonly handler: ApiHandler;
  readonly resources: readonly AggregatedResource[];
  available: boolean;
}

const apiServices = 'apiregistration.k8s.io/apiservices';
/** What the aggregator answers, as plain text, when the back end cannot be reached. */
const unavailableText = 'service unavailable\n';

/** API groups that another part of the process serves behind this server, as extension API servers do. */
export class Aggregation {
  readonly #core: Core;
  readonly #mounts = new Map<string, Mounted>();
  #version = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Changes with what discovery has to say. */
  get version(): number {
    return this.#version;
  }

  mounted(): readonly Mounted[] {
    return [...this.#mounts.values()];
  }

  mount(groupVersion: string, handler: ApiHandler, resources: readonly AggregatedResource[]): Mount {
    const [group = '', version = ''] = groupVersion.split('/');
    const mounted: Mounted = { group, version, handler, resources, available: true };
    this.#mounts.set(groupVersion, mounted);
    this.#version += 1;
    this.#storeApiService(mounted);
    return {
      setAvailable: (available) => {
        mounted.available = available;
        this.#version += 1;
        this.#storeApiService(mounted);
      },
      unmount: () => {
        if (this.#mounts.get(groupVersion) !== mounted) return;
        this.#mounts.delete(groupVersion);
        this.#version += 1;
        this.#core.store.remove(apiServices, '', `${version}.${group}`);
      },
    };
  }

  /** The back end of a group and version: mounted, or only promised by an APIService with a service (503). */
  find(group: string, version: string): ApiHandler | undefined {
    const mounted = this.#mounts.get(`${group}/${version}`);
    if (mounted !== undefined) return mounted.available ? mounted.handler : refuse;
    if (this.#core.kinds.all().some((kind) => kind.type.group === group && kind.type.version === version)) return undefined;
    const service = this.#core.store.get(apiServices, '', `${version}.${group}`)?.object;
    return service !== undefined && objectOf(service.spec)['service'] !== undefined ? refuse : undefined;
  }

  #storeApiService({ group, version, available }: Mounted): void {
    const { store, clock, random } = this.#core;
    const name = `${version}.${group}`;
    const existing = store.get(apiServices, '', name)?.object;
    const now = formatTime(clock.now());
    const condition = available
      ? { type: 'Available', status: 'True', lastTransitionTime: now, reason: 'Passed', message: 'all checks passed' }
      : {
          type: 'Available',
          status: 'False',
          lastTransitionTime: now,
          reason: 'FailedDiscoveryCheck',
          message: `failing or missing response from the service of ${name}: it was marked unavailable`,
        };
    const service: KubeObject = {
      kind: 'APIService',
      apiVersion: 'apiregistration.k8s.io/v1',
      metadata: existing === undefined ? { name, uid: uuid(random), creationTimestamp: now } : { ...existing.metadata },
      spec: {
        service: { namespace: 'kube-system', name: group.split('.')[0] ?? group, port: 443 },
        group,
        version,
        insecureSkipTLSVerify: true,
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
      status: { conditions: [condition] },
    };
    store.put(apiServices, service);
  }
}

/** Keeps the APIService objects of custom groups beside their definitions, as the real server's auto-registration does. */
export function registerCustomGroup(core: Core, groupVersion: string): void {
  const [group = '', version = ''] = groupVersion.split('/');
  if (core.store.get(apiServices, '', `${version}.${group}`) === undefined) localApiService(core, groupVersion);
}

function refuse(request: ApiRequest): Promise<ApiResponse> {
  // Discovery of an unreachable back end is plain text; requests for resources get a Status.
  const parts = request.path.split('/').filter((part) => part !== '');
  if (parts.length <= 3) return Promise.resolve(text(503, unavailableText));
  return Promise.reject(serviceUnavailable());
}
