import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { captureCluster } from '../../cli/compose/capture.ts';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import { poolItems } from '../../cli/compose/explain/pool-items.ts';
import { nodesFrom } from '../../cli/compose/nodes-from.ts';
import type { ProviderFactory } from '../../cli/compose/nodes.ts';
import { readingOf } from '../../cli/compose/recommend-from.ts';
import { recommendSettings, runSettings } from '../../cli/compose/settings.ts';
import { createSuite, type Suite } from '../../cli/compose/suite.ts';
import { recommendationTable } from '../../cli/output/recommendations.ts';
import { createAwsProvider } from '../../cluster-autoscaler/index.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import { findCondition, type Condition } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { formatSnapshot, parseSnapshot } from '../../core/model/snapshot.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { recordingLogger, type LogLine } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { loadSdk } from '../journeys/nodes-virtual.ts';

const second = 1_000;
const minute = 60 * second;

interface Stage {
  readonly clock: VirtualClock;
  readonly cluster: EmbeddedCluster;
  readonly aws: NonNullable<EmbeddedCluster['aws']>;
  readonly client: KubeClient;
  readonly suite: Suite;
  readonly provider: ProviderFactory;
  readonly log: readonly LogLine[];
  /** Desired capacity of a group. */
  size(group: string): number;
  nodes(): readonly string[];
  stop(): Promise<void>;
}

const stages: Stage[] = [];
beforeAll(() => loadSdk());
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.stop();
});

/** The program with its node controller, the real SDK, on a cluster in process whose nodes are instances of an AWS in process. */
async function stage(settings: Readonly<Record<string, unknown>> = {}): Promise<Stage> {
  const clock = new VirtualClock(Date.UTC(2026, 10, 22, 6));
  const random = seededRandom('nodes');
  const fixed = { reaction: 2 * second, boot: 20 * second, shutdown: 30 * second };
  const cluster = await startEmbeddedCluster({
    clock,
    random,
    nodes: [],
    aws: {
      timing: fixed,
      groups: [
        {
          name: 'general',
          minSize: 1,
          maxSize: 6,
          desiredCapacity: 1,
          instanceTypes: ['m5.large'],
          zones: ['us-east-1a'],
          tags: { 'k8s.io/cluster-autoscaler/enabled': 'true', team: 'shop' },
        },
      ],
      nodes: { standard: { joinDelay: 5 * second } },
    },
  });
  clock.useSettle(async () => {
    for (let round = 0; round < 3; round += 1) {
      await cluster.settle();
      for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  });
  const { aws } = cluster;
  if (aws === undefined) throw new Error('the cluster has no AWS');
  const client = cluster.client('test');
  for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
  await clock.advance(10 * second);
  const logger = recordingLogger();
  const provider: ProviderFactory = (parts) =>
    createAwsProvider({
      ...parts,
      groups: [],
      discovery: ['asg:tag=k8s.io/cluster-autoscaler/enabled'],
      region: aws.endpoint.region,
      requestHandler: aws.endpoint.requestHandler(),
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  const suite = createSuite({
    connection: cluster.connection(),
    clock,
    random,
    settings: runSettings.parse({
      cloudProvider: 'aws',
      nodeGroupAutoDiscovery: ['asg:tag=k8s.io/cluster-autoscaler/enabled'],
      health: { address: '127.0.0.1:0' },
      ...settings,
    }),
    identity: 'copy-1',
    leaseNamespace: 'default',
    logger,
    processMetrics: false,
    provider,
  });
  await suite.start();
  const made: Stage = {
    clock,
    cluster,
    aws,
    client,
    suite,
    provider,
    log: logger.lines,
    size: (group) => aws.endpoint.group(group)?.desiredCapacity ?? 0,
    nodes: () => cluster.api.registry.list(resourceTypes.nodes).map(({ metadata }) => metadata.name),
    stop: async () => {
      const done = suite.shutdown.run('the test ends').then(() => true);
      for (let turn = 0; turn < 60 && !(await Promise.race([done, Promise.resolve(false)])); turn += 1) await clock.advance(second);
      await cluster.stop();
    },
  };
  stages.push(made);
  return made;
}

function web(replicas: number, cpu = '800m'): KubeObject {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:1', resources: { requests: { cpu, memory: '256Mi' } } }] },
      },
    },
  };
}

async function scale({ client }: Stage, replicas: number): Promise<void> {
  await client.setScale(resourceTypes.deployments, { namespace: 'default', name: 'web' }, replicas);
}

async function until({ clock, log }: Stage, condition: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  const reached = await clock.advanceUntil(condition, limitMs, second);
  expect(
    reached,
    reached ? '' : JSON.stringify(log.filter(({ fields }) => fields['component'] === 'cluster-autoscaler').slice(-12), undefined, 1),
  ).toBe(true);
}

