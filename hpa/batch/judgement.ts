import { checkCooldown, type CooldownVerdict } from '../../core/model/cooldown.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { EngineConfig, HpaState, ScalingSpec } from '../engine/index.ts';
import { effectiveBounds, type EffectiveBounds } from '../engine/effective-bounds.ts';
import { limitByRules, limitPerSync, nextBudgetAt, type Limited, type LimitReason } from '../engine/rate-limit.ts';
import type { CompiledMetric } from './compiled-policy.ts';
import type { PodGroup } from './pod-table.ts';
import type { BatchFacts } from './ports.ts';
import { emptyUsageProposal, proposalEnd, proposeByUsage, type UsageContext } from './usage-proposal.kernel.ts';
import { proposeByValue, type ValueProposal } from './value-proposal.kernel.ts';
import { stabilizeBothWays, stabilizeHighest, wishListOf, type Stabilization, type WishList } from './wish-history.kernel.ts';

/** Why a policy is one for the engine, now. */
export type FullReason =
  /** Nothing was decided of it yet, or something of it is another than at the last full evaluation. */
  | 'changed'
  /** It asks for something that is not calculated in columns. */
  | 'unsupported'
  /** The scale was read too long ago. */
  | 'scale-age'
  /** At 0 replicas, or outside of its bounds: decided without, or by other rules than, the metrics. */
  | 'zero'
  | 'out-of-bounds'
  /** Its pods cannot be told, belong to another policy too, or partly to somebody else. */
  | 'selector'
  | 'shared-pods'
  | 'foreign-pods'
  | 'conflict'
  /** Its utilization is measured against other requests than those of its pods. */
  | 'rebased'
  /** A metric fails, or its data is good for growth only. */
  | 'failure'
  | 'doubt'
  /** Beyond what a double holds exactly. */
  | 'inexact'
  /** The size stays only because pods lack samples. */
  | 'kept-by-gaps'
  /** It would grow while a cooldown runs, unless the load is far enough above the target. */
  | 'panic-ratio'
  /** The target is to be scaled. */
  | 'acts';

/** What a policy is judged by. */
export interface JudgedPolicy {
  readonly spec: ScalingSpec;
  readonly metrics: readonly CompiledMetric[];
  readonly group: PodGroup;
  readonly facts: BatchFacts;
  readonly wishes: WishList | undefined;
  readonly state: HpaState;
}

/** What is the same for all policies of a tick. */
export interface JudgeContext {
  readonly usage: UsageContext;
  readonly config: EngineConfig;
  view: MetricsView;
  /** Usage is in doubt as a whole, its source fails, or nothing was heard of pods. */
  usageInDoubt: boolean;
  podsInDoubt: boolean;
  /** Counts what metrics ask for, as upstream's metric_computation_total does. */
  tally: Map<string, MetricTally>;
}

export interface MetricTally {
  scale_up: number;
  scale_down: number;
  none: number;
}

/** Places of {@link Judgement.told}. */
export const toldPlace = {
  wish: 0,
  winner: 1,
  stabilized: 2,
  /** When the recommendation was made that decides instead of the wish; 0: the wish decides. */
  winnerAt: 3,
  limitReason: 4,
  /** The bound that cut the result off, and when `behavior` gives more; 0: none did. */
  limit: 5,
  budgetAt: 6,
  proposed: 7,
  /** When the cooldown ends that holds; 0: none holds. */
  heldUntil: 8,
  /** Ends of the cooldowns that run, whether they hold something or not; 0: it does not run. */
  coolingUp: 9,
  coolingDown: 10,
} as const;
export const toldLength = 11;
/** Behind them: what the last wish took the place of, see `Overwritten`. */
export const undoPlace = { entry: toldLength, at: toldLength + 1, replicas: toldLength + 2 } as const;

/** The outcome for one policy; the same object is filled again and again. */
export interface Judgement {
  why: FullReason | undefined;
  /** {@link toldPlace}: everything that a decision, its conditions and its holds say beyond what was measured. Equal numbers say the same. */
  readonly told: number[];
  bounds: EffectiveBounds;
  readonly stabilization: Stabilization;
}

export function createJudgement(): Judgement {
  return {
    why: undefined,
    // Doubles from the start, so that no write makes another kind of list of it.
    told: Array.from({ length: toldLength + 3 }, () => 0.5),
    bounds: { min: 0, max: 0 },
    stabilization: { replicas: 0, winnerAt: Number.NaN, reusable: -1 },
  };
}

