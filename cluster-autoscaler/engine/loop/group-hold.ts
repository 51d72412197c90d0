import { checkCooldown } from '../../../core/model/index.ts';
import { humanDuration } from '../../../core/units/index.ts';
import type { NodeGroup } from '../model.ts';

/** House: until when the group's cooldown keeps it from growing; `undefined`: it does not. */
export function growthCooldown({ options, lastScaleUp, lastScaleDown }: NodeGroup, now: number): number | undefined {
  const verdict = checkCooldown(options.cooldown, { lastScaleUp, lastScaleDown }, 'up', now);
  return verdict.allowed ? undefined : verdict.until;
}

/** House: why a healthy group may not grow now. */
export function holdOfGrowth(group: NodeGroup, now: number): string | undefined {
  if (!group.options.actionable) return 'its policy does not let it be changed';
  const until = growthCooldown(group, now);
  return until === undefined ? undefined : `in cooldown after its last scale-up for another ${humanDuration(until - now)}`;
}
