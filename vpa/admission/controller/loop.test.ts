import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { createLoop } from './loop.ts';

function loopOf(turn: (count: number) => Promise<number | undefined> | number | undefined, minGapMs?: number) {
  const clock = new VirtualClock(0);
  const turns: number[] = [];
  const failures: unknown[] = [];
  const loop = createLoop({
    clock,
    intervalMs: 60_000,
    minGapMs,
    turn: async () => {
      turns.push(clock.now());
      return turn(turns.length);
    },
    onFailure: (error) => failures.push(error),
  });
  return { clock, loop, turns, failures };
}

describe('a loop', () => {
  it('turns at once, at its interval, and sooner when a turn asks for it', async () => {
    const { clock, loop, turns } = loopOf((count) => (count === 1 ? 5_000 : undefined));
    loop.start();
    loop.start();
    await clock.advance(130_000);
    expect(turns).toEqual([0, 5_000, 65_000, 125_000]);
    await loop.stop();
    await clock.advance(100_000);
    expect([turns.length, clock.pending]).toEqual([4, 0]);
    loop.start();
    await clock.advance(0);
    expect(turns.at(-1)).toBe(230_000);
    await loop.stop();
  });

  it('is woken once for all that woke it, and not faster than its gap', async () => {
    const { clock, loop, turns } = loopOf(() => undefined, 1_000);
    loop.start();
    await clock.advance(10);
    for (let wakes = 0; wakes < 5; wakes++) loop.wake();
    await clock.advance(5_000);
    expect(turns).toEqual([0, 1_000]);
    loop.wake();
    await clock.advance(0);
    expect(turns).toEqual([0, 1_000, 5_010]);
    await loop.stop();
  });

  it('tries again after failures, less and less often', async () => {
    const { clock, loop, turns, failures } = loopOf((count) => {
      if (count <= 3) throw new Error('x');
      return undefined;
    });
    loop.start();
    await clock.advance(60_000);
    expect(turns).toEqual([0, 1_000, 3_000, 7_000]);
    expect(failures).toHaveLength(3);
    await loop.stop();
  });
});
