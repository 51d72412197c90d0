import { describe, expect, it } from 'vitest';
import { closedLoop } from './render-closed-loop.ts';

/** Largest and smallest size of the last day. */
function lastDay(points: ReturnType<typeof closedLoop>) {
  const replicas = points.slice(-1440).map((point) => point.replicas);
  return {
    least: Math.min(...replicas),
    most: Math.max(...replicas),
    requests: new Set(points.slice(-2880).map(({ request }) => request)).size,
  };
}

describe('a replicas policy and a requests policy on the CPU of one workload', () => {
  it('run away when utilization is measured against the requests that are moved', () => {
    const up = lastDay(closedLoop(50, 'of-pod-requests'));
    expect(up.most, 'the limit of replicas, from 20 at first').toBe(100);
    const down = lastDay(closedLoop(90, 'of-pod-requests'));
    expect(down.most).toBeLessThan(10);
  });

  it.each([50, 60, 70, 80, 90])('settle when it is measured against the template: target %d %%', (target) => {
    const points = closedLoop(target, 'of-template-requests');
    const { least, most, requests } = lastDay(points);
    expect(requests, 'different requests in the last two days').toBe(1);
    // 6 cores ± 30 %: what the target asks for of 500m, within the engine's tolerance of 10 %.
    const asked = (cores: number): number => (cores * 1000) / (500 * (target / 100));
    expect(most).toBeLessThanOrEqual(Math.ceil(asked(7.8) * 1.1) + 1);
    expect(least).toBeGreaterThanOrEqual(Math.floor(asked(4.2) * 0.9) - 1);
  });
});
