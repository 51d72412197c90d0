import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  count,
  countAt,
  createTally,
  isPresent,
  leastCount,
  setDomain,
  setEligible,
  type Ground,
  type TopologyKey,
} from './tally.kernel.ts';

const rows = 12;
/** A row, how many pods more or fewer, or whether its node comes or goes. */
const step = fc.record({ row: fc.nat(rows - 1), pods: fc.integer({ min: -2, max: 3 }), toggles: fc.nat(5).map((n) => n === 0) });

describe('a tally', () => {
  it('knows the least count over the domains of its nodes, whatever comes and goes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined, freq: 9 }), { minLength: rows, maxLength: rows }),
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 4 }),
        (values, steps, minDomains) => {
          const key: TopologyKey = { name: 'zone', ids: new Map(), domainOf: new Int32Array(1) };
          const ground: Ground = { keys: [key], eligible: new Uint8Array(1), nodesIn: [new Int32Array(1)], domains: new Int32Array(1) };
          const tally = createTally(key, ground);
          const pods = values.map(() => 0);
          const eligible = values.map((value) => value !== undefined);
          values.forEach((value, row) => setDomain(key, row, value));
          values.forEach((value, row) => setEligible(ground, row, value !== undefined));
          for (const { row, pods: more, toggles } of steps) {
            if (values[row] === undefined) {
              count(tally, row, more);
            } else if (toggles) {
              // Pods are counted out before their node goes, and in after it came.
              if (eligible[row]) count(tally, row, -pods[row]!);
              eligible[row] = !eligible[row];
              setEligible(ground, row, eligible[row]);
              if (eligible[row]) count(tally, row, pods[row]!);
            } else {
              const change = Math.max(more, -pods[row]!);
              pods[row]! += change;
              count(tally, row, change);
            }
            const sums = new Map<string, number>();
            values.forEach((value, each) => {
              if (value !== undefined && eligible[each]) sums.set(value, (sums.get(value) ?? 0) + pods[each]!);
            });
            const least = sums.size < minDomains ? 0 : Math.min(...sums.values());
            expect(leastCount(tally, ground, minDomains)).toBe(least);
            values.forEach((value, each) => {
              const sum = value === undefined ? 0 : (sums.get(value) ?? 0);
              expect(isPresent(tally, each)).toBe(sum > 0);
              expect(value === undefined ? 0 : countAt(tally, each)).toBe(sum);
            });
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
