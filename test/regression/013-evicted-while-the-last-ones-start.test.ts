import { expect, it } from 'vitest';
import { planUpdates } from '../../vpa/updater/engine/index.ts';
import { input, pod, type InputOptions } from '../../vpa/updater/engine/builders.fixture.ts';

// Pods that had come for evicted ones counted as there from their first second: a workload whose pods take minutes to be Ready was evicted as a whole, and nobody served.
it('Ready pods are not evicted while as many as may be away are not Ready yet', () => {
  const sized = { cpu: '250m', memory: '256Mi' };
  const pods = [
    pod('web-0'),
    pod('web-1'),
    pod('web-2', { ...sized, ready: false, ageMs: 60_000 }),
    pod('web-3', { ...sized, ready: false, ageMs: 60_000 }),
  ];
  const evicted = (options: InputOptions): readonly string[] => planUpdates(input(options)).actions.map(({ pod: { name } }) => name);
  expect(evicted({ pods })).toEqual([]);
  expect(planUpdates(input({ pods })).skips[0]?.message).toMatch(/2 may be away, and only 2 are Ready/u);
  // One that does not serve is missed by nobody: it may be what the update is for.
  expect(evicted({ pods: pods.with(2, pod('web-2', { ready: false })) })).toEqual(['web-2']);
  // Upstream's rule is kept for native objects.
  expect(evicted({ pods, sizing: { native: true, cooldown: { scaleUpMs: 0, scaleDownMs: 0 } } })).toEqual(['web-0', 'web-1']);
});
