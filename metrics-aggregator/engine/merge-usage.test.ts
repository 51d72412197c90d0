import { describe, expect, it } from 'vitest';
import type { NodeUsage } from '../../core/model/metrics-view.ts';
import { isAhead, mergeNodes, sampleOrder } from './merge-usage.ts';

const now = 100_000;

describe('the order of samples', () => {
  it('takes an identical timestamp for no new observation', () => {
    expect(sampleOrder(1000, 1000, now)).toBe('same');
    expect(sampleOrder(1000, 1001, now)).toBe('newer');
  });

  it('keeps the later one when the timestamp goes backwards, unless that is of the future', () => {
    expect(sampleOrder(2000, 1000, now)).toBe('backwards');
    expect(sampleOrder(now + 30_000, 1000, now), 'half a minute is a difference between two machines').toBe('backwards');
    expect(sampleOrder(now + 30_001, 1000, now)).toBe('overdue');
  });

  it('flags what is of the future', () => {
    expect(isAhead(now + 30_000, now)).toBe(false);
    expect(isAhead(now + 30_001, now)).toBe(true);
  });
});

describe('mergeNodes', () => {
  const node = (name: string, timestamp: number, cpuMilli = 100): NodeUsage => ({
    name,
    timestamp,
    windowMs: 15_000,
    cpuMilli,
    memoryMilli: 1,
  });
  const merged = (before: readonly NodeUsage[], answer: readonly NodeUsage[]) => [
    ...mergeNodes(mergeNodes(new Map(), before, now), answer, now).values(),
  ];

  it('keeps the newest sample of each listed node', () => {
    expect(merged([node('a', 1000, 1)], [node('a', 2000, 2)])).toEqual([node('a', 2000, 2)]);
    expect(merged([node('a', 1000, 1)], [node('a', 1000, 2)])).toEqual([node('a', 1000, 1)]);
    expect(merged([node('a', 2000, 1)], [node('a', 1000, 2)])).toEqual([node('a', 2000, 1)]);
    expect(merged([], [node('a', 2000, 1), node('a', 1000, 2)]), 'also within one answer').toEqual([node('a', 2000, 1)]);
  });

  it('lets a sample of the future give way', () => {
    expect(merged([node('a', now + 60_000, 1)], [node('a', now, 2)])).toEqual([node('a', now, 2)]);
  });

  it('forgets a node that the answer does not list', () => {
    expect(merged([node('a', 1000), node('b', 1000)], [node('b', 2000)]).map(({ name }) => name)).toEqual(['b']);
  });
});
