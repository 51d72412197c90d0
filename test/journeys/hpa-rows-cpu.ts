import { expect } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { gaps, noCooldown, scene, seconds, type HpaRow, type Scene } from './hpa-rows-support.ts';

/** Times in status have seconds: a cooldown may end a second before it would by the millisecond. */
const second = 1_000;

/**
 * All steps go one way, none sooner after another than the cooldown allows. There may be more of them than there were loads: a reading that has a part of the old
 * load in it asks for a size in between.
 */
async function stepsGo(direction: 'up' | 'down', { web, cooldown }: { readonly web: Scene; readonly cooldown: number }): Promise<void> {
  const sizes = await web.sizes();
  const replicas = sizes.map((size) => size.replicas);
  expect(replicas).toEqual(replicas.toSorted((a, b) => (direction === 'up' ? a - b : b - a)));
  expect(replicas.length).toBeLessThanOrEqual(4);
  for (const gap of gaps(sizes)) expect(gap, `between ${replicas.join(', ')}`).toBeGreaterThanOrEqual(cooldown - second);
}

/** CPU in percent of the request: 100m a pod, target 50 %. */
export const cpuRows: readonly HpaRow[] = [
  {
    name: 'CPU: 1 → 3 → 5, no step sooner than the cooldown allows',
    real: true,
    run: async (cluster) => {
      const { reaction, scaleUpCooldown: cooldown } = cluster.timing;
      const web = await scene(cluster, { replicas: 1, load: 40 });
      web.setLoad(140);
      await web.reaches(3, cooldown + 2 * reaction);
      web.setLoad(240);
      await web.reaches(5, 2 * cooldown + 2 * reaction);
      await web.keeps(5, cooldown + reaction);
      await stepsGo('up', { web, cooldown });
    },
  },
  {
    name: 'CPU: 5 → 3 → 1, no step sooner than the cooldown allows',
    real: true,
    run: async (cluster) => {
      const { reaction, scaleDownCooldown: cooldown } = cluster.timing;
      const web = await scene(cluster, { replicas: 5, load: 240 });
      web.setLoad(140);
      await web.reaches(3, cooldown + 2 * reaction);
      web.setLoad(40);
      await web.reaches(1, 2 * cooldown + 2 * reaction);
      await web.keeps(1, cooldown + reaction);
      await stepsGo('down', { web, cooldown });
    },
  },
  {
    name: 'CPU: steady for 10 minutes without a change',
    run: async (cluster) => {
      const web = await scene(cluster, { replicas: 4, load: 200 });
      // Within 8 % of the target.
      for (const load of [216, 184, 210, 190, 200, 216, 184, 216, 184, 200]) {
        web.setLoad(load);
        await cluster.elapse(60_000);
      }
      expect(await web.sizes()).toEqual([]);
      expect(await web.condition('ScalingActive')).toBe('True/ValidMetricFound');
      // It did look.
      web.setLoad(280);
      await web.reaches(6, 2 * cluster.timing.reaction);
    },
  },
  {
    name: 'a down-window of 1 minute is respected, and acted on within it and the slack',
    run: async (cluster) => {
      const behavior = { scaleDown: { stabilizationWindowSeconds: seconds(cluster, 60) } };
      const web = await scene(cluster, { replicas: 4, load: 190, policy: { behavior, ...noCooldown } });
      const dropped = cluster.now();
      web.setLoad(20);
      await web.says('AbleToScale', 'True/ScaleDownStabilized', cluster.timing.reaction);
      await web.reaches(1, cluster.window(60) + cluster.timing.reaction);
      const waited = ((await web.sizes())[0]?.at ?? NaN) - dropped;
      expect(waited).toBeGreaterThanOrEqual(cluster.window(60));
      expect(waited).toBeLessThanOrEqual(cluster.window(60) + cluster.timing.reaction);
    },
  },
  {
    name: 'an up-window of 3 minutes is respected, and acted on within it and the slack',
    run: async (cluster) => {
      const behavior = { scaleUp: { stabilizationWindowSeconds: seconds(cluster, 180) } };
      const web = await scene(cluster, { replicas: 1, load: 40, policy: { behavior, ...noCooldown } });
      const risen = cluster.now();
      web.setLoad(190);
      await web.says('AbleToScale', 'True/ScaleUpStabilized', cluster.timing.reaction);
      await web.reaches(4, cluster.window(180) + cluster.timing.reaction);
      const waited = ((await web.sizes())[0]?.at ?? NaN) - risen;
      expect(waited).toBeGreaterThanOrEqual(cluster.window(180));
      expect(waited).toBeLessThanOrEqual(cluster.window(180) + cluster.timing.reaction);
    },
  },
  {
    name: 'ContainerResource: busy side containers, also one without a request, do not count',
    real: true,
    run: async (cluster) => {
      const { reaction } = cluster.timing;
      const target = { type: 'Utilization', averageUtilization: 50 };
      const metrics = [{ type: 'ContainerResource', containerResource: { name: 'cpu', container: 'web', target } }];
      const web = await scene(cluster, {
        replicas: 1,
        load: 40,
        policy: { metrics },
        shaped: withSideContainers,
      });
      // A policy of the whole pod cannot say how much of its request that is.
      const whole = await scene(cluster, { replicas: 1, load: 40, shaped: withSideContainers });
      await web.keeps(1, 2 * reaction);
      expect(await web.condition('ScalingActive')).toBe('True/ValidMetricFound');
      expect(await whole.condition('ScalingActive')).toBe('False/FailedGetResourceMetric');
      web.setLoad(140);
      await web.reaches(3, cluster.timing.scaleUpCooldown + 2 * reaction);
      await web.keeps(3, reaction);
    },
  },
];

/** A proxy of the application's own and a mesh's native sidecar, each with eight times the CPU that the application asks for. */
function withSideContainers(target: KubeObject): KubeObject {
  const spec = target.spec as { template: { metadata: object; spec: { containers: object[] } } };
  const { template } = spec;
  const annotations = { 'concertina.dev/sim-cpu.proxy': '0.8', 'concertina.dev/sim-cpu.mesh': '0.8' };
  const mesh = { name: 'mesh', image: 'mesh:1', restartPolicy: 'Always', resources: { requests: { cpu: '10m' } } };
  const pod = { ...template.spec, initContainers: [mesh], containers: [...template.spec.containers, { name: 'proxy', image: 'proxy:1' }] };
  return { ...target, spec: { ...spec, template: { metadata: { ...template.metadata, annotations }, spec: pod } } };
}
