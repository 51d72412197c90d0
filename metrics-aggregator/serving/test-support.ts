import { queryKey, type MetricQuery } from '../../core/model/metric-query.ts';
import type { MetricsView, NodeUsage, PodUsage, UsageSnapshot, ViewChange } from '../../core/model/metrics-view.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { createHttpServer, realClock, silentLogger, type HttpServer } from '../../core/runtime/index.ts';
import { createMetricsView, type MetricsViewInput } from '../engine/metrics-view.ts';
import { plainUsageSnapshot } from '../store/plain-snapshot.ts';
import type { MetricsAggregator, ViewFacts } from './ports.ts';

/** Fakes for the tests of `serving/` and `remote/`. */

export const start = Date.UTC(2026, 10, 22, 12);

export function usageOf(pods: readonly PodUsage[], nodes: readonly NodeUsage[] = []): UsageSnapshot {
  return plainUsageSnapshot(pods, nodes);
}

export function podUsage(name: string, overrides: Partial<PodUsage> = {}): PodUsage {
  const containers = [{ name: 'c', cpuMilli: 250, memoryMilli: 1_048_576_000 }];
  return { namespace: 'shop', name, timestamp: start - 5000, windowMs: 15_000, containers, ...overrides };
}

/** A running pod; what the view does not read is left out. */
export function podRecord(name: string, overrides: Partial<PodRecord> = {}): PodRecord {
  const record: Partial<PodRecord> = {
    namespace: 'shop',
    name,
    phase: 'Running',
    nodeName: 'n1',
    started: start - 3_600_000,
    statuses: [{ name: 'c', running: true } as PodRecord['statuses'][number]],
    ...overrides,
  };
  return record as PodRecord;
}

export function inputOf(overrides: Partial<MetricsViewInput> = {}): MetricsViewInput {
  return {
    at: start,
    sequence: 1,
    usage: usageOf([]),
    usageSource: 'metrics.k8s.io',
    resourceSource: { healthy: true, lastSuccess: start },
    usageDoubt: undefined,
    unscrapedNodes: new Map(),
    startGraceMs: 60_000,
    queries: new Map(),
    sources: [],
    ...overrides,
  };
}

export interface FakeAggregator extends MetricsAggregator {
  /** Publishes a view with the next sequence. */
  publish(overrides?: Partial<MetricsViewInput>, change?: Partial<ViewChange>): MetricsView;
  readonly facts: (view: MetricsView) => ViewFacts;
  /** Calls of `demand`, in order. */
  readonly demands: (readonly [subject: string, keys: readonly string[]])[];
  /** What is demanded now, by subject. */
  wanted(): Record<string, readonly string[]>;
}

export function fakeAggregator(first: Partial<MetricsViewInput> = {}): FakeAggregator {
  const facts = new WeakMap<MetricsView, MetricsViewInput>();
  const listeners = new Set<(view: MetricsView, change: ViewChange) => void>();
  const make = (overrides: Partial<MetricsViewInput>): MetricsView => {
    const input = inputOf(overrides);
    const made = createMetricsView(input);
    facts.set(made, input);
    return made;
  };
  let view = make(first);
  const demands: (readonly [string, readonly string[]])[] = [];
  return {
    view: () => view,
    onView: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    demand: (subject, queries: readonly MetricQuery[]) => demands.push([subject, queries.map(queryKey)]),
    refresh: () => Promise.resolve(view),
    start: () => undefined,
    stop: () => undefined,
    publish: (overrides = {}, change = {}) => {
      view = make({ sequence: view.sequence + 1, ...overrides });
      for (const listener of listeners) listener(view, { usage: true, queries: new Set(), ...change });
      return view;
    },
    facts: (each) => {
      const input = facts.get(each);
      if (input === undefined) throw new Error('a view of somebody else');
      return input;
    },
    demands,
    wanted: () => Object.fromEntries([...new Map(demands)].filter(([, keys]) => keys.length > 0)),
  };
}

/** A server on loopback with whatever is added to it. */
export async function serveOn(
  prepare: (server: HttpServer) => void,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createHttpServer({ host: '127.0.0.1', port: 0, clock: realClock, logger: silentLogger });
  prepare(server);
  const { port } = await server.listen();
  return { url: `http://127.0.0.1:${port}`, close: () => server.close(0) };
}

export const external = (metric: string): MetricQuery => ({ kind: 'external', namespace: 'shop', metric, metricSelector: '' });

/** How many turns of the event loop others get while the work goes on. */
export async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns += 1;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  await work();
  counting = false;
  return turns;
}
