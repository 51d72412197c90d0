import { VirtualClock } from '../../../core/runtime/clock.ts';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import { seededRandom } from '../../../core/runtime/random.ts';
import { parseSelector } from '../../../core/model/selector.ts';
import type { SampleSeries } from '../engine/types.ts';
import type { HistoryAnswer, HistoryClient, HistoryQuery, HistorySeries } from './history-client.ts';
import { importHistory, type HistoryImport, type HistoryImportOptions } from './history-import.ts';
import type { HistoryTarget } from './history-targets.ts';

export const hour = 3_600_000;
export const day = 24 * hour;

interface FakePod {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Epoch milliseconds in which it ran. */
  readonly from: number;
  readonly to: number;
  readonly cpu: number;
  readonly memory: number;
  /** kube_pod_owner. */
  readonly owner?: readonly [kind: string, name: string];
  /** Of kube_pod_labels. */
  readonly kept?: Readonly<Record<string, string>>;
}

/** Answers the queries of the import from a list of pods; knows PromQL only as far as the import writes it. */
export class FakePrometheus implements HistoryClient {
  readonly pods: FakePod[] = [];
  /** kube_replicaset_owner, kube_job_owner: `namespace/name` to its owner. */
  readonly owners = new Map<string, readonly [kind: string, name: string]>();
  readonly queries: HistoryQuery[] = [];
  open = 0;
  mostOpen = 0;
  /** A failure for a query, when it has one. */
  refuse: (query: HistoryQuery, namespaces: readonly string[]) => HistoryAnswer | undefined = () => undefined;

  async queryRange(query: HistoryQuery, each: (series: HistorySeries) => void): Promise<HistoryAnswer> {
    this.queries.push(query);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    await Promise.resolve();
    this.open -= 1;
    const namespaces = /namespace=~?"([^"]*)"/.exec(query.query)?.[1]?.split('|') ?? [];
    const refusal = this.refuse(query, namespaces);
    for (const series of this.#answer(query, namespaces)) {
      each(series);
      // Half an answer, then the failure.
      if (refusal !== undefined) return refusal;
    }
    return refusal ?? { ok: true };
  }

  #answer(query: HistoryQuery, namespaces: readonly string[]): Iterable<HistorySeries> {
    const facts = this.#facts(query, namespaces);
    if (facts === undefined) return this.#usage(query, namespaces);
    return facts.map((labels) => ({ labels, timestamps: Float64Array.of(query.end), values: Float64Array.of(1) }));
  }

  #facts({ query, end }: HistoryQuery, namespaces: readonly string[]): Readonly<Record<string, string>>[] | undefined {
    const range = Number(/\[(\d+)h\]/.exec(query)?.[1] ?? 0) * hour;
    const present = this.pods.filter(({ namespace, to, from }) => namespaces.includes(namespace) && from <= end && to > end - range);
    if (query.includes('kube_pod_owner')) {
      return present.flatMap(({ namespace, pod, owner }) =>
        owner === undefined ? [] : [{ namespace, pod, owner_kind: owner[0], owner_name: owner[1] }],
      );
    }
    if (query.includes('kube_pod_labels')) {
      return present.flatMap(({ namespace, pod, kept }) => (kept === undefined ? [] : [{ namespace, pod, ...kept }]));
    }
    if (query.includes('kube_replicaset_owner')) return this.#owners('replicaset', namespaces);
    return query.includes('kube_job_owner') ? this.#owners('job_name', namespaces) : undefined;
  }

  #owners(label: string, namespaces: readonly string[]): Readonly<Record<string, string>>[] {
    return [...this.owners].flatMap(([key, [kind, name]]) => {
      const [namespace = '', object = ''] = key.split('/');
      return namespaces.includes(namespace) ? [{ namespace, [label]: object, owner_kind: kind, owner_name: name }] : [];
    });
  }

  *#usage({ query, start, end, stepMs }: HistoryQuery, namespaces: readonly string[]): Generator<HistorySeries> {
    for (const { namespace, pod, container, from, to, cpu, memory } of this.pods) {
      if (!namespaces.includes(namespace)) continue;
      const times: number[] = [];
      for (let at = start; at <= end; at += stepMs) if (at >= from && at < to) times.push(at);
      if (times.length === 0) continue;
      const values = new Float64Array(times.length).fill(query.includes('cpu') ? cpu : memory);
      yield { labels: { namespace, pod, container }, timestamps: Float64Array.from(times), values };
    }
  }
}

export function target(name: string, more: Partial<HistoryTarget> = {}): HistoryTarget {
  const { namespace = 'shop', kind = 'Deployment' } = more;
  return { key: `VerticalPolicy/${namespace}/${name}`, namespace, kind, name, selector: parseSelector(`app=${name}`), ...more };
}

export interface HistoryBench {
  readonly clock: VirtualClock;
  readonly logger: ReturnType<typeof recordingLogger>;
  readonly prometheus: FakePrometheus;
  readonly targets: HistoryTarget[];
  /** `namespace/pod` to labels. */
  readonly live: Map<string, Readonly<Record<string, string>>>;
  readonly given: SampleSeries[];
  readonly options: HistoryImportOptions;
  start(more?: Partial<HistoryImportOptions>): HistoryImport;
}

/** Starts at noon, so that the last block is under way. */
export function createHistoryBench(): HistoryBench {
  const clock = new VirtualClock(Date.UTC(2026, 0, 9, 12, 30));
  const logger = recordingLogger();
  const prometheus = new FakePrometheus();
  const targets: HistoryTarget[] = [];
  const live: HistoryBench['live'] = new Map();
  const given: SampleSeries[] = [];
  const options: HistoryImportOptions = {
    client: prometheus,
    clock,
    random: seededRandom(1),
    logger,
    targets: () => targets,
    livePods: (namespace) =>
      new Map(
        [...live].filter(([key]) => key.startsWith(`${namespace}/`)).map(([key, labels]) => [key.slice(namespace.length + 1), labels]),
      ),
    each: (series) => given.push(series) && series.timestamps.length,
    config: { lengthMs: 2 * day },
  };
  return { clock, logger, prometheus, targets, live, given, options, start: (more = {}) => importHistory({ ...options, ...more }) };
}

/** A pod that runs all the time, live, of the target's labels. */
export function addLive(bench: HistoryBench, pod: string, app: string, namespace = 'shop'): void {
  bench.live.set(`${namespace}/${pod}`, { app, hash: 'x' });
  bench.prometheus.pods.push({ namespace, pod, container: 'app', from: 0, to: Infinity, cpu: 0.25, memory: 1000 });
}
