import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runSettings } from '../../../cli/compose/settings.ts';
import { createSuite } from '../../../cli/compose/suite.ts';
import { concertinaCrds } from '../../../cli/compose/crds.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { parseSelector } from '../../../core/model/selector.ts';
import { realClock } from '../../../core/runtime/clock.ts';
import { recordingLogger, type LogLine } from '../../../core/runtime/logging.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { Quantity } from '../../../core/units/index.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../../simulator/index.ts';
import { createRecommenderEngine, defaultEstimationConfig } from '../../../vpa/index.ts';
import { findCompanions } from '../binaries/index.ts';
import { describeWithCompanions } from '../companion-suite.ts';
import { removeDir } from '../real-cluster.ts';
import { createTeardown } from '../teardown.ts';
import { promtoolBeside, startPastPrometheus, type PastPrometheus, type PastSeries } from './history-prometheus.ts';

const hour = 3_600_000;
const day = 24 * hour;
const minute = 60_000;
/** Samples every minute, as most Prometheus have them. */
const scrapeMs = minute;
/** More than a day of one series, which the question for owners looks at; less than a day of ten containers every five minutes. */
const maxSamples = 2_000;
const namespaces = ['shop', 'blog', 'mail', 'search', 'pay'];
const workloads = ['a', 'b', 'c', 'd', 'e'];

/** A container of the past: half of them are gone, and only kube-state-metrics tells whose they were. */
interface PastPod {
  readonly namespace: string;
  readonly workload: string;
  readonly pod: string;
  readonly replicaSet: string;
  readonly from: number;
  readonly to: number;
  /** Where its usage begins in the noise. */
  readonly seed: number;
}

const now = Date.now();
/** The last full hour, and what may become it while the test runs. */
const lastHour = Math.floor(now / hour) * hour;
const dataFrom = lastHour - 9 * day;
const dataTo = lastHour + hour;
const changeAt = lastHour - 3 * day;

const search = await findCompanions('prometheus');

describeWithCompanions(search, 'eight days of history from a real Prometheus', (companions) => {
  const teardown = createTeardown();
  let cluster: EmbeddedCluster;
  let prometheus: PastPrometheus;
  let pods: readonly PastPod[] = [];
  let cacheDirectory = '';

  beforeAll(async () => {
    const { prometheus: found } = companions();
    const file = await found.file();
    const promtool = promtoolBeside(file);
    if (promtool === undefined) throw new Error(`there is no promtool beside ${file}: install the package prometheus whole`);
    cacheDirectory = await mkdtemp(join(tmpdir(), 'concertina-blocks-'));
    teardown.add(() => removeDir(cacheDirectory));
    cluster = await startCluster();
    teardown.add(() => cluster.stop());
    pods = await pastPods(cluster);
    prometheus = await startPastPrometheus({ prometheus: file, promtool }, seriesOf(pods), { stepMs: scrapeMs, maxSamples });
    teardown.add(() => prometheus.stop());
    await cluster.client('test').create(resourceTypes.metricSources, {
      metadata: { name: 'past' },
      spec: { url: prometheus.url, plainHttp: true, network: { allowLoopback: true } },
    });
  });
  afterAll(() => teardown.run());

  it('recommends what the same samples, fed directly, come to, and reads days that are over once', async () => {
    const first = await runProgram(cluster, prometheus, { cacheDirectory });
    expect(first.targets).toEqual(fedDirectly(pods, first.begun));
    expect(first.targets.size).toBe(namespaces.length * workloads.length);
    expect(problems(first)).toEqual([]);
    // Ten policies are loaded at a time: three batches of namespaces, nine days each, four questions a day.
    expect(first.queries).toBeLessThanOrEqual(3 * 9 * 4);
    const second = await runProgram(cluster, prometheus, { cacheDirectory });
    expect(second.targets).toEqual(fedDirectly(pods, second.begun));
    // Nine, should midnight of UTC have come between the two.
    expect(second.queries).toBeLessThanOrEqual(first.queries / 4);
    console.log(
      `${pods.length} containers, ${prometheus.samples} samples (blocks made in ${Math.round(prometheus.preparedMs)} ms): first start ${first.queries} queries, ${first.ms} ms; second ${second.queries} queries, ${second.ms} ms`,
    );
  });

  it('a server that bears few samples is asked in parts, which come to the same', async () => {
    const run = await runProgram(cluster, prometheus, { resolution: '5m' });
    expect(run.targets).toEqual(fedDirectly(pods, run.begun, 5 * minute));
    expect(problems(run)).toEqual([]);
    const refused = await prometheus.refusedRangeQueries();
    expect(refused, 'it has said that some were too much').toBeGreaterThan(0);
    expect(refused, 'and was not asked so again').toBeLessThan(8);
    console.log(`at a resolution of 5 min: ${run.queries} queries, ${run.ms} ms; ${refused} refused`);
  });
});

