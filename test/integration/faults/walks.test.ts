import { describe, expect, it } from 'vitest';
import { faultWalk } from '../../journeys/fault-walk.ts';
import { startVirtualJourneyCluster } from '../../journeys/virtual-cluster.ts';

describe('faults at random, in virtual time', () => {
  // More seeds, for a longer search: FAULT_WALK_SEEDS=100-140 FAULT_WALK_MINUTES=60.
  const [first = 1, last = 5] = (process.env['FAULT_WALK_SEEDS'] ?? '1-5').split('-').map(Number);
  const minutes = Number(process.env['FAULT_WALK_MINUTES'] ?? 40);
  const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  it.each(seeds)('seed %i: random loads and faults break no invariant, and all is well in the end', async (seed) => {
    // A cluster of its own: the same seed walks the same way, whatever runs before it.
    const own = await startVirtualJourneyCluster(seed, { tickMs: 5_000 });
    try {
      const script = await faultWalk(own, { seed, minutes });
      expect(script.length, 'something happened').toBeGreaterThan(5);
    } finally {
      await own.stop();
    }
  });
});
