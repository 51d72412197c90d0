import type { Clock } from '../../../../core/model/clock.ts';
import { StatusError, badRequest, expired, fieldErrors, invalid } from '../errors.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Store } from '../storage/store.ts';
import type { Stored } from '../storage/stored.ts';
import type { Selection } from './selectors.ts';

/** One page of a list, all of one revision. */
export interface Page {
  readonly items: readonly Stored[];
  readonly revision: number;
  readonly continueToken: string | undefined;
  readonly remaining: number | undefined;
}

interface Snapshot {
  readonly list: readonly Stored[];
  readonly at: number;
}

interface Token {
  readonly rv: number;
  /** `namespace/name` of the last object of the page before. */
  readonly start: string;
}

/** How long a list may be paged through: etcd of a real cluster is compacted every five minutes. */
const snapshotLifeMs = 300_000;
const maxSnapshots = 500;

export const continueExpired =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** Lists with pages that all show the state of the first one. */
export class Lister {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  page(kind: Kind, selection: Selection, query: URLSearchParams): Page {
    const limit = numberOf(query.get('limit'));
    const token = query.get('continue');
    if (token !== null && token !== '') return this.#next(kind, selection, { token, limit, query });
    const list = this.#listAt(kind, selection, query);
    return this.#cut(kind, selection, { list, revision: this.#store.revision, limit, from: 0 });
  }

  /** The current list, after the checks of `resourceVersion` and `resourceVersionMatch`. */
  #listAt(kind: Kind, selection: Selection, query: URLSearchParams): readonly Stored[] {
    checkVersion(kind, this.#store, query);
    if (selection.name !== undefined && (selection.namespace !== undefined || !kind.type.namespaced)) {
      const found = this.#store.get(kind.storageKey, selection.namespace ?? '', selection.name);
      return found === undefined ? [] : [found];
    }
    return this.#store.list(kind.storageKey, selection.namespace);
  }

  #next(kind: Kind, selection: Selection, { token, limit, query }: { token: string; limit: number; query: URLSearchParams }): Page {
    const rv = query.get('resourceVersion');
    if (rv !== null && rv !== '' && rv !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    const { rv: revision, start } = readToken(token);
    // A token without a revision goes on with whatever is there now.
    if (revision < 0) {
      const list = this.#store.list(kind.storageKey, selection.namespace);
      return this.#cut(kind, selection, { list, revision: this.#store.revision, limit, from: after(list, start) });
    }
    const snapshot = this.#snapshots.get(snapshotKey(kind, selection, revision));
    if (snapshot === undefined || this.#clock.now() - snapshot.at > snapshotLifeMs) throw this.expire(start);
    return this.#cut(kind, selection, { list: snapshot.list, revision, limit, from: after(snapshot.list, start) });
  }

  /** The 410 of an expired continue token, with a token that goes on all the same. */
  expire(start: string): StatusError {
    return expired(continueExpired, writeToken({ rv: -1, start }));
  }

  /** As {@link Lister.expire}, for a token as the client sent it. */
  expireToken(token: string): StatusError {
    return this.expire(readToken(token).start);
  }

  #cut(
    kind: Kind,
    selection: Selection,
    { list, revision, limit, from }: { list: readonly Stored[]; revision: number; limit: number; from: number },
  ): Page {
    const { matches } = selection;
    if (limit <= 0 && from === 0) {
      return { items: matches === undefined ? list : list.filter(matches), revision, continueToken: undefined, remaining: undefined };
    }
    const items: Stored[] = [];
    let at = from;
    for (; at < list.length && (limit <= 0 || items.length < limit); at++) {
      const stored = list[at];
      if (stored !== undefined && (matches === undefined || matches(stored))) items.push(stored);
    }
    const last = list[at - 1];
    // Rest without a match is not worth another page.
    const more = matches === undefined ? at < list.length : list.slice(at).some(matches);
    if (!more || last === undefined) return { items, revision, continueToken: undefined, remaining: undefined };
    this.#keep(snapshotKey(kind, selection, revision), list);
    return {
      items,
      revision,
      continueToken: writeToken({ rv: revision, start: `${last.namespace}/${last.name}` }),
      remaining: matches === undefined ? list.length - at : undefined,
    };
  }

  #keep(key: string, list: readonly Stored[]): void {
    if (this.#snapshots.has(key)) return;
    this.#snapshots.set(key, { list, at: this.#clock.now() });
    const [oldest] = this.#snapshots.keys();
    if (this.#snapshots.size > maxSnapshots && oldest !== undefined) this.#snapshots.delete(oldest);
  }
}

function snapshotKey(kind: Kind, selection: Selection, revision: number): string {
  return `${kind.storageKey}|${selection.namespace ?? ''}|${revision}`;
}

/** Index of the first entry behind the key; the list is in key order. */
function after(list: readonly Stored[], start: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const stored = list[middle];
    if (stored !== undefined && `${stored.namespace}/${stored.name}` <= start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.rv, start: token.start })).toString('base64url');
}

function readToken(text: string): Token {
  try {
    const value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as { v?: string; rv?: number; start?: string };
    if (value.v === 'meta.k8s.io/v1' && typeof value.rv === 'number' && typeof value.start === 'string') {
      return { rv: value.rv, start: value.start };
    }
  } catch {
    // Not one of ours.
  }
  throw badRequest('continue key is not valid: the token was not given out by this server');
}

function numberOf(text: string | null): number {
  const value = Number(text ?? 0);
  return Number.isInteger(value) && value > 0 ? value : 0;
}

/** The revision that a query asks for; undefined for none. For anything but a number a list gets a 400, a watch a 500 without a reason. */
export function parseRevision(text: string | null, verb: 'list' | 'watch'): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^\d+$/.test(text)) {
    const why = `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`;
    throw verb === 'list' ? badRequest(`invalid resource version: ${why}`) : new StatusError(500, '', why);
  }
  return Number(text);
}

export function tooLargeVersion(wanted: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

function checkVersion(kind: Kind, store: Store, query: URLSearchParams): void {
  const revision = parseRevision(query.get('resourceVersion'), 'list');
  const match = query.get('resourceVersionMatch') ?? '';
  checkMatch(revision, match);
  if (revision === undefined || revision === 0) return;
  if (revision > store.revision) throw tooLargeVersion(revision, store.revision);
  const exact = match === 'Exact' || (match === '' && numberOf(query.get('limit')) > 0);
  // Only the current state is kept; an older revision at which nothing of the type has changed since is the same state.
  if (exact && (store.since(kind.storageKey, revision)?.length ?? 1) > 0) {
    throw expired('The resourceVersion for the provided list is too old.');
  }
}

const listOptions = { group: 'meta.k8s.io', kind: 'ListOptions' };

function checkMatch(revision: number | undefined, match: string): void {
  if (match === '') return;
  const field = 'resourceVersionMatch';
  if (revision === undefined) {
    throw invalid(listOptions, '', [fieldErrors.forbidden(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided')]);
  }
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    throw invalid(listOptions, '', [fieldErrors.notSupported(field, match, ['Exact', 'NotOlderThan', ''])]);
  }
  if (revision === 0 && match === 'Exact') {
    throw invalid(listOptions, '', [fieldErrors.forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')]);
  }
}
