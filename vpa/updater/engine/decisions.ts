import type { Decision, Hold, HoldReason, TraceStep } from '../../../core/model/decision.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import type { ContainerRecommendation } from '../../model.ts';
import { actualRequests, amountOf, amountText } from './amounts.ts';
import type { PodSkip, SkipCode, UpdateAction, UpdateMethod } from './model.ts';
import type { PassState } from './pass-state.ts';
import { observedRecommendations } from './priority.ts';
import { capitalized, podsText } from './sentence.ts';

/** What keeps a pod as it is, in the words of decisions. */
const holdOf: Readonly<Record<SkipCode, HoldReason>> = {
  'in-range': 'stabilization',
  young: 'stabilization',
  'small-change': 'stabilization',
  'no-change': 'bounds',
  requirements: 'bounds',
  boosted: 'stabilization',
  mode: 'paused',
  'no-recommendation': 'missing-data',
  held: 'missing-data',
  'too-few-replicas': 'disruption-budget',
  'no-controller': 'target-unavailable',
  'unknown-replicas': 'missing-data',
  pending: 'disruption-budget',
  'disruption-tolerance': 'disruption-budget',
  resizing: 'disruption-budget',
  asked: 'stabilization',
  infeasible: 'target-unavailable',
  gone: 'target-unavailable',
  failed: 'target-unavailable',
  rolling: 'disruption-budget',
};

const reasonOf: Readonly<Record<UpdateMethod, string>> = {
  evict: 'EvictedByVPA',
  resize: 'InPlaceResizedByVPA',
  unboost: 'InPlaceResizedByVPA',
  surge: 'RolledBySurge',
};

/** What is done to a pod: `pod web-1 is …`. */
export const methodText: Readonly<Record<UpdateMethod, string>> = {
  evict: 'evicted',
  resize: 'resized in place',
  unboost: 'taken out of its start-up boost',
  surge: 'rolled by surge',
};

/** One decision for each container and resource that is recommended for. What pods ask for now is told by the most urgent of them. */
export function decisionsOf(state: PassState): readonly Decision[] {
  const { input } = state;
  const containers = input.known.recommendation?.containers;
  if (containers === undefined) return [];
  const pod = representative(state);
  return containers.flatMap((recommendation) =>
    Object.keys(recommendation.target).flatMap((resource) => decisionOf(state, { pod, recommendation, resource }) ?? []),
  );
}

/** The first pod that was acted on, else the most urgent, else any. */
function representative({ actions, reviews, live, input }: PassState): PodRecord | undefined {
  const acted = actions.find(({ method }) => method !== 'unboost')?.pod;
  if (acted !== undefined) return acted;
  let first: PodRecord | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const { pod, priority } of reviews.values()) {
    const urgency = priority.scaleUp ? Number.MAX_VALUE / 2 + priority.resourceDiff : priority.resourceDiff;
    if (urgency <= most) continue;
    most = urgency;
    first = pod;
  }
  return first ?? live[0] ?? input.pods[0];
}

interface Subject {
  readonly pod: PodRecord | undefined;
  readonly recommendation: ContainerRecommendation;
  readonly resource: string;
}

function decisionOf(state: PassState, subject: Subject): Decision | undefined {
  const { input } = state;
  const { pod, recommendation, resource } = subject;
  const { container } = recommendation;
  if (pod !== undefined && !pod.shape.containers.some(({ name }) => name === container)) return undefined;
  const request = pod === undefined ? undefined : actualRequests(pod, container)[resource];
  const from = request === undefined ? 0 : amountOf(resource, request);
  const wanted = wantedAmount(state, subject);
  const action = pod === undefined ? undefined : actionOn(state, pod);
  const to = action?.changes.find((each) => each.container === container)?.to[resource] ?? from;
  const holds = holdsOf(state, subject, { from, to, wanted });
  const change = `container ${container}: ${resource} ${request === undefined ? 'without a request' : amountText(resource, from)}`;
  return {
    controller: 'vpa',
    subject: input.known.policy.reference,
    target: input.target,
    dimension: `requests/${resource}/${container}`,
    at: input.now,
    from,
    to,
    wanted,
    reason: reason(state, action, { from, to, wanted }),
    message: capitalized(
      action !== undefined && to !== from
        ? `${change} becomes ${amountText(resource, to)}: ${podsText(state.actions.length)} ${methodText[action.method]}; ${action.why}`
        : standing(change, { resource, wanted, from, hold: holds[0] }),
    ),
    holds,
    trace: traceOf(state, subject),
  };
}

