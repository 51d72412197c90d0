import type { Clock, Timer } from '../../../../core/model/clock.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { apiVersionOf } from '../../../../core/model/object.ts';
import type { Activity } from '../activity.ts';
import { expired, fieldErrors, invalid } from '../errors.ts';
import type { StatusError } from '../errors.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Store } from '../storage/store.ts';
import { Stored } from '../storage/stored.ts';
import type { StoreEvent } from '../storage/stored.ts';
import type { ApiSink } from '../types.ts';
import { parseRevision, tooLargeVersion } from './lists.ts';
import type { Selection } from './selectors.ts';

/** What a watch takes from the server around it. */
export interface WatchEnvironment {
  readonly store: Store;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly bookmarkIntervalMs: number;
}

/** How the objects of one watch are written: undefined is the plain JSON of its version. */
export type RenderObject = ((object: KubeObject) => string) | undefined;

export interface WatchRequest {
  readonly kind: Kind;
  readonly selection: Selection;
  readonly query: URLSearchParams;
  readonly render: RenderObject;
}

interface WatchPlan {
  /** Revision whose later changes are sent; undefined: everything that is there is sent first. */
  readonly after: number | undefined;
  readonly initialEnd: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number | undefined;
}

/** A consumer that lags further behind than this is cut off; it comes back with a new watch. */
const maxPendingBytes = 16 * 1024 * 1024;
/** Objects of the initial state per chunk. */
const initialBatch = 500;

