import type { KubeClient } from '../../core/kube/api.ts';
import type { PodUsage, UsageSnapshot } from '../../core/model/metrics-view.ts';
import { parsePodMetrics } from '../../metrics-aggregator/sources/metrics-server/parse.ts';
import { createMetricsServerSource } from '../../metrics-aggregator/sources/metrics-server/metrics-server-source.ts';
import { createSeriesStore } from '../../metrics-aggregator/store/series-store.ts';
import { createUsageStore, defaultUsageStoreConfig } from '../../metrics-aggregator/store/usage-store.ts';
import { figureMaker, median, rounded, type BenchRun, type Figure } from './figure.ts';
import { firstPollAt, nodeMetricsList, podMetricsList, pollMs } from './ingest-list.ts';

const pods = 150_000;
const nodes = 5_000;
/** More than the points that a container's history holds, so that all rings are full. */
const polls = 20;
const maxAgeMs = 180_000;
const seriesKeys = 10_000;
const seriesPoints = 240;
const figure = figureMaker('ingest');

/**
 * Polls of 150,000 pods with one container each and 5,000 nodes, from the bodies to a published snapshot: the first, many with the same pods and new values, and
 * some in which one pod of a hundred is another. Against it, in turn with it, `JSON.parse` of the whole body and an object for each pod in a map.
 *
 * The longest block is the longest distance between two ticks of a 2 ms timer beyond the 2 ms, garbage collection included; the bodies are made before it starts.
 * On a busy machine it holds the time in which others ran; so the most CPU time that the process, with its helper threads, used between two ticks is told as
 * well. What is retained is heap and external memory after a collection, against the same before the source and the stores were made.
 */
export const run: BenchRun = async () => {
  const before = await retainedBytes();
  let current: { readonly pods: Buffer; readonly nodes: Buffer } = { pods: Buffer.alloc(0), nodes: Buffer.alloc(0) };
  const raw: KubeClient['raw'] = ({ path }) =>
    Promise.resolve({ status: 200, headers: {}, body: path.endsWith('/pods') ? current.pods : current.nodes });
  const source = createMetricsServerSource({ server: 'bench', raw } as Partial<KubeClient> as KubeClient, { timeoutMs: 10_000 });
  const store = createUsageStore();
  const held: { view: UsageSnapshot | undefined } = { view: undefined };

  const poll = async (number: number): Promise<void> => {
    const now = firstPollAt + number * pollMs;
    const answer = await source.usage?.(new AbortController().signal);
    if (answer?.ok !== true) throw new Error('the source failed');
    const report = await store.ingest(answer, now);
    const view = store.snapshot({ at: now, maxAgeMs, publish: true });
    if (view.podCount !== pods || report.containers !== pods || report.fresh !== pods)
      throw new Error(`unexpected: ${JSON.stringify(report)}`);
    held.view = view;
  };
  const bodies = (number: number, replaced?: number) => ({
    pods: podMetricsList({ pods, poll: number, replaced }),
    nodes: nodeMetricsList(nodes, number),
  });

  current = bodies(0);
  const bodyBytes = current.pods.length;
  const first = await measured(() => poll(0));
  const steady: Cost[] = [];
  const plain: Cost[] = [];
  for (let number = 1; number <= polls; number++) {
    current = bodies(number);
    steady.push(await measured(() => poll(number)));
    if (number % 4 === 0) plain.push(await measured(() => Promise.resolve(readPlainly(current.pods, number))));
  }
  const changed: Cost[] = [];
  for (let number = polls + 1; number <= polls + 5; number++) {
    current = bodies(number, 100);
    changed.push(await measured(() => poll(number)));
  }
  const series = createSeriesStore();
  for (let point = 0; point < seriesPoints; point++) {
    for (let key = 0; key < seriesKeys; key++)
      series.record(`["external","team-${key % 60}","queue_depth","queue=q${key}"]`, point * pollMs, key);
  }
  current = { pods: Buffer.alloc(0), nodes: Buffer.alloc(0) };
  const retained = ((await retainedBytes()) - before) / 2 ** 20;
  // Asked for last, so that nothing is collected before.
  const history = held.view?.containerHistory('team-00', [...held.view.pods()][7]?.name ?? '', 'app');
  const again = store.snapshot({ at: firstPollAt, maxAgeMs }).podCount;
  if (history?.timestamps.length !== defaultUsageStoreConfig.containerHistoryPoints || again !== pods)
    throw new Error('the histories are not full');
  if (source.name !== 'metrics.k8s.io' || series.size !== seriesKeys) throw new Error('what was measured is not there');
  return figures({ bodyMiB: bodyBytes / 2 ** 20, first, steady, changed, plain, retained });
};

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
  readonly blockMs: number;
  readonly blockCpuMs: number;
}

