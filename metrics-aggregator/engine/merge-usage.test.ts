import { describe, expect, it } from 'vitest';
import type { PodUsage } from '../../core/model/metrics-view.ts';
import { mergePods } from './merge-usage.ts';

const pod = (name: string, timestamp: number, cpuMilli = 100): PodUsage => ({
  namespace: 'shop',
  name,
  timestamp,
  windowMs: 15_000,
  containers: [{ name: 'c', cpuMilli, memoryMilli: 1_000 }],
});

const now = 5_000;

describe('mergePods', () => {
  it('counts a sample with the same timestamp as no new observation', () => {
    const first = mergePods(new Map(), [pod('a', 1000)], now);
    expect(first.fresh).toBe(1);
    const second = mergePods(first.entries, [pod('a', 1000, 999)], now);
    expect(second.fresh).toBe(0);
    expect(second.entries.get('shop/a')).toBe(first.entries.get('shop/a'));
  });

  it('keeps the newer sample when the timestamp goes backwards, and flags it', () => {
    const first = mergePods(new Map(), [pod('a', 2000, 200)], now);
    const second = mergePods(first.entries, [pod('a', 1000, 100)], now);
    expect(second.backwards).toBe(1);
    expect(second.entries.get('shop/a')).toMatchObject({ timestamp: 2000, clockSkew: true });
  });

  it('drops the flag as soon as a newer sample comes', () => {
    const skewed = mergePods(mergePods(new Map(), [pod('a', 2000)], now).entries, [pod('a', 1000)], now);
    const next = mergePods(skewed.entries, [pod('a', 3000)], now);
    expect(next.entries.get('shop/a')?.clockSkew).toBeUndefined();
  });

  it('forgets a pod that the answer does not list', () => {
    const first = mergePods(new Map(), [pod('a', 1000), pod('b', 1000)], now);
    expect([...mergePods(first.entries, [pod('b', 2000)], now).entries.keys()]).toEqual(['shop/b']);
  });
});
