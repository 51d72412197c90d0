/** One change of the mirror. `old` and `new` are projected items. */
export type Delta<T> =
  | { readonly type: 'added'; readonly key: string; readonly old: undefined; readonly new: T }
  /** Also sent by a resync, then with `old === new`. */
  | { readonly type: 'updated'; readonly key: string; readonly old: T; readonly new: T }
  | { readonly type: 'deleted'; readonly key: string; readonly old: T; readonly new: undefined };

/** Values under which an item is found; recomputed on every change of the item. */
export type Indexer<T> = (item: T) => readonly string[];

interface Entry<T> {
  item: T;
  resourceVersion: string;
  /** Number of the last full listing that contained the object: what an older number has vanished meanwhile. */
  epoch: number;
}

/** Projected items by key, with indexes. Keeps nothing of the raw objects but the resourceVersion. */
export class ReflectorStore<T, I extends string> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #indexers: readonly (readonly [I, Indexer<T>])[];
  readonly #indexes = new Map<I, Map<string, Set<Entry<T>>>>();
  #epoch = 0;

  constructor(indexers: Readonly<Record<I, Indexer<T>>>) {
    this.#indexers = Object.entries(indexers) as [I, Indexer<T>][];
    for (const [name] of this.#indexers) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.item;
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  items(): T[] {
    const items: T[] = [];
    for (const entry of this.#entries.values()) items.push(entry.item);
    return items;
  }

  byIndex(name: I, value: string): T[] {
    const found = this.#indexes.get(name)?.get(value);
    return found === undefined ? [] : Array.from(found, (entry) => entry.item);
  }

  indexValues(name: I): string[] {
    return [...(this.#indexes.get(name)?.keys() ?? [])];
  }

  /** Begins a full listing: what is not set before {@link endListing} vanishes there. */
  beginListing(): void {
    this.#epoch += 1;
  }

  /** Ends a full listing: calls `onGone` for everything that it did not contain, in key order of insertion. */
  endListing(onGone: (delta: Delta<T>) => void): void {
    for (const [key, entry] of this.#entries) {
      if (entry.epoch !== this.#epoch) onGone(this.#drop(key, entry));
    }
  }

  /** True when the object is held at this very version; marks it as seen by the listing in progress. */
  isCurrent(key: string, resourceVersion: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    entry.epoch = this.#epoch;
    return entry.resourceVersion === resourceVersion;
  }

  set(key: string, resourceVersion: string, item: T): Delta<T> {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      const added: Entry<T> = { item, resourceVersion, epoch: this.#epoch };
      this.#entries.set(key, added);
      for (const [name, indexer] of this.#indexers) this.#link(name, indexer(item), added);
      return { type: 'added', key, old: undefined, new: item };
    }
    const old = entry.item;
    for (const [name, indexer] of this.#indexers) {
      const before = indexer(old);
      const after = indexer(item);
      if (sameValues(before, after)) continue;
      this.#unlink(name, before, entry);
      this.#link(name, after, entry);
    }
    entry.item = item;
    entry.resourceVersion = resourceVersion;
    entry.epoch = this.#epoch;
    return { type: 'updated', key, old, new: item };
  }

  delete(key: string): Delta<T> | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : this.#drop(key, entry);
  }

  #drop(key: string, entry: Entry<T>): Delta<T> {
    this.#entries.delete(key);
    for (const [name, indexer] of this.#indexers) this.#unlink(name, indexer(entry.item), entry);
    return { type: 'deleted', key, old: entry.item, new: undefined };
  }

  #link(name: I, values: readonly string[], entry: Entry<T>): void {
    const index = this.#indexes.get(name);
    for (const value of values) {
      const set = index?.get(value);
      if (set === undefined) index?.set(value, new Set([entry]));
      else set.add(entry);
    }
  }

  #unlink(name: I, values: readonly string[], entry: Entry<T>): void {
    const index = this.#indexes.get(name);
    for (const value of values) {
      const set = index?.get(value);
      set?.delete(entry);
      if (set?.size === 0) index?.delete(value);
    }
  }
}

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
