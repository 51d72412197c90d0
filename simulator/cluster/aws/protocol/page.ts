import type { AwsError } from './aws-error.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly next: string | undefined;
}

interface PageRequest<T> {
  readonly token: string | undefined;
  readonly limit: number;
  /** Orders the items and is what a token remembers: items that come or go between two pages move nothing. */
  readonly key: (item: T) => string;
  readonly badToken: (token: string) => AwsError;
}

/** A page of items that are sorted by their keys, ascending. */
export function pageOf<T>(items: readonly T[], { token, limit, key, badToken }: PageRequest<T>): Page<T> {
  let start = 0;
  if (token !== undefined && token !== '') {
    const after = keyOfToken(token);
    if (after === undefined) throw badToken(token);
    start = items.findIndex((item) => key(item) > after);
    if (start < 0) start = items.length;
  }
  const page = items.slice(start, start + limit);
  const last = page.at(-1);
  return { items: page, next: last === undefined || start + limit >= items.length ? undefined : tokenOfKey(key(last)) };
}

const mark = 'after:';

function tokenOfKey(key: string): string {
  return Buffer.from(mark + key).toString('base64url');
}

function keyOfToken(token: string): string | undefined {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  return text.startsWith(mark) ? text.slice(mark.length) : undefined;
}
