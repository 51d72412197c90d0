import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:https';
import { Registry } from 'prom-client';
import type { KubeClient, Patch } from '../../core/kube/api.ts';
import { ApiStatusError } from '../../core/kube/status-error.ts';
import type { Clock } from '../../core/model/clock.ts';
import type { KubeObject, ResourceType } from '../../core/model/object.ts';
import { recordingLogger } from '../../core/runtime/logging.ts';
import { defaultContainerSizing, type SizingPolicy } from '../model.ts';
import { bookOf, sizingPolicy } from '../policy.fixture.ts';
import type { KnownPolicy, ObjectChange, ObjectSource, TargetResolver } from '../ports.ts';
import { defaultAdmissionConfig, type AdmissionConfig } from './config.ts';
import type { AdmissionOptions } from './controller/admission.ts';
import type { PodPatcher } from './engine/pod-decision.ts';

/** Objects in memory behind the few calls of a client that admission makes. */
export interface MemoryCluster {
  readonly client: KubeClient;
  /** What was written, `verb plural/name`, in order. */
  readonly writes: string[];
  get(path: string): KubeObject | undefined;
  /** As somebody else would; `undefined` deletes. */
  put(path: string, object: KubeObject | undefined): void;
  source(plural: string): ObjectSource;
  /** The next calls fail with this. */
  failWith(error: Error | undefined): void;
}

/** Paths are `plural/name` or `plural/namespace/name`. */
export function memoryCluster(): MemoryCluster {
  const objects = new Map<string, KubeObject>();
  const handlers = new Set<(path: string, change: ObjectChange) => void>();
  const writes: string[] = [];
  let version = 0;
  let failure: Error | undefined;

  const put = (path: string, object: KubeObject | undefined): KubeObject | undefined => {
    const old = objects.get(path);
    const stored = object && { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } };
    if (stored === undefined) objects.delete(path);
    else objects.set(path, stored);
    const type = stored === undefined ? 'deleted' : old === undefined ? 'added' : 'updated';
    const key = path.split('/').slice(1).join('/');
    for (const handler of handlers) handler(path, { type, key, old, new: stored });
    return stored;
  };
  const pathOf = (type: ResourceType, key: { namespace?: string | undefined; name: string }): string =>
    [type.plural, ...(key.namespace === undefined ? [] : [key.namespace]), key.name].join('/');
  const refuse = (code: number, reason: string): never => {
    throw new ApiStatusError({ code, reason, message: `test says ${reason}` });
  };
  const guard = async (): Promise<void> => {
    await Promise.resolve();
    if (failure !== undefined) throw failure;
  };
  const client = {
    get: async (type: ResourceType, key: { namespace?: string; name: string }) => {
      await guard();
      return objects.get(pathOf(type, key)) ?? refuse(404, 'NotFound');
    },
    create: async (type: ResourceType, object: KubeObject) => {
      await guard();
      const path = pathOf(type, object.metadata);
      if (objects.has(path)) refuse(409, 'AlreadyExists');
      writes.push(`create ${path}`);
      return put(path, object);
    },
    patch: async (type: ResourceType, key: { namespace?: string; name: string }, patch: Patch) => {
      await guard();
      const path = pathOf(type, key);
      const before = objects.get(path) ?? refuse(404, 'NotFound');
      const body = patch.body as KubeObject;
      const wanted = body.metadata?.resourceVersion;
      if (wanted !== undefined && wanted !== before.metadata.resourceVersion) refuse(409, 'Conflict');
      writes.push(`patch ${path}`);
      return put(path, merge(before, body) as KubeObject);
    },
    delete: async (type: ResourceType, key: { name: string }) => {
      await guard();
      const path = pathOf(type, key);
      if (!objects.has(path)) refuse(404, 'NotFound');
      writes.push(`delete ${path}`);
      put(path, undefined);
    },
  };
  return {
    client: client as unknown as KubeClient,
    writes,
    get: (path) => objects.get(path),
    put,
    failWith: (error) => (failure = error),
    source: (plural) => ({
      get: (key) => objects.get(`${plural}/${key}`),
      items: () => [...objects].filter(([path]) => path.startsWith(`${plural}/`)).map(([, object]) => object),
      hasSynced: () => true,
      onDelta: (handler) => {
        const each = (path: string, change: ObjectChange): void => {
          if (path.startsWith(`${plural}/`)) handler(change);
        };
        handlers.add(each);
        for (const [path, object] of objects)
          each(path, { type: 'added', key: path.split('/').slice(1).join('/'), old: undefined, new: object });
        return () => handlers.delete(each);
      },
    }),
  };
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

