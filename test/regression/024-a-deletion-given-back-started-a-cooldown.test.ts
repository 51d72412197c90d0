import { afterEach, expect, test } from 'vitest';
import { defaultActuationConfig, defaultGroupOptions, defaultLoopOptions, houseEngine } from '../../cluster-autoscaler/index.ts';
import { defaultNodesHealthConfig } from '../../cluster-autoscaler/config.ts';
import { FakeCluster } from '../../cluster-autoscaler/controller/cluster.fixture.ts';
import { createNodesController, type NodesController } from '../../cluster-autoscaler/controller/nodes-controller.ts';
import { seededRandom } from '../../core/runtime/index.ts';

const second = 1_000;
const minute = 60 * second;

let running: { readonly controller: NodesController; readonly cluster: FakeCluster } | undefined;

afterEach(async () => {
  const stopped = running?.controller.stop();
  await running?.cluster.clock.advance(minute);
  await stopped;
  running = undefined;
});

/** Three nodes of which two are not needed; the first deletion begins ten minutes after the start. */
function start(): FakeCluster {
  const cluster = new FakeCluster();
  for (const name of ['n1', 'n2', 'n3']) cluster.addMember('general', name);
  Object.assign(cluster.cloud.group('general'), { minSize: 1, targetSize: 3 });
  const controller = createNodesController(
    {
      client: cluster.client(),
      fence: cluster.fence,
      reads: cluster.reads(),
      provider: cluster.cloud,
      intents: () => [],
      clock: cluster.clock,
      random: seededRandom(1),
      events: cluster.eventSink,
      logger: cluster.logger,
      registry: cluster.registry,
      config: {
        loop: { ...defaultLoopOptions, maxScaleDownParallelism: 1 },
        group: { ...defaultGroupOptions, cooldown: { scaleUpMs: 3 * minute, scaleDownMs: 5 * minute } },
        actuation: defaultActuationConfig,
        health: defaultNodesHealthConfig,
        frequentLoops: true,
        namespace: 'concertina-system',
        statusConfigMap: 'cluster-autoscaler-status',
        duplicatedEvents: false,
        groupMetrics: false,
        dryRun: false,
      },
    },
    houseEngine,
  );
  running = { controller, cluster };
  controller.start();
  return cluster;
}

const deletions = ({ cloud }: FakeCluster): readonly string[] => cloud.calls.filter((call) => call.startsWith('delete'));

// The house cooldown of a pool began when the deletion of a node began, and stayed when the cloud refused it or a pod would not go: nothing was scaled, and
// nothing was scaled for five minutes more.
test('a deletion that the cloud refused starts no cooldown of its pool', async () => {
  const cluster = start();
  cluster.cloud.refusal = { class: 'other', code: 'Throttling', message: 'slow down' };
  await cluster.clock.advance(10 * minute + 30 * second);
  expect(deletions(cluster)).not.toEqual([]);
  cluster.cloud.refusal = undefined;
  const tried = deletions(cluster).length;
  await cluster.clock.advance(minute);
  expect(deletions(cluster).length).toBeGreaterThan(tried);
  expect(cluster.cloud.group('general').targetSize).toBe(2);
});

test('nor does one that was given up because a node could not be emptied', async () => {
  const cluster = start();
  await cluster.clock.advance(10 * minute + 11 * second);
  const [going] = ['n1', 'n2', 'n3'].filter((name) => cluster.taintsOf(name).includes('ToBeDeletedByClusterAutoscaler'));
  expect(going).toBeDefined();
  // Something came to it meanwhile.
  cluster.addPod({ name: 'late', node: going ?? '' });
  await cluster.clock.advance(minute);
  expect(deletions(cluster)).toHaveLength(1);
  expect(cluster.taintsOf(going ?? '')).toEqual([]);
});

test('a deletion that was done does', async () => {
  const cluster = start();
  await cluster.clock.advance(10 * minute + 30 * second);
  expect(deletions(cluster)).toHaveLength(1);
  await cluster.clock.advance(4 * minute);
  expect(deletions(cluster)).toHaveLength(1);
  await cluster.clock.advance(2 * minute);
  expect(deletions(cluster)).toHaveLength(2);
});
