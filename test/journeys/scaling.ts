import { expect, it } from 'vitest';
import { findCondition, type Condition } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { deployment, policy, type JourneyCluster } from './journey-cluster.ts';

const key = (namespace: string) => ({ namespace, name: 'web' });

interface PolicyStatus {
  readonly conditions?: readonly Condition[];
  readonly currentReplicas?: number;
  readonly desiredReplicas?: number;
  readonly lastScaleUpTime?: string;
}

async function replicas(cluster: JourneyCluster, namespace: string): Promise<number> {
  return (await cluster.client.getScale(resourceTypes.deployments, key(namespace))).specReplicas;
}

async function readyReplicas(cluster: JourneyCluster, namespace: string): Promise<number> {
  const object = await cluster.client.get(resourceTypes.deployments, key(namespace));
  return (object.status as { readyReplicas?: number } | undefined)?.readyReplicas ?? 0;
}

async function statusOf(cluster: JourneyCluster, namespace: string): Promise<PolicyStatus> {
  const object = await cluster.client.get(resourceTypes.horizontalPolicies, key(namespace));
  return (object.status ?? {}) as PolicyStatus;
}

async function condition(cluster: JourneyCluster, namespace: string, type: string): Promise<Condition | undefined> {
  return findCondition((await statusOf(cluster, namespace)).conditions ?? [], type);
}

/** A namespace with the Deployment running, its load set and metrics flowing. */
async function setUp(
  cluster: JourneyCluster,
  options: { replicas: number; load: number; policy?: Record<string, unknown> },
): Promise<string> {
  const namespace = await cluster.namespace();
  await cluster.client.create(resourceTypes.deployments, deployment(namespace, options.replicas));
  cluster.setLoad(namespace, 'web', options.load);
  const up = await cluster.until(async () => (await readyReplicas(cluster, namespace)) === options.replicas, 120_000);
  expect(up, 'the Deployment becomes ready').toBe(true);
  // The first samples cover the time in which fewer pods shared the load: they are not what the journey is about.
  await cluster.elapse(cluster.timing.reaction / 2);
  await cluster.client.create(resourceTypes.horizontalPolicies, policy(namespace, options.policy));
  return namespace;
}

