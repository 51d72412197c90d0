import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { UpdateMethod } from '../engine/index.ts';

/** The updater's own metrics, under upstream's names so that dashboards apply (§8). */
export interface UpdaterMetrics {
  observeStep(step: UpdaterStep, seconds: number): void;
  /** Gauges begin anew. */
  beginPass(): void;
  counted(labels: PolicyLabels, counts: PolicyCounts): void;
  updated(labels: PolicyLabels, method: UpdateMethod): void;
  failed(labels: PolicyLabels, method: UpdateMethod, reason: FailureReason): void;
  infeasibleSkipped(labels: PolicyLabels, pods: number): void;
}

export type UpdaterStep = 'ListVPAs' | 'ListPods' | 'FilterPods' | 'AdmissionInit' | 'EvictPods' | 'total';

export type FailureReason =
  'EvictionError' | 'UnboostError' | 'InPlaceUpdateError' | 'InPlaceUpdateInfeasible' | 'InPlaceUpdateRateLimiterWaitFailed';

export interface PolicyLabels {
  readonly namespace: string;
  readonly name: string;
  readonly updateMode: string;
  readonly pods: number;
}

export interface PolicyCounts {
  readonly controlled: number;
  readonly evictable: number;
  readonly resizable: number;
  readonly evicted: number;
  readonly resized: number;
}

const prefix = 'vpa_updater';
const buckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 150, 240, 300] as const;

const gauges = {
  controlled_pods_total: 'Pods that a policy controls.',
  evictable_pods_total: 'Pods that are to be evicted as far as the tolerance allows.',
  vpas_with_evictable_pods_total: 'Policies with pods that are to be evicted.',
  vpas_with_evicted_pods_total: 'Policies whose pods were evicted in the last pass.',
  in_place_updatable_pods_total: 'Pods that are to be resized in place.',
  vpas_with_in_place_updatable_pods_total: 'Policies with pods that are to be resized in place.',
  vpas_with_in_place_updated_pods_total: 'Policies whose pods were resized in the last pass.',
} as const;

type GaugeName = keyof typeof gauges;

const counters = {
  evicted_pods_total: { help: 'Pods that were evicted.', labels: [] },
  failed_eviction_attempts_total: { help: 'Evictions that failed.', labels: ['reason'] },
  in_place_updated_pods_total: { help: 'Pods that were resized in place.', labels: [] },
  failed_in_place_update_attempts_total: { help: 'Resizes in place that failed.', labels: ['reason'] },
  in_place_infeasible_skip_pods_total: { help: 'Pods that are not resized because as much could not be done before.', labels: [] },
  rolled_workloads_total: { help: 'Single replicas that were rolled by surge.', labels: [] },
} as const;

type CounterName = keyof typeof counters;

export function createUpdaterMetrics(registry: Registry): UpdaterMetrics {
  const registers = [registry];
  const latencyName = `${prefix}_execution_latency_seconds`;
  // An updater that follows another one in this process (lost and won leadership) begins its counters anew.
  for (const name of [...Object.keys(gauges), ...Object.keys(counters)]) registry.removeSingleMetric(`${prefix}_${name}`);
  registry.removeSingleMetric(latencyName);
  const latency = new Histogram({
    name: latencyName,
    help: 'Duration of the steps of a pass.',
    labelNames: ['step'],
    buckets: [...buckets],
    registers,
  });
  const sizeLabels = ['vpa_size_log2', 'update_mode'];
  const gauge = new Map(
    (Object.keys(gauges) as GaugeName[]).map((name) => [
      name,
      new Gauge({ name: `${prefix}_${name}`, help: gauges[name], labelNames: sizeLabels, registers }),
    ]),
  );
  const counter = new Map(
    (Object.keys(counters) as CounterName[]).map((name) => {
      const { help, labels } = counters[name];
      const labelNames = [...sizeLabels, 'vpa_name', 'vpa_namespace', ...labels];
      return [name, new Counter({ name: `${prefix}_${name}`, help, labelNames, registers })];
    }),
  );
  const count = (name: CounterName, { namespace, name: vpa, ...labels }: PolicyLabels, more: object = {}): void =>
    counter.get(name)?.inc({ ...sized(labels), vpa_name: vpa, vpa_namespace: namespace, ...more });
  const add = (name: GaugeName, labels: PolicyLabels, value: number): void => gauge.get(name)?.inc(sized(labels), value);

  return {
    observeStep: (step, seconds) => latency.observe({ step }, seconds),
    beginPass: () => {
      for (const each of gauge.values()) each.reset();
    },
    counted: (labels, counts) => {
      add('controlled_pods_total', labels, counts.controlled);
      add('evictable_pods_total', labels, counts.evictable);
      add('in_place_updatable_pods_total', labels, counts.resizable);
      if (counts.evictable > 0) add('vpas_with_evictable_pods_total', labels, 1);
      if (counts.resizable > 0) add('vpas_with_in_place_updatable_pods_total', labels, 1);
      if (counts.evicted > 0) add('vpas_with_evicted_pods_total', labels, 1);
      if (counts.resized > 0) add('vpas_with_in_place_updated_pods_total', labels, 1);
    },
    updated: (labels, method) =>
      count(
        method === 'evict' ? 'evicted_pods_total' : method === 'surge' ? 'rolled_workloads_total' : 'in_place_updated_pods_total',
        labels,
      ),
    failed: (labels, method, reason) => {
      const eviction = method === 'evict' || method === 'surge';
      count(eviction ? 'failed_eviction_attempts_total' : 'failed_in_place_update_attempts_total', labels, { reason });
    },
    infeasibleSkipped: (labels, pods) => {
      for (let index = 0; index < pods; index += 1) count('in_place_infeasible_skip_pods_total', labels);
    },
  };
}

function sized({ pods, updateMode }: Pick<PolicyLabels, 'pods' | 'updateMode'>): Record<string, string | number> {
  return { vpa_size_log2: pods > 0 ? Math.floor(Math.log2(pods)) : 0, update_mode: updateMode };
}
