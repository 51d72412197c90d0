/** Answers of the cloud that are believed for a while; each for its own time, so that they are not all asked for again at once. */
import type { Clock, Random } from '../../../core/model/clock.ts';

export interface ExpiringCacheOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds; each entry lives between 0.75 and 1.25 of it. */
  readonly ttlMs: number;
}

export interface ExpiringCache<T> {
  /** `undefined` when it is not there or too old. */
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  /** The value that is there, or what `make` gives; callers that come meanwhile share it. A failure is not kept. */
  take(key: string, make: () => Promise<T>): Promise<T>;
}

export function createExpiringCache<T>({ clock, random, ttlMs }: ExpiringCacheOptions): ExpiringCache<T> {
  const entries = new Map<string, { readonly value: T; readonly until: number }>();
  const making = new Map<string, Promise<T>>();
  const get = (key: string): T | undefined => {
    const entry = entries.get(key);
    if (entry === undefined || entry.until > clock.monotonic()) return entry?.value;
    entries.delete(key);
    return undefined;
  };
  const set = (key: string, value: T): void => {
    entries.set(key, { value, until: clock.monotonic() + ttlMs * (0.75 + random() / 2) });
  };
  return {
    get,
    set,
    take: (key, make) => {
      const held = get(key);
      if (held !== undefined) return Promise.resolve(held);
      const running = making.get(key);
      if (running !== undefined) return running;
      const made = make()
        .then((value) => {
          set(key, value);
          return value;
        })
        .finally(() => making.delete(key));
      making.set(key, made);
      return made;
    },
  };
}
