import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import { isForbidden, isNotFound, type KubeClient } from '../../../core/kube/index.ts';
import type { KubeObject, ResourceType } from '../../../core/model/object.ts';
import { fail, skipped, type Check } from './check.ts';
import { foreign } from './foreign-text.ts';

/** What the API server said to a read that a check needs. */
export type Reading<T> = { readonly ok: true; readonly value: T } | Unread;

export interface Unread {
  readonly ok: false;
  /** `absent`: nobody serves the type, or there is no such object. */
  readonly kind: 'absent' | 'forbidden' | 'failed';
  readonly message: string;
}

/** Milliseconds that one read may take: somebody waits at a terminal. */
const readTimeoutMs = 15_000;

export function readObject<T = KubeObject>(
  client: KubeClient,
  type: ResourceType,
  key: { readonly namespace?: string | undefined; readonly name: string },
): Promise<Reading<T>> {
  return reading(() => client.get<T>(type, key, { timeoutMs: readTimeoutMs }));
}

/** All objects of a type, in one namespace or in all. */
export function readList(client: KubeClient, type: ResourceType, namespace?: string): Promise<Reading<readonly KubeObject[]>> {
  return reading(
    async () => (await client.list(type, { namespace: type.namespaced ? namespace : undefined, timeoutMs: readTimeoutMs })).items,
  );
}

/** What the promise resolves with; what a client throws for an answer or for the lack of one is a value here. */
export async function reading<T>(read: () => Promise<T>): Promise<Reading<T>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    if (!isConcertinaError(error)) throw error;
    const kind = isForbidden(error) ? 'forbidden' : isNotFound(error) ? 'absent' : 'failed';
    return { ok: false, kind, message: foreign(messageOf(error), 300) };
  }
}

export function valueOr<T>(read: Reading<T>, other: T): T {
  return read.ok ? read.value : other;
}

/** The line for a check whose facts could not be read. */
export function unreadLine(check: string, what: string, { kind, message }: Unread): Check {
  if (kind === 'forbidden') return skipped(check, `you may not read ${what} (${message}): ask as somebody who may`);
  if (kind === 'absent') return skipped(check, `there are no ${what}: the API server does not know the type`);
  return fail(check, `${what} cannot be read: ${message}; try again, and look at the API server if it stays so`);
}

/** Runs the tasks, so many at a time, and answers in their order: a cluster is not to be flooded by a check-up. */
export async function someAtOnce<T, R>(items: readonly T[], most: number, task: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Map<number, R>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results.set(index, await task(items[index] as T));
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  return items.flatMap((_, index) => (results.has(index) ? [results.get(index) as R] : []));
}
