import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { apiFault, isHeld, metricsFault, metricsGroupGone, metricsPath, onStage, type Cure, type Stage } from '../../journeys/faults.ts';
import { deployment } from '../../journeys/journey-cluster.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../../journeys/virtual-cluster.ts';

/** Sync period, poll and the age of a sample, with slack: how long the way from a load to a decision is when nothing is wrong. */
const reactionMs = 75_000;

/** A tick of the aggregator, and what a request and the evaluation after it take. */
const tickMs = 15_000;
const slackMs = 3_000;

describe('faults of metrics.k8s.io, in virtual time', () => {
  let cluster: VirtualJourneyCluster;
  beforeAll(async () => {
    // Kubelets that look less often: the same numbers for less of the machine's time.
    cluster = await startVirtualJourneyCluster(11, { tickMs: 5_000 });
  });
  afterAll(() => cluster.stop());

  interface MetricsCase {
    readonly name: string;
    readonly inject: (stage: Stage) => Cure;
    /** Conditions that show the hold. */
    readonly shown: readonly string[];
    readonly stale?: boolean;
    readonly recoveryMs?: number;
    /** Later than a tick for what can be known only after a deadline, or by its age. */
    readonly shownWithinMs?: number;
    /** What the source itself takes to be right again: a round of scrapes, or two for a node that was away. */
    readonly sourceLagMs?: number;
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
      shownWithinMs: tickMs + 10_000,
    },
    {
      name: '429 with a Retry-After of 30 s',
      inject: () => apiFault(cluster, { fault: { kind: 'status', code: 429, retryAfterSeconds: 30 }, match: { path: metricsPath } }),
      shown: unknown,
      sourceLagMs: 30_000,
    },
    {
      name: 'most of the pods missing',
      inject: ({ monitor }) => {
        // Pods without a sample hold only a shrink: there must be one to hold, and samples of the lower load for that.
        monitor.setLoad(140);
        return metricsFault(cluster, (faults) => (faults.partial = 0.2));
      },
      shown: held,
      shownWithinMs: 3 * tickMs,
    },
    {
      name: 'nodes that are not scraped',
      inject: () => metricsFault(cluster, (faults) => ['node-a', 'node-b'].forEach((name) => faults.missingNodes.add(name))),
      shown: held,
      // A round without the nodes, and two with them until there are two points.
      shownWithinMs: 2 * tickMs,
      sourceLagMs: 2 * tickMs,
    },
    {
      name: 'timestamps that stand still',
      inject: () => metricsFault(cluster, (faults) => (faults.staleTimestamps = true)),
      shown: unknown,
      stale: true,
      // Two polls without anything new happen with a source of a lower resolution; a third is a standstill.
      shownWithinMs: 5 * tickMs,
      sourceLagMs: tickMs,
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
  it.each(cases)('$name: nothing shrinks, the hold is shown within a tick, and over within two', async (each) => {
    const { inject, shown, stale = false, recoveryMs = reactionMs, perPod = 50, shownWithinMs = tickMs, sourceLagMs = 0 } = each;
    const options = { replicas: 6, load: 6 * perPod, perPod, ...(each.deployment === undefined ? {} : { deployment: each.deployment }) };
    await onStage(cluster, options, async (stage) => {
      const { monitor } = stage;
      const cure = inject(stage);
      monitor.metricsDisturbed(true);
      if (stale) monitor.samplesAreOld(true);
      // Samples from before count for growth until they are too old; they are those of the full load.
      monitor.freeze(0);
      expect(await monitor.until(() => isHeld(stage), shownWithinMs + slackMs), `the hold is shown within ${shownWithinMs / 1000} s`).toBe(
        true,
      );
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
      const overWithinMs = 2 * tickMs + sourceLagMs;
      expect(
        await monitor.until(() => !isHeld(stage) || monitor.replicas() < 6, overWithinMs + slackMs),
        `over within ${overWithinMs / 1000} s`,
      ).toBe(true);
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

  it.each<[string, string, () => Cure]>([
    ['memory too, which cannot be', 'FailedGetResourceMetric', () => metricsFault(cluster, (faults) => (faults.zeroForAll = true))],
    ['an adapter that fills holes with 0', 'outage', () => garbled(cluster, ['0'])],
  ])('zero for everyone (%s) while the load is there shrinks nothing', async (_, says, inject) => {
    await onStage(cluster, { replicas: 6, load: 300, min: 3, max: 20 }, async (stage) => {
      const { monitor } = stage;
      const cure = inject();
      monitor.metricsDisturbed(true);
      monitor.freeze(0);
      expect(await monitor.until(() => isHeld(stage), tickMs + slackMs), 'the hold is shown').toBe(true);
      expect(JSON.stringify(monitor.status().conditions)).toContain(says);
      // Longer than every cooldown and window.
      await monitor.elapse(600_000);
      expect(monitor.replicas()).toBe(6);
      cure();
      monitor.thaw();
      expect(await monitor.until(() => !isHeld(stage), 2 * tickMs + slackMs), 'over within two ticks').toBe(true);
      monitor.metricsDisturbed(false);
      monitor.setLoad(140);
      expect(await monitor.until(() => monitor.replicas() < 6, reactionMs), 'then the load is followed').toBe(true);
    });
  });

  it('zero for everyone is believed after a quarter of an hour: a hold has an end', async () => {
    await onStage(cluster, { replicas: 6, load: 300, min: 3 }, async (stage) => {
      const { monitor } = stage;
      const cure = garbled(cluster, ['0']);
      monitor.metricsDisturbed(true);
      monitor.setLoad(0);
      expect(await monitor.until(() => isHeld(stage), tickMs + slackMs)).toBe(true);
      await monitor.elapse(840_000);
      expect(monitor.replicas()).toBe(6);
      expect(await monitor.until(() => monitor.replicas() === 3, 120_000)).toBe(true);
      cure();
    });
  });

  it('a takeover of the API group: nothing shrinks on what another server says, until the first is back', async () => {
    await onStage(cluster, { replicas: 6, load: 300 }, async (stage) => {
      const { monitor } = stage;
      const cure = await takenOver(cluster);
      monitor.metricsDisturbed(true);
      monitor.freeze(0);
      monitor.setLoad(140);
      expect(await monitor.until(() => isHeld(stage), tickMs + slackMs), 'the hold is shown').toBe(true);
      expect(JSON.stringify(monitor.status().conditions)).toContain('answered by keda/keda-operator-metrics-apiserver:443');
      await monitor.elapse(300_000);
      expect(monitor.replicas()).toBe(6);
      await cure();
      monitor.thaw();
      expect(await monitor.until(() => !isHeld(stage) || monitor.replicas() < 6, 2 * tickMs + slackMs), 'over within two ticks').toBe(true);
      monitor.metricsDisturbed(false);
      expect(await monitor.until(() => monitor.replicas() <= 4, reactionMs)).toBe(true);
    });
  });
});

/** Another program takes the APIService over, and answers the same (which nobody can know). */
async function takenOver({ client }: VirtualJourneyCluster): Promise<() => Promise<void>> {
  const key = { name: 'v1beta1.metrics.k8s.io' };
  const set = async (service: object): Promise<void> => {
    await client.patch(resourceTypes.apiServices, key, { type: 'merge', body: { spec: { service } } });
  };
  const before = await client.get<KubeObject>(resourceTypes.apiServices, key);
  await set({ namespace: 'keda', name: 'keda-operator-metrics-apiserver', port: 443 });
  return () => set((before.spec as { service: object }).service);
}

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
