import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Condition } from '../../core/model/condition.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { findCompanions } from './binaries/index.ts';
import { describeWithCompanions } from './companion-suite.ts';
import type { ExpositionLine } from './exposition-server.ts';
import { isOurs } from './journey-cluster.ts';
import { maxAgeMs, metricSourceName, startMetricsJourneyCluster, type MetricsJourneyCluster } from './metrics-journey-cluster.ts';
import { createTeardown } from './teardown.ts';
import { until } from './until.ts';

const search = await findCompanions('metrics-server', 'metrics-adapter', 'prometheus');

const average = (averageValue: string): object => ({ type: 'AverageValue', averageValue });

/** One way from a number to a scale. At `busy` the metric asks for five pods, of 10 each. */
interface Journey {
  readonly name: string;
  readonly metric: object;
  readonly show: (namespace: string, total: number, pods: readonly string[]) => readonly ExpositionLine[];
}

const busy = 48;
const idle = 2;

// Each in a namespace of its own; they run at the same time, as they would.
const journeys: readonly Journey[] = [
  {
    name: 'pods',
    metric: { type: 'Pods', pods: { metric: { name: 'requests_per_second' }, target: average('10') } },
    show: (namespace, total, pods) =>
      pods.map((pod) => ({ name: 'requests_per_second', labels: { namespace, pod }, value: total / pods.length })),
  },
  {
    name: 'object',
    metric: {
      type: 'Object',
      object: {
        describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
        metric: { name: 'open_orders' },
        target: average('10'),
      },
    },
    show: (namespace, total) => [{ name: 'open_orders', labels: { namespace, service: 'web' }, value: total }],
  },
  {
    name: 'external',
    metric: {
      type: 'External',
      external: { metric: { name: 'queue_length', selector: { matchLabels: { urgent: 'yes' } } }, target: average('10') },
    },
    // Those that the selector picks are summed.
    show: (namespace, total) => [
      { name: 'queue_length', labels: { namespace, queue: 'a', urgent: 'yes' }, value: total - 0.5 },
      { name: 'queue_length', labels: { namespace, queue: 'b', urgent: 'yes' }, value: 0.5 },
      { name: 'queue_length', labels: { namespace, queue: 'c', urgent: 'no' }, value: 1000 },
    ],
  },
  {
    name: 'prometheus',
    metric: {
      type: 'Prometheus',
      prometheus: {
        source: metricSourceName,
        query: 'sum(jobs_waiting)',
        target: average('10'),
      },
    },
    // The other namespace's are not to be seen.
    show: (namespace, total) => [
      { name: 'jobs_waiting', labels: { namespace, queue: 'a' }, value: total },
      { name: 'jobs_waiting', labels: { namespace: 'elsewhere', queue: 'a' }, value: 1000 },
    ],
  },
];

