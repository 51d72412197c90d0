import { describe, expect, it } from 'vitest';
import type { PodUsage } from '../../core/model/metrics-view.ts';
import { usageTableOf } from '../../metrics-aggregator/store/usage-table-builder.ts';
import { createUsageStore } from '../../metrics-aggregator/store/usage-store.ts';

// A node whose clock ran ahead gave samples with late timestamps. They were not flagged, so they could shrink the target; and once its clock was set right, the last
// of them was kept as "the newest" until real time had caught up: 20 minutes of standing still for a clock that had been 20 minutes ahead.
describe('samples of the future', () => {
  const now = Date.UTC(2026, 0, 1, 12);

  async function play(...polls: readonly { readonly at: number; readonly timestamp: number; readonly cpuMilli: number }[]) {
    const store = createUsageStore();
    const seen: (PodUsage | undefined)[] = [];
    for (const { at, timestamp, cpuMilli } of polls) {
      const pod = { namespace: 'shop', name: 'a', timestamp, windowMs: 15_000, containers: [{ name: 'c', cpuMilli, memoryMilli: 1 }] };
      await store.ingest({ pods: usageTableOf([pod]), nodes: [] }, at);
      seen.push(store.snapshot({ at, maxAgeMs: 180_000 }).podUsage('shop', 'a'));
    }
    return seen;
  }

  it('are used and flagged', async () => {
    const [ahead] = await play({ at: now, timestamp: now + 1_200_000, cpuMilli: 100 });
    expect(ahead).toMatchObject({ clockSkew: true, timestamp: now + 1_200_000 });
    const [near] = await play({ at: now, timestamp: now + 5_000, cpuMilli: 100 });
    expect(near?.clockSkew, 'a few seconds are no fault').toBeUndefined();
  });

  it('give way to what is measured when the clock is right again', async () => {
    const [, back, next] = await play(
      { at: now, timestamp: now + 1_200_000, cpuMilli: 100 },
      { at: now + 15_000, timestamp: now, cpuMilli: 700 },
      { at: now + 30_000, timestamp: now + 15_000, cpuMilli: 710 },
    );
    expect(back).toMatchObject({ timestamp: now, clockSkew: true, containers: [{ cpuMilli: 700 }] });
    expect(next?.clockSkew, 'and the flag goes with the next').toBeUndefined();
  });
});
