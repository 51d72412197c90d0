import type { TraceStep } from '../../core/model/decision.ts';
import type { UnknownReason } from '../../core/model/sample.ts';
import type { Tolerances } from './arithmetic.ts';
import type { Degradation, EngineConfig, HpaPod, MetricResult, MetricSpec, MetricStatus, MetricTarget, Milli } from './model.ts';
import type { PodGroups, UsageSample } from './pod-groups.ts';
import { namesText, ratioText, statusQuantity, usageText } from './text.ts';
import { averageReplicas, utilizationReplicas } from './usage-replicas.ts';
import type { CalculationError, CalculationErrorKind, UsageCalculation } from './usage-replicas.ts';
import { perReplicaValue, valueReplicas } from './value-replicas.ts';
import type { ValueCalculation } from './value-replicas.ts';

export interface MetricContext {
  readonly currentReplicas: number;
  readonly statusReplicas: number;
  readonly tolerances: Tolerances;
  readonly pods: readonly HpaPod[];
  readonly now: number;
  readonly config: EngineConfig;
  /** Of the suite's own policies: a Value target counts on the current size while no pod is ready. */
  readonly sizeWhenUnready?: boolean | undefined;
}

/** A metric that asks for a number of replicas. */
export interface MetricProposal {
  readonly ok: true;
  readonly type: MetricSpec['type'];
  readonly replicas: number;
  /** As it stands in the reason of upstream's rescale event. */
  readonly name: string;
  readonly status: MetricStatus;
  /** Name of the metric for a person: `cpu`. */
  readonly subject: string;
  /** `186 % of request`; `unknown` of a fallback. */
  readonly measured: string;
  /** `cpu 186 % of request, target 80 %`. */
  readonly observed: string;
  /** `cpu 186%/80%`. */
  readonly short: string;
  /** `7 = ceil(3 × 186 / 80)`, or why the count stays. */
  readonly formula: string;
  readonly values: TraceStep['values'];
  readonly groups?: PodGroups | undefined;
  readonly degraded?: Degradation | undefined;
  /** What was measured asks for less, but pods without a sample, counted as fully used, keep the size. */
  readonly keptByGaps: boolean;
  /** Load in multiples of the target, as it was scaled by; absent when it is not a number. */
  readonly ratio?: number | undefined;
  /** Not measured: it stands in for a metric that has failed. */
  readonly fallback?: true | undefined;
}

/** A metric that could not be used. */
export interface MetricFailure {
  readonly ok: false;
  readonly type: string;
  /** Condition reason, as upstream. */
  readonly reason: string;
  readonly error: 'internal' | 'spec';
  readonly kind: CalculationErrorKind | 'FetchFailed' | 'InvalidTarget' | 'UnknownType';
  /** Name of the metric for a person. */
  readonly subject: string;
  readonly message: string;
  readonly unknown?: UnknownReason | undefined;
  readonly since?: number | undefined;
  readonly groups?: PodGroups | undefined;
}

export type MetricOutcome = MetricProposal | MetricFailure;

/** The proposal of one metric of the spec (§5). */
export function evaluateMetric(spec: MetricSpec, result: MetricResult, context: MetricContext): MetricOutcome {
  switch (spec.type) {
    case 'Unknown':
      return {
        ok: false,
        type: spec.name,
        reason: 'InvalidMetricSourceType',
        error: 'spec',
        kind: 'UnknownType',
        subject: spec.name,
        message: `${spec.name} is not a metric type; use Resource, ContainerResource, Pods, Object, External or Prometheus`,
      };
    case 'Resource':
    case 'ContainerResource':
      return evaluateUsage(spec, result, context);
    case 'Pods':
      return evaluatePodValues(spec, result, context);
    case 'Object':
    case 'External':
    case 'Prometheus':
      return evaluateValue(spec, result, context);
  }
}

type UsageSpec = Extract<MetricSpec, { type: 'Resource' | 'ContainerResource' }>;
type ValueSpec = Extract<MetricSpec, { type: 'Object' | 'External' | 'Prometheus' }>;
type PodsSpec = Extract<MetricSpec, { type: 'Pods' }>;

