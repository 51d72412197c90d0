import { ConcertinaError } from '../errors.ts';
import { sleep, type Clock, type Random } from '../model/clock.ts';
import type { KubeObject, ResourceType } from '../model/object.ts';
import type { KubeClient, ListOptions, ListPage, WatchEvent, WatchOptions } from './api.ts';
import { createBackoff, type Backoff } from './backoff.ts';
import { defaultPageSize } from './list.ts';
import {
  failureKinds,
  isOverload,
  kindOf,
  refusesWatchList,
  WatchListUnsupported,
  type FailureKind,
  type ReflectorFailure,
} from './reflector-failure.ts';
import { ReflectorStore, type Delta, type Indexer } from './reflector-store.ts';
import { createSharedParser, type SharedParser } from './shared-parser.ts';
import { ApiStatusError } from './status-error.ts';
import { nextTurn } from './turn.ts';
import { defaultInactivityMs } from './watch.ts';

/** Options of {@link createReflector}. */
export interface ReflectorOptions<T, I extends string> {
  readonly client: KubeClient;
  readonly type: ResourceType;
  readonly clock: Clock;
  readonly random: Random;
  /** What is kept of an object, which comes without `managedFields`. Everything else is garbage right after: keep no reference into
   * the raw object that is large. Raw objects share parts: do not change them. */
  readonly project: (raw: KubeObject) => T;
  /**
   * Fields that `project` and `key` do not read, as paths such as `status.podIPs` or `spec.containers.*.env`: an object may come without
   * them, which saves most of the work of a listing when they are what differs between objects of one owner.
   */
  readonly omit?: readonly string[] | undefined;
  /** Default: `namespace/name`, or `name` for cluster-scoped types. */
  readonly key?: ((raw: KubeObject) => string) | undefined;
  readonly indexes?: Readonly<Record<I, Indexer<T>>> | undefined;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Page size when the server has no WatchList; default 500. */
  readonly pageSize?: number | undefined;
  /** Milliseconds between resyncs (every item as `updated` with `old === new`); default: never. */
  readonly resyncMs?: number | undefined;
  /** Milliseconds of silence after which a watch is dead; default 90 000. */
  readonly inactivityMs?: number | undefined;
  /** False: never try WatchList. */
  readonly watchList?: boolean | undefined;
  readonly onFailure?: ((failure: ReflectorFailure) => void) | undefined;
}

/** Counters of a reflector since its start. */
export interface ReflectorStats {
  readonly items: number;
  readonly synced: boolean;
  /** How objects are listed: in a stream, or in pages. */
  readonly mode: 'watch-list' | 'pages';
  /** Complete listings, the first included. */
  readonly listings: number;
  /** Watch connections opened. */
  readonly watches: number;
  readonly events: number;
  readonly bookmarks: number;
  readonly failures: Readonly<Record<FailureKind, number>>;
  /** Clock time of the last byte of progress (event, bookmark, page); undefined before the first. */
  readonly lastProgressAt: number | undefined;
}

/** A live mirror of one type of object, holding projections only. */
export interface Reflector<T, I extends string = never> {
  start(): void;
  /** Ends quietly: no delta and no failure comes after the promise resolves. */
  stop(): Promise<void>;
  /** True from the first complete listing on; it stays true while the mirror recovers (see `stats` for its age). */
  hasSynced(): boolean;
  /** `true` when synced, `false` when stopped or aborted first. */
  waitForSync(signal?: AbortSignal): Promise<boolean>;
  get(key: string): T | undefined;
  /** A new array of all items. */
  items(): T[];
  readonly size: number;
  byIndex(name: I, value: string): T[];
  /** The values that an index has items for. */
  indexValues(name: I): string[];
  /** Calls `handler` for every change, in order. Items that are there already come as `added` before this returns. Answers the unsubscriber. */
  onDelta(handler: (delta: Delta<T>) => void): () => void;
  stats(): ReflectorStats;
}

const initialEventsEnd = 'k8s.io/initial-events-end';

/** A watch that ended well is not reopened sooner than this after its start: a server that closes at once is not hammered. */
const minWatchMs = 1_000;

/** After so many failed watches in a row that brought nothing, the version is suspect and the objects are listed anew. */
const failuresBeforeRelist = 3;

/** The first delay is some 400 ms on average, the longest 30 s. */
const backoffBounds = { baseMs: 800, capMs: 30_000 };

