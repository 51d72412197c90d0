import { describe, expect, it } from 'vitest';
import { sleep } from '../model/clock.ts';
import { realClock, scaledClock, VirtualClock } from './clock.ts';

describe('VirtualClock', () => {
  it('fires in order of time, then of setting, and shows each timer its own instant', async () => {
    const clock = new VirtualClock(1000);
    const fired: string[] = [];
    const set = (name: string, ms: number) => clock.setTimeout(() => fired.push(`${name}@${clock.now()}`), ms);
    set('c', 30);
    set('a', 10);
    set('b', 10);
    set('late', 31);
    await clock.advance(30);
    expect(fired).toEqual(['a@1010', 'b@1010', 'c@1030']);
    expect(clock.now()).toBe(1030);
    expect(clock.monotonic()).toBe(30);
    expect(clock.pending).toBe(1);
  });

  it('fires what timers set on the way, if it is due', async () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    const again = (): void => {
      fired.push(clock.now());
      clock.setTimeout(again, 10);
    };
    clock.setTimeout(again, 10);
    await clock.advance(35);
    expect(fired).toEqual([10, 20, 30]);
  });

  it('does not fire what was cancelled, and counts it no more', async () => {
    const clock = new VirtualClock();
    let fired = false;
    const timer = clock.setTimeout(() => (fired = true), 5);
    timer.cancel();
    expect(clock.pending).toBe(0);
    await clock.advance(10);
    expect(fired).toBe(false);
    timer.cancel();
  });

  it('lets promises come to rest between instants', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for (let turn = 0; turn < 3; turn++) {
        await sleep(clock, 10);
        await Promise.resolve();
        seen.push(clock.now());
      }
    };
    const running = loop();
    await clock.advance(30);
    await running;
    expect(seen).toEqual([10, 20, 30]);
  });

  it('advances until a condition holds, or answers that it did not', async () => {
    const clock = new VirtualClock(0);
    let ready = false;
    clock.setTimeout(() => (ready = true), 2500);
    expect(await clock.advanceUntil(() => ready, 10_000)).toBe(true);
    expect(clock.now()).toBe(3000);
    expect(await clock.advanceUntil(() => false, 500)).toBe(false);
    expect(clock.now()).toBe(3500);
  });

  it('advances until a promise has settled, and answers it', async () => {
    const clock = new VirtualClock(0);
    const after = (ms: number): Promise<string> => new Promise((resolve) => clock.setTimeout(() => resolve('done'), ms));
    expect(await clock.settled(after(2500), 10_000)).toBe('done');
    expect(clock.now()).toBe(3000);
    await expect(clock.settled(Promise.reject(new Error('refused')), 10_000)).rejects.toThrow('refused');
    await expect(clock.settled(after(2500), 1000)).rejects.toThrow('the promise has not settled within 1000 virtual ms');
  });
});

describe('sleep', () => {
  it('ends early with false when the signal aborts, and leaves no timer', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 1000, abort.signal);
    abort.abort();
    expect(await sleeping).toBe(false);
    expect(clock.pending).toBe(0);
    expect(await sleep(clock, 1000, abort.signal)).toBe(false);
    const full = sleep(clock, 1000, new AbortController().signal);
    await clock.advance(1000);
    expect(await full).toBe(true);
  });
});

describe('scaledClock', () => {
  it('runs at its speed from its start', async () => {
    const clock = scaledClock(1000, 5000);
    const begun = performance.now();
    await new Promise<void>((resolve) => {
      clock.setTimeout(resolve, 20_000);
      // A scaled clock's timers do not keep the process alive; this one does.
      const keepAlive = setTimeout(() => undefined, 1000);
      clock.setTimeout(() => clearTimeout(keepAlive), 20_000);
    });
    expect(performance.now() - begun).toBeLessThan(1000);
    // Node's timers may fire a millisecond early.
    expect(clock.now()).toBeGreaterThanOrEqual(5000 + 18_000);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(18_000);
  });

  it.each([0, -1, Number.NaN, Infinity])('refuses speed %d', (speed) => {
    expect(() => scaledClock(speed)).toThrowError(RangeError);
  });
});

describe('realClock', () => {
  it('is wall time and a monotonic time', () => {
    expect(Math.abs(realClock.now() - Date.now())).toBeLessThan(1000);
    const first = realClock.monotonic();
    expect(realClock.monotonic()).toBeGreaterThanOrEqual(first);
  });
});
