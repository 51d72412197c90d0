import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Agent } from 'undici';
import { connectionFromDispatcher, createKubeClient, createReflector } from '../../core/kube/index.ts';
import { createInterner } from '../../core/model/interner.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { projectPod, unreadPodFields, type PodRecord } from '../../core/model/pod.ts';
import { realClock } from '../../core/runtime/clock.ts';

/** One way to get all pods, alone in a fresh process; tells its parent what it cost. */
export type ReflectorWay = 'watch-list' | 'pages' | 'client-node';

/** What one way cost. */
export interface ReflectorCost {
  readonly pods: number;
  readonly seconds: number;
  readonly peakRssMiB: number;
  readonly startRssMiB: number;
  readonly heapMiB: number;
  readonly longestBlockMs: number;
  readonly cpuSeconds: number;
}

const [, , way, server] = process.argv;
if (way === undefined || server === undefined) throw new Error('usage: reflector-client.ts WAY SERVER');
const ways: Readonly<Record<ReflectorWay, () => Promise<() => number>>> = {
  'watch-list': () => mirror(true),
  pages: () => mirror(false),
  'client-node': clientNodePages,
};
const run = ways[way as ReflectorWay];

const startRss = process.memoryUsage.rss();
const resolutionMs = 2;
const delays = monitorEventLoopDelay({ resolution: resolutionMs });
delays.enable();
await new Promise((resolve) => setTimeout(resolve, 50));
delays.reset();
const startedAt = performance.now();
const cpuAt = process.cpuUsage();
const count = await run();
const seconds = (performance.now() - startedAt) / 1000;
const cpu = process.cpuUsage(cpuAt);
// The block that ends with the last object must show too.
await new Promise((resolve) => setTimeout(resolve, 20));
delays.disable();
const peakRssMiB = process.resourceUsage().maxRSS / 1024;
globalThis.gc?.();
const cost: ReflectorCost = {
  pods: count(),
  seconds,
  peakRssMiB,
  startRssMiB: startRss / 2 ** 20,
  heapMiB: process.memoryUsage().heapUsed / 2 ** 20,
  // What is recorded is the whole distance between two ticks of a timer.
  longestBlockMs: delays.max / 1e6 - resolutionMs,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
};
if (process.send === undefined) console.log(JSON.stringify(cost));
else process.send(cost, () => process.exit(0));
if (process.send === undefined) process.exit(0);

async function mirror(watchList: boolean): Promise<() => number> {
  const connection = connectionFromDispatcher({ server: server ?? '', dispatcher: new Agent({ connections: 64 }) });
  const client = createKubeClient({ connection, clock: realClock, random: Math.random, userAgent: 'bench' });
  const interner = createInterner();
  const reflector = createReflector<PodRecord, 'node' | 'namespace'>({
    client,
    type: resourceTypes.pods,
    clock: realClock,
    random: Math.random,
    watchList,
    project: (raw) => projectPod(raw, interner),
    omit: unreadPodFields,
    indexes: { node: (pod) => (pod.nodeName === undefined ? [] : [pod.nodeName]), namespace: (pod) => [pod.namespace] },
  });
  reflector.start();
  // A referenced timer: the reflector's own do not keep a process alive.
  const alive = setInterval(() => undefined, 1_000);
  await reflector.waitForSync();
  clearInterval(alive);
  const { failures, mode } = reflector.stats();
  const failed = Object.entries(failures).filter(([, times]) => times > 0);
  if (failed.length > 0 || mode !== (watchList ? 'watch-list' : 'pages')) throw new Error(`unexpected: ${mode} ${JSON.stringify(failed)}`);
  return () => reflector.size;
}

/** The baseline: client-node's typed list in pages of the same size, keeping what it gives. */
async function clientNodePages(): Promise<() => number> {
  const { CoreV1Api, KubeConfig } = await import('@kubernetes/client-node');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'c', server, skipTLSVerify: true }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  const api = kubeConfig.makeApiClient(CoreV1Api);
  const pods: object[] = [];
  let _continue: string | undefined;
  do {
    const page = await api.listPodForAllNamespaces({ limit: 500, ...(_continue !== undefined && { _continue }) });
    pods.push(...page.items);
    _continue = page.metadata?._continue;
  } while (_continue !== undefined && _continue !== '');
  return () => pods.length;
}
