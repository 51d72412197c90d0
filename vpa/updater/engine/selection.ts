import type { PodRecord } from '../../../core/model/pod.ts';
import type { ContainerRecommendation, SizingPolicy } from '../../model.ts';
import { gate, type GateInput, type GateVerdict } from './gate.ts';
import { asksForLess, comparePriority, podPriority, type PodPriority } from './priority.ts';
import { meetsRequirements } from './requirements.ts';

/** What is thought of one pod before anything else decides about it. */
export interface PodReview {
  readonly pod: PodRecord;
  /** Adapted to the pod. */
  readonly containers: readonly ContainerRecommendation[];
  readonly priority: PodPriority;
  readonly gate: GateVerdict;
}

export interface ReviewInput extends Pick<GateInput, 'config' | 'now'> {
  readonly policy: Pick<SizingPolicy, 'containers' | 'evictAfterOomMs' | 'actuation'>;
  readonly pod: PodRecord;
  readonly containers: readonly ContainerRecommendation[];
  /** What could not be given to the pod before. */
  readonly infeasible: readonly ContainerRecommendation[] | undefined;
  /** Instead of the one by the recommendation. */
  readonly priority?: PodPriority | undefined;
}

/** Priority and gate of a pod (§5.3, §5.4). */
export function review({ policy, pod, containers, infeasible, priority, config, now }: ReviewInput): PodReview {
  const own = priority ?? podPriority(pod, containers);
  const verdict = gate({ policy, pod, priority: own, infeasible: isInfeasible(policy, infeasible, containers), config, now });
  return { pod, containers, priority: own, gate: verdict };
}

/** A resize to no less could not be done, and this policy never evicts instead. Decided by the adapted recommendation everywhere (fixed quirk Q14). */
export function isInfeasible(
  policy: Pick<SizingPolicy, 'actuation'>,
  last: readonly ContainerRecommendation[] | undefined,
  next: readonly ContainerRecommendation[],
): boolean {
  return policy.actuation === 'InPlace' && last !== undefined && !asksForLess(last, next);
}

/** The pods to be updated, the most urgent first; those of equal priority keep their order (§5.5). */
export function selected(
  reviews: readonly PodReview[],
  policy: Pick<SizingPolicy, 'hasUpdatePolicy' | 'evictionRequirements' | 'native'>,
): readonly PodReview[] {
  return reviews
    .filter((each) => each.gate.pass)
    .toSorted((a, b) => comparePriority(a.priority, b.priority))
    .filter((each) => meetsRequirements(policy, each.pod, each.containers));
}
