import { describe, expect, it } from 'vitest';
import type { PodUsage } from '../../core/model/metrics-view.ts';
import { mergePods } from '../../metrics-aggregator/engine/merge-usage.ts';

// A node whose clock ran ahead gave samples with late timestamps. They were not flagged, so they could shrink the target; and once its clock was set right, the last
// of them was kept as "the newest" until real time had caught up: 20 minutes of standing still for a clock that had been 20 minutes ahead.
describe('samples of the future', () => {
  const now = Date.UTC(2026, 0, 1, 12);
  const pod = (timestamp: number, cpuMilli: number): PodUsage => ({
    namespace: 'shop',
    name: 'a',
    timestamp,
    windowMs: 15_000,
    containers: [{ name: 'c', cpuMilli, memoryMilli: 1 }],
  });

  it('are used and flagged', () => {
    const { entries } = mergePods(new Map(), [pod(now + 1_200_000, 100)], now);
    expect(entries.get('shop/a')).toMatchObject({ clockSkew: true, timestamp: now + 1_200_000 });
    expect(
      mergePods(new Map(), [pod(now + 5_000, 100)], now).entries.get('shop/a')?.clockSkew,
      'a few seconds are no fault',
    ).toBeUndefined();
  });

  it('give way to what is measured when the clock is right again', () => {
    const ahead = mergePods(new Map(), [pod(now + 1_200_000, 100)], now);
    const back = mergePods(ahead.entries, [pod(now, 700)], now + 15_000);
    expect(back.entries.get('shop/a')).toMatchObject({ timestamp: now, clockSkew: true });
    expect(back.entries.get('shop/a')?.containers[0]?.cpuMilli).toBe(700);
    const next = mergePods(back.entries, [pod(now + 15_000, 710)], now + 30_000);
    expect(next.entries.get('shop/a')?.clockSkew, 'and the flag goes with the next').toBeUndefined();
  });
});
