import type { PodRecord } from '../../core/model/index.ts';
import type { NamespaceLimits, Recommendation, SizingPolicy } from '../model.ts';
import { boostState, type BoostState } from './boost-state.ts';
import type { Clamp } from './clamp.ts';
import type { ContainerValues } from './container-resources.ts';
import { podState } from './pod-resources.ts';
import { adaptForPolicy, type ActingPolicy } from './policy-adaptation.ts';
import { guardValues, type KeptResource } from './refusals.ts';
import { resizedAnnotations, resizePatch, resizeProblem, resizeValues, type ResizeProblem } from './resize-patch.ts';
import type { PatchOperation } from './resource-operations.ts';

export interface ResizePlanInput {
  readonly pod: Pick<PodRecord, 'shape' | 'statuses' | 'ready' | 'readySince'>;
  readonly policy: ActingPolicy & Pick<SizingPolicy, 'startupBoost'>;
  readonly recommendation: Recommendation | undefined;
  readonly limits: NamespaceLimits | undefined;
  readonly yielded?: ReadonlySet<string> | undefined;
  readonly templateContainers?: readonly string[] | undefined;
  /** Epoch milliseconds: which boosts are over. */
  readonly now: number;
}

export interface ResizePlan {
  /** By the pod's containers. */
  readonly values: readonly (ContainerValues | undefined)[];
  /** For the `resize` subresource; empty when nothing is to be set. */
  readonly operations: readonly PatchOperation[];
  /** For the pod itself, after the resize. */
  readonly annotations: readonly PatchOperation[];
  readonly boosts: BoostState;
  readonly clamps: readonly Clamp[];
  readonly kept: readonly KeptResource[];
  /** The API server would refuse it: evict instead, or leave the pod. */
  readonly problem: ResizeProblem | undefined;
}

/** All that a resize of a running pod in place consists of, un-boosting included. */
export function resizePlan(input: ResizePlanInput): ResizePlan {
  const { policy, limits, now } = input;
  const pod = podState(input.pod);
  const { ready, readySince, shape } = input.pod;
  const boosts = boostState({ annotations: shape.annotations, ready: ready === 'True', readySince }, policy, now);
  const { adapted, values } = adaptForPolicy({ ...input, pod });
  const wanted = resizeValues({ pod, values, boosts, off: policy.actuation === 'Off' });
  const guarded = guardValues({ pod, values: wanted, limits });
  return {
    values: guarded.values,
    operations: resizePatch(pod, guarded.values),
    annotations: resizedAnnotations(boosts),
    boosts,
    clamps: adapted.clamps.filter(({ resource }) => !guarded.kept.some((each) => each.resource === resource)),
    kept: guarded.kept,
    problem: resizeProblem(pod, guarded.values, limits),
  };
}
