import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { FaultRule } from '../../simulator/cluster/api-server/faults.ts';
import {
  apiFault,
  conflictStorm,
  metricsFault,
  metricsGroupGone,
  metricsPath,
  onStage,
  type Cure,
  type Stage,
} from '../journeys/faults.ts';
import { faultWalk } from '../journeys/fault-walk.ts';
import { deployment, policy } from '../journeys/journey-cluster.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../journeys/virtual-cluster.ts';

/** Sync period, poll and the age of a sample, with slack: how long the way from a load to a decision is when nothing is wrong. */
const reactionMs = 75_000;

describe('faults on the embedded cluster, in virtual time', () => {
  let cluster: VirtualJourneyCluster;
  beforeAll(async () => {
    // Kubelets that look less often: the same numbers for less of the machine's time.
    cluster = await startVirtualJourneyCluster(11, { tickMs: 5_000 });
  });
  afterAll(() => cluster.stop());

  describe('of the API server', () => {
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

  describe('of metrics', () => {
    interface MetricsCase {
      readonly name: string;
      readonly inject: (stage: Stage) => Cure;
      /** Conditions that show the hold. */
      readonly shown: readonly string[];
      readonly stale?: boolean;
      readonly recoveryMs?: number;
      readonly deployment?: (namespace: string) => KubeObject;
      readonly perPod?: number;
    }
    const unknown = ['ScalingActive=False/FailedGetResourceMetric'];
    const held = ['Held=True/MissingData'];
    const cases: readonly MetricsCase[] = [
      { name: '503', inject: () => metricsFault(cluster, (faults) => (faults.unavailable = true)), shown: unknown },
      { name: 'an empty list', inject: () => metricsFault(cluster, (faults) => (faults.emptyList = true)), shown: unknown },
      { name: 'a group that is gone (404)', inject: () => metricsGroupGone(cluster), shown: unknown },
      {
        name: 'answers that never come',
        inject: () => apiFault(cluster, { fault: { kind: 'latency', ms: 3_600_000 }, match: { path: metricsPath } }),
        shown: unknown,
        recoveryMs: 90_000,
      },
      {
        name: '429 with a Retry-After of 30 s',
        inject: () => apiFault(cluster, { fault: { kind: 'status', code: 429, retryAfterSeconds: 30 }, match: { path: metricsPath } }),
        shown: unknown,
      },
      { name: 'half of the pods', inject: () => metricsFault(cluster, (faults) => (faults.partial = 0.5)), shown: held },
      {
        name: 'nodes that are not scraped',
        inject: () => metricsFault(cluster, (faults) => ['node-a', 'node-b'].forEach((name) => faults.missingNodes.add(name))),
        shown: held,
      },
      {
        name: 'timestamps that stand still',
        inject: () => metricsFault(cluster, (faults) => (faults.staleTimestamps = true)),
        shown: unknown,
        stale: true,
      },
      {
        name: 'clocks that are 20 min ahead',
        inject: () => metricsFault(cluster, (faults) => (faults.clockSkewMs = 1_200_000)),
        shown: held,
      },
      {
        name: 'clocks that are 20 min behind',
        inject: () => metricsFault(cluster, (faults) => (faults.clockSkewMs = -1_200_000)),
        shown: unknown,
        stale: true,
      },
      {
        name: 'usage that is no number',
        inject: () => garbled(cluster, ['NaN', '-3', '+Inf', '', '1 core']),
        shown: unknown,
      },
      {
        name: 'the container with the load missing from every pod',
        inject: ({ namespace }) =>
          metricsFault(cluster, (faults) => {
            for (const pod of cluster.embedded.api.registry.list(resourceTypes.pods, namespace)) {
              faults.missingContainer.add(`${namespace}/${pod.metadata.name}/web`);
            }
          }),
        shown: held,
        deployment: withSidecar,
        perPod: 55,
      },
    ];
    it.each(cases)('$name: nothing shrinks, the hold is shown, and the load is followed again soon after', async (each) => {
      const { inject, shown, stale = false, recoveryMs = reactionMs, perPod = 50 } = each;
      const options = { replicas: 6, load: 6 * perPod, perPod, ...(each.deployment === undefined ? {} : { deployment: each.deployment }) };
      await onStage(cluster, options, async (stage) => {
        const { monitor } = stage;
        const cure = inject(stage);
        monitor.metricsDisturbed(true);
        if (stale) monitor.samplesAreOld(true);
        // Samples from before count for growth until they are too old; they are those of the full load.
        monitor.freeze(0);
        await monitor.elapse(30_000);
        // A little less than three pods' worth: usage is rounded up on its way.
        monitor.setLoad(2.8 * perPod);
        await monitor.elapse(200_000);
        for (const condition of shown) {
          const [type = '', value] = condition.split('=');
          expect(monitor.condition(type), type).toBe(value);
        }
        expect(monitor.replicas()).toBe(6);
        cure();
        monitor.thaw();
        monitor.metricsDisturbed(false);
        if (stale) monitor.samplesAreOld(false);
        // Not 3 at once in every case: the first window after samples that stood still covers the fault, and a part of the full load.
        expect(
          await monitor.until(() => monitor.replicas() <= 4, recoveryMs),
          `a shrink within ${recoveryMs / 1000} s of the fault's end`,
        ).toBe(true);
        expect(monitor.condition('ScalingActive')).toMatch(/^True/);
      });
    });

    it('zero for everyone while the load is there: at least the minimum and the cooldown stand', async () => {
      // All samples 0 at once cannot be told from an idle cluster by what one policy sees today: without a breaker for outages that strike many
      // workloads at once, this shrinks. What holds whatever the samples say is asserted: minReplicas, and the cooldown before the next scaling.
      await onStage(cluster, { replicas: 4, load: 200, min: 3, max: 6 }, async ({ monitor }) => {
        monitor.setLoad(500);
        // In one step or in two: a scrape in the middle of the jump shows a part of it.
        expect(await monitor.until(() => monitor.replicas() === 6, cluster.timing.scaleUpCooldown + reactionMs)).toBe(true);
        const cure = metricsFault(cluster, (faults) => (faults.zeroForAll = true));
        monitor.metricsDisturbed(true);
        await monitor.elapse(240_000);
        expect(monitor.replicas(), 'the cooldown after the scale-up').toBe(6);
        await monitor.elapse(120_000);
        expect(monitor.replicas(), 'minReplicas').toBe(3);
        cure();
        const [breach, ...others] = monitor.violations;
        expect(breach, 'the shrink is the wrong one that was expected').toContain('6 → 3, but the load of 500m needed 10');
        expect(others).toEqual([]);
        monitor.violations.length = 0;
        expect(await monitor.until(() => monitor.replicas() > 3, reactionMs), 'grows back at once').toBe(true);
      });
    });
  });

  describe('of leadership, objects and nodes', () => {
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
        expect(await monitor.until(() => monitor.replicas() >= 11, cluster.timing.scaleUpCooldown + reactionMs), 'growth goes on').toBe(
          true,
        );
        cluster.embedded.fleet.recoverNode('node-b');
        await monitor.elapse(60_000);
      });
    });
  });

  describe('at random', () => {
    // More seeds, for a longer search: FAULT_WALK_SEEDS=100-140 FAULT_WALK_MINUTES=60.
    const [first = 1, last = 5] = (process.env['FAULT_WALK_SEEDS'] ?? '1-5').split('-').map(Number);
    const minutes = Number(process.env['FAULT_WALK_MINUTES'] ?? 40);
    const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    it.each(seeds)('seed %i: random loads and faults break no invariant, and all is well in the end', async (seed) => {
      // A cluster of its own: the same seed walks the same way, whatever runs before it.
      const own = await startVirtualJourneyCluster(seed, { tickMs: 5_000 });
      try {
        const script = await faultWalk(own, { seed, minutes });
        expect(script.length, 'something happened').toBeGreaterThan(5);
      } finally {
        await own.stop();
      }
    });
  });
});

/** Every usage of CPU replaced by a text that is no quantity of something used. */
function garbled(cluster: VirtualJourneyCluster, texts: readonly string[]): Cure {
  const { api, metrics } = cluster.embedded;
  let next = 0;
  const handler: typeof metrics.handler = async (request) => {
    const answer = await metrics.handler(request);
    if (!('body' in answer)) return answer;
    return { ...answer, body: answer.body.toString().replaceAll(/"cpu":"[^"]*"/g, () => `"cpu":"${texts[next++ % texts.length]}"`) };
  };
  api.mount(metrics.groupVersion, handler, metrics.discovery);
  return () => {
    api.mount(metrics.groupVersion, metrics.handler, metrics.discovery);
  };
}

/** A second container beside the one that takes the load. */
function withSidecar(namespace: string): KubeObject {
  const base = deployment(namespace, 6);
  const spec = base.spec as { template: { spec: { containers: object[] } } };
  const sidecar = { name: 'sidecar', image: 'sidecar:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } };
  const containers = [...spec.template.spec.containers, sidecar];
  return { ...base, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } } };
}
