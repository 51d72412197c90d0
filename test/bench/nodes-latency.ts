import { concertinaCrds } from '../../cli/compose/crds.ts';
import { runSettings } from '../../cli/compose/settings.ts';
import { createSuite, type Suite } from '../../cli/compose/suite.ts';
import { createAwsProvider } from '../../cluster-autoscaler/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { recordingLogger } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import type { AwsEndpoint, AwsRequestHandler } from '../../simulator/cluster/aws/index.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { figureSheet, type Figure } from './figure.ts';

/**
 * How long a pod waits for the request that buys its node: the whole program as `run` composes it, with the real SDK, on a whole embedded cluster of 1,000
 * nodes whose instances are of an embedded AWS; everything in one process, in real time.
 */

const sheet = figureSheet('nodes', 0);
const nodeCount = 1_000;
const groupCount = 10;
const samples = 120;
/** Pods that the scheduler sees as soon as they are created: a loop waits whether more of them come. */
const newSamples = 100;
/** Time between two pods: from 0.3 s, by chance 1.5 s. */
const leastGapMs = 300;
const meanGapMs = 1_500;
const namespace = 'default';
const tag = 'k8s.io/cluster-autoscaler/enabled';

/** Milliseconds, ascending; Infinity for a pod without a request. */
export interface NodeLatency {
  /** From the end of the pod's gates, the scheduler's verdict included. */
  readonly aged: readonly number[];
  /** From the pod's creation. */
  readonly created: readonly number[];
}

/** Milliseconds. */
const limitMs = 1_000;

export async function latencyFigures(): Promise<readonly Figure[]> {
  const { aged, created } = await measureLatency();
  const at = (times: readonly number[], share: number): number => times[Math.ceil(share * times.length) - 1] ?? Number.NaN;
  const figure = (name: string, value: number, limit: number | null): Figure => sheet.figure(name, value, 'ms', limit);
  const setting = 'SetDesiredCapacity sent, 1,000 nodes, the whole program on embedded cluster and AWS';
  return [
    figure(`a pod of some age may be scheduled and fits nowhere → ${setting}, p99 of ${aged.length}`, at(aged, 0.99), limitMs),
    figure(`a pod of some age may be scheduled and fits nowhere → ${setting}, median`, at(aged, 0.5), null),
    figure(`a pod is created (and it is waited whether more come) → ${setting}, p99 of ${created.length}`, at(created, 0.99), limitMs),
    figure(`a pod is created (and it is waited whether more come) → ${setting}, median`, at(created, 0.5), null),
    figure(`a pod is created (and it is waited whether more come) → ${setting}, slowest`, at(created, 1), null),
  ];
}

export async function measureLatency(): Promise<NodeLatency> {
  const random = seededRandom(21);
  const cluster = await startEmbeddedCluster({
    clock: realClock,
    random,
    nodes: [],
    fleet: { startup: { pull: 10, start: 10, ready: 10 }, stop: 10 },
    aws: {
      // No machine comes while it is measured: one that comes takes a pod for which another was bought.
      timing: { reaction: 500, boot: 1_800_000, shutdown: 2_000 },
      groups: Array.from({ length: groupCount }, (_, at) => ({
        name: `pool-${at}`,
        minSize: 0,
        maxSize: 1_000,
        desiredCapacity: nodeCount / groupCount,
        instanceTypes: ['m5.large'],
        zones: ['us-east-1a'],
        tags: { [tag]: 'true' },
      })),
      nodes: { standard: { joinDelay: 500 } },
    },
  });
  const { aws } = cluster;
  if (aws === undefined) throw new Error('the cluster has no AWS');
  let suite: Suite | undefined;
  try {
    for (const crd of concertinaCrds()) await cluster.api.registry.create(resourceTypes.customResourceDefinitions, crd);
    await until(() => cluster.api.registry.list(resourceTypes.nodes).length >= nodeCount, 300_000);
    await cluster.api.registry.create(resourceTypes.deployments, filler());
    await until(() => podsIn(cluster, 'Running') >= nodeCount, 300_000);
    for (let at = 0; at < samples; at++) await cluster.api.registry.create(resourceTypes.pods, latePod(at, { gated: true }));
    const requests = watchRequests(aws.endpoint);
    suite = await startSuite(cluster, aws.endpoint, requests.handler);
    // A first loop, and the pods are older than two seconds: a loop does not look away from them as new.
    await pause(15_000);
    const gap = (): Promise<void> => pause(leastGapMs - (meanGapMs - leastGapMs) * Math.log(1 - random()));
    const begun: number[] = [];
    for (let at = 0; at < samples + newSamples; at++) {
      await gap();
      begun.push(performance.now());
      if (at < samples) await release(cluster, at);
      else {
        await cluster.api.registry.create(resourceTypes.pods, latePod(at, { gated: false }));
        await until(() => requests.reachedAt(nodeCount + at + 1) !== undefined, 30_000).catch(() => undefined);
      }
    }
    await pause(3_000);
    const times = begun.map((from, at) => (requests.reachedAt(nodeCount + at + 1) ?? Number.POSITIVE_INFINITY) - from);
    return {
      aged: times.slice(0, samples).toSorted((a, b) => a - b),
      created: times.slice(samples).toSorted((a, b) => a - b),
    };
  } finally {
    await suite?.shutdown.run('the bench ends');
    await cluster.stop();
  }
}

