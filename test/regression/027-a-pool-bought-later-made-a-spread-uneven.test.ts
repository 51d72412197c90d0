import { expect, test } from 'vitest';
import { group, play, pod, pods, sizes } from '../../cluster-autoscaler/engine/scale-up/builders.fixture.ts';

/** Spread over zones; zones of tainted nodes count, too. */
const spread = {
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
    },
  ],
};

test('a pool that is bought later opens a zone: nobody is promised a place that the spread then forbids', () => {
  const groups = [
    group({ id: 'a', zone: 'a', cpu: '4' }),
    group({ id: 'c', zone: 'c', cpu: '16', taints: [{ key: 'gpu', effect: 'NoSchedule' }] }),
  ];
  const trainer = pod({ name: 'trainer', cpu: '12', spec: { tolerations: [{ key: 'gpu', operator: 'Exists' }] } });
  const web = pods(4, { prefix: 'web', cpu: '1', labels: { app: 'web' }, spec: spread });
  const { result } = play({ groups, pods: [...web, trainer], options: { expanders: ['most-pods'] } });
  // One more than the no pod of zone c.
  expect(result.pods.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'trainer helped',
    'web-00000 helped',
    'web-00001 refused',
    'web-00002 refused',
    'web-00003 refused',
  ]);
  expect(sizes(result).toSorted()).toEqual(['a 0→1', 'c 0→1']);
});
