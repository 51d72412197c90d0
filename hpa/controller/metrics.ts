import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MetricLabels } from '../engine/index.ts';

export type ReconcileAction = 'scale_up' | 'scale_down' | 'none';
export type ReconcileError = 'none' | 'internal' | 'spec';

/** The controller's own metrics, under upstream's names so that dashboards apply (§11). */
export interface HpaMetrics {
  observeReconcile(labels: { readonly action: ReconcileAction; readonly error: ReconcileError }, seconds: number): void;
  observeMetrics(labels: readonly MetricLabels[], seconds: number): void;
  setDesired(policy: { readonly namespace: string; readonly name: string }, replicas: number): void;
  forget(policy: { readonly namespace: string; readonly name: string }): void;
}

const prefix = 'horizontal_pod_autoscaler_controller';
/** 1 ms, doubling, 15 buckets. */
const buckets = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index);

const metricNames = [
  `${prefix}_reconciliations_total`,
  `${prefix}_reconciliation_duration_seconds`,
  `${prefix}_metric_computation_total`,
  `${prefix}_metric_computation_duration_seconds`,
  `${prefix}_num_horizontal_pod_autoscalers`,
  `${prefix}_desired_replicas`,
  'concertina_hpa_held_policies',
] as const;

/** `held` (policies by what holds them) and `policies` (how many there are) are asked when the metrics are scraped. */
export function createHpaMetrics(
  registry: Registry,
  { held, policies }: { readonly held: () => ReadonlyMap<string, number>; readonly policies: () => number },
): HpaMetrics {
  // A controller that follows another one in this process (lost and won leadership) begins its counters anew.
  for (const name of metricNames) registry.removeSingleMetric(name);
  const registers = [registry];
  const reconciliations = new Counter({
    name: `${prefix}_reconciliations_total`,
    help: 'Evaluations of a policy by what they did.',
    labelNames: ['action', 'error'],
    registers,
  });
  const reconcileSeconds = new Histogram({
    name: `${prefix}_reconciliation_duration_seconds`,
    help: 'Duration of one evaluation of a policy.',
    labelNames: ['action', 'error'],
    buckets,
    registers,
  });
  const computations = new Counter({
    name: `${prefix}_metric_computation_total`,
    help: 'Computations of one metric by what it asked for.',
    labelNames: ['action', 'error', 'metric_type'],
    registers,
  });
  const computeSeconds = new Histogram({
    name: `${prefix}_metric_computation_duration_seconds`,
    help: 'Duration of the computation of one metric.',
    labelNames: ['action', 'error', 'metric_type'],
    buckets,
    registers,
  });
  const desired = new Gauge({
    name: `${prefix}_desired_replicas`,
    help: 'Replicas that were decided last.',
    labelNames: ['namespace', 'hpa_name'],
    registers,
  });
  registry.registerMetric(
    new Gauge({
      name: `${prefix}_num_horizontal_pod_autoscalers`,
      help: 'Policies that are controlled.',
      registers: [],
      collect() {
        this.set(policies());
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'concertina_hpa_held_policies',
      help: 'Policies whose last decision was held or bounded, by what.',
      labelNames: ['by'],
      registers: [],
      collect() {
        this.reset();
        for (const [by, count] of held()) this.set({ by }, count);
      },
    }),
  );
  return {
    observeReconcile: (labels, seconds) => {
      reconciliations.inc(labels);
      reconcileSeconds.observe(labels, seconds);
    },
    observeMetrics: (labels, seconds) => {
      for (const { type, action, error } of labels) {
        computations.inc({ action, error, metric_type: type });
        computeSeconds.observe({ action, error, metric_type: type }, seconds / labels.length);
      }
    },
    setDesired: ({ namespace, name }, replicas) => desired.set({ namespace, hpa_name: name }, replicas),
    forget: ({ namespace, name }) => desired.remove({ namespace, hpa_name: name }),
  };
}