/**
 * What the engine would decide, as numbers: proposals, the highest of them, stabilization, limits, house rules. `why` is set when that is for the engine to say, and
 * then the rest does not count, unless it is `acts`: the target is to be set to `proposed`.
 */
export function judge(out: Judgement, policy: JudgedPolicy, context: JudgeContext): void {
  const { minReplicas, maxReplicas, schedules } = policy.spec;
  out.why = undefined;
  if (schedules !== undefined) out.bounds = effectiveBounds(policy.spec, context.usage.now);
  else if (out.bounds.schedules !== undefined || out.bounds.min !== minReplicas || out.bounds.max !== maxReplicas) {
    out.bounds = { min: minReplicas, max: maxReplicas };
  }
  const { specReplicas } = policy.facts.scale;
  const { min, max } = out.bounds;
  if (specReplicas === 0) out.why = 'zero';
  else if (specReplicas > max || specReplicas < min) out.why = 'out-of-bounds';
  else if (propose(out, policy, context)) {
    normalize(out, policy, context);
    hold(out, policy, context);
  }
}

const usageProposal = emptyUsageProposal();
const valueProposal: ValueProposal = { end: 0, replicas: 0 };

/** The highest proposal (§6); false when a metric does not work as it should. */
function propose(out: Judgement, policy: JudgedPolicy, context: JudgeContext): boolean {
  const { spec, metrics, facts } = policy;
  const { scale, sizedAt = 0 } = facts;
  const { usage, config } = context;
  usage.cpuInitializationMs = policy.group.timing.cpuInitializationMs;
  usage.strict = !facts.policy.native;
  usage.sizeWhenUnready = !spec.native;
  usage.sizedAt = sizedAt;
  usage.statusReplicas = scale.statusReplicas;
  usage.currentReplicas = scale.specReplicas;
  usage.toleranceUp = spec.behavior?.scaleUp.tolerance ?? config.tolerance;
  usage.toleranceDown = spec.behavior?.scaleDown.tolerance ?? config.tolerance;
  let best = 0;
  let winner = -1;
  for (let at = 0; at < metrics.length; at++) {
    const metric = metrics[at];
    if (metric === undefined) return false;
    const replicas = metric.kind === 'usage' ? byUsage(out, metric, policy.group, context) : byValue(out, metric, policy.group, context);
    if (out.why !== undefined) return false;
    count(context, metric.type, replicas - scale.specReplicas);
    if (winner >= 0 && best !== 0 && replicas <= best) continue;
    best = replicas;
    winner = at;
  }
  out.told[toldPlace.wish] = best;
  out.told[toldPlace.winner] = winner;
  return true;
}

function byUsage(out: Judgement, metric: Extract<CompiledMetric, { kind: 'usage' }>, group: PodGroup, context: JudgeContext): number {
  if (context.usageInDoubt) {
    out.why = 'doubt';
    return 0;
  }
  proposeByUsage(usageProposal, metric.usage, group, context.usage);
  out.why = whyOf(usageProposal.end);
  if (out.why === undefined && usageProposal.keptByGaps) out.why = 'kept-by-gaps';
  // A share of pods without samples may keep other than native policies from shrinking.
  if (usageProposal.missing > 0 && context.usage.strict && usageProposal.replicas < context.usage.currentReplicas) out.why ??= 'doubt';
  return usageProposal.replicas;
}

function byValue(out: Judgement, metric: Extract<CompiledMetric, { kind: 'value' }>, group: PodGroup, context: JudgeContext): number {
  const result = context.view.query(metric.query);
  if (!result.known || (metric.single && result.series.length !== 1)) out.why = 'failure';
  else if (result.doubt !== undefined || context.podsInDoubt) out.why = 'doubt';
  else {
    proposeByValue(valueProposal, metric, result.series, { group, context: context.usage });
    out.why = whyOf(valueProposal.end);
  }
  return valueProposal.replicas;
}

function whyOf(end: number): FullReason | undefined {
  if (end === proposalEnd.ok) return undefined;
  if (end === proposalEnd.failed) return 'failure';
  return end === proposalEnd.doubtful ? 'doubt' : 'inexact';
}

function count({ tally }: JudgeContext, type: string, change: number): void {
  let counts = tally.get(type);
  if (counts === undefined) tally.set(type, (counts = { scale_up: 0, scale_down: 0, none: 0 }));
  if (change > 0) counts.scale_up += 1;
  else if (change < 0) counts.scale_down += 1;
  else counts.none += 1;
}

const limitNumbers: Readonly<Record<LimitReason, number>> = {
  DesiredWithinRange: 0,
  ScaleUpLimit: 1,
  ScaleDownLimit: 2,
  TooManyReplicas: 3,
  TooFewReplicas: 4,
};

