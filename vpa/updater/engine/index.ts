export { actualRequests, amountOf, amountsOf, amountText, milliOf } from './amounts.ts';
export { boostedContainers, expiredBoosts } from './boost.ts';
export { effectivePolicy, withoutResources } from './effective-policy.ts';
export { loopRounds, noLoop } from './eviction-loop.ts';
export type { LoopState } from './eviction-loop.ts';
export { gate, isQuickOom } from './gate.ts';
export type {
  ActionOutcome,
  AdaptedPod,
  AdaptPod,
  ConfiguredReplicas,
  ContainerChange,
  ContainerResources,
  OutsideHolds,
  PodSkip,
  SkipCode,
  UpdateAction,
  UpdateInput,
  UpdateMemory,
  UpdateMethod,
  UpdatePlan,
} from './model.ts';
export { createUpdatePass, planUpdates } from './plan.ts';
export type { UpdatePass } from './plan.ts';
export { asksForLess, comparePriority, podPriority } from './priority.ts';
export type { PodPriority } from './priority.ts';
export { rateLimitOf } from './rate.ts';
export { configuredReplicas, createReplicaGroups, noteResizes } from './replica-groups.ts';
export type { InPlaceDecision, ReplicaGroups, Verdict } from './replica-groups.ts';
export { meetsRequirements } from './requirements.ts';
export { isInfeasible, review, selected } from './selection.ts';
