import { ApiStatusError } from '../../../../core/kube/index.ts';
import type { Impersonation, KubeClient, ObjectKey, Patch, WatchEvent } from '../../../../core/kube/index.ts';
import type { KubeObject, ResourceType } from '../../../../core/model/object.ts';
import { formatTime } from '../../../../core/model/condition.ts';
import type { Clock } from '../../../../core/model/clock.ts';

/** One write as the fake saw it. */
export interface FakeWrite {
  readonly verb: 'create' | 'patch' | 'delete';
  readonly plural: string;
  readonly key: string;
  readonly subresource: string | undefined;
  readonly user: string;
  readonly body: unknown;
}

interface Watcher {
  readonly plural: string;
  readonly queue: WatchEvent[];
  wake: () => void;
}

/** A store with list, watch and patches that knows just enough to test kubelets without an API server. */
export class FakeApi {
  readonly writes: FakeWrite[] = [];
  /** Throw from here to make a write fail. */
  onWrite: (write: FakeWrite) => void = () => {};
  readonly #clock: Clock;
  readonly #objects = new Map<string, KubeObject>();
  readonly #watchers = new Set<Watcher>();
  #version = 100;
  #uids = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get<T extends KubeObject = KubeObject>(plural: string, name: string, namespace = 'default'): T | undefined {
    return this.#objects.get(`${plural}/${plural === 'nodes' ? '' : namespace}/${name}`) as T | undefined;
  }

  all(plural: string): KubeObject[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${plural}/`)).map(([, object]) => object);
  }

  /** Creates an object as somebody else would. */
  put(plural: string, object: KubeObject): KubeObject {
    return this.#store(plural, {
      ...object,
      metadata: {
        generation: 1,
        uid: `uid-${++this.#uids}`,
        creationTimestamp: formatTime(this.#clock.now()),
        ...(plural !== 'nodes' && { namespace: 'default' }),
        ...object.metadata,
      },
    });
  }

  /** Changes an object as somebody else would. */
  change(plural: string, name: string, change: (object: KubeObject) => KubeObject, namespace = 'default'): KubeObject {
    const before = this.get(plural, name, namespace);
    if (before === undefined) throw new Error(`no ${plural}/${name}`);
    return this.#store(plural, change(structuredClone(before)));
  }

  /** Puts another object in the place of a namespaced one, of which no watch tells. */
  swapUnseen(plural: string, name: string, uid: string): void {
    const object = this.get(plural, name);
    if (object === undefined) throw refused(404, 'NotFound');
    const metadata = { ...object.metadata, uid, resourceVersion: String(++this.#version) };
    this.#objects.set(`${plural}/default/${name}`, { ...object, metadata, status: { phase: 'Pending' } });
  }

  remove(plural: string, name: string, namespace = 'default'): void {
    const key = `${plural}/${plural === 'nodes' ? '' : namespace}/${name}`;
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    this.#emit(plural, {
      type: 'DELETED',
      object: { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } },
    });
  }

  /** Ends all watches, as a restarting server does. */
  breakWatches(): void {
    for (const watcher of this.#watchers) {
      watcher.queue.push({ type: 'ERROR', object: { metadata: { name: '' } } });
      watcher.wake();
    }
  }

  client(user = 'admin'): KubeClient {
    const unused = (): never => {
      throw new Error('not part of the fake');
    };
    return {
      server: 'fake',
      raw: unused,
      get: async (type, key) => this.#must(type, key) as never,
      listPage: async (type) =>
        ({ items: this.all(type.plural), resourceVersion: String(this.#version), continueToken: undefined, remaining: 0 }) as never,
      list: async (type) => ({ items: this.all(type.plural), resourceVersion: String(this.#version) }) as never,
      watch: (type, options) => this.#watch(type.plural, options ?? {}) as never,
      create: async (type, object) => {
        this.#note({ verb: 'create', plural: type.plural, key: object.metadata.name, subresource: undefined, user, body: object });
        if (this.get(type.plural, object.metadata.name, object.metadata.namespace) !== undefined) throw refused(409, 'AlreadyExists');
        return this.put(type.plural, structuredClone(object)) as never;
      },
      replace: unused,
      patch: async (type, key, patch, options) => {
        this.#note({ verb: 'patch', plural: type.plural, key: key.name, subresource: options?.subresource, user, body: patch.body });
        return this.#patch(type, key, patch) as never;
      },
      delete: async (type, key, options) => {
        this.#note({ verb: 'delete', plural: type.plural, key: key.name, subresource: undefined, user, body: options });
        const object = this.#must(type, key);
        if (options?.preconditions?.uid !== undefined && options.preconditions.uid !== object.metadata.uid) throw refused(409, 'Conflict');
        this.remove(type.plural, key.name, key.namespace);
      },
      getScale: unused,
      setScale: unused,
      evict: unused,
      resize: unused,
      impersonate: (identity: Impersonation) => this.client(identity.user),
      fenced: () => this.client(user),
      close: async () => {},
    };
  }

  #note(write: FakeWrite): void {
    this.writes.push(structuredClone(write));
    this.onWrite(write);
  }

  #must(type: ResourceType, key: ObjectKey): KubeObject {
    const object = this.get(type.plural, key.name, key.namespace);
    if (object === undefined) throw refused(404, 'NotFound');
    return object;
  }

  #patch(type: ResourceType, key: ObjectKey, patch: Patch): KubeObject {
    const before = this.#must(type, key);
    const body = structuredClone(patch.body) as Partial<KubeObject>;
    if (body.metadata?.uid !== undefined && body.metadata.uid !== before.metadata.uid) throw refused(422, 'Invalid', 'metadata.uid');
    const after = merge(before, body, patch.type === 'strategic') as KubeObject;
    if (JSON.stringify(after) === JSON.stringify(before)) return before;
    return this.#store(type.plural, after);
  }

  #store(plural: string, object: KubeObject): KubeObject {
    const key = `${plural}/${plural === 'nodes' ? '' : (object.metadata.namespace ?? 'default')}/${object.metadata.name}`;
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED';
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.#objects.set(key, stored);
    this.#emit(plural, { type, object: stored });
    return stored;
  }

  #emit(plural: string, event: WatchEvent): void {
    for (const watcher of this.#watchers) {
      if (watcher.plural !== plural) continue;
      watcher.queue.push(event);
      watcher.wake();
    }
  }

  async *#watch(plural: string, options: { readonly signal?: AbortSignal | undefined; readonly sendInitialEvents?: boolean | undefined }) {
    const watcher: Watcher = { plural, queue: [], wake: () => {} };
    if (options.sendInitialEvents === true) {
      for (const object of this.all(plural)) watcher.queue.push({ type: 'ADDED', object });
      const annotations = { 'k8s.io/initial-events-end': 'true' };
      watcher.queue.push({ type: 'BOOKMARK', object: { metadata: { name: '', resourceVersion: String(this.#version), annotations } } });
    }
    this.#watchers.add(watcher);
    const onAbort = (): void => watcher.wake();
    options.signal?.addEventListener('abort', onAbort);
    try {
      while (options.signal?.aborted !== true) {
        const event = watcher.queue.shift();
        if (event === undefined) {
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
          });
        } else if (event.type === 'ERROR') {
          throw refused(410, 'Expired');
        } else {
          yield event;
        }
      }
    } finally {
      this.#watchers.delete(watcher);
    }
  }
}

function refused(code: number, reason: string, field?: string): ApiStatusError {
  const details = field === undefined ? {} : { details: { causes: [{ field }] } };
  return new ApiStatusError({ code, reason, message: `fake: ${reason}`, ...details });
}

const mergeKeys: Readonly<Record<string, string>> = { conditions: 'type', addresses: 'type', podIPs: 'ip', hostIPs: 'ip' };

type Json = Record<string, unknown>;

/** Merge patch; with `strategic`, conditions merge by type and addresses by ip, all other lists are replaced. */
function merge(before: unknown, patch: unknown, strategic: boolean, field = ''): unknown {
  if (Array.isArray(patch)) {
    const by = strategic ? mergeKeys[field] : undefined;
    return mergeList(by !== undefined && Array.isArray(before) ? (before as Json[]) : [], patch as Json[], by);
  }
  if (typeof patch !== 'object' || patch === null) return patch;
  const result: Json = typeof before === 'object' && before !== null && !Array.isArray(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value, strategic, key);
  }
  return result;
}

function mergeList(before: readonly Json[], patch: readonly Json[], by: string | undefined): Json[] {
  if (by === undefined) return [...patch];
  const result = [...before];
  for (const entry of patch) {
    const at = result.findIndex((candidate) => candidate[by] === entry[by]);
    if (entry['$patch'] === 'delete') result.splice(at < 0 ? result.length : at, 1);
    else if (at >= 0) result[at] = merge(result[at], entry, true) as Json;
    else result.push(entry);
  }
  return result;
}