function problems({ log }: ProgramRun): readonly string[] {
  return log
    .filter(({ level, fields }) => level !== 'debug' && level !== 'info' && fields['component'] === 'vpa')
    .map(({ message }) => message);
}

/** Five Deployments of one pod in each of five namespaces, and a policy for each. Nothing is measured now: what is recommended is the past alone. */
async function startCluster(): Promise<EmbeddedCluster> {
  const cluster = await startEmbeddedCluster({
    clock: realClock,
    random: seededRandom('history'),
    nodes: [1, 2].map((at) => ({ name: `node-${at}`, cpu: 64, memory: '256Gi' })),
  });
  cluster.metrics.faults.unavailable = true;
  const client = cluster.client('test');
  for (const crd of concertinaCrds()) await client.create(resourceTypes.customResourceDefinitions, crd);
  for (const namespace of namespaces) {
    await client.create(resourceTypes.namespaces, { metadata: { name: namespace } });
    for (const name of workloads) {
      const labels = { app: name };
      const resources = { requests: { cpu: '1', memory: '1Gi' } };
      const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'app:1', resources }] } };
      await client.create(resourceTypes.deployments, {
        metadata: { name, namespace },
        spec: { replicas: 1, selector: { matchLabels: labels }, template },
      } as KubeObject);
      const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name };
      await client.create(resourceTypes.verticalPolicies, {
        metadata: { name, namespace },
        spec: { targetRef, updatePolicy: { updateMode: 'Off' } },
      } as KubeObject);
    }
  }
  return cluster;
}

/** The live pods for the last three days, and one before each. */
async function pastPods(cluster: EmbeddedCluster): Promise<readonly PastPod[]> {
  const client = cluster.client('test');
  let live: readonly KubeObject[] = [];
  const deadline = performance.now() + 30_000;
  while (live.length < namespaces.length * workloads.length && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    live = (await client.list(resourceTypes.pods)).items;
  }
  return live.flatMap(({ metadata }, index) => {
    const { namespace = '', name, labels = {} } = metadata;
    const workload = labels['app'] ?? '';
    const replicaSet = metadata.ownerReferences?.[0]?.name ?? '';
    const of = { namespace, workload };
    return [
      { ...of, pod: name, replicaSet, from: changeAt, to: dataTo, seed: index },
      { ...of, pod: `${workload}-old-1`, replicaSet: `${workload}-old`, from: dataFrom, to: changeAt - 2 * hour, seed: index + 100 },
    ];
  });
}

/** Milli-cores in the hour that ends then or goes on: by day and night, with a spike now and then. Half a milli-core more, for what is cut off is not to hang on a last digit. */
function cpuOf({ seed }: PastPod, at: number): number {
  const hours = Math.ceil(at / hour);
  const spike = (hours * 7 + seed * 13) % 29 === 0 ? 900 : 0;
  return 100 + seed * 5 + Math.round(60 * Math.sin((hours + seed) / 4)) + spike + 0.5;
}

/** Bytes at that time. */
function memoryOf({ seed }: PastPod, at: number): number {
  const hours = Math.floor(at / hour);
  return (300 + seed * 3 + ((hours * 11 + seed) % 50)) * 2 ** 20;
}

function seriesOf(pods: readonly PastPod[]): readonly PastSeries[] {
  const usage = pods.flatMap((each): PastSeries[] => {
    const { namespace, pod, from, to } = each;
    const labels = { namespace, pod, container: 'app', job: 'kubelet' };
    // Core-seconds at each full hour.
    const sums = new Map<number, number>();
    for (let at = from, sum = 0; at <= to + hour; at += hour) {
      sums.set(at, sum);
      sum += (cpuOf(each, at + hour) / 1000) * 3600;
    }
    const seconds = (at: number): number => {
      const full = Math.floor(at / hour) * hour;
      return (sums.get(full) ?? 0) + ((cpuOf(each, full + hour) / 1000) * (at - full)) / 1000;
    };
    return [
      { metric: 'container_cpu_usage_seconds_total', labels, from, to, value: seconds },
      { metric: 'container_memory_working_set_bytes', labels, from, to, value: (at) => memoryOf(each, at) },
    ];
  });
  const owners = pods.flatMap(({ namespace, pod, workload, replicaSet, from, to }): PastSeries[] => {
    const of = (metric: string, labels: Readonly<Record<string, string>>): PastSeries => ({ metric, labels, from, to, value: () => 1 });
    return [
      of('kube_pod_owner', { namespace, pod, owner_kind: 'ReplicaSet', owner_name: replicaSet }),
      of('kube_replicaset_owner', { namespace, replicaset: replicaSet, owner_kind: 'Deployment', owner_name: workload }),
    ];
  });
  return [...usage, ...owners].toSorted((a, b) => (a.metric < b.metric ? -1 : Number(a.metric > b.metric)));
}

