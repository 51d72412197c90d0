import type { KubeObject, ResourceType } from '../model/object.ts';
import type { ListOptions, ListPage } from './api.ts';
import { parseRange } from './json-range.ts';
import { collectionPath, withQuery } from './paths.ts';
import { sendRequest, type ClientContext } from './pipeline.ts';
import { NotAList, splitItems } from './split-items.ts';
import { answerInvalid, errorFromAnswer, isGone } from './status-error.ts';
import type { WireAnswer } from './transport.ts';
import { nextTurn } from './turn.ts';

/** Page size of lists: the API server's own clients use it; a page of pods is some 2.5 MB. */
export const defaultPageSize = 500;

/** How often a list that outlives its snapshot (410 in the middle) starts again before the 410 is given to the caller. */
const maxRestarts = 3;

interface RawList {
  readonly items?: unknown;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number };
}

/** One page of a list. */
export async function listOnePage<T = KubeObject>(
  context: ClientContext,
  type: ResourceType,
  options: ListOptions = {},
): Promise<ListPage<T>> {
  const request = { method: 'GET', path: listPath(type, options) } as const;
  const answer = await sendRequest(context, { ...request, signal: options.signal, timeoutMs: options.timeoutMs });
  const list = parseObject<RawList>(answer, request);
  // Go writes an empty slice as null.
  const items = list.items ?? [];
  if (!Array.isArray(items)) throw answerInvalid(answer, request);
  return { items: items as readonly T[], ...restOfPage(list) };
}

/** Items decoded before other work gets a turn: some 2 ms. */
const itemsPerTurn = 64;

/**
 * One page, item by item: each is decoded, given out and dropped before the next, so that raw objects die young and no stretch of work is
 * longer than a few items. Answers the rest of the page.
 */
export async function listEach<T = KubeObject>(
  context: ClientContext,
  type: ResourceType,
  options: ListOptions,
  each: (item: T) => void,
): Promise<Omit<ListPage<T>, 'items'>> {
  const request = { method: 'GET', path: listPath(type, options) } as const;
  const answer = await sendRequest(context, { ...request, signal: options.signal, timeoutMs: options.timeoutMs });
  if (answer.status >= 400) throw errorFromAnswer(answer, request);
  const { parser, trimManagedFields } = options;
  const items = splitItems(answer.body, (range) => parser?.parse(range) ?? parseRange(range, trimManagedFields === true));
  try {
    for (let count = 1; ; count++) {
      const next = items.next();
      if (next.done === true) return restOfPage(next.value as RawList);
      each(next.value as T);
      if (count % itemsPerTurn === 0) await nextTurn();
      options.signal?.throwIfAborted();
    }
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof NotAList) throw answerInvalid(answer, request);
    throw thrown;
  }
}

function restOfPage(list: RawList): Omit<ListPage<never>, 'items'> {
  const next = list.metadata?.continue;
  return {
    resourceVersion: list.metadata?.resourceVersion ?? '',
    continueToken: next === undefined || next === '' ? undefined : next,
    remaining: list.metadata?.remainingItemCount,
  };
}

function listPath(type: ResourceType, options: ListOptions): string {
  const token = options.continueToken === '' ? undefined : options.continueToken;
  return withQuery(collectionPath(type, options.namespace), {
    limit: options.limit ?? defaultPageSize,
    continue: token,
    // The server refuses a resourceVersion beside a continue token: the token carries it.
    resourceVersion: token === undefined ? options.resourceVersion : undefined,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
  });
}

/** All pages joined. */
export async function listAll<T = KubeObject>(
  context: ClientContext,
  type: ResourceType,
  options: ListOptions = {},
): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await listPages<T>(context, type, options);
    } catch (thrown) {
      if (!isGone(thrown) || restarts >= maxRestarts) throw thrown;
    }
  }
}

async function listPages<T>(
  context: ClientContext,
  type: ResourceType,
  options: ListOptions,
): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
  const items: T[] = [];
  let continueToken = options.continueToken;
  for (;;) {
    const page = await listOnePage<T>(context, type, { ...options, continueToken });
    for (const item of page.items) items.push(item);
    if (page.continueToken === undefined) return { items, resourceVersion: page.resourceVersion };
    continueToken = page.continueToken;
  }
}

/** The JSON object of a good answer; throws the server's error, or `API_ANSWER_INVALID`. */
export function parseObject<T>(
  answer: WireAnswer,
  request: { readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; readonly path: string },
): T {
  if (answer.status >= 400) throw errorFromAnswer(answer, request);
  let value: unknown;
  try {
    value = JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw answerInvalid(answer, request);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw answerInvalid(answer, request);
  return value as T;
}
