import type { PodRecord } from '../../../core/model/index.ts';
import type { BlockingReason, ControllerFacts } from '../model.ts';
import type { DisruptionTracker } from './disruption-tracker.ts';
import type { ScaleDownOptions } from './model.ts';

/** What becomes of a pod when its node is drained: it does not count, is evicted, is waited for, or keeps the node. */
export type DrainOutcome = 'skip' | 'drain' | 'wait' | 'block';

/** A rule's opinion. */
export interface DrainVerdict {
  /** `undefined` only in the answer of {@link decide}: no rule had an opinion. */
  readonly outcome: DrainOutcome | undefined;
  /** Of a DaemonSet or like one: evicted without being waited for. */
  readonly daemon?: boolean | undefined;
  /** For `block`. */
  readonly reason?: BlockingReason | undefined;
  /** For `block`: what of the pod, for a sentence. */
  readonly detail?: string | undefined;
  readonly pdb?: string | undefined;
  /** For `block`: whose opinion it is; set by {@link decide}. */
  readonly rule?: string | undefined;
  /** The opinion replaces that of a later rule that ends in one of these outcomes, and counts for nothing otherwise. */
  readonly overrides?: readonly (DrainOutcome | undefined)[] | undefined;
}

/** What rules know besides the pod. */
export interface DrainContext {
  readonly now: number;
  readonly options: Pick<
    ScaleDownOptions,
    | 'skipNodesWithSystemPods'
    | 'skipNodesWithLocalStorage'
    | 'skipNodesWithCustomControllerPods'
    | 'minReplicaCount'
    | 'blockingSystemPodMs'
  >;
  readonly budgets: DisruptionTracker;
  /** The controller that owns the pod, `undefined` if it is not there; the whole function is absent when nobody can look. */
  readonly controllerOf?: ((pod: PodRecord) => ControllerFacts | undefined) | undefined;
}

export interface DrainRule {
  /** Kebab-case, for messages. */
  readonly name: string;
  /** `undefined`: no opinion. */
  readonly decide: (pod: PodRecord, context: DrainContext) => DrainVerdict | undefined;
}

const noOpinion: DrainVerdict = { outcome: undefined };

/**
 * The first opinion in the order of the rules. One with `overrides` waits for the next one that is not such a one and takes its place if it
 * ends in one of the outcomes listed (no opinion is one of those that can be listed); of several that list it, the first.
 */
export function decide(rules: readonly DrainRule[], pod: PodRecord, context: DrainContext): DrainVerdict {
  let waiting: DrainVerdict[] | undefined;
  for (const rule of rules) {
    const verdict = rule.decide(pod, context);
    if (verdict === undefined && waiting === undefined) continue;
    if (verdict?.overrides !== undefined && verdict.overrides.length > 0) {
      (waiting ??= []).push(named(verdict, rule));
      continue;
    }
    const replacement = waiting?.find(({ overrides }) => overrides?.includes(verdict?.outcome) === true);
    if (replacement !== undefined) return replacement;
    if (verdict !== undefined) return named(verdict, rule);
  }
  return noOpinion;
}

/** Only who blocks has to be named. */
function named(verdict: DrainVerdict, { name }: DrainRule): DrainVerdict {
  return verdict.outcome === 'block' ? { ...verdict, rule: name } : verdict;
}
