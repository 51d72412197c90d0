import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { findCondition, type Condition } from '../../core/model/condition.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { constant } from '../../simulator/index.ts';
import { deployment } from '../journeys/journey-cluster.ts';
import { startVirtualJourneyCluster, type VirtualJourneyCluster } from '../journeys/virtual-cluster.ts';

const second = 1_000;
const minute = 60 * second;
/** A scrape, the two minutes of `rate(…[2m])`, a poll and an evaluation. */
const reaction = 3 * minute;

/** One example as its file has it, on a cluster with the Deployment that it is about. */
interface Stage {
  readonly cluster: VirtualJourneyCluster;
  /** Replicas of the Deployment. */
  size(): Promise<number>;
  /** Sizes that the program has set. */
  sizes(): Promise<readonly number[]>;
  reaches(replicas: number, limitMs: number): Promise<void>;
  keeps(replicas: number, ms: number): Promise<void>;
  condition(type: string): Promise<string>;
  /** Advances to a time of the day, UTC. */
  at(hours: number, minutes: number): Promise<void>;
}

const stages: VirtualJourneyCluster[] = [];

/** Applies the file, whatever it says, once the Deployment runs and is scraped; and starts the program. */
async function stage(
  file: string,
  { name, replicas }: { readonly name: string; readonly replicas: number },
  prepare: (cluster: VirtualJourneyCluster) => void,
): Promise<Stage> {
  const cluster = await startVirtualJourneyCluster(1, { tickMs: 5_000 }, { adapter: true, prometheus: true });
  stages.push(cluster);
  const { client } = cluster;
  const key = { namespace: 'default', name };
  await client.create(resourceTypes.deployments, named(deployment('default', replicas), name));
  prepare(cluster);
  await cluster.elapse(3 * minute);
  for (const object of await documents(file)) {
    const type = object.kind === 'MetricSource' ? resourceTypes.metricSources : resourceTypes.horizontalPolicies;
    await client.create(type, object);
  }
  await cluster.startController();
  const size = async (): Promise<number> => (await client.getScale(resourceTypes.deployments, key)).specReplicas;
  const status = async () =>
    ((await client.get(resourceTypes.horizontalPolicies, key)).status ?? {}) as { readonly conditions?: readonly Condition[] };
  return {
    cluster,
    size,
    sizes: async () => (await cluster.scaleWrites('default')).map((write) => write.replicas),
    reaches: async (wanted, limitMs) => {
      const reached = await cluster.until(async () => (await size()) === wanted, limitMs);
      expect(reached, reached ? '' : `${await size()} replicas, not ${wanted}: ${JSON.stringify(await status(), undefined, 1)}`).toBe(true);
    },
    keeps: async (wanted, ms) => {
      const changed = await cluster.until(async () => (await size()) !== wanted, ms);
      expect(changed, changed ? `${await size()} replicas instead of ${wanted}: ${JSON.stringify(await status(), undefined, 1)}` : '').toBe(
        false,
      );
    },
    condition: async (type) => {
      const found = findCondition((await status()).conditions ?? [], type);
      return found === undefined ? 'none' : `${found.status}/${found.reason}`;
    },
    at: async (hours, minutes) => {
      const now = new Date(cluster.now());
      const then = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), hours, minutes);
      await cluster.elapse(then - cluster.now());
    },
  };
}

async function documents(file: string): Promise<readonly KubeObject[]> {
  const text = await readFile(new URL(`../../deploy/examples/${file}`, import.meta.url), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
}

function named(object: KubeObject, name: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, name } };
}

/** A counter that grows by so much a second. */
function counter(cluster: VirtualJourneyCluster) {
  let [total, perSecond, since] = [0, 0, cluster.now()];
  const value = (): number => total + (perSecond * (cluster.now() - since)) / second;
  return {
    value,
    grow: (rate: number) => {
      [total, since, perSecond] = [value(), cluster.now(), rate];
    },
  };
}

/** Shows an exposition to the cluster's Prometheus. */
function show({ embedded }: VirtualJourneyCluster, job: string, scrape: () => string): void {
  if (embedded.prometheus === undefined) throw new Error('the cluster has no Prometheus');
  embedded.prometheus.addTarget({ job, honorLabels: true, scrape });
}