const cpu = {
  'cpu-metrics-server': { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
  'cpu-prometheus': {
    type: 'Prometheus',
    prometheus: {
      source: metricSourceName,
      query: 'sum(rate(container_cpu_usage_seconds_total{container="web"}[10s]))',
      target: average('50m'),
    },
  },
} as const;
const cpuNames = Object.keys(cpu) as (keyof typeof cpu)[];

interface PolicyStatus {
  readonly conditions?: readonly Condition[];
  readonly currentMetrics?: readonly unknown[];
}

const serviceAccount = 'system:serviceaccount:concertina-system:concertina';

// One program scales all of them; the tests look on, in the order of the file.
describeWithCompanions(
  search,
  'metrics of every kind, each from its real program, scale a workload',
  (companions) => {
    const teardown = createTeardown();
    let cluster: MetricsJourneyCluster;
    let total = busy;

    const replicas = async (namespace: string): Promise<number> =>
      (await cluster.real.adminClient.getScale(resourceTypes.deployments, { namespace, name: 'web' })).specReplicas;
    const statusOf = async (namespace: string): Promise<PolicyStatus> =>
      ((await cluster.real.adminClient.get(resourceTypes.horizontalPolicies, { namespace, name: 'web' })).status ?? {}) as PolicyStatus;
    const condition = async (namespace: string, type: string): Promise<string> => {
      const found = (await statusOf(namespace)).conditions?.find((each) => each.type === type);
      return found === undefined ? 'none' : `${found.status}/${found.reason}: ${found.message}`;
    };
    /** Status is written after the scale. */
    const isActive = async (namespace: string): Promise<void> => {
      const active = await until(async () => (await condition(namespace, 'ScalingActive')).startsWith('True'), 10_000);
      expect(active, `${namespace}: ScalingActive ${await condition(namespace, 'ScalingActive')}`).toBe(true);
    };
    const sourceReady = async (): Promise<string> => {
      const source = await cluster.real.adminClient.get(resourceTypes.metricSources, { name: metricSourceName });
      const { conditions = [] } = (source.status ?? {}) as PolicyStatus;
      const found = conditions.find((each) => each.type === 'Ready');
      return found === undefined ? 'none' : `${found.status}/${found.reason}: ${found.message}`;
    };
    const reaches = async (namespace: string, wanted: number, limitMs: number): Promise<void> => {
      const reached = await until(async () => (await replicas(namespace)) === wanted, limitMs);
      const why = reached ? '' : JSON.stringify(await statusOf(namespace), undefined, 1);
      expect(reached, `${namespace} has ${await replicas(namespace)} replicas, not ${wanted}: ${why}`).toBe(true);
    };

    beforeAll(async () => {
      cluster = await startMetricsJourneyCluster(companions(), teardown);
      for (const { name, show } of journeys) cluster.show(name, () => show(name, total, cluster.runningPods(name)));
      for (const name of cpuNames) cluster.setCpuLoad(name, 225);
      await Promise.all([
        ...journeys.map(({ name, metric }) => cluster.scaled(name, [metric])),
        ...cpuNames.map((name) => cluster.scaled(name, [cpu[name]])),
      ]);
      await cluster.startProgram();
    });
    afterAll(() => teardown.run());

    it.each(journeys.map(({ name }) => name))('%s: as many pods as the number asks for', async (name) => {
      await reaches(name, 5, 60_000);
      await isActive(name);
      // To the thousandth: 48 over the five.
      const exact = await until(async () => JSON.stringify((await statusOf(name)).currentMetrics).includes('"9600m"'), 30_000);
      expect(exact, JSON.stringify((await statusOf(name)).currentMetrics)).toBe(true);
    });

    it.each(cpuNames)('%s: as many pods as their CPU asks for', async (name) => {
      await reaches(name, 5, 90_000);
      await isActive(name);
      expect(await replicas(name)).toBe(5);
    });

    it('Prometheus is gone: nothing shrinks, and it is said; it is back: what is idle shrinks', async () => {
      const dependent = [...journeys.map(({ name }) => name), 'cpu-prometheus'];
      expect(await sourceReady()).toMatch(/^True/u);
      await cluster.prometheus.halt();
      total = idle;
      for (const name of cpuNames) cluster.setCpuLoad(name, 0);
      expect(await until(async () => (await sourceReady()).startsWith('False/SourceUnavailable'), 10_000), await sourceReady()).toBe(true);
      for (const name of dependent) {
        const unknown = async (): Promise<boolean> => (await condition(name, 'ScalingActive')).startsWith('False/FailedGet');
        // The last values are held until they are too old, which is longer than the cooldown: it is not what holds the pods.
        expect(await until(unknown, 2 * maxAgeMs), `${name}: ScalingActive ${await condition(name, 'ScalingActive')}`).toBe(true);
        expect(await condition(name, 'Held')).toMatch(/^True\/MissingData/u);
      }
      // Some more syncs in which nothing is known.
      await new Promise((resolve) => setTimeout(resolve, 3000));
      for (const name of dependent) expect(await replicas(name), name).toBe(5);
      await cluster.prometheus.resume();
      for (const name of dependent) await reaches(name, 1, 60_000);
      expect(await sourceReady()).toMatch(/^True/u);
    });

    it('does everything as its ServiceAccount, and is refused nothing', async () => {
      const records = (await cluster.real.own?.audit?.records()) ?? [];
      const ours = records.filter((record) => isOurs(record));
      expect(ours.length).toBeGreaterThan(0);
      expect(new Set(ours.map((record) => record.user.username))).toEqual(new Set([serviceAccount]));
      expect(ours.filter((record) => record.responseStatus?.code === 403)).toEqual([]);
    });
  },
  { aggregated: true },
);
