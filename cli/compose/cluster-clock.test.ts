import { describe, expect, it } from 'vitest';
import type { KubeClient } from '../../core/kube/index.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { clusterClock } from './cluster-clock.ts';

const clock = new VirtualClock(Date.UTC(2026, 10, 22, 12));
const clientThatSays = (headers: Record<string, string>): KubeClient =>
  ({ raw: () => Promise.resolve({ status: 200, headers, body: Buffer.from('{}') }) }) as Partial<KubeClient> as KubeClient;

describe('the clock of the cluster', () => {
  it('is moved to where the API server stands', async () => {
    const found = await clusterClock(clientThatSays({ date: 'Sun, 22 Nov 2026 12:05:00 GMT' }), clock);
    expect(found.skewMs).toBe(300_000);
    expect(found.clock.now()).toBe(Date.UTC(2026, 10, 22, 12, 5));
  });

  it('is left alone within two seconds, and without a date', async () => {
    expect((await clusterClock(clientThatSays({ date: 'Sun, 22 Nov 2026 12:00:01 GMT' }), clock)).clock).toBe(clock);
    expect((await clusterClock(clientThatSays({}), clock)).clock).toBe(clock);
  });
});
