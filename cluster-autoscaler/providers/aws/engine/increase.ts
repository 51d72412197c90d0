/** Which capacity an increase asks for (§16). Pure. */
import type { ProviderFailure } from '../../../engine/model.ts';
import { refuse } from './deletion.ts';

export interface IncreaseQuestion {
  readonly group: string;
  readonly delta: number;
  /** What the decision was taken by. */
  readonly target: number;
  readonly max: number;
  /** The capacity as it is now; `undefined`: not asked, as upstream. */
  readonly desired: number | undefined;
}

/**
 * Target and delta, as upstream. When the capacity is known to be another one by now: where somebody has raised it, what they did counts towards
 * the same total and is never taken back; where somebody has lowered it, the delta goes on top of that.
 */
export function raisedCapacity(question: IncreaseQuestion): { readonly size: number } | { readonly refused: ProviderFailure } {
  const { group, delta, target, max, desired = target } = question;
  if (!(delta > 0)) return refuse('InvalidDelta', `group ${group}: an increase by ${delta} is none`);
  const size = Math.max(desired, Math.min(desired, target) + delta);
  if (size <= max || size === desired) return { size };
  return refuse('MaxSizeReached', `group ${group}: ${size - delta} + ${delta} is more than its maximum of ${max}: nothing is changed`);
}
