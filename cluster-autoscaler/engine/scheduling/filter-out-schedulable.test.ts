import { describe, expect, it } from 'vitest';
import { createInterner, projectNode, projectPod } from '../../../core/model/index.ts';
import { createSchedulingSnapshot, filterOutInSteps, filterOutSchedulable, hintKey } from './index.ts';

const interner = createInterner();

function snapshot() {
  const made = createSchedulingSnapshot({ namespaces: new Map() });
  for (const name of ['a', 'b', 'c']) {
    const resources = { cpu: '64', memory: '64Gi', pods: '250' };
    made.addNode(projectNode({ metadata: { name }, status: { capacity: resources, allocatable: resources } }, interner));
  }
  return made;
}

const pods = Array.from({ length: 900 }, (_, index) => {
  const requests = { cpu: index % 3 === 0 ? '300m' : '100m' };
  return projectPod(
    {
      metadata: { name: `p${index}`, namespace: 'default', uid: `u${index}` },
      spec: { containers: [{ name: 'c', resources: { requests } }] },
    },
    interner,
  );
});

describe('placing pending pods in steps', () => {
  it('finds the same places as at once, with and without hints', () => {
    const hints = new Map(pods.slice(0, 700).map((pod, index) => [hintKey(pod), index % 5 === 0 ? 'c' : 'gone']));
    for (const given of [new Map<string, string>(), hints]) {
      const whole = filterOutSchedulable(snapshot(), pods, given);
      const steps = filterOutInSteps(snapshot(), pods, given);
      let yields = 0;
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) yields += 1;
      expect(yields).toBeGreaterThan(2);
      expect(step.value).toEqual(whole);
      expect(whole.placed.length).toBeGreaterThan(700);
      expect(whole.pending).toHaveLength(900 - whole.placed.length);
      expect(whole.pending).not.toHaveLength(0);
    }
  });

  it('ends at the first pod without a place where the caller wants all or none', () => {
    const result = filterOutSchedulable(snapshot(), pods, new Map(), { accept: () => false, stopAtFirstFailure: true });
    expect(result.pending.map(({ name }) => name)).toEqual(['p0']);
  });
});
