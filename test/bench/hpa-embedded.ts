import { connectionFromDispatcher } from '../../core/kube/index.ts';
import { formatTime } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { recordingLogger } from '../../core/runtime/logging.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { concertinaCrds } from '../../cli/compose/crds.ts';
import { runSettings } from '../../cli/compose/settings.ts';
import { createSuite, type Suite } from '../../cli/compose/suite.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';

const namespace = 'shop';
/** A poll of usage, and an evaluation of each policy, so often; in the field every 15 s. */
const periodMs = 5_000;
const warmUpPolls = 10;
const rounds = 12;
/** Requests to the API server: the default of 50 is not made for so many policies. */
export const requestsPerSecond = 1_000;
/** Policies whose load doubles in each round. */
const movedPerRound = 20;
/** Milli-cores that every pod requests. */
const requested = 100;

export interface EmbeddedLatency {
  /**
   * From the API server's first answer to a poll with the new usage to its answer to the write of the scale, milliseconds; what was not written within a period
   * counts as never.
   */
  readonly p50: number;
  readonly p99: number;
  readonly writes: number;
  /** Targets that should have been scaled within a period and were not. */
  readonly missing: number;
}

/** The whole program, as `run` composes it, on a whole embedded cluster: 1 pod for each target, all in one process. */
export async function measureEmbedded(policies: number): Promise<EmbeddedLatency> {
  const random = seededRandom(11);
  const nodes = Array.from({ length: Math.ceil((policies * 2) / 400) }, (_, at) => ({
    name: `node-${at}`,
    cpu: 512,
    memory: '512Gi',
    pods: 500,
  }));
  const startup = { pull: 10, start: 10, ready: 10 };
  const cluster = await startEmbeddedCluster({ clock: realClock, random, nodes, fleet: { startup, stop: 10 } });
  const usage = scriptedUsage(cluster, policies);
  let suite: Suite | undefined;
  try {
    await deploy(cluster, policies);
    await until(() => runningPods(cluster).length >= policies, 120_000);
    suite = await startSuite(cluster);
    // A policy that was first evaluated shortly before a poll is evaluated by its own timer until, half a second later each time, it has met one.
    await until(() => usage.polls() >= warmUpPolls, 180_000);
    const times: number[] = [];
    let missing = 0;
    for (let round = 0; round < rounds; round++) {
      const moved = Array.from({ length: movedPerRound }, (_, at) => (round * movedPerRound + at) % policies);
      const written = scaleWrites(cluster);
      const answered = await usage.raise(moved);
      await until(() => written.size >= moved.length, periodMs).catch(() => undefined);
      for (const at of moved) {
        const writtenAt = written.get(nameOf(at));
        if (writtenAt === undefined) missing += 1;
        times.push(writtenAt === undefined ? Infinity : writtenAt - answered);
      }
      written.stop();
      await pause(500);
    }
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99), writes: times.length, missing };
  } finally {
    await suite?.shutdown.run('the bench ends');
    await cluster.stop();
  }
}

function nameOf(at: number): string {
  return `app-${at}`;
}

async function startSuite(cluster: EmbeddedCluster): Promise<Suite> {
  const { server, dispatcher } = cluster.connection();
  const suite = createSuite({
    connection: connectionFromDispatcher({ server, dispatcher }),
    clock: realClock,
    random: seededRandom(12),
    settings: runSettings.parse({
      health: { address: '127.0.0.1:0' },
      log: { level: 'silent' },
      leaderElection: { enabled: false },
      api: { qps: requestsPerSecond, burst: 2 * requestsPerSecond },
      hpa: { syncPeriod: `${periodMs}ms` },
      metrics: { pollInterval: `${periodMs}ms` },
    }),
    identity: 'bench',
    leaseNamespace: 'default',
    logger: recordingLogger(),
    processMetrics: false,
  });
  await suite.start();
  return suite;
}

