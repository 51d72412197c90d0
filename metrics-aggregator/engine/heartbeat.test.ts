import { describe, expect, it } from 'vitest';
import { judgeHeartbeat, noHeartbeat } from './heartbeat.ts';

/** Plays ages of the newest sample, in seconds, one a look; answers at which looks it was doubted. */
function doubted(ages: readonly (number | undefined)[]): number[] {
  let state = noHeartbeat;
  return ages.flatMap((age, look) => {
    const now = look * 15_000;
    const verdict = judgeHeartbeat(state, age === undefined ? undefined : now - age * 1000, { name: 'prometheus/main', now });
    state = verdict.state;
    return verdict.doubt === undefined ? [] : [look];
  });
}

describe('judgeHeartbeat', () => {
  it('doubts a source whose newest sample grows older than it ever was, until it is young again', () => {
    expect(doubted([3, 5, 4, 9, 3, 24, 39, 54, 69, 2, 3])).toEqual([7, 8]);
  });

  it('takes long intervals for what they are', () => {
    expect(doubted([10, 25, 40, 55, 10, 25, 40, 55, 10, 25, 40, 55, 10, 25, 40, 55, 70, 85, 100, 115, 130, 145])).toEqual([20, 21]);
  });

  it('waits a minute and a half at the beginning, when nothing is known of the interval', () => {
    expect(doubted([80])).toEqual([]);
    expect(doubted([91])).toEqual([0]);
  });

  it('says nothing about a source that cannot tell, and takes the future for now', () => {
    expect(doubted([undefined, undefined])).toEqual([]);
    expect(doubted([5, -120, -60, 5])).toEqual([]);
  });
});
