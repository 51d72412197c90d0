import { expect, it } from 'vitest';
import { createUpdatePass } from '../../vpa/updater/engine/index.ts';
import { input, pods, recommended } from '../../vpa/updater/engine/builders.fixture.ts';

// In mode InPlace a pod whose resize is Infeasible was told to wait for its node for ever, and nothing remembered that it could not be done: the least growth asked for it again.
it('a resize that the node can never carry out is remembered and said', () => {
  const infeasible = new Map();
  const resized = pods(2, {
    cpu: '200m',
    status: { cpu: '100m', memory: '256Mi' },
    resize: { type: 'PodResizePending', reason: 'Infeasible' },
  });
  const pass = createUpdatePass(
    input({
      pods: resized,
      sizing: { updateMode: 'InPlace', actuation: 'InPlace' },
      recommendation: recommended({ cpu: 200, memory: 256 * 2 ** 20 }),
      memory: { infeasible },
    }),
  );
  expect(pass.next()).toBeUndefined();
  expect(infeasible.size).toBe(2);
  const { skips } = pass.plan();
  expect(skips.map(({ code }) => code)).toEqual(['infeasible', 'infeasible']);
  expect(skips[0]?.message).toMatch(/^pod web-0 could not be resized to as much: its node can never hold it/u);
});
