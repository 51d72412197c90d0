import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Recommendation, SizingPolicy } from '../../model.ts';
import { updateModes } from '../../model.ts';

/** Steps of a pass, as upstream names them. */
export type Step = 'LoadVPAs' | 'LoadPods' | 'LoadMetrics' | 'UpdateVPAs' | 'MaintainCheckpoints' | 'GarbageCollect' | 'total';

export interface PolicyCount {
  readonly updateMode: string;
  readonly hasRecommendation: boolean;
  readonly native: boolean;
  readonly matchesPods: boolean;
  readonly unsupported: boolean;
}

/** The recommender's own metrics, under upstream's names so that dashboards apply (§8). */
export interface RecommenderMetrics {
  observeStep(step: Step, seconds: number): void;
  /** From the creation of a policy to its first recommendation. */
  observeLatency(seconds: number): void;
  /** A recommendation that follows another one. */
  observeChange(
    policy: SizingPolicy,
    change: { readonly before: Recommendation; readonly after: Recommendation; readonly pods: number },
  ): void;
}

const prefix = 'vpa_recommender';
const changesName = 'vpa_quality_relative_recommendation_changes';
const stepBuckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 150, 180, 240, 300];
const latencyBuckets = [1, 2, 5, 7.5, 10, 20, 30, 40, 50, 60, 90, 120, 150, 180, 240, 300, 600, 900, 1800];
const changeBuckets = [
  -1, -0.75, -0.5, -0.25, -0.1, -0.05, -0.025, -0.01, -0.005, 0, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10, 25, 50, 100,
];

const metricNames = [
  `${prefix}_vpa_objects_count`,
  `${prefix}_aggregate_container_states_count`,
  `${prefix}_recommendation_latency_seconds`,
  `${prefix}_execution_latency_seconds`,
  changesName,
];

/** `policies` and `aggregates` are asked when the metrics are scraped. */
export function createRecommenderMetrics(
  registry: Registry,
  { policies, aggregates }: { readonly policies: () => Iterable<PolicyCount>; readonly aggregates: () => number },
): RecommenderMetrics {
  // A recommender that follows another one in this process (lost and won leadership) begins anew.
  for (const name of metricNames) registry.removeSingleMetric(name);
  const registers = [registry];
  const steps = new Histogram({
    name: `${prefix}_execution_latency_seconds`,
    help: 'Time spent in the steps of one pass.',
    labelNames: ['step'],
    buckets: stepBuckets,
    registers,
  });
  const latency = new Histogram({
    name: `${prefix}_recommendation_latency_seconds`,
    help: 'Time from the creation of a policy to its first recommendation.',
    buckets: latencyBuckets,
    registers,
  });
  const changes = new Histogram({
    name: changesName,
    help: 'Change between consecutive recommendations, relative to the former.',
    labelNames: ['update_mode', 'resource', 'vpa_size_log2'],
    buckets: changeBuckets,
    registers,
  });
  registry.registerMetric(
    new Gauge({
      name: `${prefix}_vpa_objects_count`,
      help: 'Policies by what is known of them.',
      labelNames: ['update_mode', 'has_recommendation', 'api', 'matches_pods', 'unsupported_config'],
      registers: [],
      collect() {
        for (const labels of everyCount()) this.set(labelsOf(labels), 0);
        for (const count of policies()) this.inc(labelsOf(count));
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: `${prefix}_aggregate_container_states_count`,
      help: 'Aggregates (namespace, container, label set) that are held.',
      registers: [],
      collect() {
        this.set(aggregates());
      },
    }),
  );
  return {
    observeStep: (step, seconds) => steps.observe({ step }, seconds),
    observeLatency: (seconds) => latency.observe(seconds),
    observeChange: (policy, { before, after, pods }) => {
      const size = String(Math.floor(Math.log2(Math.max(1, pods))));
      for (const { container, target } of after.containers) {
        const old = before.containers.find((each) => each.container === container)?.target;
        for (const [resource, amount] of Object.entries(target)) {
          const was = old?.[resource];
          if (was === undefined || was === 0) continue;
          changes.observe({ update_mode: policy.updateMode, resource, vpa_size_log2: size }, amount / was - 1);
        }
      }
    },
  };
}

const both = [false, true];

/** Every combination is there from the beginning, as upstream. */
function* everyCount(): IterableIterator<PolicyCount> {
  for (const updateMode of updateModes)
    for (const hasRecommendation of both)
      for (const native of both)
        for (const matchesPods of both)
          for (const unsupported of both) yield { updateMode, hasRecommendation, native, matchesPods, unsupported };
}

function labelsOf({ updateMode, hasRecommendation, native, matchesPods, unsupported }: PolicyCount): Record<string, string> {
  return {
    update_mode: updateMode,
    has_recommendation: String(hasRecommendation),
    // Upstream says v1 for what it has.
    api: native ? 'v1' : 'v1alpha1',
    matches_pods: String(matchesPods),
    unsupported_config: String(unsupported),
  };
}
