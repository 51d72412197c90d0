import { messageOf } from '../../core/errors.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
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
  readonly onPoll?: (report: PollReport) => void;
}

/** The aggregator with all its sources. */
export interface Aggregation {
  readonly aggregator: MetricsAggregator;
  readonly sources: MetricSources;
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
      options.onPoll?.(report);
      tell(logger, report);
    },
    onListenerError: (error) => logger.error('a listener for metrics threw', { error: messageOf(error) }),
  });
  aggregator.onView((view, { usage }) => {
    if (usage) void sources.report(view.sources());
  });
  return {
    aggregator,
    sources,
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
