import type { Clock } from '../../../../core/model/clock.ts';
import { formatTime } from '../../../../core/model/condition.ts';
import { apiVersionOf, type KubeObject, type ResourceType, resourceTypes } from '../../../../core/model/object.ts';
import type { Registry, RegistryDeleteOptions, RegistryEvent, RegistryWriteOptions } from '../../api-server/types.ts';
import { controllerOf, type Pod } from '../kinds.ts';
import { sameJson } from '../runtime/canonical.ts';

/** What {@link createMemoryRegistry} throws: the code and reason of an API Status. */
export class MemoryStatusError extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.name = 'MemoryStatusError';
    this.code = code;
    this.reason = reason;
  }
}

/** A registry for this room's tests: metadata, optimistic locking, subresources, graceful deletion and background garbage collection; no defaulting. */
export interface MemoryRegistry extends Registry {
  /** Makes the next creates of a type fail, for tests of faults. */
  failCreates(type: ResourceType, times: number, error?: Error): void;
  /** The same for writes of a subresource. */
  failWrites(subresource: string, times: number, error: Error): void;
  /** Objects written so far, for tests that count writes. */
  readonly writes: () => number;
}

interface Bucket {
  readonly type: ResourceType;
  readonly objects: Map<string, KubeObject>;
  readonly byNamespace: Map<string, Map<string, KubeObject>>;
  readonly byOwner: Map<string, Map<string, KubeObject>>;
  readonly handlers: Set<(event: RegistryEvent) => void>;
}

