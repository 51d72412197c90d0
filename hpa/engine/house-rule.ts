import type { Hold, TraceStep } from '../../core/model/decision.ts';

/** What one rule says: a step of the trace, and a hold when it stops the scaling. */
export interface HouseRule {
  readonly hold?: Hold;
  readonly step: TraceStep;
}

/** What all of them together say. */
export interface HouseVerdict {
  readonly to: number;
  readonly holds: readonly Hold[];
  readonly trace: readonly TraceStep[];
}

/** Any hold holds the whole scaling. */
export function verdictOf(
  { from, to }: { readonly from: number; readonly to: number },
  rules: readonly (HouseRule | undefined)[],
): HouseVerdict {
  const said = rules.filter((rule) => rule !== undefined);
  const holds = said.flatMap(({ hold }) => (hold === undefined ? [] : [hold]));
  return { to: holds.length > 0 ? from : to, holds, trace: said.map(({ step }) => step) };
}
