import type { MetricQuery } from '../../core/model/metric-query.ts';
import { metricQuery } from '../controller/queries.ts';
import type { MetricSpec, MetricTarget, ScalingSpec } from '../engine/index.ts';
import type { UsageMetric } from './usage-proposal.kernel.ts';

/** A metric in the form in which the batch calculates it. */
export type CompiledMetric =
  | { readonly kind: 'usage'; readonly type: MetricSpec['type']; readonly usage: UsageMetric }
  | {
      readonly kind: 'value';
      readonly type: MetricSpec['type'];
      /** AverageValue: the target is that of one replica. */
      readonly perReplica: boolean;
      /** Thousandths. */
      readonly target: number;
      readonly query: MetricQuery;
      /** An answer of several values is no answer. */
      readonly single: boolean;
    };

/** The metrics of a policy, or `undefined` when there is anything in it that only the engine can judge. */
export function compileMetrics(
  spec: ScalingSpec,
  context: { readonly namespace: string; readonly selector: string },
): readonly CompiledMetric[] | undefined {
  if (!isPlain(spec)) return undefined;
  const compiled = spec.metrics.map((metric) => compileMetric(metric, context));
  if (compiled.length === 0 || !compiled.every((metric) => metric !== undefined)) return undefined;
  return shared(compiled);
}

/** Most policies go by one of few usage metrics, and many by nothing else: they share it. */
const sharedMetrics = new Map<string, readonly [CompiledMetric]>();
const maxShared = 1000;

function shared(metrics: readonly CompiledMetric[]): readonly CompiledMetric[] {
  const [first] = metrics;
  return metrics.length === 1 && first?.kind === 'usage'
    ? listOf(first)
    : metrics.map((metric) => (metric.kind === 'usage' ? listOf(metric)[0] : metric));
}

function listOf(metric: CompiledMetric): readonly [CompiledMetric] {
  const key = JSON.stringify(metric);
  const held = sharedMetrics.get(key);
  if (held !== undefined) return held;
  const list: readonly [CompiledMetric] = [metric];
  if (sharedMetrics.size < maxShared) sharedMetrics.set(key, list);
  return list;
}

/**
 * Fields that are either read here or without effect while all metrics work and nothing is to be written. Another field makes a policy one for the engine; that a
 * new one is missing here is found by the compiler.
 */
const knownFields: Readonly<Record<keyof ScalingSpec, true>> = {
  native: true,
  minReplicas: true,
  maxReplicas: true,
  metrics: true,
  behavior: true,
  cooldown: true,
  mode: true,
  panicRatio: true,
  fallback: true,
  schedules: true,
  pause: true,
  podSelection: true,
  cpuInitializationMs: true,
  initialReadinessDelayMs: true,
};

function isPlain(spec: ScalingSpec): boolean {
  if (spec.pause !== undefined) return false;
  return Object.entries(spec).every(([field, value]) => value === undefined || Object.hasOwn(knownFields, field));
}

function compileMetric(spec: MetricSpec, context: { readonly namespace: string; readonly selector: string }): CompiledMetric | undefined {
  switch (spec.type) {
    case 'Resource': {
      const usage = compileUsage(spec.resource, spec.target);
      return usage === undefined ? undefined : { kind: 'usage', type: spec.type, usage };
    }
    case 'Object':
    case 'External':
    case 'Prometheus': {
      const branch = valueBranch(spec.type, spec.target);
      const query = metricQuery(spec, context);
      if (branch === undefined || query === undefined) return undefined;
      const { perReplica, target } = branch;
      return { kind: 'value', type: spec.type, perReplica, target, query, single: spec.type !== 'External' };
    }
    // Not in columns: what one container uses, and values by pod.
    case 'ContainerResource':
    case 'Pods':
    case 'Unknown':
      return undefined;
  }
}

function compileUsage(resource: string, { averageValue, averageUtilization }: MetricTarget): UsageMetric | undefined {
  if (resource !== 'cpu' && resource !== 'memory') return undefined;
  const cpu = resource === 'cpu';
  if (averageValue !== undefined) {
    const target = Number(averageValue);
    return Number.isSafeInteger(target) && target > 0 ? { cpu, byUtilization: false, target } : undefined;
  }
  // Only whole percent: the engine makes a bigint of it.
  if (averageUtilization === undefined || !Number.isSafeInteger(averageUtilization) || averageUtilization <= 0) return undefined;
  return { cpu, byUtilization: true, target: averageUtilization };
}

/** `valueBranch` of engine/metric.ts: by the field that is set, averageValue first; Object by the type and its field. */
function valueBranch(
  type: MetricSpec['type'],
  target: MetricTarget,
): { readonly perReplica: boolean; readonly target: number } | undefined {
  const allowed = (kind: MetricTarget['type']): boolean => type !== 'Object' || target.type === kind;
  if (target.averageValue !== undefined && allowed('AverageValue')) return { perReplica: true, target: Number(target.averageValue) };
  if (target.value !== undefined && allowed('Value')) return { perReplica: false, target: Number(target.value) };
  return undefined;
}