interface ProgramRun {
  /** When it began to read, epoch milliseconds. */
  readonly begun: number;
  /** From the start of the program to the last recommendation. */
  readonly ms: number;
  /** Range queries that Prometheus has answered. */
  readonly queries: number;
  /** `namespace/name` to milli-cores and bytes. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly log: readonly LogLine[];
}

interface Target {
  readonly cpu: number;
  readonly memory: number;
}

async function runProgram(cluster: EmbeddedCluster, prometheus: PastPrometheus, history: object): Promise<ProgramRun> {
  const client = cluster.client('test');
  // What a run before has recommended is not to pass for this one's; what it has stored would be all that is read.
  for (const { metadata } of (await client.list(resourceTypes.verticalPolicyCheckpoints)).items)
    await client.delete(resourceTypes.verticalPolicyCheckpoints, metadata as { name: string });
  for (const { metadata } of (await client.list(resourceTypes.verticalPolicies)).items)
    await client.patch(
      resourceTypes.verticalPolicies,
      metadata as { name: string },
      { type: 'merge', body: { status: { recommendation: null } } },
      { subresource: 'status' },
    );
  const before = await prometheus.rangeQueries();
  const started = performance.now();
  const begun = Date.now();
  const logger = recordingLogger();
  const suite = createSuite({
    connection: cluster.connection(),
    clock: realClock,
    random: seededRandom('program'),
    settings: runSettings.parse({
      health: { address: '127.0.0.1:0' },
      log: { level: 'silent' },
      leaderElection: { enabled: false },
      vpa: { interval: '500ms' },
      history: { source: 'past', ...history },
    }),
    identity: 'history',
    leaseNamespace: 'default',
    logger,
    processMetrics: false,
  });
  await suite.start();
  let targets = new Map<string, Target>();
  const deadline = started + 60_000;
  while (targets.size < namespaces.length * workloads.length && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    targets = targetsOf((await client.list(resourceTypes.verticalPolicies)).items);
  }
  const ms = Math.round(performance.now() - started);
  await suite.shutdown.run('enough was seen');
  return { begun, ms, targets, queries: (await prometheus.rangeQueries()) - before, log: logger.lines };
}

function targetsOf(policies: readonly KubeObject[]): Map<string, Target> {
  return new Map(
    policies.flatMap(({ metadata, status }) => {
      const found = status as
        { recommendation?: { containerRecommendations?: readonly { target: { cpu: string; memory: string } }[] } } | undefined;
      const target = found?.recommendation?.containerRecommendations?.[0]?.target;
      if (target === undefined) return [];
      const { cpu, memory } = target;
      const amounts = { cpu: Number(Quantity.parse(cpu).toMilli('up')), memory: Quantity.parse(memory).toNumber() };
      return [[`${metadata.namespace}/${metadata.name}`, amounts] as const];
    }),
  );
}

/** What an engine comes to that is given the hours of the last eight days without any Prometheus. */
function fedDirectly(pods: readonly PastPod[], begun: number, stepMs = hour): ReadonlyMap<string, Target> {
  const engine = createRecommenderEngine(defaultEstimationConfig);
  const to = Math.floor(begun / stepMs) * stepMs;
  const keys = new Map<string, { readonly namespace: string; readonly workload: string }>();
  for (const { namespace, workload } of pods) keys.set(`${namespace}/${workload}`, { namespace, workload });
  for (const [key, { namespace, workload }] of keys)
    engine.setPolicy(key, { namespace, selector: parseSelector(`app=${workload}`), containers: [], estimation: {}, created: 0 });
  for (const pod of pods) {
    const times: number[] = [];
    for (let at = Math.max(pod.from, to - 8 * day + stepMs); at <= Math.min(pod.to, to); at += stepMs) times.push(at);
    engine.observeHistory({
      namespace: pod.namespace,
      pod: pod.pod,
      container: 'app',
      labels: { app: pod.workload },
      timestamps: Float64Array.from(times),
      // A rate needs its whole range.
      cpu: Float64Array.from(times, (at) => (at === pod.from ? NaN : cpuOf(pod, at) / 1000)),
      memory: Float64Array.from(times, (at) => memoryOf(pod, at)),
    });
  }
  return new Map(
    [...keys.keys()].map((key) => {
      const target = engine.recommend(key, begun)?.containers[0]?.target;
      return [key, { cpu: target?.['cpu'] ?? NaN, memory: target?.['memory'] ?? NaN }] as const;
    }),
  );
}