function wantedAmount(state: PassState, { pod, recommendation: { container, target }, resource }: Subject): number {
  const adapted = pod === undefined ? undefined : state.reviews.get(pod.uid)?.containers;
  return adapted?.find((each) => each.container === container)?.target[resource] ?? target[resource] ?? 0;
}

function actionOn(state: PassState, pod: PodRecord): UpdateAction | undefined {
  return state.acted.has(pod.uid) ? state.actions.find((each) => each.pod.uid === pod.uid) : undefined;
}

function standing(
  change: string,
  {
    resource,
    wanted,
    from,
    hold,
  }: { readonly resource: string; readonly wanted: number; readonly from: number; readonly hold: Hold | undefined },
): string {
  if (wanted === from) return `${change} is what is recommended`;
  const wish = `${change} stays, ${amountText(resource, wanted)} is recommended`;
  return hold === undefined ? wish : `${wish}: ${hold.message}`;
}

function reason(
  state: PassState,
  action: UpdateAction | undefined,
  { from, to, wanted }: { readonly from: number; readonly to: number; readonly wanted: number },
): string {
  // The pod of a resource that is left alone may be acted on for another one.
  if (action !== undefined && to !== from) return reasonOf[action.method];
  if (wanted === from) return 'AsRecommended';
  return state.holds.length > 0 ? 'UpdatesHeld' : 'NotUpdated';
}

function holdsOf(
  state: PassState,
  { pod, resource, recommendation: { container } }: Subject,
  { from, to, wanted }: { readonly from: number; readonly to: number; readonly wanted: number },
): readonly Hold[] {
  if (to === wanted) return [];
  const { yields } = state.input.outside;
  const yielded = yields.get(resource);
  if (yielded !== undefined) return [{ by: 'conflict', message: yielded }];
  const held = pod === undefined ? undefined : state.skips.get(pod.uid);
  const own = held === undefined ? [] : [asHold(held)];
  const all = [...own, ...state.holds.filter(({ by, message }) => by !== own[0]?.by || message !== own[0].message)];
  if (all.length > 0) return all;
  if (pod === undefined)
    return [{ by: 'target-unavailable', message: `${state.input.target.kind} ${state.input.target.name} has no pods` }];
  if (from === to && !isObserved(state, pod, container)) {
    return [
      {
        by: 'bounds',
        message: `container ${container} of pod ${pod.name} is left alone: it was put there after the admission or is excluded`,
      },
    ];
  }
  return [{ by: 'bounds', message: `pod ${pod.name} gets what its limits and LimitRanges allow` }];
}

function isObserved(state: PassState, pod: PodRecord, container: string): boolean {
  const adapted = state.reviews.get(pod.uid)?.containers ?? [];
  return observedRecommendations(pod, adapted).some((each) => each.container === container);
}

function asHold({ code, message, hold }: PodSkip): Hold {
  return hold ?? { by: holdOf[code], message };
}

function traceOf(state: PassState, { pod, recommendation, resource }: Subject): readonly TraceStep[] {
  const { container, target, lowerBound, upperBound } = recommendation;
  const amount = target[resource] ?? 0;
  const bounds = [lowerBound[resource], upperBound[resource]].map((each) => (each === undefined ? 'none' : amountText(resource, each)));
  const steps: TraceStep[] = [
    {
      step: 'recommendation',
      message: `${amountText(resource, amount)} of ${resource} is recommended for container ${container}, in bounds from ${bounds[0]} to ${bounds[1]}`,
      values: { target: amount, lowerBound: lowerBound[resource] ?? null, upperBound: upperBound[resource] ?? null },
    },
  ];
  if (pod === undefined) return steps;
  const clamps = state.reviews.get(pod.uid)?.adapted.clamps ?? [];
  for (const message of clamps) steps.push({ step: 'adaptation', message, values: {} });
  steps.push(...(state.traces.get(pod.uid) ?? []));
  const held = state.skips.get(pod.uid);
  if (held !== undefined) steps.push({ step: held.code, message: held.message, values: {} });
  return steps;
}
