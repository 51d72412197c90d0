import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/index.ts';
import type { KubeletFleet } from '../../../simulator/index.ts';
import { predictionSeeds } from '../../journeys/nodes-predictions-seeds.ts';
import { checkPredictions, summaryText } from '../../journeys/nodes-predictions.ts';
import { createHttpApi, type HttpApi } from '../http-api.ts';
import { startFleet } from '../played-fleet.ts';
import { isForeignCluster, startRealCluster, type RealCluster } from '../real-cluster.ts';
import { createTeardown } from '../teardown.ts';
import { until } from '../until.ts';

const seeds = predictionSeeds(1001, 210);

// What the scheduler still has to do is told by its own metrics: only an own cluster gives access to them.
describe.skipIf(isForeignCluster())('predictions of the node controller, with the real scheduler', () => {
  const teardown = createTeardown();
  let real: RealCluster;
  let fleet: KubeletFleet;
  let scheduler: HttpApi;

  beforeAll(async () => {
    real = await startRealCluster({ audit: false });
    teardown.add(() => real.stop());
    const { cert, key } = real.connection;
    scheduler = createHttpApi({ server: `https://127.0.0.1:${real.own?.controlPlane.ports.scheduler}`, cert, key, insecure: true });
    teardown.add(() => Promise.resolve(scheduler.close()));
    ({ fleet } = await startFleet(real, teardown, { tickMs: 5000, housekeepingMs: 60_000 }));
  });
  afterAll(() => teardown.run());

  it(`hold in ${seeds.length} random scenes`, async () => {
    const client = real.adminClient;
    const started = performance.now();
    const summary = await checkPredictions(
      {
        client,
        clock: realClock,
        random: seededRandom(3),
        fleet,
        concurrency: 24,
        quiet: () => schedulerIsIdle(real, scheduler),
        until: (condition, limitMs) => until(condition, limitMs),
      },
      { seeds, atOnce: 70, onBatch: (done) => console.log(`${done} scenes after ${Math.round((performance.now() - started) / 1000)} s`) },
    );
    console.log(summaryText(summary));
    for (const wrong of summary.wrong) console.log(`mis-predicted: ${wrong}`);
    expect(summary.wrong, 'mis-predictions').toEqual([]);
  }, 600_000);
});

/** Every pod has been looked at, none is being tried or is about to be, three times in a row. */
async function schedulerIsIdle({ adminClient }: RealCluster, scheduler: HttpApi): Promise<void> {
  let before = '';
  let same = 0;
  const idle = await until(
    async () => {
      const { items } = await adminClient.list(resourceTypes.pods);
      const bound = items.filter((pod) => nodeNameOf(pod) !== undefined).length;
      const now = `${bound} of ${items.length}`;
      const answer = await scheduler.get('/metrics');
      if (answer.status !== 200) throw new Error(`the scheduler's metrics: ${answer.status} ${answer.text.slice(0, 200)}`);
      const quiet = items.every(isTried) && ['active', 'backoff'].every((queue) => pendingIn(answer.text, queue) === 0);
      same = quiet && now === before ? same + 1 : 0;
      before = now;
      return same >= 3;
    },
    120_000,
    400,
  );
  if (!idle) throw new Error('the scheduler is not idle within 120 s');
}

function pendingIn(metrics: string, queue: string): number {
  const line = metrics.split('\n').find((each) => each.startsWith('scheduler_pending_pods{') && each.includes(`queue="${queue}"`));
  if (line === undefined) throw new Error(`the scheduler tells nothing of its queue ${queue}`);
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}

function nodeNameOf({ spec }: KubeObject): string | undefined {
  return (spec as { readonly nodeName?: string } | undefined)?.nodeName;
}

function isTried(pod: KubeObject): boolean {
  const { conditions = [] } = (pod.status ?? {}) as { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  return nodeNameOf(pod) !== undefined || conditions.some(({ type }) => type === 'PodScheduled');
}
