import { containerSizing, type NamespaceLimits, type SizingPolicy } from '../model.ts';
import { containerBounds } from './container-bounds.ts';
import type { ContainerValues } from './container-resources.ts';
import type { PodState } from './pod-resources.ts';
import { annotationOperation, containerOperations, containerSummary, type PatchOperation } from './resource-operations.ts';
import { boostContainer, boostPrefix, originalResourcesText, type OriginalResources } from './startup-boost.ts';

export interface BoostSettings {
  /** --max-allowed-cpu-boost, milli-cores; absent: no cap. */
  readonly maxAllowedCpu?: number | undefined;
}

export interface BoostPodInput {
  readonly pod: PodState;
  readonly policy: Pick<SizingPolicy, 'containers' | 'startupBoost'>;
  /** By the pod's containers; `undefined`: nothing is recommended. */
  readonly values: readonly (ContainerValues | undefined)[];
  readonly boost: BoostSettings;
  readonly limits: NamespaceLimits | undefined;
  /** Containers that are left alone. */
  readonly leftAlone?: ReadonlySet<string> | undefined;
}

export type BoostedPod =
  | { readonly ok: true; readonly values: readonly (ContainerValues | undefined)[]; readonly boosted: ReadonlySet<string> }
  | { readonly ok: false; readonly message: string };

/** The values of a pod that starts. A container whose mode is Off gets nothing, as upstream (quirk Q17). */
export function boostPod({ pod, policy, values, boost, limits, leftAlone }: BoostPodInput): BoostedPod {
  const boosted = new Set<string>();
  const result: (ContainerValues | undefined)[] = [];
  for (const [index, state] of pod.containers.entries()) {
    const off = containerSizing(policy.containers, state.name)?.mode === 'Off';
    if (off || leftAlone?.has(state.name) === true) {
      result.push(undefined);
      continue;
    }
    const outcome = boostContainer({
      policy,
      state,
      values: values[index],
      maxAllowedCpu: boost.maxAllowedCpu,
      boundary: containerBounds(state, limits?.container).max['cpu'],
      defaults: limits?.container?.default,
    });
    if (!outcome.ok) return outcome;
    if (outcome.boosted) boosted.add(state.name);
    result.push(outcome.values);
  }
  return { ok: true, values: result, boosted };
}

export interface PodOperationsInput {
  readonly pod: PodState;
  /** Lists that are there: those of the pod spec, or those in force (as upstream's admission sees them). */
  readonly presence: 'spec' | 'inForce';
  /** For the annotation. */
  readonly policyName: string;
  readonly values: readonly (ContainerValues | undefined)[];
  readonly boosted: ReadonlySet<string>;
  /** What boosted containers asked for before; absent: what the pod says. */
  readonly originals?: ReadonlyMap<string, OriginalResources> | undefined;
}

/** The operations for all containers of a pod that is being created, and the annotation that tells of them (spec 6.3). */
export function podOperations({ pod, presence, policyName, values, boosted, originals }: PodOperationsInput): readonly PatchOperation[] {
  const operations: PatchOperation[] = [];
  const summaries: string[] = [];
  for (const [index, state] of pod.containers.entries()) {
    const each = values[index];
    if (boosted.has(state.name)) {
      operations.push(annotationOperation(boostPrefix + state.name, originalResourcesText(originals?.get(state.name) ?? state)));
    }
    if (each === undefined) continue;
    const made = containerOperations(index, presence === 'spec' ? state.spec : (state.reported ?? state.spec), each);
    if (made.length === 0) continue;
    operations.push(...made);
    summaries.push(containerSummary(index, each));
  }
  if (summaries.length > 0) {
    operations.push(annotationOperation('vpaUpdates', `Pod resources updated by ${policyName}: ${summaries.join('; ')}`));
  }
  return operations;
}
