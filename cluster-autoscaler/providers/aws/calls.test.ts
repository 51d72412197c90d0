import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import type { ProviderCall } from '../provider.ts';
import { createCaller, type CallResult } from './calls.ts';

const throttled = Object.assign(new Error('Rate exceeded'), { name: 'Throttling', $fault: 'client', $metadata: { httpStatusCode: 400 } });
const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const refusedConnection = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });

function scene(options: { readonly attempts?: number; readonly timeoutMs?: number } = {}) {
  const clock = new VirtualClock();
  const told: ProviderCall[] = [];
  const caller = createCaller({ clock, random: seededRandom('calls'), onCall: (call) => void told.push(call), ...options });
  return { clock, told, caller };
}

/** Throws what it is given, one after the other, then answers. */
function script(...errors: readonly unknown[]): { readonly run: () => Promise<string>; made: number } {
  const state = {
    made: 0,
    run: () => {
      const error = errors[state.made++];
      return error === undefined ? Promise.resolve('answer') : Promise.reject(error as Error);
    },
  };
  return state;
}

describe('calls of AWS', () => {
  it('are tried again when there were too many, with growing pauses', async () => {
    const { clock, told, caller } = scene();
    const calls = script(throttled, throttled, throttled);
    const result = caller.call({ call: 'X', repeatable: false }, calls.run);
    await clock.advance(60_000);
    expect(await result).toEqual({ ok: true, value: 'answer' });
    expect(told.map(({ outcome }) => outcome)).toEqual(['Throttling', 'Throttling', 'Throttling', 'ok']);
  });

  it('end after so many attempts and say how many', async () => {
    const { clock, caller } = scene({ attempts: 3 });
    const calls = script(throttled, throttled, throttled, throttled);
    const result = caller.call({ call: 'X', group: 'g', repeatable: true }, calls.run);
    await clock.advance(600_000);
    expect(await result).toMatchObject({ ok: false, fault: { kind: 'throttled', code: 'Throttling', call: 'X', group: 'g', attempts: 3 } });
    expect(calls.made).toBe(3);
  });

  it('are made once more after a lost answer only where that does no harm', async () => {
    const { clock, caller } = scene();
    const [safe, harmful, notSent] = [script(reset), script(reset), script(refusedConnection)];
    const results = [
      caller.call({ call: 'X', repeatable: true }, safe.run),
      caller.call({ call: 'X', repeatable: false }, harmful.run),
      caller.call({ call: 'X', repeatable: false }, notSent.run),
    ];
    await clock.advance(60_000);
    expect(await Promise.all(results)).toMatchObject([
      { ok: true },
      { ok: false, fault: { kind: 'unclear', code: 'ECONNRESET' } },
      { ok: true },
    ]);
    expect([safe.made, harmful.made, notSent.made]).toEqual([2, 1, 2]);
  });

  it('are not tried again when AWS refuses', async () => {
    const { caller } = scene();
    const error = Object.assign(new Error('no such group'), {
      name: 'ValidationError',
      $fault: 'client',
      $metadata: { httpStatusCode: 400 },
    });
    const calls = script(error);
    expect(await caller.call({ call: 'X', repeatable: true }, calls.run)).toMatchObject({
      ok: false,
      fault: { kind: 'refused', code: 'ValidationError', message: 'no such group', attempts: 1 },
    });
  });

  it('all wait when one was told that there are too many, and come back one by one', async () => {
    const { clock, caller } = scene();
    const first = caller.call({ call: 'X', repeatable: true }, script(throttled, throttled, throttled).run);
    await clock.advance(0);
    const starts: number[] = [];
    const others = Array.from({ length: 20 }, () =>
      caller.call({ call: 'Y', repeatable: true }, async () => void starts.push(clock.monotonic())),
    );
    await clock.advance(120_000);
    await Promise.all([first, ...others]);
    expect(starts).toHaveLength(20);
    expect(Math.min(...starts)).toBeGreaterThan(0);
    expect(new Set(starts).size).toBeGreaterThan(15);
  });

  it('are not made later than at once where that is asked for', async () => {
    const { clock, caller } = scene();
    const late = script(throttled, throttled);
    const facts = { call: 'X', repeatable: true, once: 3 };
    expect(await caller.call(facts, late.run)).toMatchObject({ ok: false, fault: { kind: 'throttled', attempts: 1 } });
    // The others wait now, so that this one would have to wait too: it is not sent.
    expect(await caller.call(facts, late.run)).toMatchObject({ ok: false, fault: { kind: 'throttled', attempts: 0 } });
    expect(late.made).toBe(1);
    await clock.advance(20_000);
    expect(await caller.call(facts, script().run)).toEqual({ ok: true, value: 'answer' });
  });

  it('are never more than four at once, in the order in which they came', async () => {
    const { clock, caller } = scene();
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const results = Array.from({ length: 10 }, (_, index) =>
      caller.call({ call: 'X', repeatable: true }, async () => {
        most = Math.max(most, ++running);
        order.push(index);
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, 100));
        running -= 1;
      }),
    );
    await clock.advance(10_000);
    await Promise.all(results);
    expect(most).toBe(4);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('are given up when nothing comes for too long', async () => {
    const { clock, caller, told } = scene({ attempts: 2, timeoutMs: 1_000 });
    const result = caller.call({ call: 'X', repeatable: true }, waitForAbort);
    await clock.advance(60_000);
    expect(await result).toMatchObject({
      ok: false,
      fault: { kind: 'unclear', code: 'TimeoutError', message: 'no answer within 1 s', attempts: 2 },
    });
    expect(told.map(({ ms, outcome }) => [ms, outcome])).toEqual([
      [1_000, 'TimeoutError'],
      [1_000, 'TimeoutError'],
    ]);
    expect(clock.pending).toBe(0);
  });

  it('end at once when nobody wants them any more, also in the middle of a pause', async () => {
    const { clock, caller } = scene();
    const controller = new AbortController();
    const facts = { call: 'X', repeatable: true, signal: controller.signal };
    const running: Promise<CallResult<unknown>>[] = [caller.call(facts, waitForAbort), caller.call(facts, script(reset, reset, reset).run)];
    await clock.advance(0);
    controller.abort();
    const [first, second] = await Promise.all(running);
    expect(first).toMatchObject({ ok: false, fault: { kind: 'aborted' } });
    expect(second).toMatchObject({ ok: false });
    expect(clock.pending).toBe(0);
  });
});

function waitForAbort(signal: AbortSignal): Promise<string> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(Object.assign(new Error('aborted'), { name: 'AbortError' })));
  });
}