describe('deploy/examples', () => {
  afterEach(async () => {
    for (const cluster of stages.splice(0)) await cluster.stop();
  });

  it('mesh-request-rate.yaml: a pod for 50 requests a second; 6 at least while nobody can say how many there are', async () => {
    let requests: ReturnType<typeof counter> | undefined;
    const mesh = await stage('mesh-request-rate.yaml', { name: 'frontend', replicas: 2 }, (cluster) => {
      const counted = (requests = counter(cluster));
      counted.grow(80);
      // Each request is counted where it comes from as well, and there are others.
      const line = (reporter: string, workload: string, namespace: string, factor: number): string =>
        `istio_requests_total{reporter="${reporter}",destination_workload="${workload}",namespace="${namespace}",response_code="200"} ${factor * counted.value()}\n`;
      show(cluster, 'istio', () =>
        [
          line('destination', 'frontend', 'default', 1),
          line('source', 'frontend', 'default', 1),
          line('destination', 'backend', 'default', 10),
          line('destination', 'frontend', 'elsewhere', 10),
        ].join(''),
      );
    });
    await mesh.keeps(2, reaction);
    requests?.grow(240);
    await mesh.reaches(5, reaction + 3 * minute);
    await mesh.keeps(5, 10 * minute);

    const faults = mesh.cluster.embedded.prometheus?.faults;
    if (faults === undefined) throw new Error('the cluster has no Prometheus');
    const gone = mesh.cluster.now();
    faults.answer = { kind: 'status', code: 503 };
    await mesh.reaches(6, 5 * minute);
    expect(mesh.cluster.now() - gone).toBeGreaterThan(3 * minute);
    expect(await mesh.condition('FallbackActive')).toBe('True/CurrentReplicasIfHigher');
    await mesh.keeps(6, 15 * minute);
    faults.answer = undefined;
    await mesh.reaches(5, 5 * minute + reaction);
    expect(await mesh.condition('FallbackActive')).toBe('False/NoFallback');
  });

  it('queue-to-zero.yaml: sleeps after 5 minutes without a message, wakes at the first one, and is paused by hand', async () => {
    let waiting: number | undefined = 30;
    const queue = await stage('queue-to-zero.yaml', { name: 'mailer', replicas: 2 }, (cluster) => {
      const line = (name: string, messages: number): string =>
        `rabbitmq_queue_messages_ready{queue="${name}",namespace="default"} ${messages}\n`;
      show(cluster, 'rabbitmq', () => (waiting === undefined ? '' : line('mail', waiting)) + line('invoices', 900));
    });
    await queue.keeps(2, 6 * minute);
    waiting = 0;
    await queue.keeps(2, 5 * minute - 30 * second);
    await queue.reaches(0, 2 * minute);
    expect(await queue.condition('ScaledToZero')).toBe('True/ScaledToZero');
    await queue.keeps(0, 10 * minute);

    waiting = 1;
    await queue.reaches(1, minute);
    waiting = 270;
    // 14 are wanted: 10 more at once when the cooldown of the first is over, the rest a cooldown later.
    await queue.reaches(11, 4 * minute);
    await queue.reaches(14, 4 * minute);
    // Nobody knows how many there are: nothing goes.
    waiting = undefined;
    await queue.keeps(14, 20 * minute);
    waiting = 0;
    await queue.reaches(0, 12 * minute);
    expect(await queue.sizes()).toEqual([0, 1, 11, 14, 0]);

    await queue.cluster.client.setScale(resourceTypes.deployments, { namespace: 'default', name: 'mailer' }, 1);
    waiting = 30;
    await queue.reaches(2, 5 * minute);
    await queue.cluster.client.setScale(resourceTypes.deployments, { namespace: 'default', name: 'mailer' }, 0);
    await queue.keeps(0, 10 * minute);
    expect(await queue.condition('ScalingActive')).toBe('False/ScalingDisabled');
  });

  it('latency.yaml: grows when answers become slow, keeps what the rate needs, shrinks when both allow it', async () => {
    const work = (capacity: number) => ({
      name: 'api',
      namespace: 'default',
      owner: 'api',
      load: constant(15),
      cpuPerRequest: 2,
      // One request after the other.
      concurrency: 1,
      capacity,
      memory: { base: 2 ** 24 },
    });
    const api = await stage('latency.yaml', { name: 'api', replicas: 2 }, ({ embedded }) => embedded.workload.define(work(20)));
    await api.keeps(2, 10 * minute);
    // The same load, but each request takes 125 ms instead of 50: a database is slow.
    api.cluster.embedded.workload.define(work(8));
    await api.reaches(3, 2 * minute);
    // Half of 3 is rounded up.
    await api.reaches(5, 6 * minute);
    await api.keeps(5, 20 * minute);
    api.cluster.embedded.workload.define(work(20));
    await api.keeps(5, 5 * minute);
    // What the rate asks for: 15 a second, 10 for each.
    await api.reaches(2, 5 * minute);
    await api.keeps(2, 10 * minute);
    expect(await api.sizes()).toEqual([3, 5, 2]);
  });

  it('schedule.yaml: the floor is whole at noon, falls after two, and reports have the nodes', async () => {
    const canteen = await stage('schedule.yaml', { name: 'canteen', replicas: 2 }, (cluster) => cluster.setLoad('default', 'canteen', 60));
    // Noon in Bengaluru is 6:30 UTC.
    await canteen.at(6, 9);
    expect(await canteen.size()).toBe(2);
    await canteen.at(6, 21);
    expect(await canteen.size(), 'halfway').toBe(7);
    await canteen.at(6, 29);
    expect(await canteen.size()).toBe(11);
    await canteen.at(6, 30);
    await canteen.reaches(12, 2 * second);
    // Above the floor CPU decides.
    canteen.cluster.setLoad('default', 'canteen', 800);
    await canteen.reaches(14, 10 * minute);
    canteen.cluster.setLoad('default', 'canteen', 60);
    await canteen.reaches(12, 15 * minute);
    await canteen.keeps(12, Date.UTC(2026, 10, 22, 8, 30) - canteen.cluster.now() - second);
    await canteen.at(8, 59);
    expect(await canteen.size()).toBe(2);
    // From 9:00 to 10:00 no more than 3, whatever the load.
    await canteen.at(9, 0);
    canteen.cluster.setLoad('default', 'canteen', 580);
    await canteen.at(9, 59);
    expect(await canteen.size()).toBe(3);
    await canteen.at(10, 0);
    await canteen.reaches(10, 5 * minute);
  });
});
