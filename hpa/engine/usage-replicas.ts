import { bigToInt32, ceilInt32, isWithin, type Tolerances } from './arithmetic.ts';
import type { EngineConfig, HpaPod, Milli } from './model.ts';
import { groupPods, type PodGroups, type UsageSample } from './pod-groups.ts';
import { podRequests } from './pod-requests.ts';

export type CalculationErrorKind =
  'NoMetricsReturned' | 'NoMetricsForKnownPods' | 'NoPods' | 'NoUsableMetrics' | 'MissingRequest' | 'ContainerNotFound' | 'InvalidValue';

export interface CalculationError {
  readonly ok: false;
  readonly kind: CalculationErrorKind;
  readonly message: string;
  readonly groups?: PodGroups;
}

/** How a count came about, for the trace. */
export interface UsageCalculation {
  readonly ok: true;
  readonly replicas: number;
  /** Whole percent of the request, first pass; only for Utilization targets. */
  readonly utilization?: number;
  /** Mean per pod, first pass. */
  readonly average: Milli;
  /** Of the first pass. */
  readonly ratio: number;
  /** Of the second pass; absent when one pass was enough. */
  readonly filledRatio?: number;
  /** What the ratio was multiplied by. */
  readonly factor: number;
  readonly rule: 'ready-pods' | 'filled-up' | 'within-tolerance' | 'direction-changed' | 'count-against-direction';
  readonly groups: PodGroups;
}

export interface UsageContext {
  readonly currentReplicas: number;
  readonly tolerances: Tolerances;
  readonly pods: readonly HpaPod[];
  readonly now: number;
  readonly config: EngineConfig;
}

interface Ratio {
  readonly ratio: number;
  readonly average: Milli;
  readonly utilization?: number;
}

/** Utilization target (§5.3): `target` is whole percent of the request. */
export function utilizationReplicas(
  samples: ReadonlyMap<string, UsageSample>,
  metric: { readonly resource: string; readonly container: string; readonly target: number },
  context: UsageContext,
): UsageCalculation | CalculationError {
  const grouped = usableSamples(samples, metric.resource, context);
  if (!grouped.ok) return grouped;
  const requests = podRequests(context.pods, { ...metric, podLevelResources: context.config.podLevelResources });
  if (!requests.ok) return { ...requests, groups: grouped.groups };
  const ratioOf = (values: ReadonlyMap<string, Milli>): Ratio | undefined => utilizationRatio(values, requests.requests, metric.target);
  const full = BigInt(Math.max(100, metric.target));
  const whenMissing = (pod: string): Milli => ((requests.requests.get(pod) ?? 0n) * full) / 100n;
  return calculate(grouped, { ratioOf, whenMissing }, context);
}

/** AverageValue target over pods (§5.4); `resource` is empty for custom metrics. */
export function averageReplicas(
  samples: ReadonlyMap<string, UsageSample>,
  metric: { readonly resource: string; readonly target: Milli },
  context: UsageContext,
): UsageCalculation | CalculationError {
  const grouped = usableSamples(samples, metric.resource, context);
  if (!grouped.ok) return grouped;
  const ratioOf = (values: ReadonlyMap<string, Milli>): Ratio => {
    const average = sum(values.values()) / BigInt(values.size);
    return { average, ratio: Number(average) / Number(metric.target) };
  };
  return calculate(grouped, { ratioOf, whenMissing: () => metric.target }, context);
}

interface Grouped {
  readonly ok: true;
  readonly groups: PodGroups;
  /** Values without those of ignored and unready pods; may contain pods that are not known. */
  readonly values: Map<string, Milli>;
}

