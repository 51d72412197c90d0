import type { CooldownPolicy } from '../core/model/cooldown.ts';
import type { KubeObject, ObjectReference } from '../core/model/object.ts';
import { schemaProblems } from '../core/model/schema-problems.ts';
import { Quantity } from '../core/units/index.ts';
import type { RulesInput } from './engine/behavior.ts';
import { completeBehavior, type FallbackPolicy, type MetricSpec, type ScalingSchedule, type ScalingSpec } from './engine/index.ts';
import { policyAnnotations } from './policy-annotations.ts';
import { metricOf } from './policy-metrics.ts';
import { crossProblems, unsupportedParts, type PolicyProblem } from './policy-problems.ts';
import { horizontalPolicySpec, type FallbackInput, type HorizontalPolicySpec, type ScheduleInput } from './policy-schema.ts';

export { annotationRevision } from './policy-annotations.ts';
export {
  failingMetrics,
  historyOf,
  pendingScalingOf,
  previousStatus,
  restoredState,
  statusOf,
  type PendingScaling,
} from './policy-status.ts';

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
  /** Who has scaled the target so far and shall do so no more (annotation `concertina.dev/transfer-from`); in the policy's namespace. */
  readonly transferFrom?: ObjectReference | undefined;
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
  const parsed = readSpec(raw.spec, { native: false });
  if (!parsed.ok) return parsed;
  const { spec } = parsed;
  const unsupported = unsupportedParts(spec);
  if (unsupported.length > 0) return { ok: false, reason: 'NotSupportedYet', problems: unsupported };
  const { pause, transferFrom, problems } = policyAnnotations(raw, spec.maxReplicas);
  if (problems.length > 0) return { ok: false, reason: 'InvalidPolicy', problems };
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
      spec: { ...scalingSpec(spec, { cooldown: own, native: false }), ...ownParts(spec), pause },
      syncPeriodMs: milliseconds(spec.syncPeriodSeconds),
      transferFrom,
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
  const parsed = readSpec(raw.spec, { native: true });
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

/** Native objects may have fields of a newer API server. */
function readSpec(raw: unknown, { native }: { readonly native: boolean }): SpecResult {
  if (typeof raw !== 'object' || raw === null) {
    return { ok: false, reason: 'InvalidPolicy', problems: [{ path: 'spec', message: 'is required; add it' }] };
  }
  let parsed = horizontalPolicySpec.safeParse(raw);
  if (!parsed.success && native) parsed = horizontalPolicySpec.safeParse(withoutUnknown(raw, parsed.error.issues));
  if (!parsed.success) return { ok: false, reason: 'InvalidPolicy', problems: schemaProblems(parsed.error.issues, raw) };
  const problems = crossProblems(parsed.data, { native });
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
    podSelection: native ? 'ByLabels' : spec.podSelection,
  };
}

/** What only the suite's own policies have. */
function ownParts(spec: HorizontalPolicySpec): Partial<ScalingSpec> {
  return {
    panicRatio: spec.cooldown?.panicRatio,
    fallback: spec.fallback === undefined ? undefined : fallbackOf(spec.fallback),
    schedules: spec.schedules === undefined || spec.schedules.length === 0 ? undefined : spec.schedules.map(scheduleOf),
    cpuInitializationMs: milliseconds(spec.cpuInitializationPeriodSeconds),
    initialReadinessDelayMs: milliseconds(spec.initialReadinessDelaySeconds),
  };
}

/** Only a behavior that somebody has written may shrink the target, so none that may is a default. */
function fallbackOf({ failureThreshold, replicas, behavior }: FallbackInput): FallbackPolicy {
  return { failureThreshold, replicas, behavior: behavior ?? (replicas === undefined ? 'Hold' : 'CurrentReplicasIfHigher') };
}

function scheduleOf({ name, start, end, timeZone, minReplicas, maxReplicas, ramp }: ScheduleInput): ScalingSchedule {
  return { name, start, end, timeZone, minReplicas, maxReplicas, rampMs: milliseconds(ramp?.durationSeconds) ?? 0 };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

function rulesOf(rules: NonNullable<HorizontalPolicySpec['behavior']>['scaleUp']): RulesInput | undefined {
  if (rules === undefined) return undefined;
  return { ...rules, tolerance: rules.tolerance === undefined ? undefined : Quantity.parse(rules.tolerance).toNumber() };
}