/** A mirror that survives every failure of the server, the connection and its own consumers. */
export function createReflector<T, I extends string = never>(options: ReflectorOptions<T, I>): Reflector<T, I> {
  return new RunningReflector(options);
}

class RunningReflector<T, I extends string> implements Reflector<T, I> {
  readonly #options: ReflectorOptions<T, I>;
  readonly #store: ReflectorStore<T, I>;
  readonly #handlers = new Set<(delta: Delta<T>) => void>();
  readonly #abort = new AbortController();
  readonly #keyOf: (raw: KubeObject) => string;
  readonly #backoff: Backoff;
  /** Apart from the other failures: a listing is progress for those, but no cure for a server that expires what it just listed. */
  readonly #expiries: Backoff;
  readonly #failures = Object.fromEntries(failureKinds.map((kind) => [kind, 0])) as Record<FailureKind, number>;
  readonly #syncWaiters = new Set<(synced: boolean) => void>();
  #running: Promise<void> | undefined;
  #synced = false;
  #watchList: boolean;
  #watchListMisses = 0;
  /** Where to watch from; undefined when a full listing is due. */
  #resourceVersion: string | undefined;
  #progress = false;
  #listings = 0;
  #watches = 0;
  #events = 0;
  #bookmarks = 0;
  #lastProgressAt: number | undefined;

  constructor(options: ReflectorOptions<T, I>) {
    this.#options = options;
    this.#store = new ReflectorStore(options.indexes ?? ({} as Readonly<Record<I, Indexer<T>>>));
    this.#keyOf = options.key ?? defaultKey;
    this.#watchList = options.watchList ?? true;
    this.#backoff = createBackoff({ ...backoffBounds, random: options.random });
    this.#expiries = createBackoff({ ...backoffBounds, random: options.random });
  }

  get size(): number {
    return this.#store.size;
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#run();
    if (this.#options.resyncMs !== undefined) this.#scheduleResync(this.#options.resyncMs);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#settleSync(false);
  }

  hasSynced(): boolean {
    return this.#synced;
  }

  waitForSync(signal?: AbortSignal): Promise<boolean> {
    if (this.#synced) return Promise.resolve(true);
    if (this.#abort.signal.aborted || signal?.aborted === true) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (synced: boolean): void => {
        this.#syncWaiters.delete(settle);
        signal?.removeEventListener('abort', onAbort);
        resolve(synced);
      };
      const onAbort = (): void => settle(false);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#syncWaiters.add(settle);
    });
  }

  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  items(): T[] {
    return this.#store.items();
  }

  byIndex(name: I, value: string): T[] {
    return this.#store.byIndex(name, value);
  }

  indexValues(name: I): string[] {
    return this.#store.indexValues(name);
  }

  onDelta(handler: (delta: Delta<T>) => void): () => void {
    for (const key of this.#store.keys()) {
      const item = this.#store.get(key);
      if (item !== undefined) this.#deliver(handler, { type: 'added', key, old: undefined, new: item });
    }
    this.#handlers.add(handler);
    return () => {
      this.#handlers.delete(handler);
    };
  }

