import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster } from '../../simulator/index.ts';
import { predictionSeeds } from '../journeys/nodes-predictions-seeds.ts';
import { checkPredictions, summaryText } from '../journeys/nodes-predictions.ts';

const seeds = predictionSeeds(1, 100);

describe('predictions of the node controller, with the scheduler of the embedded cluster', () => {
  it(`hold in ${seeds.length} random scenes`, async ({ onTestFinished }) => {
    const clock = new VirtualClock(Date.UTC(2026, 10, 22, 6));
    const random = seededRandom('predictions');
    const cluster = await startEmbeddedCluster({ clock, random, nodes: [], fleet: { tickMs: 10_000, heartbeatMs: 20_000 } });
    onTestFinished(() => cluster.stop());
    clock.useSettle(() => cluster.settle());
    const summary = await checkPredictions(
      {
        client: cluster.client('predictions'),
        clock,
        random,
        fleet: cluster.fleet,
        concurrency: 8,
        quiet: () => clock.advance(30_000),
        until: (condition, limitMs) => clock.advanceUntil(condition, limitMs, 1000),
      },
      { seeds, atOnce: 20 },
    );
    console.log(summaryText(summary));
    expect(summary.wrong).toEqual([]);
  });
});
