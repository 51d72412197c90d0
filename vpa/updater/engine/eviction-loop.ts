import type { Hold } from '../../../core/model/decision.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import { humanDuration } from '../../../core/units/index.ts';
import type { ContainerRecommendation } from '../../model.ts';
import { amountOf, amountText, milliOf, specRequests } from './amounts.ts';
import { boostedContainers } from './boost.ts';
import type { UpdateAction } from './model.ts';
import { clockText } from './sentence.ts';

/**
 * Notices that updates of a workload have no effect, because something else rewrites what its pods ask for (another webhook, a throttled admission): they would go on for ever
 * (upstream's threads #9362, #8776, #6884). A round is one pass that updated pods and what came of it.
 */
export interface LoopState {
  /** Rounds without effect, one after the other. */
  readonly rounds: number;
  /** What was recommended when they began. */
  readonly targets: readonly ContainerRecommendation[];
  /** The last round, until it is known what came of it. */
  readonly open: OpenRound | undefined;
  /** When the last round without effect began, epoch milliseconds, and what was found. */
  readonly last: { readonly at: number; readonly finding: string } | undefined;
}

interface OpenRound {
  readonly at: number;
  /** Owners, by uid, of pods that were evicted; empty after a roll, whose new pods have a new owner. */
  readonly owners: ReadonlySet<string>;
  readonly rolled: boolean;
  /** Every pod that was there, by uid: another one came after the round. */
  readonly before: ReadonlySet<string>;
  /** Pods that were resized, by uid. */
  readonly resized: ReadonlySet<string>;
}

export const noLoop: LoopState = { rounds: 0, targets: [], open: undefined, last: undefined };

/** Rounds without effect after which a workload is left alone for a while. */
export const loopRounds = 2;
const firstPauseMs = 600_000;
const longestPauseMs = 6 * 3_600_000;

export interface LoopFacts {
  readonly pods: readonly PodRecord[];
  /** What is recommended for the pod. */
  readonly containersOf: (pod: PodRecord) => readonly ContainerRecommendation[];
  /** Relative difference from which a request is another one than was asked for. */
  readonly threshold: number;
}

/** The state with what has become of the last round. */
export function judgeRound(state: LoopState, facts: LoopFacts): LoopState {
  const { open } = state;
  if (open === undefined) return state;
  const came = facts.pods.filter((pod) => isOutcome(pod, open));
  if (came.length === 0) return state;
  const findings = came.map((pod) => difference(pod, facts));
  // Some have what they were meant to have: it goes forward.
  const finding = findings[0];
  if (finding === undefined || findings.includes(undefined)) return noLoop;
  return { ...state, rounds: state.rounds + 1, open: undefined, last: { at: open.at, finding } };
}

/** The state as it counts for what is recommended now: another recommendation, or pods of another template, begin anew. */
export function refreshLoop(state: LoopState, containers: readonly ContainerRecommendation[], facts: LoopFacts): LoopState {
  if (state === noLoop) return state;
  const moved = state.targets.length > 0 && haveMoved(state.targets, containers, facts.threshold);
  const { open } = state;
  const replaced =
    open !== undefined &&
    !open.rolled &&
    open.owners.size > 0 &&
    facts.pods.some(({ uid, owner }) => owner !== undefined && !open.before.has(uid) && !open.owners.has(owner.uid));
  return moved || replaced ? noLoop : state;
}

/** The state after a pass that did this. */
export function noteRound(
  state: LoopState,
  actions: readonly UpdateAction[],
  {
    pods,
    containers,
    now,
  }: { readonly pods: readonly PodRecord[]; readonly containers: readonly ContainerRecommendation[]; readonly now: number },
): LoopState {
  const counted = actions.filter(({ method }) => method !== 'unboost');
  if (counted.length === 0) return state;
  const evicted = counted.filter(({ method }) => method === 'evict');
  return {
    ...state,
    targets: state.rounds === 0 ? containers : state.targets,
    open: {
      at: now,
      owners: new Set(evicted.flatMap(({ pod }) => pod.owner?.uid ?? [])),
      rolled: counted.some(({ method }) => method === 'surge'),
      before: new Set(pods.map(({ uid }) => uid)),
      resized: new Set(counted.flatMap(({ method, pod }) => (method === 'resize' ? [pod.uid] : []))),
    },
  };
}

/** What keeps the workload from being updated again, while it does. */
export function loopHold({ rounds, last }: LoopState, now: number): Hold | undefined {
  if (rounds < loopRounds || last === undefined) return undefined;
  const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** (rounds - loopRounds));
  const until = last.at + pause;
  if (now >= until) return undefined;
  const message = `${rounds} updates in a row changed nothing: ${last.finding}; something else rewrites what the pods ask for (another webhook, an admission that cannot keep up), find it with kubectl get mutatingwebhookconfigurations; the next try is at ${clockText(until)}, after ${humanDuration(pause)}`;
  return { by: 'conflict', until, message };
}

function isOutcome(pod: PodRecord, { before, owners, rolled, resized }: OpenRound): boolean {
  if (pod.deleted !== undefined || boostedContainers(pod).length > 0) return false;
  if (resized.has(pod.uid)) return pod.resize === undefined;
  if (before.has(pod.uid) || pod.owner === undefined) return false;
  return rolled || owners.has(pod.owner.uid);
}

/** The first request of the pod that is not what is recommended; `undefined`: all are. */
function difference(pod: PodRecord, { containersOf, threshold }: LoopFacts): string | undefined {
  for (const { container, target } of containersOf(pod)) {
    const requests = specRequests(pod, container);
    for (const [resource, amount] of Object.entries(target)) {
      const wanted = milliOf(resource, amount);
      const request = requests[resource];
      if (request !== undefined && Math.abs(request - wanted) <= threshold * Math.max(wanted, 1)) continue;
      const has = request === undefined ? 'no request' : amountText(resource, amountOf(resource, request));
      return `container ${container} of pod ${pod.name} came back with ${has} of ${resource} where ${amountText(resource, amount)} was to be set`;
    }
  }
  return undefined;
}

function haveMoved(before: readonly ContainerRecommendation[], now: readonly ContainerRecommendation[], threshold: number): boolean {
  if (before.length !== now.length) return true;
  return now.some(({ container, target }) => {
    const old = before.find((each) => each.container === container);
    if (old === undefined) return true;
    return Object.entries(target).some(([resource, amount]) => {
      const was = old.target[resource];
      return was === undefined || Math.abs(amount - was) > threshold * Math.max(was, 1);
    });
  });
}
