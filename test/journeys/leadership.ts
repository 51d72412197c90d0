import { expect, it } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { deployment, policy } from './journey-cluster.ts';
import type { AuditedWrite, ProcessJourneyCluster } from './process-cluster.ts';

/** Hand-over of the lease between two processes; on real time, since one of them is killed for real. */
export function leadershipJourney(getCluster: () => ProcessJourneyCluster): void {
  it('has exactly one writer at any time, and hands over within 20 s when the leader is killed', async () => {
    const cluster = getCluster();
    const { client } = cluster;
    const holder = async (): Promise<string> => {
      const leases = await client.list(resourceTypes.leases, { namespace: 'concertina-system' });
      const spec = leases.items.find((lease) => lease.metadata.name === 'concertina')?.spec as { holderIdentity?: string } | undefined;
      return spec?.holderIdentity ?? '';
    };
    const replicas = async (namespace: string): Promise<number> =>
      (await client.getScale(resourceTypes.deployments, { namespace, name: 'web' })).specReplicas;

    const namespace = await cluster.namespace();
    await client.create(resourceTypes.deployments, deployment(namespace, 2));
    cluster.setLoad(namespace, 'web', 80);
    await client.create(resourceTypes.horizontalPolicies, policy(namespace));
    const first = await cluster.startProcess();
    let second;
    try {
      expect(await cluster.until(async () => (await holder()) === first.identity, 30_000), first.log()).toBe(true);
      second = await cluster.startProcess();
      const waiting = second;
      cluster.setLoad(namespace, 'web', 190);
      expect(await cluster.until(async () => (await replicas(namespace)) >= 4, 60_000), first.log()).toBe(true);

      await first.kill();
      const killedAt = cluster.now();
      // More load at once: what must be done meanwhile waits for the new leader.
      cluster.setLoad(namespace, 'web', 390);
      expect(await cluster.until(async () => (await holder()) === waiting.identity, 30_000), waiting.log()).toBe(true);
      const handOverMs = cluster.now() - killedAt;
      expect(handOverMs, 'from SIGKILL to the new holder').toBeLessThanOrEqual(20_000);
      const limit = cluster.timing.scaleUpCooldown + 6 * cluster.timing.reaction;
      expect(await cluster.until(async () => (await replicas(namespace)) >= 8, limit), waiting.log()).toBe(true);

      const writes = await cluster.writes();
      const of = (identity: string): readonly AuditedWrite[] => writes.filter((write) => write.userAgent.includes(`(${identity})`));
      expect(of(first.identity).length, 'the first leader wrote').toBeGreaterThan(0);
      expect(of(waiting.identity).length, 'the second leader wrote').toBeGreaterThan(0);
      const lastOfFirst = Math.max(...of(first.identity).map((write) => write.at));
      const firstOfSecond = Math.min(...of(waiting.identity).map((write) => write.at));
      expect(lastOfFirst, 'nobody writes after it was killed').toBeLessThanOrEqual(killedAt + 1_000);
      expect(firstOfSecond, 'the second writes only when the lease has run out').toBeGreaterThan(lastOfFirst);
      console.log(`hand-over on ${cluster.name}: ${(handOverMs / 1000).toFixed(1)} s; ${writes.length} writes, none interleaved`);
    } finally {
      await first.kill();
      await second?.stop();
    }
  });
}
