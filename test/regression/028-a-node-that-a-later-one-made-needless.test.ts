import { expect, test } from 'vitest';
import { group, play, pod, sizes } from '../../cluster-autoscaler/engine/scale-up/builders.fixture.ts';

test('a node whose pods find room on one that is bought later for others is not bought', () => {
  const groups = [group({ id: 'big', cpu: '16', labels: { pool: 'big' } }), group({ id: 'small', cpu: '2' })];
  const { result, effects } = play({
    groups,
    pods: [pod({ name: 'any', cpu: '2' }), pod({ name: 'pinned', cpu: '10', spec: { nodeSelector: { pool: 'big' } } })],
    options: { expanders: ['least-waste'] },
  });
  expect(sizes(result)).toEqual(['big 0→1']);
  expect(effects).toEqual([{ type: 'increase-size', group: 'big', delta: 1 }]);
  expect(result.pods.map(({ name, state, group: of }) => `${name} ${state} ${of}`)).toEqual(['any helped big', 'pinned helped big']);
});