/** Stabilization and limits (§7). */
function normalize(out: Judgement, policy: JudgedPolicy, context: JudgeContext): void {
  const { told, stabilization } = out;
  stabilize(stabilization, told[toldPlace.wish] ?? 0, policy, context);
  const { replicas, winnerAt } = stabilization;
  told[toldPlace.stabilized] = replicas;
  told[toldPlace.winnerAt] = Number.isNaN(winnerAt) ? 0 : winnerAt;
  told[toldPlace.limitReason] = limitNumbers.DesiredWithinRange;
  told[toldPlace.limit] = 0;
  told[toldPlace.budgetAt] = 0;
  told[toldPlace.proposed] = replicas;
  // No rule limits what does not move.
  if (replicas === policy.facts.scale.specReplicas) return;
  const limited = limit(out, policy, context);
  told[toldPlace.limitReason] = limitNumbers[limited.reason];
  told[toldPlace.proposed] = limited.replicas;
  if (limited.replicas === replicas) return;
  told[toldPlace.limit] = limited.limit;
  told[toldPlace.budgetAt] = budgetAt(limited.reason, policy, context.usage.now);
}

/** As the engine says it in the hold of a rate limit. */
function budgetAt(reason: LimitReason, { spec: { behavior }, state }: JudgedPolicy, now: number): number {
  if (behavior === undefined || (reason !== 'ScaleUpLimit' && reason !== 'ScaleDownLimit')) return 0;
  const rules = reason === 'ScaleUpLimit' ? behavior.scaleUp : behavior.scaleDown;
  return nextBudgetAt(rules, { up: state.scaleUpEvents, down: state.scaleDownEvents }, now) ?? 0;
}

function stabilize(
  out: Stabilization,
  wish: number,
  { spec, facts: { scale }, wishes }: JudgedPolicy,
  { config, usage }: JudgeContext,
): void {
  const { now } = usage;
  const { behavior } = spec;
  // Without any, the first evaluation begins with the current size.
  const list = wishes ?? wishListOf([{ at: now, replicas: scale.specReplicas }]);
  if (behavior === undefined) {
    stabilizeHighest(out, list, wish, { windowMs: config.downscaleStabilizationMs, now });
    return;
  }
  const upMs = (behavior.scaleUp.stabilizationWindowSeconds ?? 0) * 1000;
  const down = behavior.scaleDown.stabilizationWindowSeconds;
  const downMs = down === undefined ? config.downscaleStabilizationMs : down * 1000;
  stabilizeBothWays(out, list, { current: scale.specReplicas, wish }, { upMs, downMs, now });
}

function limit(
  { bounds, stabilization }: Judgement,
  { spec, facts: { scale }, state }: JudgedPolicy,
  { config, usage }: JudgeContext,
): Limited {
  const sizes = { current: scale.specReplicas, desired: stabilization.replicas };
  if (spec.behavior === undefined) {
    return limitPerSync(sizes, bounds, { factor: config.scaleUpLimitFactor, minimum: config.scaleUpLimitMinimum });
  }
  const events = { up: state.scaleUpEvents, down: state.scaleDownEvents };
  return limitByRules(sizes, bounds, { behavior: spec.behavior, events, now: usage.now });
}

/** The house rules: what is not held is to be done. */
function hold(out: Judgement, { spec, facts: { scale, history } }: JudgedPolicy, { usage: { now } }: JudgeContext): void {
  const { told } = out;
  const proposed = told[toldPlace.proposed] ?? 0;
  const hasScaled = history.lastScaleUp !== undefined || history.lastScaleDown !== undefined;
  const up = hasScaled ? endOf(checkCooldown(spec.cooldown, history, 'up', now)) : 0;
  const down = hasScaled ? endOf(checkCooldown(spec.cooldown, history, 'down', now)) : 0;
  told[toldPlace.coolingUp] = up;
  told[toldPlace.coolingDown] = down;
  told[toldPlace.heldUntil] = 0;
  if (proposed === scale.specReplicas) return;
  const grows = proposed > scale.specReplicas;
  const until = grows ? up : down;
  told[toldPlace.heldUntil] = until;
  if (grows && until !== 0 && spec.panicRatio !== undefined) out.why = 'panic-ratio';
  else if (until === 0 && spec.mode === 'Auto') out.why = 'acts';
}

function endOf(verdict: CooldownVerdict): number {
  return verdict.allowed ? 0 : verdict.until;
}
