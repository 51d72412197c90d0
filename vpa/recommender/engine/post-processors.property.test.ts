import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultContainerSizing } from '../../model.ts';
import { capToNodes } from './post-processors.ts';

const amount = fc.integer({ min: 1, max: 100_000 });
const pods = fc.record({
  targets: fc.array(fc.record({ cpu: amount, memory: amount }), { minLength: 1, maxLength: 5 }),
  nodes: fc.array(fc.record({ cpu: amount, memory: amount }), { minLength: 1, maxLength: 5 }),
  others: fc.record({ cpu: fc.nat(20_000), memory: fc.nat(20_000) }),
  minAllowed: fc.record({ cpu: fc.nat(20_000), memory: fc.nat(20_000) }),
});

test('a capped pod fits some node or says that it does not; nothing grows, nothing goes below minAllowed, what fits stays', () => {
  fc.assert(
    fc.property(pods, ({ targets, nodes, others, minAllowed }) => {
      const containers = targets.map((target, at) => ({
        container: `c${at}`,
        target,
        lowerBound: target,
        upperBound: target,
        uncappedTarget: target,
      }));
      const policy = { containers: [{ ...defaultContainerSizing, minAllowed }] };
      const { recommendation, warnings } = capToNodes({ containers }, { nodes, others }, policy);
      const sum = (list: typeof containers, resource: 'cpu' | 'memory'): number =>
        list.reduce((total, { target }) => total + target[resource], others[resource]);
      const fits = (list: typeof containers): boolean =>
        nodes.some((node) => sum(list, 'cpu') <= node.cpu && sum(list, 'memory') <= node.memory);
      const after = recommendation.containers as typeof containers;
      expect(fits(after) || warnings.length > 0).toBe(true);
      expect(recommendation.containers === containers || !fits(containers)).toBe(true);
      for (const [index, { target, lowerBound, upperBound }] of after.entries()) {
        for (const resource of ['cpu', 'memory'] as const) {
          const before = containers[index]?.target[resource] ?? 0;
          expect(target[resource]).toBeLessThanOrEqual(before);
          expect(target[resource]).toBeGreaterThanOrEqual(Math.min(before, Math.max(1, minAllowed[resource])));
          expect(lowerBound[resource]).toBeLessThanOrEqual(target[resource]);
          expect(upperBound[resource]).toBeGreaterThanOrEqual(target[resource]);
        }
      }
    }),
  );
});
