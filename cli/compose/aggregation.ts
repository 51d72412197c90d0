import type { Registry } from 'prom-client';
import { messageOf } from '../../core/errors.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import {
  createCustomMetricsSource,
  createExternalMetricsSource,
  createMetricSources,
  createMetricsAggregator,
  createMetricsServerSource,
  createOwnerProbe,
  createSecretReader,
  defaultAggregatorConfig,
  fixedSources,
  prometheusBuilder,
  type AggregatorConfig,
  type MetricsAggregator,
  type MetricSourceMirror,
  type MetricSources,
  type PollReport,
} from '../../metrics-aggregator/index.ts';
import { observeAggregator } from './observe-aggregator.ts';
import type { DecisionSettings } from './settings.ts';

export interface AggregationOptions {
  /** Reads metrics APIs and Secrets. */
  readonly client: KubeClient;
  /** Fenced; writes the status of MetricSources. Absent: it is not written. */
  readonly statusClient?: KubeClient | undefined;
  readonly clock: Clock;
  /** Times what goes over sockets. */
  readonly transportClock: Clock;
  readonly random: Random;
  readonly settings: DecisionSettings;
  readonly metricSources: MetricSourceMirror;
  readonly cluster: { readonly runningPods: () => number; readonly pods?: () => Iterable<PodRecord> };
  /** Where the Secrets of MetricSources live: Concertina's own namespace. */
  readonly secretNamespace: string;
  readonly logger: Logger;
  readonly network?: Parameters<typeof prometheusBuilder>[0]['network'];
  /** Where the aggregator's own metrics go; absent: it has none. */
  readonly registry?: Registry | undefined;
  readonly onPoll?: (report: { readonly durationMs: number; readonly healthy: boolean }) => void;
}

/** The aggregator with all its sources. */
export interface Aggregation {
  readonly aggregator: MetricsAggregator;
  readonly sources: MetricSources;
  /** Told of each decision, for the lag between a sample and what was made of it. */
  readonly observeDecision?: ((decision: Decision) => void) | undefined;
  start(): void;
  stop(): void;
}

export function createAggregation(options: AggregationOptions): Aggregation {
  const { client, clock, transportClock, random, settings, logger } = options;
  const timeoutMs = settings.metrics.timeout;
  const sources = createMetricSources({
    mirror: options.metricSources,
    secrets: createSecretReader(client, options.secretNamespace),
    build: prometheusBuilder({ clock: transportClock, network: options.network }),
    clock,
    client: options.statusClient,
    onProblem: (name, problem) => logger.warn('a MetricSource has a problem', { name, problem }),
  });
  const observed =
    options.registry === undefined ? undefined : observeAggregator(options.registry, { clock, usageSource: settings.metrics.usageSource });
  const aggregator = createMetricsAggregator({
    sources: fixedSources(
      [
        createMetricsServerSource(client, { timeoutMs }),
        createCustomMetricsSource({ client, clock, timeoutMs }),
        createExternalMetricsSource({ client, clock, timeoutMs }),
      ],
      sources,
    ),
    usageSource: settings.metrics.usageSource,
    clock,
    random,
    config: aggregatorConfig(settings),
    cluster: options.cluster,
    owners: createOwnerProbe(client),
    onPoll: (report) => {
      options.onPoll?.({ durationMs: report.durationMs, healthy: report.state.healthy });
      observed?.poll(report);
      tell(logger, report);
    },
    onRequest: (source, outcome, durationMs) => observed?.request(source, outcome, durationMs),
    onListenerError: (error) => logger.error('a listener for metrics threw', { error: messageOf(error) }),
  });
  aggregator.onView((view, { usage }) => {
    if (!usage) return;
    observed?.view(view);
    void sources.report(view.sources());
  });
  return {
    aggregator,
    sources,
    observeDecision: (decision) => observed?.decision(decision, aggregator.view()),
    start: () => {
      sources.start();
      aggregator.start();
    },
    stop: () => {
      aggregator.stop();
      sources.stop();
    },
  };
}

/** Settings as the aggregator takes them. */
export function aggregatorConfig({ metrics }: DecisionSettings): AggregatorConfig {
  return { ...defaultAggregatorConfig, pollIntervalMs: metrics.pollInterval, maxAgeMs: metrics.maxAge, timeoutMs: metrics.timeout };
}

function tell(logger: Logger, { state, doubt, rejected, unscrapedNodes }: PollReport): void {
  if (!state.healthy) logger.warn('usage is unknown', { reason: state.reason, detail: state.detail });
  else if (doubt !== undefined) logger.warn('usage is good for growth only', { reason: doubt.reason, detail: doubt.detail });
  if (unscrapedNodes.length > 0) logger.warn('nodes are not scraped', { nodes: unscrapedNodes.slice(0, 20), count: unscrapedNodes.length });
  for (const problem of rejected) logger.warn('a part of a metrics answer cannot be used', { problem });
}
