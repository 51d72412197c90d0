import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shadowPrices } from './bound.kernel.ts';

const amount = fc.integer({ min: 0, max: 50 });
const pool = fc.record({ supply: fc.tuple(amount, amount, amount), price: fc.integer({ min: 0, max: 40 }) });

describe('shadow prices', () => {
  it('of one resource are the best price for a unit', () => {
    const { perUnit, total } = shadowPrices(Float64Array.of(4, 10), Float64Array.of(2, 4), Float64Array.of(30));
    expect(perUnit[0]).toBeCloseTo(0.4, 12);
    expect(total).toBeCloseTo(12, 12);
  });

  it('of two resources mix two pools', () => {
    // 10 of each: one of (8, 2) and one of (2, 8), at 3 each, is what fractions cannot beat.
    const { total } = shadowPrices(Float64Array.of(8, 2, 2, 8), Float64Array.of(3, 3), Float64Array.of(10, 10));
    expect(total).toBeCloseTo(6, 12);
  });

  it('give what nobody supplies no price', () => {
    const { perUnit, total } = shadowPrices(Float64Array.of(4, 0), Float64Array.of(2), Float64Array.of(4, 5));
    expect(Array.from(perUnit)).toEqual([0.5, 0]);
    expect(total).toBe(2);
  });

  it('never make a node worth more than it costs, and never exceed the price of a mix that covers the demand', () => {
    const demands = fc.tuple(amount, amount, amount);
    const bought = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(pool, { minLength: 1, maxLength: 8 }), demands, bought, (pools, demand, counts) => {
        const supply = Float64Array.from(pools.flatMap((each) => each.supply));
        const { perUnit, total } = shadowPrices(
          supply,
          Float64Array.from(pools, ({ price }) => price),
          Float64Array.from(demand),
        );
        for (const each of pools) {
          const worth = each.supply.reduce((sum, amountOf, index) => sum + amountOf * perUnit[index]!, 0);
          expect(worth).toBeLessThanOrEqual(each.price + 1e-6);
        }
        const price = pools.reduce((sum, each, index) => sum + each.price * counts[index]!, 0);
        // What nobody supplies is out of every mix.
        const covers = demand.every((wanted, resource) => {
          const has = pools.reduce((sum, each, index) => sum + each.supply[resource]! * counts[index]!, 0);
          return has >= wanted || pools.every((each) => each.supply[resource] === 0);
        });
        expect(covers ? total : 0).toBeLessThanOrEqual(price + 1e-6);
      }),
      { numRuns: 500 },
    );
  });
});
