import type { CooldownPolicy } from '../core/model/cooldown.ts';
import { apiVersionOf, resourceTypes, type KubeObject } from '../core/model/object.ts';
import { schemaProblems } from '../core/model/schema-problems.ts';
import type { EstimationConfig } from './config.ts';
import type { PolicyResult } from './model.ts';
import { pauseOf } from './policy-annotations.ts';
import { nativeSpec } from './policy-native-schema.ts';
import { crossProblems } from './policy-problems.ts';
import { verticalPolicySpec } from './policy-schema.ts';
import { commonParts, containerSizingOf, estimationOf, milliseconds, referenceOf } from './policy-sizing.ts';

export { annotationRevision, lastScaleDownAnnotation, lastScaleUpAnnotation, pausedAnnotation } from './policy-annotations.ts';
export { conditionsOf, historyOf, isNativeVpa, isProvided, recommendationOf, statusOf } from './policy-status.ts';

/** What the flags say for policies that do not set their own. */
export interface PolicyDefaults {
  readonly cooldown: CooldownPolicy;
  /** The percentiles that a policy's own must fit to; default: those of upstream. */
  readonly estimation?: EstimationConfig | undefined;
}

/** Reads a VerticalPolicy. */
export function parseVerticalPolicy(raw: KubeObject, { cooldown, estimation }: PolicyDefaults): PolicyResult {
  if (!isObject(raw.spec)) return noSpec;
  const parsed = verticalPolicySpec.safeParse(raw.spec);
  if (!parsed.success) return { ok: false, problems: schemaProblems(parsed.error.issues, raw.spec) };
  const spec = parsed.data;
  const pause = pauseOf(raw);
  const problems = [...crossProblems(spec, estimation), ...pause.problems];
  if (problems.length > 0) return { ok: false, problems };
  const { updateMode, singleReplica } = spec.updatePolicy;
  const { kind } = resourceTypes.verticalPolicies;
  return {
    ok: true,
    policy: {
      ...commonParts(raw, spec),
      reference: referenceOf(raw, apiVersionOf(resourceTypes.verticalPolicies), kind),
      native: false,
      mode: pause.paused ? 'Paused' : spec.mode,
      updateMode,
      actuation: updateMode === 'Auto' ? 'InPlaceOrRecreate' : updateMode,
      hasUpdatePolicy: hasUpdatePolicy(raw.spec),
      cooldown: {
        scaleUpMs: milliseconds(spec.cooldown?.scaleUpSeconds) ?? cooldown.scaleUpMs,
        scaleDownMs: milliseconds(spec.cooldown?.scaleDownSeconds) ?? cooldown.scaleDownMs,
      },
      singleReplica,
      containers: (spec.resourcePolicy?.containerPolicies ?? []).map((each) => containerSizingOf(each, estimationOf(each.estimation))),
      estimation: estimationOf(spec.estimation),
      horizontal: spec.horizontalPolicies,
      injectedContainers: spec.injectedContainers,
    },
  };
}

/**
 * Reads an autoscaling.k8s.io/v1 VerticalPodAutoscaler with upstream's rules and timing: no cooldowns unless the caller asks for some. Fields that a newer server
 * knows and we don't are left alone, and so is what its webhook would refuse but its engine can live with; only what has no meaning at all is a problem.
 */
export function fromVpa(raw: KubeObject, options: { readonly cooldown?: CooldownPolicy | undefined } = {}): PolicyResult {
  if (!isObject(raw.spec)) return noSpec;
  const parsed = nativeSpec.safeParse(raw.spec);
  if (!parsed.success) return { ok: false, problems: schemaProblems(parsed.error.issues, raw.spec) };
  const spec = parsed.data;
  const written = spec.updatePolicy?.updateMode;
  const updateMode = written === undefined || written === null || written === '' ? 'Recreate' : written;
  const { kind } = resourceTypes.verticalPodAutoscalers;
  return {
    ok: true,
    policy: {
      ...commonParts(raw, spec),
      reference: referenceOf(raw, apiVersionOf(resourceTypes.verticalPodAutoscalers), kind),
      native: true,
      mode: 'Auto',
      updateMode,
      actuation: updateMode === 'Auto' ? 'Recreate' : updateMode,
      hasUpdatePolicy: hasUpdatePolicy(raw.spec),
      cooldown: options.cooldown ?? noCooldown,
      singleReplica: 'Never',
      containers: (spec.resourcePolicy?.containerPolicies ?? []).map((each) => containerSizingOf(each, {})),
      estimation: {},
      // What is divided by the request is ours to decide here; the object itself does what it does upstream.
      horizontal: 'Rebase',
      injectedContainers: 'Manage',
    },
  };
}

const noCooldown: CooldownPolicy = { scaleUpMs: 0, scaleDownMs: 0 };

const noSpec = { ok: false, problems: [{ path: 'spec', message: 'is required; add it' }] } as const;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasUpdatePolicy(spec: object): boolean {
  const { updatePolicy } = spec as { readonly updatePolicy?: unknown };
  return updatePolicy !== undefined && updatePolicy !== null;
}
