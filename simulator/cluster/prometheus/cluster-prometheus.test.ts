import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { request } from 'undici';
import type { KubeObject } from '../../../core/model/object.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { constant } from '../../workload/index.ts';
import { startEmbeddedCluster } from '../embedded-cluster.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import { createClusterExpositions, serveExpositions, startClusterPrometheus } from './index.ts';
import type { PrometheusServer } from './index.ts';

const node = (name: string) => ({ name, cpu: 4, memory: '8Gi', taints: [] });
const web: KubeObject = {
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'c',
            image: 'shop/web:1',
            resources: { requests: { cpu: '200m', memory: '100Mi' }, limits: { cpu: '250m', memory: '200Mi' } },
          },
        ],
      },
    },
  },
};

describe('the Prometheus of an embedded cluster', () => {
  let clock: VirtualClock;
  let cluster: EmbeddedCluster;
  let server: PrometheusServer;

  beforeEach(async () => {
    clock = new VirtualClock();
    cluster = await startEmbeddedCluster({ clock, random: seededRandom('prometheus'), nodes: [node('n1'), node('n2')] });
    server = startClusterPrometheus({ cluster, clock, scrapeIntervalMs: 10_000 });
    clock.useSettle(async () => {
      await cluster.settle();
      await server.settle();
    });
    cluster.workload.define({
      name: 'web',
      namespace: 'default',
      owner: 'web',
      load: constant(40),
      cpuPerRequest: 20,
      memory: { base: 6e7 },
    });
    await cluster.api.registry.create(resourceTypes.deployments, web);
  });
  afterEach(async () => {
    await server.stop();
    await cluster.stop();
  });

  const values = async (query: string): Promise<readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]> => {
    const path = `/api/v1/query?${new URLSearchParams({ query }).toString()}`;
    const dispatcher = server.dispatcher();
    const answer = await request(`http://prometheus.test${path}`, { dispatcher });
    const { data } = (await answer.body.json()) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } };
    return data.result.map(({ metric, value }) => [metric, Number(value[1])] as const);
  };
  const only = async (query: string): Promise<number> => {
    const found = await values(query);
    expect(found).toHaveLength(1);
    return found[0]?.[1] ?? Number.NaN;
  };

  it('measures what the workload model gives its pods', async () => {
    await clock.advance(300_000);
    expect(await only('count(up == 1)')).toBe(4);
    expect(await only('sum(rate(http_requests_total{service="web",code="200"}[2m]))')).toBeCloseTo(40, 6);
    const perPod = await values('sum by (pod) (rate(http_requests_total[2m]))');
    expect(perPod).toHaveLength(4);
    for (const [, rate] of perPod) expect(rate).toBeCloseTo(10, 1);
    // 10 requests of 20 core-milliseconds and a milli-core of idling.
    for (const [, cores] of await values('rate(container_cpu_usage_seconds_total{container="c"}[2m])')) expect(cores).toBeCloseTo(0.201, 3);
    expect(await only('sum(container_memory_working_set_bytes{container="c"})')).toBe(2.4e8);
    expect(await only('sum(kube_pod_container_resource_requests{resource="cpu"})')).toBeCloseTo(0.8, 9);
  });

  it('shows rows of the container, of its pod as a whole and of the sandbox', async () => {
    await clock.advance(60_000);
    const [found] = await values('container_cpu_usage_seconds_total{container="c"}');
    const labels = found?.[0] ?? {};
    expect(labels).toMatchObject({
      cpu: 'total',
      image: 'shop/web:1',
      namespace: 'default',
      job: 'kubelet',
      metrics_path: '/metrics/cadvisor',
    });
    expect(labels['id']).toMatch(
      /^\/kubepods\.slice\/kubepods-burstable\.slice\/kubepods-burstable-pod[0-9a-f_]+\.slice\/cri-containerd-[0-9a-f]{64}\.scope$/,
    );
    expect(labels['id']).toContain(labels['name']);
    expect(await only('count(container_cpu_usage_seconds_total{pod!="",container=""})')).toBe(4);
    expect(await only('count(container_cpu_usage_seconds_total{container="POD"})')).toBe(4);
    expect(await only('count(container_cpu_usage_seconds_total{id="/"})')).toBe(2);
    // Those who forget to leave the pod's own rows out count everything twice.
    const twice = await only(
      'sum(container_memory_working_set_bytes{namespace="default"}) / sum(container_memory_working_set_bytes{container="c"})',
    );
    expect(twice).toBeGreaterThan(2);
  });

  it('shows throttling of containers with a limit', async () => {
    cluster.workload.setLoad('web', constant(80));
    await clock.advance(300_000);
    const share = await values('rate(container_cpu_cfs_throttled_periods_total[2m]) / rate(container_cpu_cfs_periods_total[2m])');
    expect(share).toHaveLength(4);
    for (const [, throttled] of share) expect(throttled).toBeCloseTo(1, 1);
  });

  it('joins owners, phases and restarts', async () => {
    await clock.advance(60_000);
    const [pod = ''] = (await values('kube_pod_info')).map(([labels]) => labels['pod'] ?? '');
    cluster.fleet.killContainer({ namespace: 'default', name: pod }, 'c', { code: 137, reason: 'OOMKilled' });
    await clock.advance(60_000);
    expect(await only(`kube_pod_container_status_restarts_total{pod="${pod}"}`)).toBe(1);
    expect(await values('kube_pod_container_status_last_terminated_reason == 1')).toMatchObject([[{ pod, reason: 'OOMKilled' }, 1]]);
    const owned = 'kube_pod_owner{owner_kind="ReplicaSet"} * on (namespace, owner_name) group_left (deployment) ';
    const sets =
      'label_replace(label_replace(kube_replicaset_owner, "deployment", "$1", "owner_name", "(.*)"), "owner_name", "$1", "replicaset", "(.*)")';
    expect((await values(owned + sets)).map(([labels]) => labels['deployment'])).toEqual(['web', 'web', 'web', 'web']);
    expect(await only('sum(kube_pod_status_phase{phase="Running"})')).toBe(4);
    expect(await only('sum(kube_node_status_allocatable{resource="cpu",unit="core"})')).toBe(8);
    expect(await only('kube_deployment_status_replicas_available')).toBe(4);
  });

  it('keeps the last values of a deleted pod for the lookback, those of its application not', async () => {
    await clock.advance(60_000);
    const deployment = cluster.api.registry.get(resourceTypes.deployments, 'default', 'web');
    await cluster.api.registry.update(resourceTypes.deployments, {
      ...deployment!,
      spec: { ...(deployment!.spec as object), replicas: 1 },
    });
    await clock.advance(60_000);
    expect(await only('count(container_memory_working_set_bytes{container="c"})')).toBe(4);
    expect(await only('count(queue_depth)')).toBe(1);
    expect(await only('count(kube_pod_info)')).toBe(1);
    await clock.advance(300_000);
    expect(await only('count(container_memory_working_set_bytes{container="c"})')).toBe(1);
  });

  it('follows nodes', async () => {
    await clock.advance(20_000);
    await cluster.fleet.addNode(node('n3'));
    cluster.fleet.failNode('n1');
    await cluster.fleet.removeNode('n2');
    await clock.advance(20_000);
    const nodes = (await values('up{job="kubelet"}')).map(([labels, up]) => [labels['node'] ?? '', up] as const);
    expect(Object.fromEntries(nodes)).toEqual({ n1: 0, n3: 1 });
  });

  it('serves the same texts over HTTP', async () => {
    await clock.advance(60_000);
    const expositions = createClusterExpositions(cluster, clock);
    const listener = await serveExpositions(expositions);
    try {
      const get = async (path: string): Promise<readonly [number, string]> => {
        const answer = await request(`${listener.url}${path}`);
        return [answer.statusCode, await answer.body.text()];
      };
      expect(await get('/cadvisor/n1')).toEqual([200, expositions.cadvisor('n1')]);
      expect((await get('/app'))[1]).toContain('http_requests_total{code="200",namespace="default"');
      expect(await get('/kube-state-metrics')).toEqual([200, expositions.kubeStateMetrics()]);
      expect((await get('/cadvisor/nope'))[0]).toBe(404);
      cluster.fleet.failNode('n1');
      await expect(get('/cadvisor/n1')).rejects.toThrow('other side closed');
    } finally {
      await listener.close();
    }
  });
});