export function createMemoryRegistry(clock: Clock): MemoryRegistry {
  const buckets = new Map<string, Bucket>();
  const failing = new Map<string, { times: number; error: Error }>();
  let version = 0;
  let uids = 0;
  let names = 0;
  let writes = 0;

  const failIfAsked = (key: string): void => {
    const failure = failing.get(key);
    if (failure === undefined || failure.times <= 0) return;
    failure.times -= 1;
    throw failure.error;
  };
  const bucketOf = (type: ResourceType): Bucket => {
    const key = `${type.group}/${type.plural}`;
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      bucket = { type, objects: new Map(), byNamespace: new Map(), byOwner: new Map(), handlers: new Set() };
      buckets.set(key, bucket);
    }
    return bucket;
  };
  const keyFor = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;
  const commit = (bucket: Bucket, event: RegistryEvent): KubeObject => {
    writes += 1;
    const { object, previous, type } = event;
    const key = keyFor(object.metadata.namespace, object.metadata.name);
    if (previous !== undefined) {
      const owner = controllerOf(previous)?.uid;
      if (owner !== undefined) bucket.byOwner.get(owner)?.delete(key);
    }
    if (type === 'DELETED') {
      bucket.objects.delete(key);
      bucket.byNamespace.get(object.metadata.namespace ?? '')?.delete(key);
    } else {
      bucket.objects.set(key, object);
      nested(bucket.byNamespace, object.metadata.namespace ?? '').set(key, object);
      const owner = controllerOf(object)?.uid;
      if (owner !== undefined) nested(bucket.byOwner, owner).set(key, object);
    }
    for (const handler of bucket.handlers) handler(event);
    if (type === 'DELETED') queueMicrotask(() => collect(object.metadata.uid ?? ''));
    return object;
  };
  const collect = (ownerUid: string): void => {
    for (const bucket of buckets.values()) {
      for (const object of Array.from(bucket.objects.values())) {
        if (object.metadata.ownerReferences?.some((owner) => owner.uid === ownerUid) === true) {
          void registry.delete(bucket.type, object.metadata.namespace, object.metadata.name).catch(() => undefined);
        }
      }
    }
  };
  const stamp = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } });
  const read = (type: ResourceType, namespace: string | undefined, name: string): KubeObject | undefined =>
    bucketOf(type).objects.get(keyFor(type.namespaced ? (namespace ?? 'default') : undefined, name));
  const notFound = (type: ResourceType, name: string): MemoryStatusError =>
    new MemoryStatusError(404, 'NotFound', `${type.plural} "${name}" not found`);

  const store = (type: ResourceType, current: KubeObject, wanted: KubeObject, subresource: string | undefined): KubeObject => {
    const merged = mergeWrite(current, wanted, subresource);
    if (merged.metadata.deletionTimestamp !== undefined && (merged.metadata.finalizers ?? []).length === 0 && type.plural !== 'pods') {
      return commit(bucketOf(type), { type: 'DELETED', object: stamp(merged), previous: current });
    }
    if (sameJson(merged, current)) return current;
    return commit(bucketOf(type), { type: 'MODIFIED', object: stamp(merged), previous: current });
  };

  const registry: MemoryRegistry = {
    writes: () => writes,
    failCreates: (type, times, error = new MemoryStatusError(403, 'Forbidden', 'exceeded quota')) => {
      failing.set(type.plural, { times, error });
    },
    failWrites: (subresource, times, error) => void failing.set(subresource, { times, error }),
    get: read,
    list: (type, namespace) => {
      const bucket = bucketOf(type);
      return [
        ...(namespace === undefined ? bucket.objects : (bucket.byNamespace.get(namespace) ?? new Map<string, KubeObject>())).values(),
      ];
    },
    listOwned: (type, ownerUid) => [...(bucketOf(type).byOwner.get(ownerUid)?.values() ?? [])],
    create: async (type, object) => {
      await Promise.resolve();
      failIfAsked(type.plural);
      const name =
        object.metadata.name === '' || object.metadata.name === undefined
          ? `${object.metadata.generateName ?? ''}${(++names).toString(36).padStart(5, '0')}`
          : object.metadata.name;
      const namespace = type.namespaced ? (object.metadata.namespace ?? 'default') : undefined;
      if (read(type, namespace, name) !== undefined)
        throw new MemoryStatusError(409, 'AlreadyExists', `${type.plural} "${name}" already exists`);
      const metadata = {
        ...object.metadata,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        uid: object.metadata.uid ?? `uid-${String(++uids).padStart(6, '0')}`,
        generation: 1,
        creationTimestamp: object.metadata.creationTimestamp ?? formatTime(clock.now()),
      };
      const initial = type.plural === 'pods' && object.status === undefined ? { status: { phase: 'Pending' } } : {};
      return commit(bucketOf(type), {
        type: 'ADDED',
        object: stamp({ ...object, ...initial, apiVersion: apiVersionOf(type), kind: type.kind, metadata }),
      });
    },
    update: async (type, object, options: RegistryWriteOptions = {}) => {
      await Promise.resolve();
      const current = read(type, object.metadata.namespace, object.metadata.name);
      if (current === undefined) throw notFound(type, object.metadata.name);
      const locked = object.metadata.resourceVersion;
      if (locked !== undefined && locked !== current.metadata.resourceVersion) {
        throw new MemoryStatusError(409, 'Conflict', `${type.plural} "${object.metadata.name}": the object has been modified`);
      }
      return store(type, current, object, options.subresource);
    },
    mutate: async (type, namespace, name, ...[change, options = {}]: [(object: KubeObject) => KubeObject, RegistryWriteOptions?]) => {
      await Promise.resolve();
      failIfAsked(options.subresource ?? '');
      const current = read(type, namespace, name);
      if (current === undefined) return undefined;
      const changed = change(current);
      return changed === current ? current : store(type, current, changed, options.subresource);
    },
    delete: async (type, namespace, name, options: RegistryDeleteOptions = {}) => {
      await Promise.resolve();
      const current = read(type, namespace, name);
      if (current === undefined) throw notFound(type, name);
      const { uid } = options.preconditions ?? {};
      if (uid !== undefined && uid !== current.metadata.uid) throw new MemoryStatusError(409, 'Conflict', `${name}: uid does not match`);
      const grace = type.plural === 'pods' ? podGrace(current as Pod, options.gracePeriodSeconds) : 0;
      const finalized = (current.metadata.finalizers ?? []).length > 0;
      if (grace === 0 && !finalized) {
        commit(bucketOf(type), { type: 'DELETED', object: stamp(current), previous: current });
        return;
      }
      if (current.metadata.deletionTimestamp !== undefined) return;
      const metadata = {
        ...current.metadata,
        deletionTimestamp: formatTime(clock.now() + grace * 1000),
        deletionGracePeriodSeconds: grace,
      };
      commit(bucketOf(type), { type: 'MODIFIED', object: stamp({ ...current, metadata }), previous: current });
    },
    watch: (type, handler) => {
      const bucket = bucketOf(type);
      for (const object of bucket.objects.values()) handler({ type: 'ADDED', object });
      bucket.handlers.add(handler);
      return () => bucket.handlers.delete(handler);
    },
  };
  return registry;
}