/** `metrics.k8s.io` that says what the bench wants, of the pods that run: half of the request, or all of it where the load was raised. */
function scriptedUsage({ api, ...cluster }: EmbeddedCluster, policies: number) {
  const loads = Array.from({ length: policies }, () => requested / 2);
  let polls = 0;
  let pending: { readonly moved: readonly number[]; readonly done: (answeredAt: number) => void } | undefined;
  const handler: Parameters<typeof api.mount>[1] = async (request) => {
    const isPods = request.path.endsWith('/pods');
    if (isPods) {
      polls += 1;
      for (const at of pending?.moved ?? []) loads[at] = (loads[at] ?? 0) * 2;
    }
    const items = isPods ? podItems({ api, ...cluster } as EmbeddedCluster, loads) : [];
    const body = JSON.stringify({
      kind: isPods ? 'PodMetricsList' : 'NodeMetricsList',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {},
      items,
    });
    if (isPods) {
      pending?.done(performance.now());
      pending = undefined;
    }
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  };
  cluster.metrics.stop();
  api.mount(cluster.metrics.groupVersion, handler, cluster.metrics.discovery);
  return {
    polls: () => polls,
    /** Doubles the load of these targets from the next poll on; resolves when that was answered. */
    raise: (moved: readonly number[]) => new Promise<number>((done) => (pending = { moved, done })),
  };
}

function podItems(cluster: EmbeddedCluster, loads: readonly number[]) {
  const now = realClock.now();
  const pods = runningPods(cluster);
  const counts = new Map<string, number>();
  for (const { metadata } of pods) {
    const app = metadata.labels?.['app'] ?? '';
    counts.set(app, (counts.get(app) ?? 0) + 1);
  }
  return pods.map(({ metadata }) => {
    const app = metadata.labels?.['app'] ?? '';
    const cpu = Math.round((loads[Number(app.slice(4))] ?? 0) / (counts.get(app) ?? 1));
    return {
      metadata: { name: metadata.name, namespace },
      timestamp: formatTime(now),
      window: '15s',
      containers: [{ name: 'app', usage: { cpu: `${cpu}m`, memory: '16Mi' } }],
    };
  });
}

function runningPods({ api }: EmbeddedCluster): readonly KubeObject[] {
  return api.registry
    .list(resourceTypes.pods, namespace)
    .filter(({ status }) => (status as { phase?: string } | undefined)?.phase === 'Running');
}

function scaleWrites({ api }: EmbeddedCluster) {
  const writtenAt = new Map<string, number>();
  const stop = api.onAudit(({ subresource, verb, name = '', code }) => {
    if (subresource === 'scale' && verb !== 'get' && code < 300) writtenAt.set(name, performance.now());
  });
  return Object.assign(writtenAt, { stop });
}

async function deploy(cluster: EmbeddedCluster, policies: number): Promise<void> {
  const { registry } = cluster.api;
  for (const crd of concertinaCrds()) await registry.create(resourceTypes.customResourceDefinitions, crd);
  await registry.create(resourceTypes.namespaces, { metadata: { name: namespace } });
  for (let at = 0; at < policies; at++) {
    await registry.create(resourceTypes.deployments, deployment(nameOf(at)));
    await registry.create(resourceTypes.horizontalPolicies, policy(nameOf(at)));
    // The cluster's own controllers come along.
    if (at % 50 === 49) await pause(20);
  }
}

function deployment(name: string): KubeObject {
  const labels = { app: name };
  const containers = [{ name: 'app', image: 'shop/app:1', resources: { requests: { cpu: `${requested}m`, memory: '32Mi' } } }];
  return {
    metadata: { name, namespace, labels },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

/** One pod at half of its request is at its target; at all of it two are wanted. Nothing waits. */
function policy(name: string): KubeObject {
  return {
    metadata: { name, namespace },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 1,
      maxReplicas: 64,
      cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
    },
  };
}

async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const limit = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`it did not come to pass within ${limitMs} ms: ${condition.toString()}`);
    await pause(5);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
