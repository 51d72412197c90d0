import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balance } from './balancing.ts';

const groups = fc
  .array(fc.record({ size: fc.integer({ min: 0, max: 12 }), max: fc.integer({ min: 0, max: 15 }) }), { maxLength: 9 })
  .map((list) => list.map((each, index) => ({ ...each, id: `g${index}` })));

describe('balancing', () => {
  it('hands out all that is asked for, as far as there is room, and never beyond a maximum', () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 0, max: 60 }), (given, nodes) => {
        const shares = balance(given, nodes);
        const room = given.reduce((sum, { size, max }) => sum + Math.max(0, max - size), 0);
        expect(shares.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(Math.min(nodes, room));
        for (const { from, to, max } of shares) {
          expect(to).toBeGreaterThan(from);
          expect(to).toBeLessThanOrEqual(max);
        }
      }),
    );
  });

  it('leaves no group that got a node more than one above a group that could have had it', () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 0, max: 60 }), (given, nodes) => {
        const after = new Map(given.map(({ id, size }) => [id, size]));
        const shares = balance(given, nodes);
        for (const { id, to } of shares) after.set(id, to);
        const lowest = Math.min(...given.filter(({ id, max }) => (after.get(id) ?? 0) < max).map(({ id }) => after.get(id) ?? 0));
        expect(shares.filter(({ to }) => to > lowest + 1)).toEqual([]);
      }),
    );
  });

  it('gives the same sizes whatever the order of the groups, but for who of equal ones is ahead by one', () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 0, max: 60 }), (given, nodes) => {
        const sorted = (list: typeof given): number[] => {
          const after = new Map(list.map(({ id, size }) => [id, size]));
          for (const { id, to } of balance(list, nodes)) after.set(id, to);
          return [...after.values()].toSorted((a, b) => a - b);
        };
        expect(sorted(given.toReversed())).toEqual(sorted(given));
      }),
    );
  });
});
