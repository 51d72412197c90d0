import { expect } from 'vitest';
import { resourceTypes } from '../../core/model/object.ts';
import { constant } from '../../simulator/index.ts';
import { external, gaps, noCooldown, scene, type RowsCluster } from './hpa-rows-support.ts';
import type { VirtualJourneyCluster } from './virtual-cluster.ts';

/** Rows that need a hand in the cluster itself, or hours. */
export interface VirtualHpaRow {
  readonly name: string;
  readonly run: (cluster: RowsCluster, parts: Pick<VirtualJourneyCluster, 'embedded' | 'clock'>) => Promise<void>;
}

const minute = 60_000;

/** `minute hour * * *` of an instant, in a zone so many hours from UTC. */
function daily(at: number, offsetHours = 0): string {
  const local = new Date(at + offsetHours * 60 * minute);
  return `${local.getUTCMinutes()} ${local.getUTCHours()} * * *`;
}

export const virtualRows: readonly VirtualHpaRow[] = [
  {
    name: 'ready pods: what pods burn while they start asks for no more pods',
    run: async (cluster, { embedded }) => {
      const { reaction, scaleUpCooldown } = cluster.timing;
      const web = await scene(cluster, { replicas: 2, load: 90, policy: noCooldown });
      // The same without the two periods: it takes the burning for load.
      const periods = { cpuInitializationPeriodSeconds: 0, initialReadinessDelaySeconds: 0 };
      const fooled = await scene(cluster, { replicas: 2, load: 90, policy: { ...periods, ...noCooldown } });
      for (const { namespace } of [web, fooled]) {
        const definition = embedded.workload.definition(`${namespace}/web`);
        if (definition === undefined) throw new Error(`the load of ${namespace} is not defined`);
        // Nine times what a pod may use at the target, for two minutes; ready only then.
        embedded.workload.define({ ...definition, load: constant(190), startup: { cpuMilli: 450, durationMs: 2 * minute } });
      }
      const starting = (): number => embedded.fleet.pods().filter((pod) => pod.namespace === web.namespace && !pod.ready).length;
      await web.reaches(4, 2 * reaction);
      await cluster.elapse(minute);
      expect(starting(), 'two still start').toBe(2);
      await web.keeps(4, scaleUpCooldown + 5 * minute);
      expect(starting()).toBe(0);
      expect(Math.max(...(await fooled.sizes()).map(({ replicas }) => replicas))).toBeGreaterThan(8);
    },
  },
  {
    name: 'owned pods: a pod of somebody else with the same labels does not count, unless a policy says so',
    run: async (cluster, { embedded }) => {
      const { reaction } = cluster.timing;
      const owned = await scene(cluster, { replicas: 2, load: 80 });
      const labelled = await scene(cluster, { replicas: 2, load: 80, policy: { podSelection: 'ByLabels' } });
      for (const { namespace } of [owned, labelled]) {
        await cluster.client.create(resourceTypes.pods, {
          metadata: { name: 'stranger', namespace, labels: { app: 'web' }, annotations: { 'concertina.dev/sim-cpu': '0.2' } },
          spec: { containers: [{ name: 'c', image: 'c:1', resources: { requests: { cpu: '100m' } } }] },
        });
      }
      await labelled.reaches(6, 3 * reaction);
      expect(embedded.fleet.pod(owned.namespace, 'stranger')?.ready).toBe(true);
      await owned.keeps(2, 3 * reaction);
      expect(await owned.sizes()).toEqual([]);
    },
  },
  {
    name: 'schedule: the floor stands from the first second of its window, in its time zone, and is left after it',
    run: async (cluster) => {
      const { reaction, scaleDownCooldown } = cluster.timing;
      const opens = Math.ceil((cluster.now() + 10 * minute) / minute) * minute;
      const closes = opens + 20 * minute;
      // In November an hour ahead of UTC.
      const window = { name: 'rush', timeZone: 'Europe/Berlin', start: daily(opens, 1), end: daily(closes, 1), minReplicas: 4 };
      const web = await scene(cluster, { replicas: 2, load: 90, policy: { schedules: [window] } });
      expect(await web.condition('ScheduleActive')).toBe('False/NoWindowOpen');
      await web.keeps(2, opens - cluster.now() - 2_000);
      await web.reaches(4, 5_000);
      await web.says('ScheduleActive', 'True/WindowOpen', reaction);
      await web.keeps(4, closes - cluster.now() - 1_000);
      await web.reaches(2, scaleDownCooldown + reaction);
      const [up, down] = await web.sizes();
      expect(up?.at).toBeGreaterThanOrEqual(opens);
      expect(up?.at).toBeLessThan(opens + 2_000);
      expect(down?.at).toBeGreaterThanOrEqual(closes);
      expect(await web.condition('ScheduleActive')).toBe('False/NoWindowOpen');
    },
  },
  {
    name: 'panicRatio: a load far above the target does not wait for the cooldown, a lesser one does',
    run: async (cluster) => {
      const { reaction, scaleUpCooldown } = cluster.timing;
      const cooldown = { panicRatio: 3 };
      const web = await scene(cluster, { replicas: 2, external: { waiting: 15 }, policy: { metrics: [external('waiting')], cooldown } });
      web.setExternal('waiting', 25);
      await web.reaches(3, reaction);
      // Beyond the 15 s in which the last step counts against behavior.scaleUp.
      await web.keeps(3, 30_000);
      // Four times what three pods are for.
      web.setExternal('waiting', 115);
      await web.reaches(7, reaction);
      web.setExternal('waiting', 165);
      await web.keeps(7, scaleUpCooldown - 2 * reaction);
      await web.reaches(14, 3 * reaction);
      const sizes = await web.sizes();
      expect(gaps(sizes)[0]).toBeLessThan(scaleUpCooldown / 2);
      expect(gaps(sizes)[1]).toBeGreaterThanOrEqual(scaleUpCooldown - 1_000);
    },
  },
];
