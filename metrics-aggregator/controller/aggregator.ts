import { messageOf } from '../../core/errors.ts';
import type { Clock, Timer } from '../../core/model/clock.ts';
import type { MetricsView, NodeUsage, PodUsage, SourceState } from '../../core/model/metrics-view.ts';
import type { AggregatorConfig } from '../config.ts';
import { mergeNodes, mergePods } from '../engine/merge-usage.ts';
import { judgeAnswer } from '../engine/judge-answer.ts';
import type { ResourceMetricsSource, SourceAnswer } from '../sources/source.ts';
import { createUsageView, emptyUsageView } from '../store/usage-view.ts';

/** What one poll came to, for logs and metrics. */
export interface PollReport {
  readonly at: number;
  readonly durationMs: number;
  readonly state: SourceState;
  readonly pods: number;
  readonly nodes: number;
  /** Pods with a sample that is newer than the one before. */
  readonly fresh: number;
  readonly rejected: readonly string[];
}

export interface AggregatorOptions {
  readonly source: ResourceMetricsSource;
  readonly clock: Clock;
  readonly config: AggregatorConfig;
  /** Pods in phase Running as the cluster view knows them: an empty answer while pods run is a broken source, not an idle cluster. */
  readonly runningPods: () => number;
  readonly onPoll?: (report: PollReport) => void;
  /** A listener that throws is reported here and disturbs nothing. */
  readonly onListenerError?: (error: unknown) => void;
}

export interface MetricsAggregator {
  /** The newest view; never changes once handed out. */
  view(): MetricsView;
  /** Called after every poll; answers the function that ends it. */
  onView(listener: (view: MetricsView) => void): () => void;
  /** Polls once, now. Calls while a poll is under way share it. */
  refresh(): Promise<MetricsView>;
  start(): void;
  stop(): void;
}

/** Polls one source, keeps the last samples and publishes an immutable view after each poll. */
export function createMetricsAggregator(options: AggregatorOptions): MetricsAggregator {
  const { clock, config } = options;
  const listeners = new Set<(view: MetricsView) => void>();
  let view = emptyUsageView(clock.now());
  let pods: ReadonlyMap<string, PodUsage> = new Map();
  let nodes: ReadonlyMap<string, NodeUsage> = new Map();
  let underWay: Promise<MetricsView> | undefined;
  let timer: Timer | undefined;
  let stopping = new AbortController();

  async function poll(): Promise<MetricsView> {
    const started = clock.monotonic();
    const answer = await ask(options.source, clock, config.timeoutMs, stopping.signal);
    if (stopping.signal.aborted) return view;
    const at = clock.now();
    const state = judgeAnswer(answer, { previous: view.resourceSource, runningPods: options.runningPods(), now: at });
    let fresh = 0;
    if (answer.ok && state.healthy) {
      const merged = mergePods(pods, answer.usage.pods, at);
      pods = merged.entries;
      fresh = merged.fresh;
      nodes = mergeNodes(nodes, answer.usage.nodes, at).entries;
    }
    view = createUsageView({ at, sequence: view.sequence + 1, resourceSource: state, pods, nodes, maxAgeMs: config.maxAgeMs });
    const rejected = answer.ok ? answer.usage.rejected : [];
    options.onPoll?.({ at, durationMs: clock.monotonic() - started, state, pods: view.podCount, nodes: nodes.size, fresh, rejected });
    for (const listener of listeners) notify(listener, view, options.onListenerError);
    return view;
  }

  function refresh(): Promise<MetricsView> {
    underWay ??= poll().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  function scheduleNext(delayMs: number): void {
    timer = clock.setTimeout(() => {
      const due = clock.monotonic() + config.pollIntervalMs;
      // `poll` turns every failure into a value, so this never rejects.
      void refresh().then(() => {
        if (!stopping.signal.aborted) scheduleNext(Math.max(0, due - clock.monotonic()));
      });
    }, delayMs);
  }

  return {
    view: () => view,
    onView: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
    start: () => {
      if (timer !== undefined) return;
      stopping = new AbortController();
      scheduleNext(0);
    },
    stop: () => {
      timer?.cancel();
      timer = undefined;
      stopping.abort();
    },
  };
}

function notify(listener: (view: MetricsView) => void, view: MetricsView, onError: ((error: unknown) => void) | undefined): void {
  try {
    listener(view);
  } catch (error) {
    onError?.(error);
  }
}

/** Asks with a deadline; whatever goes wrong is a value. */
async function ask(source: ResourceMetricsSource, clock: Clock, timeoutMs: number, stopped: AbortSignal): Promise<SourceAnswer> {
  const deadline = new AbortController();
  const timer = clock.setTimeout(() => deadline.abort(), timeoutMs);
  const signal = AbortSignal.any([deadline.signal, stopped]);
  const late = new Promise<SourceAnswer>((resolve) => {
    signal.addEventListener(
      'abort',
      () => resolve({ ok: false, reason: 'source-unavailable', detail: `${source.name} did not answer within ${timeoutMs / 1000} s` }),
      { once: true },
    );
  });
  try {
    // The race makes the deadline hold even for a source that does not heed its signal.
    return await Promise.race([source.fetch(signal), late]);
  } catch (error) {
    return { ok: false, reason: 'source-unavailable', detail: `${source.name}: ${messageOf(error)}` };
  } finally {
    timer.cancel();
  }
}