/** The journeys of one controller on one cluster; each has a namespace of its own. */
export function scalingJourneys(getCluster: () => JourneyCluster): void {
  it('scales up with the load, and not again before the cooldown is over', async () => {
    const cluster = getCluster();
    const { scaleUpCooldown, reaction } = cluster.timing;
    const controller = await cluster.startController();
    try {
      const namespace = await setUp(cluster, { replicas: 1, load: 40 });
      await cluster.elapse(reaction);
      expect(await replicas(cluster, namespace), '40 % of 100m is within the target').toBe(1);
      // 900m of demand is 18 pods at 50 %: upstream's limit allows 1 → 5 at first (100 % or 4 pods).
      cluster.setLoad(namespace, 'web', 900);
      expect(await cluster.until(async () => (await replicas(cluster, namespace)) > 1, 3 * reaction)).toBe(true);
      expect(await cluster.until(async () => (await replicas(cluster, namespace)) > 5, scaleUpCooldown + 3 * reaction)).toBe(true);
      await cluster.until(async () => (await replicas(cluster, namespace)) >= 18, 3 * (scaleUpCooldown + reaction));
      const writes = (await cluster.scaleWrites(namespace)).filter((write) => write.name === 'web');
      expect(writes.length).toBeGreaterThanOrEqual(2);
      for (let i = 1; i < writes.length; i++) {
        const gap = (writes[i]?.at ?? 0) - (writes[i - 1]?.at ?? 0);
        // Times in status have seconds: the cooldown may end up to one second before it would by the millisecond.
        expect(gap, `between writes ${i} and ${i + 1}: ${JSON.stringify(writes)}`).toBeGreaterThanOrEqual(scaleUpCooldown - 1000);
      }
      const events = await cluster.client.list(resourceTypes.coreEvents, { namespace, fieldSelector: 'involvedObject.name=web' });
      const rescales = events.items.filter((event) => (event as KubeObject & { reason?: string }).reason === 'SuccessfulRescale');
      expect(rescales.length, 'every scaling is an Event').toBeGreaterThanOrEqual(1);
    } finally {
      await controller.stop();
    }
  });

  it('scales down after the load has dropped, and not before the cooldown is over', async () => {
    const cluster = getCluster();
    const { scaleDownCooldown, reaction } = cluster.timing;
    const controller = await cluster.startController();
    try {
      const namespace = await setUp(cluster, { replicas: 1, load: 240 });
      expect(await cluster.until(async () => (await replicas(cluster, namespace)) === 5, 4 * reaction)).toBe(true);
      const [up] = await cluster.scaleWrites(namespace);
      cluster.setLoad(namespace, 'web', 10);
      const held = await cluster.until(
        async () => (await condition(cluster, namespace, 'CoolingDown'))?.status === 'True',
        scaleDownCooldown,
      );
      expect(held, 'the hold is visible while it lasts').toBe(true);
      expect(await cluster.until(async () => (await replicas(cluster, namespace)) < 5, scaleDownCooldown + 3 * reaction)).toBe(true);
      const down = (await cluster.scaleWrites(namespace)).at(-1);
      expect((down?.at ?? 0) - (up?.at ?? 0)).toBeGreaterThanOrEqual(scaleDownCooldown - 1000);
      expect(down?.replicas).toBe(1);
    } finally {
      await controller.stop();
    }
  });

  it('holds while metrics are missing, says so, and recovers when they are back', async () => {
    const cluster = getCluster();
    const { scaleDownCooldown, reaction } = cluster.timing;
    const controller = await cluster.startController();
    try {
      const namespace = await setUp(cluster, { replicas: 4, load: 200 });
      await cluster.elapse(reaction);
      expect(await replicas(cluster, namespace)).toBe(4);
      for (const fault of ['unavailable', 'empty'] as const) {
        cluster.setMetricsFault(fault);
        cluster.setLoad(namespace, 'web', 10);
        const said = await cluster.until(
          async () => (await condition(cluster, namespace, 'ScalingActive'))?.status === 'False',
          3 * reaction,
        );
        expect(said, `ScalingActive=False while metrics are ${fault}`).toBe(true);
        expect((await condition(cluster, namespace, 'ScalingActive'))?.reason).toBe('FailedGetResourceMetric');
        await cluster.elapse(scaleDownCooldown + reaction);
        expect(await replicas(cluster, namespace), `nothing shrinks while metrics are ${fault}`).toBe(4);
        // The load is back before the metrics are, so that the first samples after the outage do not themselves ask for less.
        cluster.setLoad(namespace, 'web', 200);
        await cluster.elapse(reaction);
        cluster.setMetricsFault('none');
        const back = await cluster.until(
          async () => (await condition(cluster, namespace, 'ScalingActive'))?.status === 'True',
          3 * reaction,
        );
        expect(back, `ScalingActive=True after ${fault}`).toBe(true);
      }
      cluster.setLoad(namespace, 'web', 10);
      expect(await cluster.until(async () => (await replicas(cluster, namespace)) < 4, scaleDownCooldown + 3 * reaction)).toBe(true);
    } finally {
      cluster.setMetricsFault('none');
      await controller.stop();
    }
  });

  it('scales to the maximum and says that it would want more', async () => {
    const cluster = getCluster();
    const { reaction } = cluster.timing;
    const controller = await cluster.startController();
    try {
      const namespace = await setUp(cluster, { replicas: 1, load: 900, policy: { maxReplicas: 3 } });
      expect(await cluster.until(async () => (await replicas(cluster, namespace)) === 3, 4 * reaction)).toBe(true);
      const limited = await cluster.until(async () => {
        const found = await condition(cluster, namespace, 'ScalingLimited');
        return found?.status === 'True' && found.reason === 'TooManyReplicas';
      }, 3 * reaction);
      expect(limited).toBe(true);
      await cluster.elapse(reaction);
      expect(await replicas(cluster, namespace)).toBe(3);
    } finally {
      await controller.stop();
    }
  });

  it('keeps its cooldowns over a restart', async () => {
    const cluster = getCluster();
    const { scaleUpCooldown, reaction } = cluster.timing;
    const first = await cluster.startController();
    let second;
    try {
      const namespace = await setUp(cluster, { replicas: 1, load: 900 });
      expect(await cluster.until(async () => (await replicas(cluster, namespace)) === 5, 4 * reaction)).toBe(true);
      const recorded = await cluster.until(async () => (await statusOf(cluster, namespace)).lastScaleUpTime !== undefined, reaction);
      expect(recorded, 'the scaling stands in status').toBe(true);
      await first.stop();
      second = await cluster.startController();
      expect(await cluster.until(async () => (await replicas(cluster, namespace)) > 5, scaleUpCooldown + 4 * reaction)).toBe(true);
      const [one, two] = await cluster.scaleWrites(namespace);
      expect((two?.at ?? 0) - (one?.at ?? 0)).toBeGreaterThanOrEqual(scaleUpCooldown - 1000);
    } finally {
      await first.stop();
      await second?.stop();
    }
  });
}
