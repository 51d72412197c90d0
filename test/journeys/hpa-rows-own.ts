import { expect } from 'vitest';
import { external, scene, seconds, type HpaRow } from './hpa-rows-support.ts';

/** What native objects do not have, or not so: to zero and back, fallback, schedules, pause by annotation, panic, owned pods. */
export const ownRows: readonly HpaRow[] = [
  {
    name: 'to zero and back: asleep it wakes by itself and at once, set to 0 by hand it stays there',
    real: true,
    run: async (cluster) => {
      const { reaction, scaleUpCooldown } = cluster.timing;
      const behavior = { scaleDown: { stabilizationWindowSeconds: seconds(cluster, 60) } };
      const web = await scene(cluster, {
        replicas: 1,
        external: { waiting: 5 },
        policy: { minReplicas: 0, metrics: [external('waiting')], behavior },
      });
      web.setExternal('waiting', 0);
      await web.reaches(0, cluster.window(60) + reaction);
      await web.says('ScaledToZero', 'True/ScaledToZero', reaction);
      expect(await web.condition('ScalingActive')).toBe('True/ValidMetricFound');
      await web.keeps(0, reaction);
      web.setExternal('waiting', 25);
      await web.reaches(3, reaction);
      await web.says('ScaledToZero', 'False/NotScaledToZero', reaction);

      await web.scaleByHand(0);
      await web.says('ScalingActive', 'False/ScalingDisabled', reaction);
      await web.keeps(0, 2 * reaction);
      expect(await web.condition('ScaledToZero')).toBe('False/NotScaledToZero');
      await web.scaleByHand(1);
      await web.reaches(3, scaleUpCooldown + reaction);
      expect((await web.sizes()).map(({ replicas }) => replicas)).toEqual([0, 3, 3]);
    },
  },
  {
    name: 'fallback: after 3 failures in a row the fallback counts, until the metric is back',
    real: true,
    run: async (cluster) => {
      const { reaction, scaleDownCooldown } = cluster.timing;
      const web = await scene(cluster, {
        replicas: 2,
        external: { waiting: 15 },
        policy: { metrics: [external('waiting')], fallback: { failureThreshold: 3, replicas: 4 } },
      });
      await web.keeps(2, reaction);
      expect(await web.condition('FallbackActive')).toBe('False/NoFallback');
      web.setExternal('waiting', undefined);
      await web.reaches(4, 4 * reaction);
      await web.says('FallbackActive', 'True/*', reaction);
      web.setExternal('waiting', 15);
      await web.says('FallbackActive', 'False/*', reaction);
      await web.reaches(2, scaleDownCooldown + reaction);
      expect((await web.sizes()).map(({ replicas }) => replicas)).toEqual([4, 2]);
    },
  },
  {
    name: 'pause by annotation: both directions, one of them, and at a size',
    real: true,
    run: async (cluster) => {
      const { reaction, scaleDownCooldown } = cluster.timing;
      const web = await scene(cluster, { replicas: 2, external: { waiting: 15 }, policy: { metrics: [external('waiting')] } });
      await web.annotate({ 'concertina.dev/paused': 'true' });
      web.setExternal('waiting', 35);
      await web.says('Held', 'True/Paused', reaction);
      await web.keeps(2, reaction);
      await web.annotate({ 'concertina.dev/paused': 'in' });
      await web.reaches(4, reaction);
      web.setExternal('waiting', 15);
      await web.keeps(4, scaleDownCooldown + reaction);
      expect(await web.condition('Held')).toBe('True/Paused');
      await web.annotate({ 'concertina.dev/paused': null, 'concertina.dev/paused-replicas': '1' });
      await web.reaches(1, reaction);
      web.setExternal('waiting', 25);
      await web.keeps(1, reaction);
      await web.annotate({ 'concertina.dev/paused-replicas': null });
      await web.reaches(3, reaction);
      expect((await web.sizes()).map(({ replicas }) => replicas)).toEqual([4, 1, 3]);
    },
  },
];
