/** Calls of AWS: taken in turns, tried again with jitter, counted. */
import { sleep, type Clock, type Random } from '../../../core/model/clock.ts';
import { fullJitter } from '../../../core/kube/backoff.ts';
import type { ProviderCall } from '../provider.ts';
import { classify, type AwsFault, type FaultKind } from './faults.ts';

export interface CallerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly onCall?: ((call: ProviderCall) => void) | undefined;
  /** Attempts for one call; default 6. */
  readonly attempts?: number | undefined;
  /** Milliseconds for one attempt; default 30 000. */
  readonly timeoutMs?: number | undefined;
}

export interface CallFacts {
  readonly call: string;
  readonly group?: string | undefined;
  /** True for calls that may be made twice: reads, and a change to an absolute value. */
  readonly repeatable: boolean;
  /**
   * One attempt, at once: for a change that is right only for what was just read; not sent while others wait. The number of attempts that its
   * caller has made before, for the length of the pause when AWS says that there are too many.
   */
  readonly once?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type CallResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: AwsFault };

export interface Caller {
  call<T>(facts: CallFacts, attempt: (signal: AbortSignal) => Promise<T>): Promise<CallResult<T>>;
}

const defaultAttempts = 6;
const defaultTimeoutMs = 30_000;
/** Calls under way at once: a change of very many groups must not look like an attack. */
const concurrency = 4;
const backoff = { baseMs: 500, capMs: 20_000 };

/**
 * Tries again what had no effect or may be repeated. When AWS says "too many", every other call waits too, each for its own random time after the
 * pause: a herd that waits together would come back together.
 */
export function createCaller(options: CallerOptions): Caller {
  const { clock, random } = options;
  const turns = createTurns(concurrency);
  let pausedUntil = 0;

  const pause = async (signal: AbortSignal | undefined): Promise<boolean> => {
    const left = pausedUntil - clock.monotonic();
    return left <= 0 || sleep(clock, left + random() * backoff.baseMs, signal);
  };

  const once = async <T>(facts: CallFacts, attempt: (signal: AbortSignal) => Promise<T>): Promise<Attempt<T>> => {
    const started = clock.monotonic();
    const limit = limitOf(clock, options.timeoutMs ?? defaultTimeoutMs, facts.signal);
    const told = (outcome: string): void => options.onCall?.({ call: facts.call, ms: clock.monotonic() - started, outcome });
    try {
      const value = await attempt(limit.signal);
      told('ok');
      return { ok: true, value };
    } catch (cause) {
      const fault = limit.timedOut()
        ? {
            kind: 'unclear' as const,
            code: 'TimeoutError',
            message: `no answer within ${(options.timeoutMs ?? defaultTimeoutMs) / 1000} s`,
          }
        : facts.signal?.aborted === true
          ? { kind: 'aborted' as const, code: 'AbortError', message: 'given up' }
          : classify(cause);
      told(fault.code);
      return { ok: false, ...fault, cause };
    } finally {
      limit.end();
    }
  };

  return {
    call: async (facts, attempt) => {
      const most = facts.once !== undefined ? 1 : (options.attempts ?? defaultAttempts);
      if (facts.once !== undefined && clock.monotonic() < pausedUntil)
        return { ok: false, fault: { ...pausedFault, ...about(facts), attempts: 0 } };
      for (let made = 1; ; made++) {
        const waited = await pause(facts.signal);
        const result = waited ? await turns(() => once(facts, attempt)) : abortedAttempt;
        if (result.ok) return { ok: true, value: result.value };
        const { kind, code, message, cause } = result;
        const fault: AwsFault = { kind, code, message, cause, ...about(facts), attempts: made };
        const delay = fullJitter({ ...backoff, random }, made - 1 + (facts.once ?? 0));
        if (kind === 'throttled') pausedUntil = Math.max(pausedUntil, clock.monotonic() + delay);
        if (made >= most || !mayRepeat(kind, facts.repeatable)) return { ok: false, fault };
        if (kind !== 'throttled' && !(await sleep(clock, delay, facts.signal))) return { ok: false, fault };
      }
    },
  };
}

type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly kind: FaultKind; readonly code: string; readonly message: string; readonly cause: unknown };

const pausedFault = { kind: 'throttled', code: 'Throttling', message: 'other calls were too many', cause: undefined } as const;

function about({ call, group }: CallFacts): { readonly call: string; readonly group: string | undefined } {
  return { call, group };
}

const abortedAttempt = { ok: false, kind: 'aborted', code: 'AbortError', message: 'given up', cause: undefined } as const;

function mayRepeat(kind: FaultKind, repeatable: boolean): boolean {
  if (kind === 'throttled' || kind === 'unreachable') return true;
  return kind === 'unclear' && repeatable;
}

/** A signal that ends with the caller's or when the time is over. */
function limitOf(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
): { readonly signal: AbortSignal; timedOut(): boolean; end(): void } {
  const controller = new AbortController();
  let timedOut = false;
  const timer = clock.setTimeout(() => {
    timedOut = true;
    controller.abort();
  }, ms);
  const onAbort = (): void => controller.abort();
  if (signal?.aborted === true) controller.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    timedOut: () => timedOut,
    end: () => {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** Runs at most `most` tasks at once, the others in the order in which they came. */
function createTurns(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      // The place goes to the next in line; only without one does it become free.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
