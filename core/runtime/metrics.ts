import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WorkQueueHooks } from './work-queue.ts';

export interface MetricsOptions {
  readonly build: { readonly version: string; readonly commit?: string };
  /** Collect Node's process metrics (CPU, memory, event loop, GC) too; default true. They start timers, which tests do without. */
  readonly processMetrics?: boolean;
}

/** The program's own metrics. Labels never name a pod: their number of series is bounded by controllers, queues and API paths. */
export interface RuntimeMetrics {
  readonly registry: Registry;
  /** One turn of a control loop. */
  observeLoop(loop: string, seconds: number, outcome: 'ok' | 'error'): void;
  /** One request to the API server. `code` is the HTTP status, or `<error>` when there was none. */
  observeApiRequest(request: { readonly verb: string; readonly resource: string; readonly code: string; readonly seconds: number }): void;
  /** Hooks that feed the queue's metrics. */
  queueHooks(name: string): Required<Pick<WorkQueueHooks, 'added' | 'taken' | 'done' | 'retried'>>;
  /** The exposition text. */
  render(): Promise<string>;
}

/** Seconds: 1 ms to 65 s, doubling, as upstream's controllers have it. */
const loopBuckets = Array.from({ length: 17 }, (_, index) => 0.001 * 2 ** index);
/** Upstream's workqueue buckets: 10 ns to 10 s in decades. */
const queueBuckets = Array.from({ length: 10 }, (_, index) => 1e-8 * 10 ** index);

/** A registry of its own: two controllers in one process (a test, a simulation) do not meet in a global one. */
export function createMetrics(options: MetricsOptions): RuntimeMetrics {
  const registry = new Registry();
  const registers = [registry];
  const info = new Gauge({
    name: 'concertina_build_info',
    help: 'Constant 1, labelled with the version that runs.',
    labelNames: ['version', 'commit', 'node'],
    registers,
  });
  info.set({ version: options.build.version, commit: options.build.commit ?? '', node: process.version }, 1);
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry });

  const loops = new Histogram({
    name: 'concertina_loop_duration_seconds',
    help: 'Duration of one turn of a control loop.',
    labelNames: ['loop', 'outcome'],
    buckets: loopBuckets,
    registers,
  });
  const requests = new Counter({
    name: 'concertina_api_requests_total',
    help: 'Requests to the API server by verb, resource and HTTP status code.',
    labelNames: ['verb', 'resource', 'code'],
    registers,
  });
  const requestDuration = new Histogram({
    name: 'concertina_api_request_duration_seconds',
    help: 'Duration of requests to the API server, watches excepted.',
    labelNames: ['verb', 'resource'],
    buckets: loopBuckets,
    registers,
  });
  const queues = queueMetrics(registers);

  return {
    registry,
    observeLoop: (loop, seconds, outcome) => loops.observe({ loop, outcome }, seconds),
    observeApiRequest: ({ verb, resource, code, seconds }) => {
      requests.inc({ verb, resource, code });
      requestDuration.observe({ verb, resource }, seconds);
    },
    queueHooks: queues,
    render: () => registry.metrics(),
  };
}

/** The names that upstream's work queues have, so that existing dashboards and alerts apply. */
function queueMetrics(registers: Registry[]): RuntimeMetrics['queueHooks'] {
  const labelNames = ['name'];
  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys that wait and are due.', labelNames, registers });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys that were added.', labelNames, registers });
  const retries = new Counter({ name: 'workqueue_retries_total', help: 'Keys that were put back after a failure.', labelNames, registers });
  const waited = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long a key waited until it was handled.',
    labelNames,
    buckets: queueBuckets,
    registers,
  });
  const worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long handling a key took.',
    labelNames,
    buckets: queueBuckets,
    registers,
  });
  return (name) => ({
    added: (now) => {
      adds.inc({ name });
      depth.set({ name }, now);
    },
    taken: (now, waitedMs) => {
      depth.set({ name }, now);
      waited.observe({ name }, waitedMs / 1000);
    },
    done: (tookMs) => worked.observe({ name }, tookMs / 1000),
    retried: () => retries.inc({ name }),
  });
}