function evaluateUsage(spec: UsageSpec, result: MetricResult, context: MetricContext): MetricOutcome {
  if (result.kind === 'failure') return fetchFailed(spec, result);
  if (result.kind !== 'usage' || result.samples.length === 0) return nothingReturned(spec, context);
  const container = spec.type === 'ContainerResource' ? spec.container : '';
  const samples = usageSamples(result, container);
  const { averageValue, averageUtilization } = spec.target;
  if (averageValue !== undefined) {
    const calculation = averageReplicas(samples, { resource: spec.resource, target: averageValue }, context);
    return calculation.ok ? usageProposal(spec, calculation, { result, context }) : calculationFailed(spec, calculation);
  }
  if (averageUtilization === undefined) return invalidTarget(spec, 'averageUtilization or averageValue');
  const calculation = utilizationReplicas(samples, { resource: spec.resource, container, target: averageUtilization }, context);
  return calculation.ok ? usageProposal(spec, calculation, { result, context }) : calculationFailed(spec, calculation);
}

/** One value a pod: the sum of its containers, or the named one; a pod of which a part is not known has no sample (§5.0). */
function usageSamples(result: Extract<MetricResult, { kind: 'usage' }>, container: string): Map<string, UsageSample> {
  const samples = new Map<string, UsageSample>();
  for (const { pod, timestamp, windowMs, containers } of result.samples) {
    const counted = container === '' ? containers : containers.filter((each) => each.name === container);
    if (counted.length === 0) continue;
    let value: Milli | undefined = 0n;
    for (const each of counted) value = value === undefined || each.value === undefined ? undefined : value + each.value;
    if (value !== undefined) samples.set(pod, { value, timestamp, windowMs });
  }
  return samples;
}

function evaluatePodValues(spec: PodsSpec, result: MetricResult, context: MetricContext): MetricOutcome {
  if (result.kind === 'failure') return fetchFailed(spec, result);
  if (result.kind !== 'pod-values' || result.values.length === 0) return nothingReturned(spec, context);
  const target = spec.target.averageValue;
  if (target === undefined) return invalidTarget(spec, 'averageValue');
  const samples = new Map(result.values.map(({ pod, value, timestamp, windowMs }) => [pod, { value, timestamp, windowMs }]));
  const calculation = averageReplicas(samples, { resource: '', target }, context);
  return calculation.ok ? usageProposal(spec, calculation, { result, context }) : calculationFailed(spec, calculation);
}

function evaluateValue(spec: ValueSpec, result: MetricResult, context: MetricContext): MetricOutcome {
  if (result.kind === 'failure') return fetchFailed(spec, result);
  if (result.kind !== 'values' || result.values.length === 0) return nothingReturned(spec, context);
  const branch = valueBranch(spec);
  if (branch === undefined) return invalidTarget(spec, 'value or averageValue');
  const calculation = (branch.perReplica ? perReplicaValue : valueReplicas)(result.values, branch.target, context);
  return calculation.ok ? valueProposal(spec, calculation, { branch, result, context }) : calculationFailed(spec, calculation);
}

interface ValueBranch {
  readonly perReplica: boolean;
  readonly target: Milli;
}

/** External and Prometheus go by the field that is set, averageValue first; Object by the type and its field. */
function valueBranch({ type, target }: ValueSpec): ValueBranch | undefined {
  const allowed = (kind: MetricTarget['type']): boolean => type !== 'Object' || target.type === kind;
  if (target.averageValue !== undefined && allowed('AverageValue')) return { perReplica: true, target: target.averageValue };
  if (target.value !== undefined && allowed('Value')) return { perReplica: false, target: target.value };
  return undefined;
}

interface Given {
  readonly result: MetricResult;
  readonly context: MetricContext;
}

function usageProposal(spec: UsageSpec | PodsSpec, calculation: UsageCalculation, { result, context }: Given): MetricProposal {
  const resource = spec.type === 'Pods' ? '' : spec.resource;
  const { utilization, average, groups } = calculation;
  const byUtilization = utilization !== undefined;
  const target = byUtilization ? `${spec.target.averageUtilization} %` : usageText(resource, spec.target.averageValue ?? 0n);
  const value = byUtilization ? `${utilization} % of request` : `${usageText(resource, average)} per pod`;
  const current = { ...(byUtilization ? { averageUtilization: utilization } : {}), averageValue: statusQuantity(resource, average) };
  return {
    ok: true,
    type: spec.type,
    replicas: calculation.replicas,
    name: reasonName(spec),
    status: statusOf(spec, current),
    subject: subjectOf(spec),
    measured: value,
    observed: `${subjectOf(spec)} ${value}, target ${target}`,
    short: `${subjectOf(spec)} ${byUtilization ? `${utilization}%` : usageText(resource, average)}/${target.replace(' %', '%')}`,
    formula: usageFormula(calculation, spec.target, context),
    values: {
      metric: subjectOf(spec),
      ...(byUtilization ? { utilizationPercent: utilization, targetPercent: spec.target.averageUtilization ?? null } : {}),
      averageMilli: String(average),
      ...(spec.target.averageValue === undefined ? {} : { targetMilli: String(spec.target.averageValue) }),
      ratio: calculation.ratio,
      ...(calculation.filledRatio === undefined ? {} : { filledRatio: calculation.filledRatio }),
      ...toleranceValues(context),
      readyPods: groups.readyCount,
      unreadyPods: groups.unready.length,
      missingPods: groups.missing.length,
      ignoredPods: groups.ignored.length,
      ...(groups.unready.length === 0 ? {} : { unready: namesText(groups.unready) }),
      ...(groups.missing.length === 0 ? {} : { missing: namesText(groups.missing) }),
      rule: calculation.rule,
      replicas: calculation.replicas,
    },
    groups,
    keptByGaps: isKeptByGaps(calculation, context),
    ratio: calculation.filledRatio ?? calculation.ratio,
    degraded: result.kind === 'failure' ? undefined : result.degraded,
  };
}