export function planWatch(environment: WatchEnvironment, query: URLSearchParams): WatchPlan {
  const revision = parseRevision(query.get('resourceVersion'), 'watch');
  const send = query.get('sendInitialEvents');
  const match = query.get('resourceVersionMatch') ?? '';
  checkInitialEvents(send, match);
  if (revision !== undefined && revision > environment.store.revision) throw tooLargeVersion(revision, environment.store.revision);
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const timeoutMs = seconds > 0 ? seconds * 1000 : undefined;
  if (send !== null && isTrue(send)) return { after: undefined, initialEnd: true, bookmarks, timeoutMs };
  const fromNow = send !== null && (revision === undefined || revision === 0);
  const after = fromNow ? environment.store.revision : revision === 0 ? undefined : revision;
  return { after, initialEnd: false, bookmarks, timeoutMs };
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

function checkInitialEvents(send: string | null, match: string): void {
  const refuse = (field: string, detail: string): StatusError =>
    invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [fieldErrors.forbidden(field, detail)]);
  if (send === null) {
    if (match !== '')
      throw refuse('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    return;
  }
  if (match !== 'NotOlderThan') {
    throw refuse('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
}

/** One open watch: from the store to the sink, through a filter. */
export class WatchStream {
  readonly #environment: WatchEnvironment;
  readonly #request: WatchRequest;
  readonly #sink: ApiSink;
  readonly #timers = new Set<Timer>();
  #unsubscribe: (() => void) | undefined;
  #open = true;
  #stalled: Buffer[] | undefined;
  /** What the consumer had not taken when the initial state was written. */
  #initialPending = 0;

  constructor(environment: WatchEnvironment, request: WatchRequest, sink: ApiSink) {
    this.#environment = environment;
    this.#request = request;
    this.#sink = sink;
  }

  start(plan: WatchPlan): void {
    const { store, clock } = this.#environment;
    const { kind } = this.#request;
    if (plan.after === undefined) this.#sendCurrent();
    else {
      const missed = store.since(kind.storageKey, plan.after);
      if (missed === undefined) {
        this.expire(`too old resource version: ${plan.after} (${store.floor(kind.storageKey)})`);
        return;
      }
      for (const event of missed) this.#deliver(event);
    }
    if (plan.initialEnd) this.#sendBookmark(true);
    this.#initialPending = this.#sink.pendingBytes?.() ?? 0;
    this.#unsubscribe = store.subscribe(kind.storageKey, (event) => this.#deliver(event));
    if (plan.timeoutMs !== undefined) {
      this.#timers.add(
        clock.setTimeout(() => {
          if (plan.bookmarks) this.#sendBookmark(false);
          this.#close();
          this.#sink.end();
        }, plan.timeoutMs),
      );
    }
    if (plan.bookmarks) this.#scheduleBookmark();
  }

  /** Ends the subscription; the sink is gone already, or ended by the caller. */
  stop(): void {
    this.#close();
  }

  /** Breaks the connection. */
  drop(): void {
    this.#close();
    this.#sink.destroy();
  }

  /** Sends the 410 that makes a client list again, and ends. */
  expire(message: string): void {
    if (!this.#open) return;
    this.#write(Buffer.from(`{"type":"ERROR","object":${JSON.stringify(expired(message).toStatus())}}\n`));
    this.#close();
    this.#sink.end();
  }

  /** Holds every byte back, as a network that swallows packets does; they come when it ends. */
  stall(on: boolean): void {
    if (on) {
      this.#stalled ??= [];
      return;
    }
    const held = this.#stalled ?? [];
    this.#stalled = undefined;
    for (const chunk of held) this.#write(chunk);
  }

  #close(): void {
    this.#open = false;
    this.#unsubscribe?.();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #sendCurrent(): void {
    const { kind, selection, render } = this.#request;
    const { store } = this.#environment;
    const all = store.list(kind.storageKey, selection.namespace);
    let lines: string[] = [];
    const flush = (): void => {
      if (lines.length > 0) this.#write(Buffer.from(lines.join('')));
      lines = [];
    };
    for (const stored of all) {
      if (selection.matches !== undefined && !selection.matches(stored)) continue;
      const body = render === undefined ? stored.json(kind.encode) : render(stored.view(kind.encode));
      lines.push(`{"type":"ADDED","object":${body}}\n`);
      if (lines.length >= initialBatch) flush();
    }
    flush();
  }

  #scheduleBookmark(): void {
    const timer = this.#environment.clock.setTimeout(() => {
      this.#timers.delete(timer);
      this.#sendBookmark(false);
      this.#scheduleBookmark();
    }, this.#environment.bookmarkIntervalMs);
    this.#timers.add(timer);
  }

  #sendBookmark(initialEnd: boolean): void {
    const { type } = this.#request.kind;
    const metadata = {
      resourceVersion: String(this.#environment.store.revision),
      creationTimestamp: null,
      ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    };
    const object = { kind: type.kind, apiVersion: apiVersionOf(type), metadata };
    this.#write(Buffer.from(`{"type":"BOOKMARK","object":${JSON.stringify(object)}}\n`));
  }

  #deliver(event: StoreEvent): void {
    const { selection } = this.#request;
    if (selection.namespace !== undefined && event.stored.namespace !== selection.namespace) return;
    const { matches } = selection;
    if (matches === undefined) {
      this.#send(event, event.type, event.stored);
      return;
    }
    const before = event.previous !== undefined && matches(event.previous);
    const now = event.type !== 'DELETED' && matches(event.stored);
    if (now) this.#send(event, before ? 'MODIFIED' : 'ADDED', event.stored);
    else if (before) this.#send(event, 'DELETED', event.type === 'DELETED' ? event.stored : leaving(event));
  }

  #send(event: StoreEvent, type: StoreEvent['type'], stored: Stored): void {
    const { kind, render } = this.#request;
    if (render !== undefined) {
      this.#write(Buffer.from(`{"type":"${type}","object":${render(stored.view(kind.encode))}}\n`));
      return;
    }
    this.#write(stored === event.stored ? sharedLine(event, type, kind) : line(type, stored.json(kind.encode)));
  }

  #write(chunk: Buffer): void {
    if (!this.#open) return;
    if (this.#stalled !== undefined) {
      this.#stalled.push(chunk);
      return;
    }
    this.#environment.activity.touch();
    this.#sink.write(chunk);
    const pending = this.#sink.pendingBytes?.() ?? 0;
    if (this.#unsubscribe !== undefined && pending > this.#initialPending + maxPendingBytes) this.drop();
  }
}

function line(type: string, body: string): Buffer {
  return Buffer.from(`{"type":"${type}","object":${body}}\n`);
}

/** The bytes of an event are made once for all watches that send it. */
const lines = new WeakMap<StoreEvent, Map<string, Buffer>>();

function sharedLine(event: StoreEvent, type: string, kind: Kind): Buffer {
  let known = lines.get(event);
  if (known === undefined) lines.set(event, (known = new Map()));
  const key = kind.encode === undefined ? type : `${type} ${kind.type.version}`;
  let bytes = known.get(key);
  if (bytes === undefined) known.set(key, (bytes = line(type, event.stored.json(kind.encode))));
  return bytes;
}

/** An object that no longer matches is seen to go in the state that still did, at the revision of the change. */
function leaving(event: StoreEvent): Stored {
  const last = event.previous?.object ?? event.stored.object;
  const object = { ...last, metadata: { ...last.metadata, resourceVersion: String(event.revision) } };
  return new Stored(event.stored.storageKey, object, event.revision);
}