describe('the node controller on an AWS in process', () => {
  it('buys instances for pods that wait, which become nodes that run them; and gives them back when they are not needed', async () => {
    const scene = await stage({ scaleDown: { unneededTime: '2m' } });
    const { client, aws, clock } = scene;
    await client.create(resourceTypes.deployments, web(2));
    await until(scene, () => scene.nodes().length === 1, minute);
    expect(scene.size('general')).toBe(1);
    await scale(scene, 7);
    await until(scene, () => scene.size('general') === 4, minute);
    const running = async (): Promise<number> =>
      (await client.list(resourceTypes.pods, { namespace: 'default' })).items.filter(
        ({ status }) => (status as { phase?: string }).phase === 'Running',
      ).length;
    await until(scene, async () => (await running()) === 7, 3 * minute);
    expect(scene.nodes()).toHaveLength(4);
    expect(
      aws.endpoint
        .calls()
        .filter(({ action }) => action === 'SetDesiredCapacity')
        .map(({ parameters }) => parameters['DesiredCapacity']),
    ).toEqual(['4']);

    await scale(scene, 2);
    await until(scene, () => scene.size('general') < 4, 12 * minute);
    await until(scene, () => scene.size('general') === 1, 40 * minute);
    await clock.advance(2 * minute);
    expect(scene.nodes()).toHaveLength(1);
    expect(await running()).toBe(2);
    const events = (await client.list(resourceTypes.coreEvents, {})).items.map(
      (event) => `${(event['involvedObject'] as { kind: string }).kind} ${String(event['reason'])}`,
    );
    expect(new Set(events)).toEqual(expect.objectContaining(new Set(['Pod TriggeredScaleUp', 'Node ScaleDown'])));
  });

  it('says in a policy how its groups do, and keeps its bounds', async () => {
    const scene = await stage();
    const { client } = scene;
    await client.create(resourceTypes.nodePoolPolicies, {
      metadata: { name: 'general' },
      spec: { groups: [{ tags: { team: 'shop' } }], maxSize: 2 },
    });
    await client.create(resourceTypes.deployments, web(8));
    await until(scene, () => scene.size('general') === 2, 2 * minute);
    await scene.clock.advance(3 * minute);
    expect(scene.size('general')).toBe(2);
    const policy = await client.get(resourceTypes.nodePoolPolicies, { name: 'general' });
    const { conditions, ...status } = policy.status as { conditions: Condition[] };
    expect(status).toMatchObject({
      nodes: 2,
      minNodes: 1,
      maxNodes: 2,
      readyNodes: 2,
      groups: [{ name: 'general', targetSize: 2, ready: 2, health: 'Healthy' }],
    });
    expect(['Accepted', 'GroupsFound', 'Healthy', 'Held'].map((type) => findCondition(conditions, type)?.status)).toEqual([
      'True',
      'True',
      'True',
      'False',
    ]);
  });

  it('is captured whole: out of a snapshot file it is recommended what would be done', async () => {
    const scene = await stage({ dryRun: true });
    const { client, clock } = scene;
    await until(scene, () => scene.nodes().length === 1, minute);
    await client.create(resourceTypes.deployments, web(7));
    await clock.advance(10 * second);
    const logger = recordingLogger();
    const settings = recommendSettings.parse({});
    const taken = await captureCluster({ client, clock, random: seededRandom('capture'), settings, logger, provider: scene.provider });
    const snapshot = parseSnapshot(formatSnapshot(taken), 'file');
    const outlook = nodesFrom(snapshot, settings, readingOf(snapshot, settings));
    const rows = outlook === undefined ? [] : poolItems(outlook);
    expect(rows.map(({ target, from, to, wanted, bounds }) => ({ name: target.name, from, to, wanted, bounds }))).toEqual([
      { name: 'general', from: 1, to: 4, wanted: 4, bounds: { min: 1, max: 6 } },
    ]);
    expect(recommendationTable(rows)).toMatch(/general +1 +4 +4/);
  });

  it('does nothing but look in a dry run', async () => {
    const scene = await stage({ dryRun: true });
    await scene.client.create(resourceTypes.deployments, web(8));
    await scene.clock.advance(5 * minute);
    expect(scene.size('general')).toBe(1);
    expect(scene.aws.endpoint.calls().some(({ action }) => action === 'SetDesiredCapacity' || action.startsWith('Terminate'))).toBe(false);
    expect(
      (await scene.client.list(resourceTypes.configMaps, { namespace: 'default' })).items.map(({ metadata }) => metadata.name),
    ).not.toContain('cluster-autoscaler-status');
  });
});
