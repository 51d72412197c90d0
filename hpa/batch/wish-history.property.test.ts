import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stabilize, stabilizeWithBehavior } from '../engine/stabilization.ts';
import {
  listBefore,
  recommendationsOf,
  recordWish,
  stabilizeBothWays,
  stabilizeHighest,
  wishListOf,
  type Stabilization,
} from './wish-history.kernel.ts';

const now = Date.UTC(2038, 0, 1);

/** Mostly what fits into one number, sometimes too many replicas or a time after 2039. */
const replicas = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 60 }), weight: 9 },
  { arbitrary: fc.integer({ min: 4000, max: 2 ** 31 - 1 }), weight: 1 },
);
const offset = fc.oneof(
  { arbitrary: fc.integer({ min: -60, max: 0 }).map((ticks) => ticks * 15_000), weight: 9 },
  { arbitrary: fc.integer({ min: -900_000, max: 900_000 }), weight: 3 },
  { arbitrary: fc.constant(10 * 365 * 86_400_000), weight: 1 },
);
const recommendations = fc.array(fc.record({ replicas, at: offset.map((ms) => now + ms) }), { maxLength: 30 });
const windowMs = fc.constantFrom(0, 15_000, 60_000, 300_000);

const emptyStabilization = (): Stabilization => ({ replicas: 0, winnerAt: 0, reusable: 0 });

describe('the list of wishes', () => {
  it('holds what it was made of', () => {
    const property = fc.property(recommendations, (list) => {
      expect(recommendationsOf(wishListOf(list))).toEqual(list);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it('stabilizes and records without behavior as the engine does, and can tell what was before', () => {
    const property = fc.property(recommendations, replicas, windowMs, (list, wish, window) => {
      const out = emptyStabilization();
      const undo = { entry: -1, at: 0, replicas: 0 };
      const wishes = wishListOf(list);
      stabilizeHighest(out, wishes, wish, { windowMs: window, now });
      const after = recordWish(wishes, out, [wish, now], undo);
      const wanted = stabilize(list, wish, { windowMs: window, now });
      expect({ replicas: out.replicas, at: Number.isNaN(out.winnerAt) ? undefined : out.winnerAt }).toEqual({
        replicas: wanted.replicas,
        at: wanted.winner?.at,
      });
      expect(recommendationsOf(after)).toEqual(wanted.recommendations);
      expect(recommendationsOf(listBefore(after, undo))).toEqual(list);
    });
    fc.assert(property, { numRuns: 3000 });
  });

  it('stabilizes and records with behavior as the engine does', () => {
    const property = fc.property(
      recommendations,
      fc.tuple(replicas, replicas),
      windowMs,
      windowMs,
      (list, [current, wish], upMs, downMs) => {
        const out = emptyStabilization();
        const undo = { entry: -1, at: 0, replicas: 0 };
        const wishes = wishListOf(list);
        stabilizeBothWays(out, wishes, { current, wish }, { upMs, downMs, now });
        const after = recordWish(wishes, out, [wish, now], undo);
        const wanted = stabilizeWithBehavior(list, { current, wish }, { upMs, downMs, now });
        expect({ replicas: out.replicas, at: Number.isNaN(out.winnerAt) ? undefined : out.winnerAt }).toEqual({
          replicas: wanted.replicas,
          at: wanted.winner?.at,
        });
        expect(recommendationsOf(after)).toEqual(wanted.recommendations);
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });
});
