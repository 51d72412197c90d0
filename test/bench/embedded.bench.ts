import { request } from 'undici';
import { createApiServer } from '../../simulator/cluster/api-server/index.ts';
import type { ApiServer, InProcessDispatcher } from '../../simulator/cluster/api-server/index.ts';
import { resourceTypes } from '../../core/model/object.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { rounded, type Figure } from './figure.ts';

const nodes = 5_000;
const pods = 50_000;
/** Namespaces that the pods are spread over. */
const namespaces = 50;
const writes = 20_000;
/** Watch latency is measured at this rate for so long. */
const rate = 1_000;
const seconds = 5;

/** The embedded API server: loading a big cluster, writing, and delivering watch events. */
export async function run(): Promise<readonly Figure[]> {
  const server = createApiServer({ clock: realClock, random: seeded(7) });
  try {
    const load = await measureLoad(server);
    const registryRate = await measureRegistryWrites(server);
    const dispatcherRate = await measureDispatcherWrites(server);
    const inProcess = await measureWatch(server, 'in process');
    const http = await measureWatch(server, 'http');
    const listMs = await measureList(server);
    const heapMb = measureHeap();
    return [
      figure(`load ${nodes} nodes and ${pods} pods through the registry`, load, 's', { better: 'lower', limit: 10 }),
      figure('object writes through the registry (pod status)', registryRate, 'writes/s', { better: 'higher', limit: 5_000 }),
      figure('object writes through the dispatcher (PATCH pod status)', dispatcherRate, 'writes/s', { better: 'higher', limit: 5_000 }),
      ...watchFigures('in process', inProcess),
      ...watchFigures('over HTTP', http),
      figure(`list of ${pods} pods, first time, in process`, listMs, 'ms', { better: 'lower', limit: null }),
      figure(`heap with ${nodes} nodes and ${pods} pods`, heapMb, 'MB', { better: 'lower', limit: null }),
    ];
  } finally {
    await server.close();
  }
}

function figure(name: string, value: number, unit: string, { better, limit }: Pick<Figure, 'better' | 'limit'>): Figure {
  return { bench: 'embedded', figure: name, value: rounded(value), unit, better, limit, against: null, ratio: null };
}

function watchFigures(how: string, { p50, p99, achieved }: WatchResult): Figure[] {
  return [
    figure(`watch event delivered ${how}, p99 at ${rate} writes/s`, p99, 'ms', { better: 'lower', limit: 5 }),
    figure(`watch event delivered ${how}, median`, p50, 'ms', { better: 'lower', limit: null }),
    figure(`writes/s during that (${how})`, achieved, 'writes/s', { better: 'higher', limit: rate * 0.95 }),
  ];
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function node(index: number): KubeObject {
  const name = `node-${String(index).padStart(5, '0')}`;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'topology.kubernetes.io/zone': `zone-${index % 3}`,
        'node.kubernetes.io/instance-type': 'm5.2xlarge',
      },
    },
    spec: { providerID: `aws:///zone-${index % 3}/i-${index}` },
    status: {
      capacity: { cpu: '8', memory: '32Gi', pods: '58' },
      allocatable: { cpu: '7910m', memory: '30Gi', pods: '58' },
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  };
}

function namespaceOf(index: number): string {
  return `team-${index % namespaces}`;
}

function podName(index: number): string {
  return `app-${Math.floor(index / namespaces)}-${(index * 7919) % 99_991}`;
}

function pod(index: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName(index),
      namespace: namespaceOf(index),
      labels: { app: `app-${index % 500}`, 'pod-template-hash': `h${index % 500}` },
    },
    spec: {
      nodeName: `node-${String(index % nodes).padStart(5, '0')}`,
      containers: [
        {
          name: 'main',
          image: `registry.local/app-${index % 500}:1.2.3`,
          resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '512Mi' } },
          ports: [{ containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/ready', port: 8080 } },
        },
      ],
    },
  };
}

async function measureLoad(server: ApiServer): Promise<number> {
  const { registry } = server;
  const start = performance.now();
  for (let index = 0; index < namespaces; index++) {
    await registry.create(resourceTypes.namespaces, { metadata: { name: `team-${index}` } });
  }
  for (let index = 0; index < nodes; index++) await registry.create(resourceTypes.nodes, node(index));
  for (let index = 0; index < pods; index++) await registry.create(resourceTypes.pods, pod(index));
  return (performance.now() - start) / 1000;
}