function nested(index: Map<string, Map<string, KubeObject>>, key: string): Map<string, KubeObject> {
  let inner = index.get(key);
  if (inner === undefined) {
    inner = new Map();
    index.set(key, inner);
  }
  return inner;
}

function podGrace(pod: Pod, asked: number | undefined): number {
  if (pod.spec.nodeName === undefined || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 0;
  return asked ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}

function mergeWrite(current: KubeObject, wanted: KubeObject, subresource: string | undefined): KubeObject {
  const server = {
    uid: current.metadata.uid,
    creationTimestamp: current.metadata.creationTimestamp,
    resourceVersion: current.metadata.resourceVersion,
    generation: current.metadata.generation,
  };
  if (subresource === 'status') {
    const { annotations } = wanted.metadata;
    return { ...current, status: wanted.status, metadata: { ...current.metadata, ...(annotations === undefined ? {} : { annotations }) } };
  }
  if (subresource === 'binding') {
    return { ...current, metadata: { ...wanted.metadata, ...server } as KubeObject['metadata'], spec: wanted.spec, status: wanted.status };
  }
  const generation = sameJson(current.spec, wanted.spec) ? server.generation : (server.generation ?? 0) + 1;
  return { ...wanted, status: current.status, metadata: { ...wanted.metadata, ...server, generation } as KubeObject['metadata'] };
}

/** Ends terminating pods and marks bound ones Running and Ready at once: a kubelet without time, for tests of controllers. */
export function playKubelet(registry: Registry, clock: Clock, options: { readonly ready?: (pod: Pod) => boolean } = {}): () => void {
  const pending = new Set<string>();
  const act = async (namespace: string, name: string): Promise<void> => {
    const pod = registry.get(resourceTypes.pods, namespace, name) as Pod | undefined;
    if (pod === undefined || pod.spec.nodeName === undefined) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await registry.delete(resourceTypes.pods, namespace, name, { gracePeriodSeconds: 0 });
      return;
    }
    if (pod.status?.phase !== 'Pending') return;
    const time = formatTime(clock.now());
    const ready = (options.ready ?? (() => true))(pod);
    await registry.mutate(
      resourceTypes.pods,
      namespace,
      name,
      (object) => {
        const status = (object as Pod).status ?? {};
        const conditions = (status.conditions ?? []).filter((condition) => condition.type !== 'Ready');
        return {
          ...object,
          status: {
            ...status,
            phase: 'Running',
            startTime: time,
            conditions: [...conditions, { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: time }],
          },
        };
      },
      { subresource: 'status' },
    );
  };
  return registry.watch(resourceTypes.pods, (event) => {
    if (event.type === 'DELETED') return;
    const { namespace = '', name } = event.object.metadata;
    const key = `${namespace}/${name}`;
    if (pending.has(key)) return;
    pending.add(key);
    setImmediate(() => {
      pending.delete(key);
      act(namespace, name).catch(() => undefined);
    });
  });
}
