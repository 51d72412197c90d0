import { describe, expect, it } from 'vitest';
import { judgeOutage, noOutage, queryOutage, usageOutage, type GroupTotal, type OutageConfig } from './outage.ts';

const minute = 60_000;

/** Plays rounds of totals, one a 15 s, and answers since when each has an outage suspected. */
function play(rounds: readonly Readonly<Record<string, number>>[], config: OutageConfig = usageOutage): (number | undefined)[] {
  let state = noOutage;
  return rounds.map((round, index) => {
    const totals = new Map<string, GroupTotal>(Object.entries(round).map(([key, total]) => [key, { total, nothing: 0 }]));
    const verdict = judgeOutage(state, totals, index * 15_000, config);
    state = verdict.state;
    return verdict.doubt?.since;
  });
}

describe('judgeOutage', () => {
  it('suspects an outage when most busy workloads fall to nothing at once, until they are back', () => {
    const up = { a: 500, b: 400, c: 300, d: 200, e: 90 };
    const down = { a: 0, b: 0, c: 0, d: 210, e: 80 };
    expect(play([up, down, down, up, up])).toEqual([undefined, 15_000, 15_000, undefined, undefined]);
  });

  it('counts falls of neighbouring polls together, since nodes are not scraped at one moment', () => {
    const up = { a: 500, b: 400, c: 300, d: 200 };
    expect(play([up, { ...up, a: 0 }, { ...up, a: 0, b: 0 }])).toEqual([undefined, undefined, 30_000]);
  });

  it('takes workloads that go idle one after the other for what they are', () => {
    const rounds = [{ a: 500, b: 400, c: 300, d: 200 }];
    for (const gone of ['a', 'b', 'c']) {
      const last = rounds.at(-1) ?? rounds[0]!;
      for (let i = 0; i < 6; i++) rounds.push({ ...last, [gone]: 0 });
    }
    expect(play(rounds).every((since) => since === undefined)).toBe(true);
  });

  it('does not suspect anything when one of three is idle, or when nothing was busy', () => {
    expect(
      play([
        { a: 500, b: 400, c: 300 },
        { a: 0, b: 400, c: 300 },
      ]),
    ).toEqual([undefined, undefined]);
    expect(
      play([
        { a: 5, b: 4 },
        { a: 0, b: 0 },
      ]),
    ).toEqual([undefined, undefined]);
  });

  it('suspects the only busy workload that reports nothing from all containers', () => {
    expect(play([{ a: 300 }, { a: 0 }])).toEqual([undefined, 15_000]);
  });

  it('believes the zeros after a quarter of an hour', () => {
    const rounds = [{ a: 500, b: 400 }, ...Array.from({ length: 70 }, () => ({ a: 0, b: 0 }))];
    const since = play(rounds);
    expect(since[1]).toBe(15_000);
    expect(since[60]).toBe(15_000);
    expect(since[61]).toBeUndefined();
    expect(since.at(-1)).toBeUndefined();
  });

  it('remembers what was normal through answers that fail', () => {
    expect(play([{ a: 500, b: 400 }, {}, {}, { a: 0, b: 0 }])).toEqual([undefined, undefined, undefined, 45_000]);
  });

  it('wants several queries of a source to fall, since one empty queue is nothing special', () => {
    expect(
      play(
        [
          { q: 3, r: 2 },
          { q: 0, r: 0 },
        ],
        queryOutage,
      ),
    ).toEqual([undefined, undefined]);
    expect(
      play(
        [
          { q: 3, r: 2, s: 1 },
          { q: 0, r: 0, s: 0 },
        ],
        queryOutage,
      ),
    ).toEqual([undefined, 15_000]);
  });

  it('says how many, since when and until when', () => {
    const up = new Map([['a', { total: 500, nothing: 0 }]]);
    const { state } = judgeOutage(noOutage, up, 0, usageOutage);
    const { doubt } = judgeOutage(state, new Map([['a', { total: 0, nothing: 0 }]]), minute, usageOutage);
    expect(doubt).toEqual({
      reason: 'outage',
      detail: '1 of 1 workloads that were busy report nothing at once, which looks like an outage of metrics, not of load',
      since: minute,
      until: minute + 15 * minute,
    });
  });
});