  stats(): ReflectorStats {
    return {
      items: this.#store.size,
      synced: this.#synced,
      mode: this.#watchList ? 'watch-list' : 'pages',
      listings: this.#listings,
      watches: this.#watches,
      events: this.#events,
      bookmarks: this.#bookmarks,
      failures: { ...this.#failures },
      lastProgressAt: this.#lastProgressAt,
    };
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#abort.signal.aborted) {
      const startedAt = clock.monotonic();
      this.#progress = false;
      const paging = this.#resourceVersion === undefined && !this.#watchList;
      let delayMs: number;
      try {
        await this.#step();
        if (this.#abort.signal.aborted) return;
        delayMs = paging ? 0 : this.#afterCleanEnd(startedAt);
      } catch (thrown) {
        if (this.#abort.signal.aborted) return;
        // A stream that began with a listing is a watch once the listing is complete.
        delayMs = this.#afterFailure(this.#resourceVersion === undefined ? 'list' : 'watch', thrown);
      }
      if (delayMs > 0) await sleep(clock, delayMs, this.#abort.signal);
    }
  }

  /** One listing in pages, one stream that begins with a listing, or one watch. */
  async #step(): Promise<void> {
    if (this.#resourceVersion !== undefined) return this.#watch(this.#resourceVersion);
    return this.#watchList ? this.#watch(undefined) : this.#listPages();
  }

  async #listPages(): Promise<void> {
    this.#store.beginListing();
    let continueToken: string | undefined;
    let resourceVersion: string | undefined;
    const parser = this.#createParser();
    do {
      const page = await this.#eachOfPage({
        ...this.#selection(),
        limit: this.#options.pageSize ?? defaultPageSize,
        continueToken,
        trimManagedFields: true,
        parser,
        signal: this.#abort.signal,
      });
      this.#noteProgress();
      // All pages show the state at the version of the first.
      resourceVersion ??= page.resourceVersion;
      continueToken = page.continueToken;
    } while (continueToken !== undefined && !this.#abort.signal.aborted);
    if (!this.#abort.signal.aborted) this.#finishListing(resourceVersion);
  }

  #createParser(): SharedParser {
    return createSharedParser({ trimManagedFields: true, omit: this.#options.omit });
  }

  async #eachOfPage(options: ListOptions): Promise<Omit<ListPage, 'items'>> {
    const { client, type } = this.#options;
    if (client.listEach !== undefined) return client.listEach(type, options, (raw) => this.#upsert(raw));
    const page = await client.listPage(type, options);
    for (const raw of page.items) this.#upsert(raw);
    return page;
  }

  async #watch(resourceVersion: string | undefined): Promise<void> {
    const { random } = this.#options;
    let listing = resourceVersion === undefined;
    if (listing) this.#store.beginListing();
    this.#watches += 1;
    // Afterwards events are few, and the memory is better used otherwise.
    const parser = listing ? this.#createParser() : undefined;
    const options: WatchOptions = {
      ...this.#selection(),
      resourceVersion,
      sendInitialEvents: listing ? true : undefined,
      // Drawn anew each time, so that the watches of many processes do not end at the same moment.
      timeoutSeconds: Math.floor(300 + random() * 300),
      inactivityMs: this.#options.inactivityMs ?? defaultInactivityMs,
      trimManagedFields: true,
      parser,
      signal: this.#abort.signal,
    };
    const each = (event: WatchEvent): void => {
      this.#noteProgress();
      if (event.type === 'BOOKMARK') listing = this.#onBookmark(event.object, listing);
      else this.#onEvent(event, listing);
      if (listing) return;
      parser?.retire();
      this.#recovered();
    };
    await this.#eachEvent(options, each);
    if (listing && !this.#abort.signal.aborted) throw this.#watchListMissed('the stream ended before the end of the initial events');
  }

  async #eachEvent(options: WatchOptions, each: (event: WatchEvent) => void): Promise<void> {
    const { client, type } = this.#options;
    if (client.watchEach !== undefined) return client.watchEach(type, options, each);
    for await (const event of client.watch(type, options)) {
      if (this.#abort.signal.aborted) return;
      each(event);
    }
  }

  /** Answers whether the listing still goes on. */
  #onBookmark(bookmark: KubeObject, listing: boolean): boolean {
    this.#bookmarks += 1;
    const version = bookmark.metadata.resourceVersion;
    if (!listing) {
      this.#resourceVersion = version ?? this.#resourceVersion;
      return false;
    }
    if (bookmark.metadata.annotations?.[initialEventsEnd] !== 'true') {
      // A server that knows WatchList sends no other bookmark before this one.
      throw new WatchListUnsupported('a bookmark came before the end of the initial events');
    }
    this.#watchListMisses = 0;
    this.#finishListing(version);
    return false;
  }

  #onEvent(event: WatchEvent, listing: boolean): void {
    this.#events += 1;
    if (event.type === 'DELETED') this.#remove(event.object);
    else this.#upsert(event.object);
    // Initial events come in no order of versions: only what follows them says how far we are.
    if (!listing) this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
  }

  #upsert(raw: KubeObject): void {
    const key = this.#keyOf(raw);
    const version = raw.metadata.resourceVersion ?? '';
    if (this.#store.isCurrent(key, version)) return;
    let item: T;
    try {
      item = this.#options.project(raw);
    } catch (thrown) {
      this.#report('projector', 'consume', thrown, 0);
      return;
    }
    this.#emit(this.#store.set(key, version, item));
  }

  #remove(raw: KubeObject): void {
    const delta = this.#store.delete(this.#keyOf(raw));
    if (delta !== undefined) this.#emit(delta);
  }

