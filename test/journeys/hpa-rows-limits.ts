import { expect } from 'vitest';
import { external, gaps, noCooldown, scene, seconds, type HpaRow, type RowsCluster } from './hpa-rows-support.ts';

/** A rate limit of so much a minute of the checklist, and nothing beside it that would hold. */
function rate(
  cluster: RowsCluster,
  direction: 'scaleUp' | 'scaleDown',
  limit: { readonly type: 'Pods' | 'Percent'; readonly value: number },
) {
  const policies = [{ ...limit, periodSeconds: seconds(cluster, 60) }];
  const behavior = { scaleDown: { stabilizationWindowSeconds: 0 }, [direction]: { stabilizationWindowSeconds: 0, policies } };
  return { metrics: [external('waiting')], behavior, ...noCooldown };
}

interface RateRow {
  readonly direction: 'scaleUp' | 'scaleDown';
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly from: number;
  readonly sizes: readonly number[];
}

const rates: readonly RateRow[] = [
  { direction: 'scaleUp', type: 'Pods', value: 1, from: 1, sizes: [2, 3, 4] },
  { direction: 'scaleDown', type: 'Pods', value: 1, from: 4, sizes: [3, 2, 1] },
  // 1.5 → 2, 3, 4.5 → 5, 7.5 → 8: what may be added is rounded up.
  { direction: 'scaleUp', type: 'Percent', value: 50, from: 1, sizes: [2, 3, 5, 8] },
  // 6, 4.5 → 4, 3, 2.25 → 2: so is what may be taken away.
  { direction: 'scaleDown', type: 'Percent', value: 25, from: 8, sizes: [6, 4, 3, 2] },
];

function rateRow({ direction, type, value, from, sizes }: RateRow): HpaRow {
  const limit = type === 'Pods' ? `${value} pod` : `${value} %`;
  return {
    name: `${direction === 'scaleUp' ? 'growth' : 'shrinking'} by ${limit} a minute: ${[from, ...sizes].join(' → ')}`,
    run: async (cluster) => {
      const { reaction } = cluster.timing;
      const wanted = sizes.at(-1) ?? NaN;
      const web = await scene(cluster, {
        replicas: from,
        external: { waiting: from * 10 - 5 },
        policy: rate(cluster, direction, { type, value }),
      });
      await web.keeps(from, reaction);
      web.setExternal('waiting', wanted * 10 - 5);
      await web.says('ScalingLimited', `True/${direction === 'scaleUp' ? 'ScaleUpLimit' : 'ScaleDownLimit'}`, reaction);
      await web.reaches(wanted, sizes.length * (cluster.window(60) + reaction));
      await web.keeps(wanted, reaction);
      const set = await web.sizes();
      expect(set.map(({ replicas }) => replicas)).toEqual(sizes);
      for (const gap of gaps(set)) {
        expect(gap).toBeGreaterThanOrEqual(cluster.window(60));
        expect(gap).toBeLessThanOrEqual(cluster.window(60) + reaction);
      }
    },
  };
}

export const limitRows: readonly HpaRow[] = [
  ...rates.map(rateRow),
  {
    name: 'growth is switched off: nothing grows, and it still shrinks',
    run: async (cluster) => {
      const { reaction } = cluster.timing;
      const behavior = { scaleUp: { selectPolicy: 'Disabled' }, scaleDown: { stabilizationWindowSeconds: 0 } };
      const web = await scene(cluster, { replicas: 2, load: 90, policy: { behavior, ...noCooldown } });
      web.setLoad(800);
      await web.says('ScalingLimited', 'True/ScaleUpLimit', 2 * reaction);
      await web.keeps(2, 4 * reaction);
      web.setLoad(20);
      await web.reaches(1, 2 * reaction);
    },
  },
  {
    name: 'shrinking is switched off: nothing shrinks, and it still grows',
    run: async (cluster) => {
      const { reaction } = cluster.timing;
      const behavior = { scaleDown: { selectPolicy: 'Disabled', stabilizationWindowSeconds: 0 } };
      const web = await scene(cluster, { replicas: 4, load: 190, policy: { behavior, ...noCooldown } });
      web.setLoad(10);
      await web.says('ScalingLimited', 'True/ScaleDownLimit', 2 * reaction);
      await web.keeps(4, 4 * reaction);
      web.setLoad(290);
      await web.reaches(6, 2 * reaction);
    },
  },
  {
    name: 'several external metrics: the one that asks for most wins',
    run: async (cluster) => {
      const { reaction } = cluster.timing;
      const web = await scene(cluster, {
        replicas: 1,
        external: { mails: 5, orders: 5 },
        policy: { metrics: [external('mails'), external('orders')] },
      });
      await web.keeps(1, reaction);
      web.setExternal('mails', 25);
      web.setExternal('orders', 35);
      await web.reaches(4, reaction);
      const { currentMetrics, lastDecision } = await web.status();
      expect(currentMetrics).toHaveLength(2);
      expect(lastDecision?.message).toContain('orders');
      expect((await web.sizes()).map(({ replicas }) => replicas)).toEqual([4]);
    },
  },
  {
    name: 'several external metrics: when the greater one falls, the other one still counts',
    run: async (cluster) => {
      const { reaction, scaleDownCooldown } = cluster.timing;
      const web = await scene(cluster, {
        replicas: 4,
        external: { mails: 25, orders: 35 },
        policy: { metrics: [external('mails'), external('orders')] },
      });
      await web.keeps(4, reaction);
      web.setExternal('orders', 5);
      await web.reaches(3, reaction);
      web.setExternal('orders', 15);
      await web.keeps(3, scaleDownCooldown + reaction);
      web.setExternal('mails', 5);
      await web.reaches(2, reaction);
      expect((await web.sizes()).map(({ replicas }) => replicas)).toEqual([3, 2]);
    },
  },
  {
    name: 'several external metrics: never beyond the bounds',
    run: async (cluster) => {
      const { reaction, scaleDownCooldown } = cluster.timing;
      const metrics = [external('mails'), external('orders')];
      const web = await scene(cluster, {
        replicas: 3,
        external: { mails: 25, orders: 5 },
        policy: { minReplicas: 2, maxReplicas: 5, metrics },
      });
      web.setExternal('orders', 10_000);
      await web.reaches(5, reaction);
      await web.says('ScalingLimited', 'True/TooManyReplicas', reaction);
      web.setExternal('orders', 0);
      web.setExternal('mails', 0);
      await web.reaches(2, scaleDownCooldown + reaction);
      await web.says('ScalingLimited', 'True/TooFewReplicas', reaction);
      await web.keeps(2, scaleDownCooldown + reaction);
      expect((await web.sizes()).map(({ replicas }) => replicas)).toEqual([5, 2]);
    },
  },
];
