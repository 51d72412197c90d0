import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultRule } from '../../../simulator/cluster/api-server/faults.ts';
import { apiFault, conflictStorm, onStage, type Cure, type Stage } from '../../journeys/faults.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../../journeys/virtual-cluster.ts';

/** Sync period, poll and the age of a sample, with slack: how long the way from a load to a decision is when nothing is wrong. */
const reactionMs = 75_000;

describe('faults of the API server, in virtual time', () => {
  let cluster: VirtualJourneyCluster;
  beforeAll(async () => {
    // Kubelets that look less often: the same numbers for less of the machine's time.
    cluster = await startVirtualJourneyCluster(11, { tickMs: 5_000 });
  });
  afterAll(() => cluster.stop());

  const rules =
    (...list: FaultRule[]) =>
    () =>
      apiFault(cluster, ...list);
  const watches = { verb: ['watch', 'list'] };
  const cases: readonly { name: string; inject: (stage: Stage) => Cure; recoveryMs: number; bite?: (stage: Stage) => void }[] = [
    { name: 'latency of 3 s', inject: rules({ fault: { kind: 'latency', ms: 3_000 } }), recoveryMs: 45_000 },
    {
      name: '429 with Retry-After',
      inject: rules({ fault: { kind: 'status', code: 429, retryAfterSeconds: 2 }, match: { path: /^(?!.*leases)/ }, probability: 0.7 }),
      recoveryMs: 60_000,
    },
    {
      name: '500 on every second request',
      inject: rules({ fault: { kind: 'status', code: 500 }, match: { path: /^(?!.*leases)/ }, probability: 0.5 }),
      recoveryMs: 60_000,
    },
    {
      name: '503 on everything but the lease',
      inject: rules({ fault: { kind: 'status', code: 503 }, match: { path: /^(?!.*leases)/ } }),
      recoveryMs: 60_000,
    },
    {
      name: 'connections that break',
      inject: rules({ fault: { kind: 'drop' }, match: { path: /^(?!.*leases)/ }, probability: 0.6 }),
      recoveryMs: 60_000,
    },
    {
      name: 'watches that break after 2 s',
      inject: ({ cluster: { embedded } }) => {
        const cure = apiFault(cluster, { fault: { kind: 'watch-drop', afterMs: 2_000 } });
        embedded.api.faults.dropWatches();
        return cure;
      },
      recoveryMs: 45_000,
    },
    // The watchdog gives a silent watch 90 s.
    { name: 'watches that stay open and say nothing', inject: rules({ fault: { kind: 'watch-stall' } }), recoveryMs: 120_000 },
    {
      name: '410 on every watch and list',
      inject: ({ cluster: { embedded } }) => {
        const cure = apiFault(cluster, { fault: { kind: 'gone' }, match: watches });
        embedded.api.faults.expireWatches();
        return cure;
      },
      recoveryMs: 60_000,
    },
  ];
  it.each(cases)('$name: bounds and cooldowns hold, and the load is followed again soon after', async ({ inject, recoveryMs }) => {
    await onStage(cluster, { replicas: 6, load: 300, max: 14 }, async (stage) => {
      const { monitor } = stage;
      monitor.disturbed();
      const cure = inject(stage);
      await monitor.elapse(30_000);
      monitor.setLoad(540);
      await monitor.elapse(120_000);
      cure();
      monitor.quiet(recoveryMs);
      // The first samples after the rise may cover a part of the time before it: the first step need not be the whole way.
      expect(await monitor.until(() => monitor.replicas() > 6, recoveryMs), `growth within ${recoveryMs / 1000} s`).toBe(true);
      monitor.setLoad(200);
      expect(
        await monitor.until(() => monitor.condition('Held') === 'True/CoolingDown', recoveryMs + reactionMs),
        'the hold is shown',
      ).toBe(true);
      await monitor.elapse(30_000);
    });
  });

  it('a listing whose continue token expires begins anew and is complete', async () => {
    await onStage(cluster, { replicas: 6, load: 300 }, async ({ monitor }) => {
      // Refusing WatchList makes mirrors list in pages; the pages after the first meet 410.
      monitor.disturbed();
      const cure = apiFault(
        cluster,
        { fault: { kind: 'status', code: 422 }, match: { verb: 'watch', path: /./ }, times: 3 },
        { fault: { kind: 'gone' }, match: { verb: 'list', continues: true }, times: 4 },
      );
      cluster.embedded.api.faults.expireWatches();
      await monitor.elapse(30_000);
      cure();
      monitor.quiet(60_000);
      monitor.setLoad(540);
      expect(await monitor.until(() => monitor.replicas() > 6, 60_000 + reactionMs)).toBe(true);
    });
  });

  it('a scaling whose answer is lost counts as a scaling', async () => {
    await onStage(cluster, { replicas: 4, load: 200, max: 40 }, async ({ monitor }) => {
      const lost = cluster.embedded.api.faults.add({
        match: { verb: 'patch', subresource: 'scale' },
        fault: { kind: 'drop', applied: true },
        times: 1,
      });
      monitor.setLoad(1_000);
      expect(await monitor.until(() => monitor.replicas() === 8, reactionMs)).toBe(true);
      expect(lost.hits).toBe(1);
      // 1000m needs 20: the next step must wait for the cooldown (the monitor sees to it), and be shown to.
      expect(await monitor.until(() => monitor.condition('CoolingDown').startsWith('True'), 45_000)).toBe(true);
      expect(await monitor.until(() => monitor.replicas() > 8, cluster.timing.scaleUpCooldown + reactionMs)).toBe(true);
    });
  });

  it('a storm of conflicts delays a scaling, and does not lose it', async () => {
    await onStage(cluster, { replicas: 6, load: 300 }, async ({ monitor, namespace }) => {
      monitor.setLoad(540);
      // Slow answers, so that the object has changed between reading and writing the scale.
      const slow = apiFault(cluster, { fault: { kind: 'latency', ms: 200 }, match: { subresource: 'scale' } });
      conflictStorm(cluster, namespace, 60_000);
      await monitor.elapse(60_000);
      expect(monitor.replicas(), 'nobody can write in the storm').toBe(6);
      expect(monitor.condition('AbleToScale')).toBe('False/FailedUpdateScale');
      slow();
      expect(await monitor.until(() => monitor.replicas() === 11, 45_000)).toBe(true);
    });
  });
});
