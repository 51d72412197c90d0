import type { Hold, TraceStep } from '../../../core/model/decision.ts';
import { isFinished, type PodRecord } from '../../../core/model/pod.ts';
import type { KnownPolicy } from '../../ports.ts';
import { createBudgets, type Budgets } from './budgets.ts';
import { effectivePolicy } from './effective-policy.ts';
import type { PodShape } from '../../../core/model/pod-shape.ts';
import type { AdaptedPod, AdaptPod, PodSkip, SkipCode, UpdateAction, UpdateInput } from './model.ts';
import { createReplicaGroups, type ReplicaGroups } from './replica-groups.ts';
import { podPriority, type PodPriority } from './priority.ts';
import type { PodReview } from './selection.ts';

/** A pod with what an update would make of it. */
export interface Candidate extends PodReview {
  readonly adapted: AdaptedPod;
}

/** One pass over one policy while it goes on. */
export interface PassState {
  readonly input: UpdateInput;
  /** The policy with what it moves now: see {@link effectivePolicy}. */
  readonly known: KnownPolicy;
  /** Pods that can be acted on at all. */
  readonly live: readonly PodRecord[];
  readonly groups: ReplicaGroups;
  readonly budgets: Budgets;
  /** The only replica is rolled rather than evicted. */
  readonly surging: boolean;
  readonly sized: (pod: PodRecord) => SizedPod | undefined;
  readonly reviews: Map<string, Candidate>;
  /** By uid. */
  readonly skips: Map<string, PodSkip>;
  /** By uid. */
  readonly traces: Map<string, TraceStep[]>;
  readonly actions: UpdateAction[];
  /** Pods that were acted on, by uid. */
  readonly acted: Set<string>;
  readonly holds: Hold[];
  readonly counts: { evictable: number; resizable: number };
  /** Nothing more is done in this pass. */
  ended: Hold | undefined;
  again: number | undefined;
}

/** What is recommended for pods of that shape and those statuses. */
export interface SizedPod {
  readonly adapted: AdaptedPod;
  readonly priority: PodPriority;
}

/** Pods of one template that never restarted are alike: one answer serves them all. */
function sizer(adapt: AdaptPod, known: KnownPolicy): (pod: PodRecord) => SizedPod | undefined {
  const answers = new Map<PodShape, Map<PodRecord['statuses'], SizedPod | undefined>>();
  return (pod) => {
    let byStatuses = answers.get(pod.shape);
    if (byStatuses === undefined) answers.set(pod.shape, (byStatuses = new Map<PodRecord['statuses'], SizedPod | undefined>()));
    if (byStatuses.has(pod.statuses)) return byStatuses.get(pod.statuses);
    const adapted = adapt(known, pod);
    const sized = adapted === undefined ? undefined : { adapted, priority: podPriority(pod, adapted.containers) };
    byStatuses.set(pod.statuses, sized);
    return sized;
  };
}

export function passState(input: UpdateInput): PassState {
  const { config, workload, outside, memory, known } = input;
  const { policy } = known;
  const effective = effectivePolicy(known, { yields: outside.yields, workload });
  const live = input.pods.filter(isLive);
  const surging = policy.singleReplica === 'Surge' && workload?.replicas === 1 && workload.surges;
  return {
    input,
    known: effective,
    live,
    groups: createReplicaGroups({
      pods: live,
      configured: input.configured,
      policy: surging ? { actuation: policy.actuation, minReplicas: 1 } : policy,
      config,
      unreadyAreAway: !policy.native,
      resizing: memory.resizing,
    }),
    budgets: createBudgets(policy.native ? undefined : input.pdbsFor),
    surging,
    sized: sizer(input.adapt, effective),
    reviews: new Map(),
    skips: new Map(),
    traces: new Map(),
    actions: [],
    acted: new Set(),
    holds: [],
    counts: { evictable: 0, resizable: 0 },
    ended: undefined,
    again: undefined,
  };
}

/** On a node, not ended, not on its way out: what upstream lists. */
export function isLive(pod: PodRecord): boolean {
  return pod.nodeName !== undefined && pod.deleted === undefined && !isFinished(pod);
}

/** Leaves the pod alone; the first reason stands. */
export function skip(state: PassState, pod: PodRecord, reason: Omit<PodSkip, 'pod'>): void {
  if (state.skips.has(pod.uid)) return;
  state.skips.set(pod.uid, { pod, ...reason });
}

/** Leaves the pod alone for a hold. */
export function skipHeld(state: PassState, pod: PodRecord, hold: Hold): void {
  lookAgain(state, hold.until);
  skip(state, pod, { code: 'held', message: hold.message, hold });
}

/** Nothing has been decided about the pod yet. */
export function isOpen(state: PassState, pod: PodRecord): boolean {
  return !state.skips.has(pod.uid) && !state.acted.has(pod.uid);
}

/** Every pod about which nothing has been decided. */
export function skipRest(state: PassState, reason: { readonly code: SkipCode; readonly message: string; readonly hold?: Hold }): void {
  for (const pod of state.input.pods) if (!state.acted.has(pod.uid)) skip(state, pod, reason);
}

/** A hold of the policy as a whole. */
export function holdRest(state: PassState, hold: Hold): void {
  lookAgain(state, hold.until);
  if (!state.holds.some(({ by, message }) => by === hold.by && message === hold.message)) state.holds.push(hold);
  skipRest(state, { code: 'held', message: hold.message, hold });
}

/** When it is worth looking again though nothing else changes. */
export function lookAgain(state: PassState, at: number | undefined): void {
  if (at === undefined || at <= state.input.now) return;
  if (state.again === undefined || at < state.again) state.again = at;
}

/** A step of how the pod's decision came about. */
export function trace(
  state: PassState,
  pod: PodRecord,
  step: { readonly step: string; readonly message: string; readonly values?: TraceStep['values'] | undefined },
): void {
  const whole: TraceStep = { step: step.step, message: step.message, values: step.values ?? {} };
  const steps = state.traces.get(pod.uid);
  if (steps === undefined) state.traces.set(pod.uid, [whole]);
  else steps.push(whole);
}