export function knownPolicy(overrides: Partial<SizingPolicy> = {}): KnownPolicy {
  const policy = sizingPolicy({ actuation: 'Recreate', containers: [defaultContainerSizing], horizontal: 'Ignore', ...overrides });
  const { kind, namespace = '', name } = policy.reference;
  const amounts = { cpu: 300, memory: 200 * 1024 * 1024 };
  const container = { container: 'app', target: amounts, lowerBound: amounts, upperBound: amounts, uncappedTarget: amounts };
  return {
    key: `${kind}/${namespace}/${name}`,
    raw: { metadata: { namespace, name } },
    policy,
    recommendation: { containers: [container] },
  };
}

/** Every ReplicaSet `x-123` belongs to a Deployment `x`, whose pods have the label `app: x`. */
export const simpleTargets: TargetResolver = {
  resolve: () => ({ state: 'pending' }),
  topmost: (_namespace, owner) =>
    owner === undefined
      ? { state: 'none' }
      : { state: 'known', owner: { apiVersion: 'apps/v1', kind: 'Deployment', name: owner.name.replace(/-\w+$/, ''), uid: 'd' } },
  topmostOf: (namespace, owner) => Promise.resolve(simpleTargets.topmost(namespace, owner)),
  workload: () => undefined,
  controlling: ({ namespace, labels, topmost }, book) =>
    book.forTarget(namespace, topmost.kind, topmost.name).find((each) => labels['app'] === each.policy.target?.name),
  onResolved: () => () => undefined,
};

/** Sets a CPU request and the annotation. */
export const simplePatch: PodPatcher = () => ({
  ok: true,
  operations: [
    { op: 'add', path: '/spec/containers/0/resources', value: { requests: { cpu: '300m' } } },
    { op: 'add', path: '/metadata/annotations', value: {} },
    { op: 'add', path: '/metadata/annotations/vpaObservedContainers', value: 'app' },
  ],
});

/** As a ReplicaSet posts it. */
export function newPod(overrides: Partial<KubeObject['metadata']> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'web-5d8-',
      labels: { app: 'web' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d8', uid: 'rs', controller: true }],
      ...overrides,
    } as KubeObject['metadata'],
    spec: { containers: [{ name: 'app', image: 'app', resources: {} }] },
  };
}

export function podReview(pod: unknown, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: 'review-1',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace: 'shop',
      object: pod,
      oldObject: null,
      dryRun: false,
      ...overrides,
    },
  };
}

/** Options over a memory cluster; the server listens on loopback, on a free port. */
export function admissionOptions(
  cluster: MemoryCluster,
  clock: Clock,
  overrides: Partial<Omit<AdmissionOptions, 'config'>> & { readonly config?: Partial<AdmissionConfig> } = {},
): AdmissionOptions & { readonly logger: ReturnType<typeof recordingLogger>; readonly registry: Registry } {
  const { config, ...rest } = overrides;
  return {
    namespace: 'concertina',
    identity: 'copy-1',
    clock,
    random: () => 0.5,
    randomBytes,
    client: cluster.client,
    leaderClient: cluster.client,
    events: { emit: () => undefined },
    book: bookOf(knownPolicy()),
    targets: simpleTargets,
    limits: () => undefined,
    patch: simplePatch,
    sources: { secret: cluster.source('secrets'), webhook: cluster.source('mutatingwebhookconfigurations') },
    ...rest,
    logger: recordingLogger(),
    registry: new Registry(),
    config: { ...defaultAdmissionConfig('concertina'), host: '127.0.0.1', port: 0, ...config },
  };
}

/** Posts a review as an API server does: by the service's name, over kept connections that one CA bundle makes. */
export function createCaller(port: number, name = 'concertina-vpa.concertina.svc') {
  // What is under way on connections of before goes on.
  const agents = new Map<string, Agent>();
  return {
    post: (
      ca: string,
      body: string,
      options: { path?: string; type?: string; fresh?: boolean } = {},
    ): Promise<{ status: number; body: string }> => {
      let kept = agents.get(ca);
      if (kept === undefined) agents.set(ca, (kept = new Agent({ keepAlive: true, maxSockets: 8, ca, servername: name })));
      const agent = options.fresh === true ? new Agent({ ca, servername: name }) : kept;
      return new Promise((resolve, reject) => {
        const sent = request(
          {
            host: '127.0.0.1',
            port,
            path: options.path ?? '/mutate-pods?timeout=5s',
            method: 'POST',
            agent,
            headers: { 'content-type': options.type ?? 'application/json', 'content-length': Buffer.byteLength(body) },
          },
          (response) => {
            let text = '';
            response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
            response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
          },
        );
        sent.on('error', reject);
        sent.end(body);
      });
    },
    close: () => agents.forEach((each) => each.destroy()),
  };
}
