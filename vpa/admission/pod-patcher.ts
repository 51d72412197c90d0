import { admissionPatch } from '../adaptation/index.ts';
import type { KnownPolicy } from '../ports.ts';
import type { PodPatcher } from './engine/pod-decision.ts';

export interface PodPatcherOptions {
  /** Boost containers that start; `undefined`: the feature gate is off. */
  readonly boost: { readonly maxAllowedCpu?: number | undefined } | undefined;
  /** Resources that a policy leaves to a horizontal one. */
  readonly yielded?: ((policy: KnownPolicy) => ReadonlySet<string> | undefined) | undefined;
}

/** The patch of vpa/adaptation as admission takes it. */
export function createPodPatcher({ boost, yielded }: PodPatcherOptions): PodPatcher {
  return ({ pod, policy: known, limits, workload }) => {
    const { operations, kept, problem } = admissionPatch({
      pod,
      policy: known.policy,
      recommendation: known.recommendation,
      limits,
      boost,
      yielded: yielded?.(known),
      templateContainers: workload?.templateContainers,
    });
    return problem === undefined ? { ok: true, operations, notes: kept.map(({ message }) => message) } : { ok: false, message: problem };
  };
}
