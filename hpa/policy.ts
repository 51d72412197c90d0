import type { CooldownPolicy, ScalingHistory } from '../core/model/cooldown.ts';
import { parseTime, type Condition } from '../core/model/condition.ts';
import type { KubeObject, ObjectReference } from '../core/model/object.ts';
import { formatSelector, selectorOf } from '../core/model/selector.ts';
import { Quantity } from '../core/units/index.ts';
import { completeBehavior, type MetricSpec, type MetricTarget, type Milli, type PreviousStatus, type ScalingSpec } from './engine/index.ts';
import type { RulesInput } from './engine/behavior.ts';
import { schemaProblems } from '../core/model/schema-problems.ts';
import { crossProblems, unsupportedParts, type PolicyProblem } from './policy-problems.ts';
import {
  horizontalPolicySpec,
  type HorizontalPolicySpec,
  type HorizontalPolicyStatus,
  type MetricInput,
  type TargetInput,
} from './policy-schema.ts';

/** A HorizontalPolicy or a native HPA in the form in which the controller uses it. */
export interface ScalingPolicy {
  readonly reference: ObjectReference;
  /** `HorizontalPodAutoscaler` objects keep upstream's timing. */
  readonly native: boolean;
  readonly generation: number | undefined;
  readonly target: ObjectReference;
  readonly spec: ScalingSpec;
  /** Own period in milliseconds; `undefined`: the controller's. */
  readonly syncPeriodMs: number | undefined;
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: ScalingPolicy }
  | {
      readonly ok: false;
      /** `InvalidPolicy`: wrong; `NotSupportedYet`: right, but this version cannot do it. */
      readonly reason: 'InvalidPolicy' | 'NotSupportedYet';
      readonly problems: readonly PolicyProblem[];
    };

/** Reads a HorizontalPolicy; `cooldown` is what the flags say for policies that do not set their own. */
export function parsePolicy(raw: KubeObject, cooldown: CooldownPolicy): PolicyResult {
  const parsed = readSpec(raw.spec);
  if (!parsed.ok) return parsed;
  const { spec } = parsed;
  const unsupported = unsupportedParts(spec);
  if (unsupported.length > 0) return { ok: false, reason: 'NotSupportedYet', problems: unsupported };
  const own = {
    scaleUpMs: spec.cooldown?.scaleUpSeconds === undefined ? cooldown.scaleUpMs : spec.cooldown.scaleUpSeconds * 1000,
    scaleDownMs: spec.cooldown?.scaleDownSeconds === undefined ? cooldown.scaleDownMs : spec.cooldown.scaleDownSeconds * 1000,
  };
  return {
    ok: true,
    policy: {
      reference: referenceOf(raw, 'concertina.dev/v1alpha1', 'HorizontalPolicy'),
      native: false,
      generation: raw.metadata.generation,
      target: targetOf(raw, spec),
      spec: scalingSpec(spec, { cooldown: own, native: false }),
      syncPeriodMs: spec.syncPeriodSeconds === undefined ? undefined : spec.syncPeriodSeconds * 1000,
    },
  };
}

/**
 * Reads an autoscaling/v2 HorizontalPodAutoscaler with upstream's timing: no cooldowns unless the caller asks for some. Fields that a newer API server knows and
 * we don't are left alone. `anyMetric` permits what the controller cannot fetch yet (for the pure engine).
 */
export function fromHpa(
  raw: KubeObject,
  options: { readonly cooldown?: CooldownPolicy | undefined; readonly anyMetric?: boolean | undefined } = {},
): PolicyResult {
  const parsed = readSpec(raw.spec, { lenient: true });
  if (!parsed.ok) return parsed;
  const unsupported = options.anyMetric === true ? [] : unsupportedParts(parsed.spec);
  if (unsupported.length > 0) return { ok: false, reason: 'NotSupportedYet', problems: unsupported };
  return {
    ok: true,
    policy: {
      reference: referenceOf(raw, 'autoscaling/v2', 'HorizontalPodAutoscaler'),
      native: true,
      generation: raw.metadata.generation,
      target: targetOf(raw, parsed.spec),
      spec: scalingSpec({ ...parsed.spec, mode: 'Auto' }, { cooldown: options.cooldown ?? noCooldown, native: true }),
      syncPeriodMs: undefined,
    },
  };
}

type SpecResult = { readonly ok: true; readonly spec: HorizontalPolicySpec } | Extract<PolicyResult, { ok: false }>;

function readSpec(raw: unknown, { lenient = false } = {}): SpecResult {
  if (typeof raw !== 'object' || raw === null) {
    return { ok: false, reason: 'InvalidPolicy', problems: [{ path: 'spec', message: 'is required; add it' }] };
  }
  let parsed = horizontalPolicySpec.safeParse(raw);
  if (!parsed.success && lenient) parsed = horizontalPolicySpec.safeParse(withoutUnknown(raw, parsed.error.issues));
  if (!parsed.success) return { ok: false, reason: 'InvalidPolicy', problems: schemaProblems(parsed.error.issues, raw) };
  const problems = crossProblems(parsed.data);
  return problems.length > 0 ? { ok: false, reason: 'InvalidPolicy', problems } : { ok: true, spec: parsed.data };
}

/** A copy without the fields that the schema does not know. */
function withoutUnknown(raw: object, issues: NonNullable<ReturnType<typeof horizontalPolicySpec.safeParse>['error']>['issues']): unknown {
  const copy = structuredClone(raw);
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const parent = issue.path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown>)[part], copy);
    for (const key of issue.keys) delete (parent as Record<string, unknown>)[key];
  }
  return copy;
}