function isKeptByGaps({ groups, ratio, replicas }: UsageCalculation, { tolerances, currentReplicas }: MetricContext): boolean {
  return groups.missing.length > 0 && ratio < 1 - tolerances.scaleDown && replicas === currentReplicas;
}

function valueProposal(
  spec: ValueSpec,
  calculation: ValueCalculation,
  { branch, result, context }: Given & { readonly branch: ValueBranch },
): MetricProposal {
  const { total, average } = calculation;
  const shownAverage = average === undefined ? {} : { averageValue: statusQuantity('', average) };
  const current = branch.perReplica ? shownAverage : { value: statusQuantity('', total) };
  const target = `${usageText('', branch.target)}${branch.perReplica ? ' per replica' : ''}`;
  return {
    ok: true,
    type: spec.type,
    replicas: calculation.replicas,
    name: spec.type === 'Object' && !branch.perReplica ? `${spec.describedObject.kind} metric ${spec.metric}` : externalName(spec),
    status: statusOf(spec, current),
    subject: subjectOf(spec),
    measured: usageText('', total),
    observed: `${subjectOf(spec)} ${usageText('', total)}, target ${target}`,
    short: `${subjectOf(spec)} ${usageText('', branch.perReplica ? (average ?? total) : total)}/${usageText('', branch.target)}`,
    formula: valueFormula(calculation, branch, context),
    values: {
      metric: subjectOf(spec),
      totalMilli: String(total),
      ...(average === undefined ? {} : { averageMilli: String(average) }),
      targetMilli: String(branch.target),
      ratio: Number.isFinite(calculation.ratio) ? calculation.ratio : null,
      ...toleranceValues(context),
      ...(calculation.factor === undefined
        ? {}
        : { [calculation.rule === 'current-size' ? 'currentReplicas' : 'readyPods']: calculation.factor }),
      rule: calculation.rule,
      replicas: calculation.replicas,
    },
    keptByGaps: false,
    ratio: Number.isFinite(calculation.ratio) ? calculation.ratio : undefined,
    degraded: result.kind === 'failure' ? undefined : result.degraded,
  };
}

function toleranceValues({ tolerances }: MetricContext): TraceStep['values'] {
  return { toleranceUp: tolerances.scaleUp, toleranceDown: tolerances.scaleDown };
}

function usageFormula(calculation: UsageCalculation, target: MetricTarget, context: MetricContext): string {
  const { ratio, filledRatio, factor, groups, replicas } = calculation;
  const gaps = gapText(groups, ratio, calculation);
  switch (calculation.rule) {
    case 'within-tolerance':
      return `ratio ${ratioText(filledRatio ?? ratio)} is within ${bandText(context)}${gaps}`;
    case 'ready-pods':
      return calculation.utilization === undefined
        ? `${replicas} = ceil(${factor} × ${ratioText(ratio)})`
        : `${replicas} = ceil(${factor} × ${calculation.utilization} / ${target.averageUtilization})`;
    case 'filled-up':
      return `${replicas} = ceil(${factor} × ${ratioText(filledRatio ?? ratio)})${gaps}`;
    case 'direction-changed':
      return `ratio ${ratioText(ratio)} turns to ${ratioText(filledRatio ?? ratio)}${gaps}: no change`;
    case 'count-against-direction':
      return `ratio ${ratioText(filledRatio ?? ratio)} over ${factor} pods would move the count the other way${gaps}: no change`;
  }
}

