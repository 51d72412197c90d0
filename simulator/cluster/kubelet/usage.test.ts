import { describe, expect, it } from 'vitest';
import { gunzipSync } from 'node:zlib';
import { get } from 'node:http';
import { constant } from '../../workload/index.ts';
import { boundPod, conditionOf, harness, instant, statusOf } from './testing/harness.ts';
import { serveKubelets } from './index.ts';

const node = { name: 'n1', cpu: '4', memory: '1Gi' };

async function start(spec: Partial<typeof node> = {}): Promise<ReturnType<typeof harness>> {
  const setup = harness();
  await setup.fleet.addNode({ ...node, ...spec });
  await setup.fleet.start();
  return setup;
}

describe('usage on a node', () => {
  it('kills what is over its memory limit, with everything that goes with it', async () => {
    const { clock, api, fleet } = await start();
    api.put('pods', boundPod('leaky', { memoryLimit: '100Mi', annotations: { 'concertina.dev/sim-memory': 'ramp:0s=50Mi,100s=150Mi' } }));
    await clock.advance(49_000);
    expect(statusOf(api, 'leaky').containerStatuses[0]?.restartCount).toBe(0);
    await clock.advance(3000);
    const container = statusOf(api, 'leaky').containerStatuses[0]!;
    expect(container).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      state: { running: {} },
    });
    // The second time it has to wait.
    await clock.advance(51_000);
    expect(statusOf(api, 'leaky').containerStatuses[0]?.state.waiting?.reason).toBe('CrashLoopBackOff');
    expect(conditionOf(statusOf(api, 'leaky'), 'Ready')?.status).toBe('False');
    await fleet.stop();
  });

  it('starts counters and start time anew with each run', async () => {
    const { clock, api, fleet } = await start();
    api.put('pods', boundPod('web', { annotations: { 'concertina.dev/sim-cpu': '500m' } }));
    await clock.advance(60_000);
    const before = fleet.scrape('n1').pods[0]?.containers[0];
    expect(before?.cpuSeconds).toBeGreaterThan(24);
    fleet.killContainer({ namespace: 'default', name: 'web' }, 'c', { code: 1, reason: 'Error' });
    await clock.advance(11_000);
    const after = fleet.scrape('n1').pods[0]?.containers[0];
    expect(after?.cpuSeconds).toBeLessThan(6);
    expect(after?.startTime).toBeGreaterThan(before?.startTime ?? 0);
    // The node's own counter never goes back.
    expect(fleet.scrape('n1').node.cpuSeconds).toBeGreaterThan(before?.cpuSeconds ?? 0);
    await fleet.stop();
  });

  it('evicts when the node runs out of memory: whoever is furthest above its request first', async () => {
    const { clock, api, fleet } = await start();
    api.put('pods', boundPod('modest', { memory: '300Mi', annotations: { 'concertina.dev/sim-memory': '290Mi' } }));
    api.put('pods', boundPod('greedy', { memory: '100Mi', annotations: { 'concertina.dev/sim-memory': 'ramp:0s=100Mi,60s=800Mi' } }));
    api.put('pods', boundPod('little', { memory: '100Mi', annotations: { 'concertina.dev/sim-memory': '110Mi' } }));
    await clock.advance(120_000);
    expect(statusOf(api, 'greedy')).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: expect.stringMatching(/low on resource: memory/) as unknown,
    });
    expect(conditionOf(statusOf(api, 'greedy'), 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'TerminationByKubelet' });
    expect([statusOf(api, 'modest').phase, statusOf(api, 'little').phase]).toEqual(['Running', 'Running']);
    const [event, ...others] = api.all('events');
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      reason: 'Evicted',
      type: 'Warning',
      involvedObject: { kind: 'Pod', name: 'greedy' },
      source: { component: 'kubelet', host: 'n1' },
      message: statusOf(api, 'greedy').message,
      metadata: { annotations: { offending_containers: 'c', starved_resource: 'memory' } },
    });
    expect(event?.['message']).toMatch(
      /^The node was low on resource: memory\. Threshold quantity: [0-9]+[KM]?i?, available: [0-9]+[KM]?i?\. Container c was using [0-9]+[KM]?i?, request is 100Mi, has larger consumption of memory\. $/u,
    );
    const usage = Number(event?.metadata.annotations?.['offending_containers_usage']?.replace(/[KM]i$/u, ''));
    expect(usage).toBeGreaterThan(0);
    const pressure = (): string | undefined =>
      (api.get('nodes', 'n1')!.status as { conditions: { type: string; status: string }[] }).conditions.find(
        ({ type }) => type === 'MemoryPressure',
      )?.status;
    expect(pressure()).toBe('True');
    await clock.advance(310_000);
    expect(pressure()).toBe('False');
    await fleet.stop();
  });

  it('caps at the limit and counts the throttled time', async () => {
    const { clock, api, fleet } = await start();
    api.put('pods', boundPod('web', { cpuLimit: '250m', annotations: { 'concertina.dev/sim-cpu': '1' } }));
    await clock.advance(100_000);
    const container = fleet.pod('default', 'web')?.containers[0];
    expect(container?.cpuMilli).toBe(250);
    expect(container?.cpuSeconds).toBeGreaterThan(24.5);
    expect(container?.cpuSeconds).toBeLessThanOrEqual(25);
    expect(container?.throttledMs).toBeGreaterThan(98_000);
    await fleet.stop();
  });

  it('shares a crowded node by requests and never uses more than there is', async () => {
    const { clock, api, fleet } = await start();
    api.put('pods', boundPod('a', { cpu: '2', annotations: { 'concertina.dev/sim-cpu': '4' } }));
    api.put('pods', boundPod('b', { cpu: '1', annotations: { 'concertina.dev/sim-cpu': '4' } }));
    api.put('pods', boundPod('c', { cpu: '1', annotations: { 'concertina.dev/sim-cpu': '400m' } }));
    await clock.advance(20_000);
    const rate = (name: string): number => fleet.pod('default', name)?.containers[0]?.cpuMilli ?? 0;
    expect(rate('c')).toBeCloseTo(400, 6);
    expect(rate('a')).toBeCloseTo(2400, 6);
    expect(rate('b')).toBeCloseTo(1200, 6);
    api.remove('pods', 'a');
    await clock.advance(2000);
    expect(rate('b')).toBeCloseTo(3600, 6);
    await fleet.stop();
  });

  it('spreads a workload over its ready pods only', async () => {
    const { clock, api, fleet, workload } = await start();
    workload.define({
      name: 'web',
      namespace: 'default',
      selector: { app: 'web' },
      load: constant(100),
      cpuPerRequest: 10,
      baseCpu: 0,
      memory: { base: 1e7 },
    });
    const labels = { app: 'web' };
    api.put('pods', boundPod('web-1', { labels }));
    api.put('pods', boundPod('web-2', { labels, annotations: { 'concertina.dev/sim-ready': '60s' } }));
    await clock.advance(30_000);
    const rate = (name: string): number => fleet.pod('default', name)?.containers[0]?.cpuMilli ?? -1;
    expect([rate('web-1'), rate('web-2')]).toEqual([1000, 0]);
    await clock.advance(31_000);
    expect([rate('web-1'), rate('web-2')]).toEqual([500, 500]);
    fleet.faults.notReady.add('default/web-1');
    await clock.advance(1100);
    expect(workload.results('web')).toMatchObject({ replicas: 1, running: 2, throttled: false });
    expect(conditionOf(statusOf(api, 'web-1'), 'Ready')?.status).toBe('False');
    fleet.faults.notReady.clear();
    await clock.advance(1100);
    expect(workload.results('web')).toMatchObject({ replicas: 2, running: 2 });
    expect(conditionOf(statusOf(api, 'web-1'), 'Ready')?.status).toBe('True');
    await fleet.stop();
    expect(workload.results('web')).toMatchObject({ replicas: 0, running: 0 });
    await fleet.stop();
  });

  it('is ready only when its start-up work is done, later under a limit', async () => {
    const { clock, api, fleet, workload } = await start();
    workload.define({
      name: 'web',
      namespace: 'default',
      selector: { app: 'web' },
      load: constant(1),
      cpuPerRequest: 1,
      baseCpu: 0,
      memory: { base: 1e7 },
      startup: { cpuMilli: 1000, durationMs: 10_000 },
    });
    api.put('pods', boundPod('slow', { labels: { app: 'web' }, cpuLimit: '500m' }));
    await clock.advance(19_000);
    expect(fleet.pod('default', 'slow')?.ready).toBe(false);
    await clock.advance(1500);
    expect(fleet.pod('default', 'slow')?.ready).toBe(true);
    await fleet.stop();
  });

  it('serves the text that metrics-server reads', async () => {
    const { clock, api, fleet } = await start();
    api.put('pods', boundPod('web', { annotations: { 'concertina.dev/sim-cpu': '500m', 'concertina.dev/sim-memory': '64Mi' } }));
    await clock.advance(21_000);
    const at = fleet.scrape('n1').node.timestamp;
    const started = fleet.scrape('n1').pods[0]!.containers[0]!.startTime;
    const cpu = 0.001 + ((at - started) / 1000) * 0.5;
    const nodeCpu = fleet.scrape('n1').node.cpuSeconds;
    expect(fleet.resourceMetrics('n1')).toBe(
      [
        '# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds',
        '# TYPE container_cpu_usage_seconds_total counter',
        `container_cpu_usage_seconds_total{container="c",namespace="default",pod="web"} ${Math.round(cpu * 1e9) / 1e9} ${at}`,
        '# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes',
        '# TYPE container_memory_working_set_bytes gauge',
        `container_memory_working_set_bytes{container="c",namespace="default",pod="web"} 67108864 ${at}`,
        '# HELP container_start_time_seconds [STABLE] Start time of the container since unix epoch in seconds',
        '# TYPE container_start_time_seconds gauge',
        `container_start_time_seconds{container="c",namespace="default",pod="web"} ${started / 1000}`,
        '# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds',
        '# TYPE node_cpu_usage_seconds_total counter',
        `node_cpu_usage_seconds_total ${Math.round(nodeCpu * 1e9) / 1e9} ${at}`,
        '# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes',
        '# TYPE node_memory_working_set_bytes gauge',
        `node_memory_working_set_bytes 67108864 ${at}`,
        '# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the pod in core-seconds',
        '# TYPE pod_cpu_usage_seconds_total counter',
        `pod_cpu_usage_seconds_total{namespace="default",pod="web"} ${Math.round(cpu * 1e9) / 1e9} ${at}`,
        '# HELP pod_memory_working_set_bytes [STABLE] Current working set of the pod in bytes',
        '# TYPE pod_memory_working_set_bytes gauge',
        `pod_memory_working_set_bytes{namespace="default",pod="web"} 67108864 ${at}`,
        '# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
        '# TYPE resource_scrape_error gauge',
        'resource_scrape_error 0',
        '',
      ].join('\n'),
    );
    await fleet.stop();
  });

  it('serves all nodes at one port and says so on the nodes', async () => {
    const { clock, api, fleet } = await start();
    const server = await serveKubelets(fleet);
    await fleet.addNode({ ...node, name: 'n2' });
    await clock.advance(1000);
    for (const name of ['n1', 'n2']) {
      const object = api.get('nodes', name)!;
      expect(object.metadata.annotations?.['metrics.k8s.io/resource-metrics-path']).toBe(`/${name}/metrics/resource`);
      expect((object.status as { daemonEndpoints: object }).daemonEndpoints).toEqual({ kubeletEndpoint: { Port: server.port } });
    }
    const plain = await fetchText(server.port, '/n1/metrics/resource', {});
    expect(plain.body.toString()).toBe(fleet.resourceMetrics('n1'));
    const packed = await fetchText(server.port, '/n1/metrics/resource', { 'accept-encoding': 'gzip' });
    expect(packed.encoding).toBe('gzip');
    expect(gunzipSync(packed.body).toString()).toBe(fleet.resourceMetrics('n1'));
    expect((await fetchText(server.port, '/other/metrics/resource', {})).status).toBe(404);
    fleet.failNode('n1');
    await expect(fetchText(server.port, '/n1/metrics/resource', {})).rejects.toThrow(/socket hang up|ECONNRESET/);
    await server.close();
    await fleet.stop();
  });
});