  #finishListing(resourceVersion: string | undefined): void {
    this.#store.endListing((delta) => this.#emit(delta));
    this.#resourceVersion = resourceVersion;
    this.#backoff.reset();
    this.#listings += 1;
    this.#synced = true;
    this.#settleSync(true);
  }

  #settleSync(synced: boolean): void {
    for (const settle of this.#syncWaiters) settle(synced);
  }

  #emit(delta: Delta<T>): void {
    for (const handler of this.#handlers) this.#deliver(handler, delta);
  }

  #deliver(handler: (delta: Delta<T>) => void, delta: Delta<T>): void {
    try {
      handler(delta);
    } catch (thrown) {
      this.#report('handler', 'consume', thrown, 0);
    }
  }

  /** Only a complete listing or an event behind one ends a row of failures: a server that breaks every listing off must not be hammered. */
  #recovered(): void {
    this.#backoff.reset();
    this.#expiries.reset();
  }

  #noteProgress(): void {
    this.#lastProgressAt = this.#options.clock.monotonic();
    this.#progress = true;
  }

  #afterCleanEnd(startedAt: number): number {
    const lived = this.#options.clock.monotonic() - startedAt;
    if (lived >= minWatchMs) return 0;
    if (this.#progress) return minWatchMs - lived;
    const delayMs = Math.max(minWatchMs - lived, this.#backoff.next());
    this.#report('short-watch', 'watch', new Error(`the watch was closed after ${Math.round(lived)} ms without an event`), delayMs);
    return delayMs;
  }

  #afterFailure(phase: 'list' | 'watch', thrown: unknown): number {
    if (thrown instanceof WatchListUnsupported || (phase === 'list' && this.#watchList && refusesWatchList(thrown))) {
      this.#watchList = false;
      this.#report('watch-list-unsupported', phase, thrown, 0);
      return 0;
    }
    const kind = kindOf(thrown);
    if (kind === 'expired') return this.#afterExpiry(phase, thrown);
    const asked = thrown instanceof ApiStatusError ? (thrown.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(asked, this.#backoff.next());
    const suspect = kind === 'malformed' || kind === 'other' || (kind === 'status' && !isOverload(thrown));
    if (suspect && this.#backoff.failures >= failuresBeforeRelist) this.#resourceVersion = undefined;
    this.#report(kind, phase, thrown, delayMs);
    return delayMs;
  }

  /** The usual 410 of a watch is cured by listing anew, at once; a server that says it again, or of a listing, is given time. */
  #afterExpiry(phase: 'list' | 'watch', thrown: unknown): number {
    const first = phase === 'watch' && this.#expiries.failures === 0;
    const delayMs = this.#expiries.next();
    this.#resourceVersion = undefined;
    this.#report('expired', phase, thrown, first ? 0 : delayMs);
    return first ? 0 : delayMs;
  }

  /** Once may be chance (a server restarting); twice means that the bookmark never comes. */
  #watchListMissed(message: string): Error {
    this.#watchListMisses += 1;
    return this.#watchListMisses >= 2 ? new WatchListUnsupported(message) : new ConcertinaError('API_ANSWER_INVALID', message);
  }

  #report(kind: FailureKind, phase: ReflectorFailure['phase'], error: unknown, retryInMs: number): void {
    this.#failures[kind] += 1;
    try {
      this.#options.onFailure?.({ kind, phase, error, retryInMs });
    } catch {
      // A hook that fails must not end the mirror; the failure itself is counted.
    }
  }

  #selection(): { namespace: string | undefined; labelSelector: string | undefined; fieldSelector: string | undefined } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return { namespace, labelSelector, fieldSelector };
  }

  #scheduleResync(everyMs: number): void {
    const timer = this.#options.clock.setTimeout(() => {
      void this.#resync().then(() => {
        if (!this.#abort.signal.aborted) this.#scheduleResync(everyMs);
      });
    }, everyMs);
    this.#abort.signal.addEventListener('abort', () => timer.cancel(), { once: true });
  }

  async #resync(): Promise<void> {
    let handled = 0;
    for (const key of this.#store.keys()) {
      if (this.#abort.signal.aborted) return;
      const item = this.#store.get(key);
      if (item !== undefined) this.#emit({ type: 'updated', key, old: item, new: item });
      if (++handled % 1_000 === 0) await nextTurn();
    }
  }
}

function defaultKey(raw: KubeObject): string {
  const { namespace, name } = raw.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