/** When the sum of what was asked for first reached a size: each pod needs one more node. */
function watchRequests(endpoint: AwsEndpoint) {
  const desired = new Map(endpoint.groups().map(({ name, desiredCapacity }) => [name, desiredCapacity]));
  const reached: { readonly total: number; readonly at: number }[] = [];
  const inner = endpoint.requestHandler();
  const handler: AwsRequestHandler = {
    ...inner,
    handle: (request, options) => {
      const form = new URLSearchParams(String(request.body));
      if (form.get('Action') === 'SetDesiredCapacity') {
        desired.set(form.get('AutoScalingGroupName') ?? '', Number(form.get('DesiredCapacity')));
        reached.push({ total: [...desired.values()].reduce((sum, size) => sum + size, 0), at: performance.now() });
      }
      return inner.handle(request, options);
    },
  };
  return { handler, reachedAt: (total: number) => reached.find((each) => each.total >= total)?.at };
}

async function startSuite(cluster: EmbeddedCluster, endpoint: AwsEndpoint, requestHandler: AwsRequestHandler): Promise<Suite> {
  const suite = createSuite({
    connection: cluster.connection(),
    clock: realClock,
    random: seededRandom(22),
    settings: runSettings.parse({
      health: { address: '127.0.0.1:0' },
      log: { level: 'silent' },
      leaderElection: { enabled: false },
      cloudProvider: 'aws',
      nodeGroupAutoDiscovery: [`asg:tag=${tag}`],
      // Each pod buys its node at once.
      cooldown: { scaleUp: '0s', scaleDown: '0s' },
    }),
    identity: 'bench',
    leaseNamespace: namespace,
    logger: recordingLogger(),
    processMetrics: false,
    provider: (parts) =>
      createAwsProvider({
        ...parts,
        groups: [],
        discovery: [`asg:tag=${tag}`],
        region: endpoint.region,
        requestHandler,
        credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
      }),
  });
  await suite.start();
  return suite;
}

/** A node of two cores has room for one such pod. */
const requests = { cpu: '1500m', memory: '256Mi' };

function filler(): KubeObject {
  const labels = { app: 'filler' };
  return {
    metadata: { name: 'filler', namespace },
    spec: {
      replicas: nodeCount,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1', resources: { requests } }] } },
    },
  };
}

/** `gated`: the scheduler does not look at it yet. */
function latePod(at: number, { gated }: { readonly gated: boolean }): KubeObject {
  const containers = [{ name: 'app', image: 'app:1', resources: { requests } }];
  return {
    metadata: { name: `late-${at}`, namespace, labels: { app: 'late' } },
    spec: { containers, ...(gated ? { schedulingGates: [{ name: 'bench/wait' }] } : {}) },
  };
}

async function release(cluster: EmbeddedCluster, at: number): Promise<void> {
  const client = cluster.client('bench');
  const body = { spec: { schedulingGates: [] } };
  await client.patch(resourceTypes.pods, { namespace, name: `late-${at}` }, { type: 'merge', body });
}

function podsIn({ api }: EmbeddedCluster, phase: string): number {
  return api.registry
    .list(resourceTypes.pods, namespace)
    .filter(({ status }) => (status as { phase?: string } | undefined)?.phase === phase).length;
}

async function until(condition: () => boolean, limitMs_: number): Promise<void> {
  const limit = performance.now() + limitMs_;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`it did not come to pass within ${limitMs_} ms: ${condition.toString()}`);
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