function runningStatus(stamp: number): Record<string, unknown> {
  return {
    phase: 'Running',
    hostIP: '10.0.0.1',
    podIP: '10.1.0.1',
    startTime: '2026-01-01T00:00:00Z',
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      message: type === 'Ready' ? String(stamp) : '',
    })),
    containerStatuses: [
      {
        name: 'main',
        ready: true,
        started: true,
        restartCount: 0,
        image: 'app',
        imageID: 'app@1',
        state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      },
    ],
  };
}

async function measureRegistryWrites(server: ApiServer): Promise<number> {
  const start = performance.now();
  for (let index = 0; index < writes; index++) {
    await server.registry.mutate(
      resourceTypes.pods,
      namespaceOf(index),
      podName(index),
      (object) => ({ ...object, status: { ...(object.status as object), ...runningStatus(index) } }),
      { subresource: 'status' },
    );
  }
  return writes / ((performance.now() - start) / 1000);
}

/** 16 requests at a time, as a client with a small pool sends them. */
async function measureDispatcherWrites(server: ApiServer): Promise<number> {
  const dispatcher = server.dispatcher();
  let next = writes;
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (next < 2 * writes) {
      const index = next++;
      await patchStatus(dispatcher, `http://embedded`, index, performance.now());
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return writes / ((performance.now() - start) / 1000);
}

async function patchStatus(dispatcher: InProcessDispatcher | undefined, base: string, ...[index, stamp]: [number, number]): Promise<void> {
  const { statusCode, body } = await request(`${base}/api/v1/namespaces/${namespaceOf(index)}/pods/${podName(index)}/status`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
    body: JSON.stringify({ status: runningStatus(stamp) }),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`PATCH answered ${statusCode}: ${text.slice(0, 200)}`);
}

interface WatchResult {
  readonly p50: number;
  readonly p99: number;
  readonly achieved: number;
}

/** Writes carry their own time; a watch of all pods reads it back. Latency is from before the write to the parsed event. */
async function measureWatch(server: ApiServer, how: 'in process' | 'http'): Promise<WatchResult> {
  const listener = how === 'http' ? await server.listen() : undefined;
  const base = listener?.url ?? 'http://embedded';
  const dispatcher = listener === undefined ? server.dispatcher() : undefined;
  const latencies: number[] = [];
  const stop = new AbortController();
  const { body } = await request(`${base}/api/v1/pods?watch=1&resourceVersion=${latest(server)}`, {
    signal: stop.signal,
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  const reading = readEvents(body, (stamp) => latencies.push(performance.now() - stamp)).catch(() => undefined);
  const start = performance.now();
  let sent = 0;
  while (sent < rate * seconds) {
    // A burst for each millisecond that has passed, which keeps the rate without a timer of that resolution.
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - start) / 1000) * rate));
    for (; sent < due; sent++) {
      const stamp = performance.now();
      await server.registry.mutate(
        resourceTypes.pods,
        namespaceOf(sent),
        podName(sent),
        (object) => ({ ...object, status: runningStatus(stamp) }),
        {
          subresource: 'status',
        },
      );
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const elapsed = (performance.now() - start) / 1000;
  const limit = performance.now() + 2000;
  while (latencies.length < sent && performance.now() < limit) await new Promise<void>((resolve) => setTimeout(resolve, 5));
  stop.abort();
  await reading;
  await listener?.close();
  if (latencies.length < sent) throw new Error(`${sent} writes, but only ${latencies.length} events arrived (${how})`);
  latencies.sort((a, b) => a - b);
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), achieved: sent / elapsed };
}

function latest(server: ApiServer): string {
  const lists = server.registry.list(resourceTypes.pods);
  return lists.reduce(
    (highest, object) => (Number(object.metadata.resourceVersion) > Number(highest) ? (object.metadata.resourceVersion ?? '0') : highest),
    '0',
  );
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

async function readEvents(body: AsyncIterable<Buffer>, seen: (stamp: number) => void): Promise<void> {
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = JSON.parse(line) as { object: { status?: { conditions?: { type: string; message?: string }[] } } };
      const ready = event.object.status?.conditions?.find((condition) => condition.type === 'Ready');
      seen(Number(ready?.message));
    }
  }
}

async function measureList(server: ApiServer): Promise<number> {
  const dispatcher = server.dispatcher();
  const start = performance.now();
  const { body } = await request('http://embedded/api/v1/pods', { dispatcher });
  const bytes = await body.arrayBuffer();
  if (bytes.byteLength < pods * 500) throw new Error(`the list has only ${bytes.byteLength} bytes`);
  return performance.now() - start;
}

function measureHeap(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}