function gapText(groups: PodGroups, ratio: number, { filledRatio }: UsageCalculation): string {
  if (filledRatio === undefined) return '';
  const parts: string[] = [];
  if (groups.missing.length > 0 && ratio !== 1) {
    parts.push(`${groups.missing.length} without a sample counted ${ratio > 1 ? 'as idle' : 'as fully used'}`);
  }
  if (groups.unready.length > 0 && ratio > 1) parts.push(`${groups.unready.length} not ready counted as idle`);
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

function valueFormula(calculation: ValueCalculation, branch: ValueBranch, context: MetricContext): string {
  const { replicas, ratio, factor } = calculation;
  const division = `${usageText('', calculation.total)} / ${usageText('', branch.target)}`;
  switch (calculation.rule) {
    case 'within-tolerance':
      return `ratio ${ratioText(ratio)} is within ${bandText(context)}`;
    case 'ready-pods':
      return `${replicas} = ceil(${factor ?? 0} ready × ${division})`;
    case 'current-size':
      return `${replicas} = ceil(${factor ?? 0} replicas × ${division}), since no pod is ready`;
    case 'from-zero':
    case 'per-replica':
      return `${replicas} = ceil(${division})`;
  }
}

function bandText({ tolerances }: MetricContext): string {
  return `${ratioText(1 - tolerances.scaleDown)}…${ratioText(1 + tolerances.scaleUp)}`;
}

/** Name of the metric for a person. */
export function subjectOf(spec: MetricSpec): string {
  switch (spec.type) {
    case 'Resource':
      return spec.resource;
    case 'ContainerResource':
      return `${spec.resource} of container ${spec.container}`;
    case 'Object':
      return `${spec.metric} of ${spec.describedObject.kind}/${spec.describedObject.name}`;
    case 'Pods':
    case 'External':
    case 'Prometheus':
      return spec.metric;
    case 'Unknown':
      return spec.name;
  }
}

function reasonName(spec: UsageSpec | PodsSpec): string {
  if (spec.type === 'Pods') return `pods metric ${spec.metric}`;
  const source = spec.type === 'Resource' ? `${spec.resource} resource` : `${spec.resource} container resource`;
  return spec.target.averageValue === undefined ? `${source} utilization (percentage of request)` : source;
}

function externalName(spec: ValueSpec): string {
  if (spec.type === 'Prometheus') return `prometheus metric ${spec.metric} of ${spec.source}`;
  return `external metric ${spec.metric}(${spec.selector ?? ''})`;
}

function statusOf(spec: Exclude<MetricSpec, { type: 'Unknown' }>, current: object): MetricStatus {
  switch (spec.type) {
    case 'Resource':
      return { type: spec.type, resource: { name: spec.resource, current } };
    case 'ContainerResource':
      return { type: spec.type, containerResource: { name: spec.resource, container: spec.container, current } };
    case 'Pods':
      return { type: spec.type, pods: { metric: { name: spec.metric }, current } };
    case 'Object':
      return { type: spec.type, object: { describedObject: spec.describedObject, metric: { name: spec.metric }, current } };
    case 'External':
      return { type: spec.type, external: { metric: { name: spec.metric }, current } };
    case 'Prometheus':
      return { type: spec.type, prometheus: { source: spec.source, metric: { name: spec.metric }, current } };
  }
}

function failed(
  spec: Exclude<MetricSpec, { type: 'Unknown' }>,
  details: Pick<MetricFailure, 'kind' | 'message' | 'unknown' | 'since' | 'groups'>,
): MetricFailure {
  return { ok: false, type: spec.type, reason: `FailedGet${spec.type}Metric`, error: 'internal', subject: subjectOf(spec), ...details };
}

function fetchFailed(spec: Exclude<MetricSpec, { type: 'Unknown' }>, result: Extract<MetricResult, { kind: 'failure' }>): MetricFailure {
  return failed(spec, { kind: 'FetchFailed', message: result.message, unknown: result.reason, since: result.since });
}

function nothingReturned(spec: Exclude<MetricSpec, { type: 'Unknown' }>, { pods }: MetricContext): MetricFailure {
  const message = pods.length === 0 ? "no pod matches the target's selector" : `the source has no sample of any of the ${pods.length} pods`;
  const values = 'the source answered without a value';
  return failed(spec, {
    kind: 'NoMetricsReturned',
    message: spec.type === 'Resource' || spec.type === 'ContainerResource' || spec.type === 'Pods' ? message : values,
  });
}

function invalidTarget(spec: Exclude<MetricSpec, { type: 'Unknown' }>, needed: string): MetricFailure {
  return failed(spec, { kind: 'InvalidTarget', message: `the target sets neither ${needed.replace(' or ', ' nor ')}` });
}

function calculationFailed(spec: Exclude<MetricSpec, { type: 'Unknown' }>, error: CalculationError): MetricFailure {
  return failed(spec, { kind: error.kind, message: error.message, groups: error.groups });
}
