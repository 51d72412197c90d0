/** A pod that should have passed through admission and did not. */
export interface MissedPod {
  /** `namespace/name` */
  readonly name: string;
  /** Monotonic milliseconds at which it was seen. */
  readonly at: number;
}

/** Pods in a row that were missed, newest last. */
export type Outcomes = readonly MissedPod[];

export interface OutcomeRules {
  /** So many in a row are no accident. */
  readonly missedPods: number;
  /** After so long without another one they are forgotten: nothing else would end the hold when no pods are made. */
  readonly missedForgottenMs: number;
}

/** One more pod under a policy was created: with the annotation of admission, or without. */
export function nextOutcomes(outcomes: Outcomes, pod: MissedPod & { readonly annotated: boolean }, rules: OutcomeRules): Outcomes {
  if (pod.annotated) return [];
  return [...currentOutcomes(outcomes, pod.at, rules), { name: pod.name, at: pod.at }].slice(-rules.missedPods);
}

/** The row as it counts now. */
export function currentOutcomes(outcomes: Outcomes, at: number, rules: OutcomeRules): Outcomes {
  const last = outcomes.at(-1);
  return last === undefined || at - last.at > rules.missedForgottenMs ? [] : outcomes;
}

/** Why admission cannot be working, by what came of it. */
export function outcomesProblem(outcomes: Outcomes, at: number, rules: OutcomeRules): string | undefined {
  const current = currentOutcomes(outcomes, at, rules);
  const last = current.at(-1);
  if (last === undefined || current.length < rules.missedPods) return undefined;
  return (
    `the last ${current.length} pods of managed workloads were created without passing through admission, the last one ${last.name}: ` +
    'look whether the API server reaches the webhook (its log says "failed calling webhook")'
  );
}