function referenceOf(raw: KubeObject, apiVersion: string, kind: string): ObjectReference {
  const { name, namespace, uid } = raw.metadata;
  return {
    apiVersion: raw.apiVersion ?? apiVersion,
    kind: raw.kind ?? kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
}

function targetOf(raw: KubeObject, { scaleTargetRef }: HorizontalPolicySpec): ObjectReference {
  const { namespace } = raw.metadata;
  return {
    apiVersion: scaleTargetRef.apiVersion ?? 'v1',
    kind: scaleTargetRef.kind,
    name: scaleTargetRef.name,
    ...(namespace === undefined ? {} : { namespace }),
  };
}

const defaultMetrics: readonly MetricSpec[] = [
  { type: 'Resource', resource: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
];

const noCooldown: CooldownPolicy = { scaleUpMs: 0, scaleDownMs: 0 };

function scalingSpec(spec: HorizontalPolicySpec, { cooldown, native }: Pick<ScalingSpec, 'cooldown' | 'native'>): ScalingSpec {
  const metrics = (spec.metrics ?? []).map(metricOf);
  return {
    native,
    minReplicas: spec.minReplicas,
    maxReplicas: spec.maxReplicas,
    metrics: metrics.length === 0 ? defaultMetrics : metrics,
    behavior:
      spec.behavior === undefined
        ? undefined
        : completeBehavior({ scaleUp: rulesOf(spec.behavior.scaleUp), scaleDown: rulesOf(spec.behavior.scaleDown) }),
    cooldown,
    mode: spec.mode,
  };
}

function rulesOf(rules: NonNullable<HorizontalPolicySpec['behavior']>['scaleUp']): RulesInput | undefined {
  if (rules === undefined) return undefined;
  return { ...rules, tolerance: rules.tolerance === undefined ? undefined : Quantity.parse(rules.tolerance).toNumber() };
}

function metricOf(metric: MetricInput): MetricSpec {
  const { resource, containerResource, pods, object, external, prometheus } = metric;
  if (resource !== undefined) return { type: 'Resource', resource: resource.name, target: metricTarget(resource.target) };
  if (containerResource !== undefined) {
    const { name, container, target } = containerResource;
    return { type: 'ContainerResource', resource: name, container, target: metricTarget(target) };
  }
  if (pods !== undefined) return { type: 'Pods', ...identifier(pods.metric), target: metricTarget(pods.target) };
  if (object !== undefined) {
    return { type: 'Object', ...identifier(object.metric), describedObject: object.describedObject, target: metricTarget(object.target) };
  }
  if (external !== undefined) return { type: 'External', ...identifier(external.metric), target: metricTarget(external.target) };
  if (prometheus !== undefined) {
    const { source, query, name, emptyMeans, target } = prometheus;
    return {
      type: 'Prometheus',
      metric: name ?? shortQuery(query),
      source,
      query,
      emptyMeans: emptyMeans === 'Zero' ? 'zero' : 'unknown',
      target: metricTarget(target),
    };
  }
  return { type: 'Unknown', name: metric.type };
}

/** So much of a query that a person recognises it in a table. */
function shortQuery(query: string): string {
  const text = query.replaceAll(/\s+/g, ' ').trim();
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function identifier({ name, selector }: NonNullable<MetricInput['pods']>['metric']): {
  readonly metric: string;
  readonly selector?: string;
} {
  return { metric: name, ...(selector === undefined ? {} : { selector: selectorText(selector) }) };
}

/** A selector that cannot be read fails its own metric when it is asked for, not the policy (as upstream): it passes on as its JSON. */
function selectorText({ matchLabels, matchExpressions }: NonNullable<NonNullable<MetricInput['pods']>['metric']['selector']>): string {
  try {
    const expressions = matchExpressions?.map(({ key, operator, values }) => ({ key, operator, values: values ?? null }));
    return formatSelector(selectorOf({ matchLabels, matchExpressions: expressions })) ?? '';
  } catch {
    return JSON.stringify({ matchLabels, matchExpressions });
  }
}

function metricTarget({ type, value, averageValue, averageUtilization }: TargetInput): MetricTarget {
  return { type, value: milli(value), averageValue: milli(averageValue), averageUtilization };
}

/** Thousandths, rounded up as upstream's MilliValue. */
function milli(quantity: string | number | undefined): Milli | undefined {
  return quantity === undefined ? undefined : Quantity.parse(quantity).toMilli('up');
}

/** The stored status as far as the next evaluation reads it; anything malformed reads as absent. */
export function previousStatus(raw: KubeObject): PreviousStatus {
  const status = statusOf(raw);
  const conditions = Array.isArray(status.conditions) ? (status.conditions as readonly Condition[]) : [];
  return { conditions, currentReplicas: status.currentReplicas ?? 0, desiredReplicas: status.desiredReplicas ?? 0 };
}

/** When the target was last scaled, from status, so that cooldowns outlive a restart. */
export function historyOf(raw: KubeObject): ScalingHistory {
  const status = statusOf(raw);
  return { lastScaleUp: parseTime(status.lastScaleUpTime), lastScaleDown: parseTime(status.lastScaleDownTime) };
}

/** `status` as its schema names it; `{}` when there is none. */
export function statusOf(raw: KubeObject): Partial<HorizontalPolicyStatus> {
  return typeof raw.status === 'object' && raw.status !== null ? (raw.status as Partial<HorizontalPolicyStatus>) : {};
}
