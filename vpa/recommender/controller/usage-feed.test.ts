import { describe, expect, it } from 'vitest';
import type { PodUsage, UsageColumns, UsageSnapshot } from '../../../core/model/metrics-view.ts';
import { plainView } from '../../../core/model/metrics-view.fixture.ts';
import { createUsageFeed, withoutSkewed } from './usage-feed.ts';

const pod = (name: string, clockSkew = false): PodUsage => ({
  namespace: 'shop',
  name,
  timestamp: 1,
  windowMs: 1,
  containers: [{ name: 'app', cpuMilli: 1, memoryMilli: 1 }],
  ...(clockSkew ? { clockSkew } : {}),
});

function columnsOf(skewed: readonly number[]): UsageColumns {
  return {
    podCount: 2,
    names: ['a', 'b'],
    namespaces: ['shop', 'shop'],
    timestamps: new Float64Array([1, 1]),
    oldest: 0,
    windowsMs: new Float64Array([1, 1]),
    skewed: new Uint8Array(skewed),
    firstContainer: new Int32Array([0, 2, 3]),
    containers: ['app', 'log', 'app'],
    cpuMilli: new Float64Array([1, 2, 3]),
    memoryMilli: new Float64Array([4, 5, 6]),
  };
}

describe('usage', () => {
  it('is fed once for each view, and only when it can be trusted', () => {
    const fed: UsageSnapshot[] = [];
    const feed = createUsageFeed({ observeUsage: (usage) => (fed.push(usage), { accepted: 1, unknown: 0, refused: 0 }) });
    const view = plainView({ at: 0, sequence: 3, pods: [pod('a')] });
    expect(feed(plainView({ at: 0, sequence: 0 }))).toEqual({ fed: false, why: 'not-measured' });
    expect(feed(view)).toMatchObject({ fed: true });
    expect(feed(view)).toEqual({ fed: false, why: 'seen' });
    expect(feed(plainView({ at: 0, sequence: 4, usageDoubt: { reason: 'outage', detail: '' } }))).toEqual({ fed: false, why: 'doubt' });
    const source = { healthy: false, reason: 'missing', detail: '', since: 0, lastSuccess: 0 } as const;
    expect(feed(plainView({ at: 0, sequence: 5, source }))).toEqual({ fed: false, why: 'unhealthy' });
    expect(fed).toEqual([view]);
  });

  it('comes without pods whose clock is in doubt', () => {
    const view = plainView({ at: 0, pods: [pod('a'), pod('b', true)] });
    const clean = withoutSkewed(view);
    expect([...clean.pods()].map(({ name }) => name)).toEqual(['a']);
    expect(clean.podUsage('shop', 'b')).toBeUndefined();
    expect(clean.hasPod('shop', 'b')).toBe(false);
    expect(clean.hasPod('shop', 'a')).toBe(true);
    const plain = plainView({ at: 0, pods: [pod('a')] });
    expect(withoutSkewed(plain)).toBe(plain);
  });

  it('comes in columns with nothing known of such pods, and the original as it was', () => {
    const columns = columnsOf([1, 0]);
    const clean = withoutSkewed({ ...plainView({ at: 0 }), columns: () => columns }).columns?.();
    expect([...(clean?.cpuMilli ?? [])]).toEqual([Number.NaN, Number.NaN, 3]);
    expect([...(clean?.memoryMilli ?? [])]).toEqual([Number.NaN, Number.NaN, 6]);
    expect([...columns.cpuMilli]).toEqual([1, 2, 3]);
    const healthy = { ...plainView({ at: 0 }), columns: () => columnsOf([0, 0]) };
    expect(withoutSkewed(healthy)).toBe(healthy);
  });

  it('is visited without them', () => {
    const base = plainView({ at: 0, pods: [pod('a'), pod('b', true)] });
    const sample = (name: string) => ({
      namespace: 'shop',
      pod: name,
      container: 'app',
      timestamp: 1,
      windowMs: 1,
      cpuMilli: 1,
      memoryMilli: 1,
    });
    const seen: string[] = [];
    withoutSkewed({
      ...base,
      eachFresh: (visit) => {
        for (const name of ['a', 'b']) visit(sample(name));
      },
    }).eachFresh(({ pod: name }) => void seen.push(name));
    expect(seen).toEqual(['a']);
  });
});
