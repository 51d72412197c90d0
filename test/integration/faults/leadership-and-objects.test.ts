import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../core/model/object.ts';
import { apiFault, onStage } from '../../journeys/faults.ts';
import { deployment, policy } from '../../journeys/journey-cluster.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../../journeys/virtual-cluster.ts';

/** Sync period, poll and the age of a sample, with slack: how long the way from a load to a decision is when nothing is wrong. */
const reactionMs = 75_000;

describe('faults of leadership, objects and nodes, in virtual time', () => {
  let cluster: VirtualJourneyCluster;
  beforeAll(async () => {
    // Kubelets that look less often: the same numbers for less of the machine's time.
    cluster = await startVirtualJourneyCluster(11, { tickMs: 5_000 });
  });
  afterAll(() => cluster.stop());

  it('a leader that cannot renew its lease stops writing and goes; the next one goes on within the lease', async () => {
    await onStage(cluster, { replicas: 6, load: 300, max: 14 }, async ({ monitor, controller, start }) => {
      const second = await start();
      await monitor.elapse(20_000);
      expect([controller.isLeader(), second.isLeader()]).toEqual([true, false]);
      // Its writes of scales hang, too: one may be under way when the lease goes.
      const cure = apiFault(
        cluster,
        { fault: { kind: 'status', code: 500 }, match: { resource: 'leases', userAgent: `(${controller.identity})` } },
        { fault: { kind: 'latency', ms: 20_000 }, match: { subresource: 'scale', userAgent: `(${controller.identity})` } },
      );
      monitor.disturbed();
      monitor.setLoad(540);
      expect(await monitor.until(() => second.isLeader(), 40_000)).toBe(true);
      monitor.quiet(60_000);
      expect(await monitor.until(() => monitor.replicas() > 6, reactionMs + 30_000)).toBe(true);
      cure();
      await monitor.elapse(60_000);
      expect(controller.hasEnded(), 'whoever loses the lease goes').toBe(true);
    });
  });

  it('a policy that is deleted while its evaluation is under way does nothing more, and leaves nothing behind', async () => {
    await onStage(cluster, { replicas: 6, load: 300 }, async ({ monitor, namespace }) => {
      const cure = apiFault(cluster, { fault: { kind: 'latency', ms: 6_000 }, match: { subresource: 'scale' } });
      monitor.setLoad(540);
      monitor.disturbed();
      const reading = cluster.embedded.api.faults.counts()['latency'] ?? 0;
      await monitor.until(() => (cluster.embedded.api.faults.counts()['latency'] ?? 0) > reading, 30_000);
      await cluster.client.delete(resourceTypes.horizontalPolicies, { namespace, name: 'web' });
      monitor.forgetDecision();
      await monitor.elapse(60_000);
      expect(monitor.replicas(), 'nobody steers it any more').toBe(6);
      cure();
      monitor.forgetDecision();
      // Another policy of the same Deployment must not meet the ghost of the first.
      const next = policy(namespace, { minReplicas: 2, maxReplicas: 20 });
      await cluster.client.create(resourceTypes.horizontalPolicies, { ...next, metadata: { ...next.metadata, name: 'other' } });
      expect(await monitor.until(() => monitor.replicas() > 6, reactionMs)).toBe(true);
    });
  });

  it('a policy that is paused while its evaluation is under way does nothing more', async () => {
    await onStage(cluster, { replicas: 6, load: 300 }, async ({ monitor, namespace }) => {
      const cure = apiFault(cluster, { fault: { kind: 'latency', ms: 6_000 }, match: { subresource: 'scale' } });
      monitor.setLoad(540);
      // Long enough for samples of the new load; then just after an evaluation has begun to read.
      await monitor.elapse(20_000);
      monitor.disturbed();
      const reading = cluster.embedded.api.faults.counts()['latency'] ?? 0;
      await monitor.until(() => (cluster.embedded.api.faults.counts()['latency'] ?? 0) > reading, 30_000);
      const paused = { type: 'merge' as const, body: { spec: { mode: 'Paused' } } };
      const before = monitor.replicas();
      await cluster.client.patch(resourceTypes.horizontalPolicies, { namespace, name: 'web' }, paused);
      await monitor.elapse(60_000);
      expect(monitor.replicas()).toBe(before);
      expect(monitor.condition('Held')).toBe('True/Paused');
      cure();
    });
  });

  it('a Deployment that is deleted is said to be gone, and followed again when it is back', async () => {
    await onStage(cluster, { replicas: 6, load: 300 }, async ({ monitor, namespace }) => {
      await cluster.client.delete(resourceTypes.deployments, { namespace, name: 'web' });
      expect(await monitor.until(() => monitor.condition('AbleToScale') === 'False/FailedGetScale', 30_000)).toBe(true);
      await monitor.elapse(60_000);
      await cluster.client.create(resourceTypes.deployments, deployment(namespace, 2));
      expect(await monitor.until(() => monitor.replicas() >= 6, cluster.timing.scaleUpCooldown + 2 * reactionMs)).toBe(true);
    });
  });

  it('sizes that somebody else sets are seen: out of bounds corrected, and no shrink on samples of the size before', async () => {
    await onStage(cluster, { replicas: 6, load: 300, min: 3, max: 12 }, async ({ monitor }) => {
      await monitor.scaleByHand(1);
      expect(await monitor.until(() => monitor.replicas() >= 3, 30_000), 'up to the minimum at once').toBe(true);
      expect(await monitor.until(() => monitor.replicas() >= 6, cluster.timing.scaleUpCooldown + reactionMs)).toBe(true);
      await monitor.scaleByHand(15);
      expect(await monitor.until(() => monitor.replicas() <= 12, cluster.timing.scaleDownCooldown + reactionMs)).toBe(true);
      expect(monitor.replicas()).toBe(12);
    });
  });

  it('a node that loses its power freezes nothing for ever and shrinks nothing', async () => {
    await onStage(cluster, { replicas: 6, load: 300, max: 14 }, async ({ monitor }) => {
      cluster.embedded.fleet.failNode('node-b', { containers: 'stop' });
      monitor.samplesAreOld(true);
      monitor.metricsDisturbed(true);
      await monitor.elapse(240_000);
      expect(monitor.replicas()).toBeGreaterThanOrEqual(6);
      monitor.setLoad(540);
      expect(await monitor.until(() => monitor.replicas() >= 10, cluster.timing.scaleUpCooldown + reactionMs), 'growth goes on').toBe(true);
      cluster.embedded.fleet.recoverNode('node-b');
      await monitor.elapse(60_000);
    });
  });
});
