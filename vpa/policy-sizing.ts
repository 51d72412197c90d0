import { parseTime } from '../core/model/condition.ts';
import type { KubeObject, ObjectReference } from '../core/model/object.ts';
import { parseDurationMs, Quantity } from '../core/units/index.ts';
import {
  sizedResources,
  type ContainerSizing,
  type EstimationOverrides,
  type PerResource,
  type SizingPolicy,
  type StartupBoost,
} from './model.ts';
import { tryAmount, tryAmounts } from './policy-amounts.ts';
import { integerCpuContainers } from './policy-annotations.ts';
import type { ContainerPolicyInput, NativeSpec } from './policy-native-schema.ts';
import type { EstimationInput } from './policy-schema.ts';

/** What a policy of either kind has, whatever else it has. */
export function commonParts(
  raw: KubeObject,
  spec: NativeSpec,
): Pick<
  SizingPolicy,
  | 'generation'
  | 'created'
  | 'target'
  | 'minReplicas'
  | 'evictionRequirements'
  | 'evictAfterOomMs'
  | 'startupBoost'
  | 'recommenders'
  | 'integerCpu'
> {
  const { updatePolicy } = spec;
  return {
    generation: raw.metadata.generation,
    created: parseTime(raw.metadata.creationTimestamp),
    target: targetOf(raw, spec.targetRef),
    minReplicas: updatePolicy?.minReplicas ?? undefined,
    evictionRequirements: updatePolicy?.evictionRequirements ?? [],
    evictAfterOomMs: milliseconds(updatePolicy?.evictAfterOOMSeconds),
    startupBoost: boostOf(spec.startupBoost),
    recommenders: (spec.recommenders ?? []).map(({ name }) => name),
    integerCpu: integerCpuContainers(raw),
  };
}

function targetOf({ metadata }: KubeObject, ref: NativeSpec['targetRef']): ObjectReference | undefined {
  if (ref === undefined || ref === null) return undefined;
  const { namespace } = metadata;
  return { apiVersion: ref.apiVersion ?? 'v1', kind: ref.kind, name: ref.name, ...(namespace === undefined ? {} : { namespace }) };
}

/** With kind and uid, whether the list that the object came in says the kind of its items or not. */
export function referenceOf(raw: KubeObject, apiVersion: string, kind: string): ObjectReference {
  const { name, namespace, uid } = raw.metadata;
  return {
    apiVersion: raw.apiVersion ?? apiVersion,
    kind: raw.kind ?? kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
}

export function containerSizingOf(policy: ContainerPolicyInput, estimation: EstimationOverrides): ContainerSizing {
  const { containerName, mode, controlledResources, controlledValues, oomBumpUpRatio, oomMinBumpUp } = policy;
  return {
    container: containerName ?? '',
    mode: mode ?? 'Auto',
    minAllowed: tryAmounts(policy.minAllowed) ?? {},
    maxAllowed: tryAmounts(policy.maxAllowed) ?? {},
    controlledResources: controlledResources ?? sizedResources,
    controlledValues: controlledValues ?? 'RequestsAndLimits',
    // With milli precision, as upstream.
    oomBumpUpRatio: isGiven(oomBumpUpRatio) ? Number(Quantity.parse(oomBumpUpRatio).toMilli('up')) / 1000 : undefined,
    oomMinBumpUp: tryAmount('memory', oomMinBumpUp),
    memoryAggregationIntervalMs: milliseconds(policy.memoryAggregationIntervalSeconds),
    memoryAggregationIntervalCount: policy.memoryAggregationIntervalCount ?? undefined,
    startupBoost: boostOf(policy.startupBoost),
    estimation,
  };
}

/** A boost without its CPU part is none; what is wrong in the part is absent, so that the boost fails and not the policy. */
function boostOf(raw: unknown): StartupBoost | undefined {
  const cpu = (raw as { readonly cpu?: Readonly<Record<string, unknown>> | null } | null | undefined)?.cpu;
  if (typeof cpu !== 'object' || cpu === null) return undefined;
  const { type, factor, quantity, durationSeconds } = cpu;
  return {
    type: typeof type === 'string' ? type : '',
    factor: typeof factor === 'number' ? factor : undefined,
    quantity: tryAmount('cpu', quantity),
    durationMs: typeof durationSeconds === 'number' ? durationSeconds * 1000 : 0,
  };
}

/** Only what is set, so that an empty block overrides nothing. */
export function estimationOf(input: EstimationInput | undefined): EstimationOverrides {
  if (input === undefined) return {};
  const { targetPercentile, lowerBoundPercentile, upperBoundPercentile, margin, halfLife, podMinimum } = input;
  return {
    ...(targetPercentile === undefined ? {} : { targetPercentile: perResource(targetPercentile, identity) }),
    ...(lowerBoundPercentile === undefined ? {} : { lowerBoundPercentile: perResource(lowerBoundPercentile, identity) }),
    ...(upperBoundPercentile === undefined ? {} : { upperBoundPercentile: perResource(upperBoundPercentile, identity) }),
    ...(margin === undefined ? {} : { margin: perResource(margin, identity) }),
    ...(halfLife === undefined ? {} : { halfLifeMs: perResource(halfLife, parseDurationMs) }),
    ...(podMinimum === undefined ? {} : { podMinimum: tryAmounts(podMinimum) ?? {} }),
  };
}

function perResource<T>(
  values: { readonly cpu?: T | undefined; readonly memory?: T | undefined },
  read: (value: T) => number,
): PerResource {
  const { cpu, memory } = values;
  return { ...(cpu === undefined ? {} : { cpu: read(cpu) }), ...(memory === undefined ? {} : { memory: read(memory) }) };
}

function identity(value: number): number {
  return value;
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

export function milliseconds(seconds: number | null | undefined): number | undefined {
  return isGiven(seconds) ? seconds * 1000 : undefined;
}
