import { describe, expect, it } from 'vitest';
import { formatTime } from '../../core/model/index.ts';
import { apiFailure, FakeCluster } from './cluster.fixture.ts';
import { createRivalWatch, holderOf } from './rival.ts';

const now = Date.UTC(2026, 0, 1, 12);

function lease(renewed: number, holderIdentity: string | null = 'ca-1') {
  return {
    metadata: { name: 'cluster-autoscaler', namespace: 'kube-system' },
    spec: { holderIdentity, leaseDurationSeconds: 15, renewTime: formatTime(renewed) },
  };
}

describe('holderOf', () => {
  it('is whoever renewed it within two of its durations', () => {
    expect(holderOf(lease(now - 30_000), now)).toBe('kube-system/ca-1');
    expect(holderOf(lease(now - 31_000), now)).toBeUndefined();
    expect(holderOf(lease(now, ''), now)).toBeUndefined();
    expect(holderOf(lease(now, null), now)).toBeUndefined();
    expect(holderOf({ metadata: { name: 'x' } }, now)).toBeUndefined();
  });
});

describe('createRivalWatch', () => {
  it('looks every 30 s, says it once, and says when it is over', async () => {
    const cluster = new FakeCluster();
    const watch = createRivalWatch({
      client: cluster.client(),
      clock: cluster.clock,
      logger: cluster.logger,
      namespaces: ['kube-system', 'concertina-system'],
    });
    cluster.leases.set('kube-system/cluster-autoscaler', lease(cluster.clock.now()));
    expect(await watch.look()).toMatchObject({ by: 'conflict' });
    cluster.leases.clear();
    expect(await watch.look()).toMatchObject({ by: 'conflict' });
    await cluster.clock.advance(30_000);
    expect(await watch.look()).toBeUndefined();
    expect(cluster.logger.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('goes on where the lease may not be read', async () => {
    const cluster = new FakeCluster();
    const client = { ...cluster.client(), get: () => Promise.reject(apiFailure(403, 'Forbidden')) };
    const watch = createRivalWatch({ client, clock: cluster.clock, logger: cluster.logger, namespaces: ['kube-system'] });
    expect(await watch.look()).toBeUndefined();
  });
});