interface Results {
  readonly bodyMiB: number;
  readonly first: Cost;
  readonly steady: readonly Cost[];
  readonly changed: readonly Cost[];
  readonly plain: readonly Cost[];
  readonly retained: number;
}

function figures({ bodyMiB, first, steady, changed, plain, retained }: Results): Figure[] {
  const all = [first, ...steady, ...changed];
  const times = (name: string, value: number): Figure =>
    figure({ figure: `body to snapshot, ${name}`, value, unit: 'ms', limit: 600, against: plainly('ms', median) });
  const plainly = (part: keyof Cost, of: (values: readonly number[]) => number) => ({
    name: 'JSON.parse of the whole and a map of objects',
    value: rounded(of(plain.map((cost) => cost[part]))),
  });
  return [
    times(`first poll of ${pods} pods in ${Math.round(bodyMiB)} MiB and ${nodes} nodes`, first.ms),
    times(`same pods, median of ${steady.length}`, median(steady.map(({ ms }) => ms))),
    times(`same pods, slowest of ${steady.length}`, highest(steady.map(({ ms }) => ms))),
    times(`one pod of 100 is new, median of ${changed.length}`, median(changed.map(({ ms }) => ms))),
    figure({ figure: 'CPU time of the first poll', value: first.cpuMs, unit: 'ms', against: plainly('cpuMs', median) }),
    figure({
      figure: 'CPU time of a poll, same pods, median',
      value: median(steady.map(({ cpuMs }) => cpuMs)),
      unit: 'ms',
      against: plainly('cpuMs', median),
    }),
    figure({
      figure: `longest event-loop block of ${all.length} polls`,
      value: highest(all.map(({ blockMs }) => blockMs)),
      unit: 'ms',
      limit: 50,
      against: plainly('blockMs', highest),
    }),
    figure({
      figure: 'most CPU time between two turns',
      value: highest(all.map(({ blockCpuMs }) => blockCpuMs)),
      unit: 'ms',
      against: plainly('blockCpuMs', highest),
    }),
    figure({
      figure: `retained: ${pods} containers with full histories, ${seriesKeys} keys × ${seriesPoints} points`,
      value: retained,
      unit: 'MiB',
      limit: 150,
    }),
  ];
}

const tickMs = 2;

async function measured(work: () => Promise<void>): Promise<Cost> {
  let last = { at: performance.now(), cpu: cpuMs() };
  let blockMs = 0;
  let blockCpuMs = 0;
  const tick = (): void => {
    const now = { at: performance.now(), cpu: cpuMs() };
    blockMs = Math.max(blockMs, now.at - last.at - tickMs);
    blockCpuMs = Math.max(blockCpuMs, now.cpu - last.cpu);
    last = now;
  };
  const timer = setInterval(tick, tickMs);
  // From a turn of its own: what was done before is not of the work.
  await new Promise((resolve) => setTimeout(resolve, 20));
  blockMs = 0;
  blockCpuMs = 0;
  tick();
  const start = last;
  await work();
  const ms = performance.now() - start.at;
  const cpu = cpuMs() - start.cpu;
  // The block that ends with the work must show too.
  await new Promise((resolve) => setTimeout(resolve, 2 * tickMs));
  clearInterval(timer);
  return { ms, cpuMs: cpu, blockMs, blockCpuMs };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What the suite did at first: the whole body at once, an object for each pod, a map by name. */
function readPlainly(body: Buffer, number: number): void {
  const { items } = JSON.parse(body.toString('utf8')) as { readonly items: readonly unknown[] };
  const usage = new Map<string, PodUsage>();
  for (const item of items) {
    const parsed = parsePodMetrics(item);
    if (parsed.ok && parsed.value.timestamp >= firstPollAt + number * pollMs - maxAgeMs) {
      usage.set(`${parsed.value.namespace}/${parsed.value.name}`, parsed.value);
    }
  }
  if (usage.size !== pods) throw new Error(`the plain way found ${usage.size} pods`);
}

async function retainedBytes(): Promise<number> {
  // Finalizers run between turns, and free what only they held.
  for (let turn = 0; turn < 4; turn++) {
    globalThis.gc?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function highest(values: readonly number[]): number {
  return Math.max(...values);
}