describe('a fleet', () => {
  it('brings 1,000 pods on 50 nodes up and keeps quiet afterwards', async () => {
    const { clock, api, fleet, problems } = harness({ ...instant, startup: { pull: { min: 500, max: 2000 }, start: 300 } });
    for (let index = 0; index < 50; index++) await fleet.addNode({ name: `n${index}`, cpu: '16', memory: '64Gi' });
    for (let index = 0; index < 1000; index++) api.put('pods', boundPod(`p${index}`, { node: `n${index % 50}` }));
    await fleet.start();
    await clock.advance(10_000);
    expect(api.all('pods').every(({ status }) => (status as { phase: string }).phase === 'Running')).toBe(true);
    const before = api.writes.filter(({ plural }) => plural === 'pods').length;
    // One write for ContainerCreating, one for Running and Ready.
    expect(before).toBe(2000);
    await clock.advance(60_000);
    expect(api.writes.filter(({ plural }) => plural === 'pods').length).toBe(before);
    expect(problems).toEqual([]);
    await fleet.stop();
    expect(clock.pending).toBe(0);
  });
});

function fetchText(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; encoding: string | undefined; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) }),
      );
    }).on('error', reject);
  });
}

describe('memory that a pod needs, whatever it is given', () => {
  it('ends every run that has too little and lets one with enough live: an OOM, a recommendation, peace', async () => {
    const { clock, api, fleet } = await start();
    const needs = { annotations: { 'concertina.dev/sim-memory': 'ramp:0s=20Mi,5s=300Mi' } };
    api.put('pods', boundPod('small', { memoryLimit: '200Mi', ...needs }));
    await clock.advance(60_000);
    const container = statusOf(api, 'small').containerStatuses[0]!;
    expect(container.restartCount).toBeGreaterThanOrEqual(2);
    expect(container.lastState.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
    api.remove('pods', 'small');
    api.put('pods', boundPod('grown', { memoryLimit: '400Mi', ...needs }));
    await clock.advance(60_000);
    expect(statusOf(api, 'grown').containerStatuses[0]).toMatchObject({ restartCount: 0, ready: true });
    expect(fleet.pod('default', 'grown')?.containers[0]?.memoryBytes).toBe(300 * 2 ** 20);
    await fleet.stop();
  });

  it('a crash loop ends when a resize in place gives it enough', async () => {
    const { clock, api, fleet } = await start();
    const needs = { annotations: { 'concertina.dev/sim-memory': 'ramp:0s=20Mi,5s=300Mi' } };
    api.put('pods', boundPod('web', { memoryLimit: '200Mi', ...needs }));
    await clock.advance(60_000);
    api.change('pods', 'web', (pod) => {
      const spec = structuredClone(pod.spec) as { containers: { resources: { limits: Record<string, string> } }[] };
      spec.containers[0]!.resources.limits['memory'] = '400Mi';
      return { ...pod, spec, metadata: { ...pod.metadata, generation: 2 } };
    });
    await clock.advance(330_000);
    const before = statusOf(api, 'web').containerStatuses[0]!.restartCount;
    await clock.advance(60_000);
    expect(statusOf(api, 'web').containerStatuses[0]).toMatchObject({
      restartCount: before,
      ready: true,
      resources: { limits: { memory: '400Mi' } },
    });
    await fleet.stop();
  });
});

it('a sidecar has a usage of its own, and so has each container that is named', async () => {
  const { clock, api, fleet } = await start();
  api.put(
    'pods',
    boundPod('web', {
      annotations: {
        'concertina.dev/sim-cpu': '200m',
        'concertina.dev/sim-cpu.proxy': '50m',
        'concertina.dev/sim-memory.proxy': '33Mi',
        'concertina.dev/sim-cpu.log': '5m',
      },
      spec: {
        initContainers: [{ name: 'proxy', image: 'proxy:1', restartPolicy: 'Always', resources: { requests: { cpu: '10m' } } }],
        containers: [
          { name: 'c', image: 'app:1' },
          { name: 'log', image: 'log:1' },
        ],
      },
    }),
  );
  await clock.advance(30_000);
  const rates = Object.fromEntries((fleet.pod('default', 'web')?.containers ?? []).map(({ name, cpuMilli }) => [name, cpuMilli]));
  expect(rates).toEqual({ proxy: 50, c: 200, log: 5 });
  const published = fleet.scrape('n1').pods[0]?.containers ?? [];
  expect(published.map(({ name }) => name).toSorted()).toEqual(['c', 'log', 'proxy']);
  expect(published.find(({ name }) => name === 'proxy')?.memoryBytes).toBe(33 * 2 ** 20);
  expect((api.get('pods', 'web')!.status as { initContainerStatuses: object[] }).initContainerStatuses).toMatchObject([
    { name: 'proxy', ready: true, started: true, resources: { requests: { cpu: '10m' } } },
  ]);
  await fleet.stop();
});