function usableSamples(
  samples: ReadonlyMap<string, UsageSample>,
  resource: string,
  { pods, now, config }: UsageContext,
): Grouped | CalculationError {
  if (pods.length === 0) return { ok: false, kind: 'NoPods', message: "no pod matches the target's selector" };
  const groups = groupPods(pods, samples, { resource, now, config });
  const values = new Map<string, Milli>();
  for (const [pod, sample] of samples) values.set(pod, sample.value);
  for (const pod of groups.ignored) values.delete(pod);
  for (const pod of groups.unready) values.delete(pod);
  if (values.size === 0) {
    const { unready, missing, ignored } = groups;
    const message = `none of ${pods.length} pods has a usable sample (${unready.length} not ready, ${missing.length} without a sample, ${ignored.length} failed or being deleted)`;
    return { ok: false, kind: 'NoUsableMetrics', message, groups };
  }
  return { ok: true, groups, values };
}

function utilizationRatio(values: ReadonlyMap<string, Milli>, requests: ReadonlyMap<string, Milli>, target: number): Ratio | undefined {
  let total = 0n;
  let requested = 0n;
  let count = 0n;
  for (const [pod, value] of values) {
    const request = requests.get(pod);
    if (request === undefined) continue;
    total += value;
    requested += request;
    count += 1n;
  }
  if (requested === 0n) return undefined;
  // Cut to whole percent before the ratio: 55.9 % acts as 55 %.
  const utilization = bigToInt32((total * 100n) / requested);
  return { utilization, ratio: utilization / target, average: total / count };
}

interface Rules {
  readonly ratioOf: (values: ReadonlyMap<string, Milli>) => Ratio | undefined;
  /** What a pod without a sample counts for on the way down. */
  readonly whenMissing: (pod: string) => Milli;
}

function calculate({ groups, values }: Grouped, rules: Rules, context: UsageContext): UsageCalculation | CalculationError {
  const first = rules.ratioOf(values);
  if (first === undefined) return noKnownPods(groups);
  const { currentReplicas, tolerances } = context;
  const shown = { ok: true as const, ...first, groups };
  const withUnready = groups.unready.length > 0 && first.ratio > 1;
  if (!withUnready && groups.missing.length === 0) {
    const factor = groups.readyCount;
    if (isWithin(tolerances, first.ratio)) return { ...shown, factor, replicas: currentReplicas, rule: 'within-tolerance' };
    return { ...shown, factor, replicas: ceilInt32(first.ratio * factor), rule: 'ready-pods' };
  }
  fillUp(values, { first, groups, whenMissing: rules.whenMissing, withUnready });
  const second = rules.ratioOf(values);
  if (second === undefined) return noKnownPods(groups);
  const filled = { ...shown, filledRatio: second.ratio, factor: values.size };
  if (isWithin(tolerances, second.ratio)) return { ...filled, replicas: currentReplicas, rule: 'within-tolerance' };
  if (opposite(first.ratio, second.ratio)) return { ...filled, replicas: currentReplicas, rule: 'direction-changed' };
  const replicas = ceilInt32(second.ratio * values.size);
  const against = opposite(second.ratio, 1 + replicas - currentReplicas);
  if (against) return { ...filled, replicas: currentReplicas, rule: 'count-against-direction' };
  return { ...filled, replicas, rule: 'filled-up' };
}

/** Pods without a sample count for the cautious extreme, unready ones as idle when growing (and not at all when shrinking). */
function fillUp(
  values: Map<string, Milli>,
  facts: Pick<Rules, 'whenMissing'> & { readonly first: Ratio; readonly groups: PodGroups; readonly withUnready: boolean },
): void {
  const { first, groups, whenMissing, withUnready } = facts;
  if (first.ratio !== 1) for (const pod of groups.missing) values.set(pod, first.ratio < 1 ? whenMissing(pod) : 0n);
  if (withUnready) for (const pod of groups.unready) values.set(pod, 0n);
}

/** One is above 1 and the other below. */
function opposite(a: number, b: number): boolean {
  return (a < 1 && b > 1) || (a > 1 && b < 1);
}

function noKnownPods(groups: PodGroups): CalculationError {
  return { ok: false, kind: 'NoMetricsForKnownPods', message: 'no sample belongs to a pod of the target that has a request', groups };
}

function sum(values: Iterable<Milli>): Milli {
  let total = 0n;
  for (const value of values) total += value;
  return total;
}
