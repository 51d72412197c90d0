import { removeCondition, type Condition, type ConditionUpdate } from '../../core/model/condition.ts';
import { checkCooldown, type ScalingHistory } from '../../core/model/cooldown.ts';
import { withCondition } from './condition-update.ts';
import { maxText, minText, scheduleText } from './effective-bounds.ts';
import type { Evaluation } from './evaluation.ts';
import { fallbackCondition } from './fallback.ts';
import type { EvaluationInput } from './model.ts';
import { holdReasonName } from './sentence.ts';
import { clockText } from './text.ts';

/** The suite's own conditions (CoolingDown, Held, FallbackActive, ScheduleActive): native objects keep to upstream's. */
export function houseConditions(
  input: EvaluationInput,
  evaluation: Evaluation,
  { conditions, history }: { readonly conditions: readonly Condition[]; readonly history: ScalingHistory },
): readonly Condition[] {
  if (input.spec.native) return conditions;
  const cooling = withCondition(input, conditions, coolingUpdate(input, history));
  const held = withCondition(input, cooling, heldUpdate(evaluation));
  return scheduleCondition(input, evaluation, fallbackCondition(input, evaluation.fallback, held));
}

/** Holds of the suite's own; upstream's show in AbleToScale, ScalingActive and ScalingLimited. */
const heldBy: ReadonlySet<string> = new Set(['cooldown', 'missing-data', 'conflict', 'dry-run', 'paused', 'not-leader']);

function heldUpdate({ decision }: Evaluation): ConditionUpdate {
  const hold = decision.to === decision.from ? decision.holds.findLast((each) => heldBy.has(each.by)) : undefined;
  return {
    type: 'Held',
    status: hold === undefined ? 'False' : 'True',
    reason: hold === undefined ? 'NotHeld' : holdReasonName(hold.by),
    message: hold === undefined ? 'nothing holds the target back' : hold.message,
  };
}

function coolingUpdate({ spec, now }: EvaluationInput, history: ScalingHistory): ConditionUpdate {
  const { cooldown } = spec;
  const up = checkCooldown(cooldown, history, 'up', now);
  const down = checkCooldown(cooldown, history, 'down', now);
  const parts = [
    ...(up.allowed ? [] : [`no scale-up before ${clockText(up.until)}`]),
    ...(down.allowed ? [] : [`no scale-down before ${clockText(down.until)}`]),
  ];
  return {
    type: 'CoolingDown',
    status: parts.length === 0 ? 'False' : 'True',
    reason: parts.length === 0 ? 'CooldownOver' : 'RecentlyScaled',
    message: parts.length === 0 ? 'no cooldown is running' : parts.join(', '),
  };
}

/** ScheduleActive: True while a schedule has a say; absent without schedules. */
function scheduleCondition(input: EvaluationInput, { bounds }: Evaluation, conditions: readonly Condition[]): readonly Condition[] {
  const { schedules } = bounds;
  if (schedules === undefined) return removeCondition(conditions, 'ScheduleActive');
  const active = schedules.active.length > 0;
  return withCondition(input, conditions, {
    type: 'ScheduleActive',
    status: active ? 'True' : 'False',
    reason: active ? 'WindowOpen' : 'NoWindowOpen',
    message: active ? `${scheduleText(schedules)}: ${minText(bounds)}, ${maxText(bounds)}` : scheduleText(schedules),
  });
}
