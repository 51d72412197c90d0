import { describe, expect, it } from 'vitest';
import { realRandom, seededRandom } from './random.ts';

const take = (random: () => number, count: number): number[] => Array.from({ length: count }, random);

describe('seededRandom', () => {
  it('repeats itself for the same seed and not for another', () => {
    expect(take(seededRandom(1), 5)).toEqual(take(seededRandom(1), 5));
    expect(take(seededRandom(1), 5)).not.toEqual(take(seededRandom(2), 5));
    expect(take(seededRandom('trace a'), 5)).toEqual(take(seededRandom('trace a'), 5));
    expect(take(seededRandom('trace a'), 5)).not.toEqual(take(seededRandom('trace b'), 5));
  });

  it('gives these numbers on every machine', () => {
    expect(take(seededRandom(42), 3)).toMatchInlineSnapshot(`
      [
        0.162016942165792,
        0.7093585170805454,
        0.2717169658280909,
      ]
    `);
  });

  it('is spread evenly over [0, 1)', () => {
    const counts = Array.from({ length: 10 }, () => 0);
    for (const value of take(seededRandom(7), 100_000)) {
      expect(value >= 0 && value < 1).toBe(true);
      counts[Math.floor(value * 10)]! += 1;
    }
    // Ten standard deviations of a fair source are 950.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(950);
  });
});

describe('realRandom', () => {
  it('stays in [0, 1)', () => {
    for (const value of take(realRandom, 100)) expect(value >= 0 && value < 1).toBe(true);
  });
});
