import type { KubeObject } from '../../../../core/model/object.ts';
import { Bucket } from './bucket.ts';
import { History } from './history.ts';
import { OwnerIndex } from './owner-index.ts';
import { Stored } from './stored.ts';
import type { StoreEvent } from './stored.ts';

export type StoreListener = (event: StoreEvent) => void;

interface TypeState {
  readonly buckets: Map<string, Bucket>;
  readonly history: History;
  readonly listeners: Set<StoreListener>;
  size: number;
  list: readonly Stored[] | undefined;
}

interface Emission {
  readonly listeners: ReadonlySet<StoreListener>;
  readonly event: StoreEvent;
}

/** The key of a type in the store: its versions share one storage. */
export type StorageKey = string;

/**
 * What etcd is to the real server: objects by type, namespace and name; one revision counter for all; changes delivered in order,
 * synchronously, right after the commit. Everything in it is immutable.
 */
export class Store {
  readonly #types = new Map<StorageKey, TypeState>();
  readonly #historyLimit: number;
  readonly #anyListeners = new Set<(storageKey: StorageKey, event: StoreEvent) => void>();
  readonly #emissions: Emission[] = [];
  readonly owners = new OwnerIndex();
  #emitting = false;
  #revision = 1;

  constructor(historyLimit: number) {
    this.#historyLimit = historyLimit;
  }

  get revision(): number {
    return this.#revision;
  }

  #state(key: StorageKey): TypeState {
    let state = this.#types.get(key);
    if (state === undefined) {
      state = { buckets: new Map(), history: new History(this.#historyLimit, 0), listeners: new Set(), size: 0, list: undefined };
      this.#types.set(key, state);
    }
    return state;
  }

  get(key: StorageKey, namespace: string, name: string): Stored | undefined {
    return this.#types.get(key)?.buckets.get(namespace)?.items.get(name);
  }

  /** Stores the object under a new revision, which is written into it. The object given must be the caller's own at its top and in `metadata`. */
  put(key: StorageKey, object: KubeObject): Stored {
    const state = this.#state(key);
    const { name, namespace = '' } = object.metadata;
    let bucket = state.buckets.get(namespace);
    if (bucket === undefined) state.buckets.set(namespace, (bucket = new Bucket()));
    const previous = bucket.items.get(name);
    const revision = ++this.#revision;
    object.metadata.resourceVersion = String(revision);
    const stored = new Stored(key, object, revision);
    bucket.set(name, stored);
    if (previous === undefined) state.size += 1;
    this.#commit(key, state, { type: previous === undefined ? 'ADDED' : 'MODIFIED', revision, stored, previous });
    return stored;
  }

  /** `last` is the state that the deletion shows, if it is not the stored one. */
  remove(key: StorageKey, namespace: string, name: string, last?: KubeObject): Stored | undefined {
    const state = this.#types.get(key);
    const bucket = state?.buckets.get(namespace);
    const previous = bucket?.items.get(name);
    if (state === undefined || bucket === undefined || previous === undefined) return undefined;
    bucket.delete(name);
    if (bucket.items.size === 0) state.buckets.delete(namespace);
    state.size -= 1;
    const revision = ++this.#revision;
    const final = last ?? previous.object;
    const stored = new Stored(key, { ...final, metadata: { ...final.metadata, resourceVersion: String(revision) } }, revision);
    this.#commit(key, state, { type: 'DELETED', revision, stored, previous });
    return stored;
  }

  #commit(key: StorageKey, state: TypeState, event: StoreEvent): void {
    state.list = undefined;
    this.owners.replace(event.previous, event.type === 'DELETED' ? undefined : event.stored);
    state.history.push(event);
    for (const listener of this.#anyListeners) listener(key, event);
    if (state.listeners.size === 0) return;
    // A listener that writes all the same must not make others see the second change before the first.
    this.#emissions.push({ listeners: state.listeners, event });
    if (this.#emitting) return;
    this.#emitting = true;
    try {
      for (let next = this.#emissions.shift(); next !== undefined; next = this.#emissions.shift()) {
        for (const listener of next.listeners) listener(next.event);
      }
    } finally {
      this.#emitting = false;
    }
  }

  /** In key order; the same array until something of the type changes. */
  list(key: StorageKey, namespace?: string): readonly Stored[] {
    const state = this.#types.get(key);
    if (state === undefined) return [];
    if (namespace !== undefined) return state.buckets.get(namespace)?.list() ?? [];
    if (state.list !== undefined) return state.list;
    const namespaces = [...state.buckets.keys()].sort((a, b) => (`${a}/` < `${b}/` ? -1 : 1));
    const [only] = namespaces;
    const list =
      namespaces.length === 1 && only !== undefined
        ? (state.buckets.get(only)?.list() ?? [])
        : namespaces.flatMap((name) => state.buckets.get(name)?.list() ?? []);
    state.list = list;
    return list;
  }

  count(key: StorageKey): number {
    return this.#types.get(key)?.size ?? 0;
  }

  /** Types that have objects in the namespace. */
  typesIn(namespace: string): StorageKey[] {
    return [...this.#types].filter(([, state]) => state.buckets.has(namespace)).map(([key]) => key);
  }

  subscribe(key: StorageKey, listener: StoreListener): () => void {
    const { listeners } = this.#state(key);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Every change of every type; called before the listeners of the type. */
  subscribeAll(listener: (storageKey: StorageKey, event: StoreEvent) => void): () => void {
    this.#anyListeners.add(listener);
    return () => {
      this.#anyListeners.delete(listener);
    };
  }

  /** Changes of the type after the revision; undefined when they were compacted. */
  since(key: StorageKey, revision: number): readonly StoreEvent[] | undefined {
    return this.#state(key).history.since(revision);
  }

  /** The oldest revision from which the type can still be watched. */
  floor(key: StorageKey): number {
    return this.#state(key).history.floor;
  }

  /** Forgets the history of a type (of all, without a key) up to now. */
  compact(key?: StorageKey): void {
    for (const [name, state] of this.#types) if (key === undefined || key === name) state.history.compact(this.#revision);
  }
}
