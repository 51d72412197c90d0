import type { ScalingBehavior, ScalingRule, ScalingRules } from './model.ts';

/** One direction as a user wrote it. */
export interface RulesInput {
  readonly stabilizationWindowSeconds?: number | undefined;
  readonly selectPolicy?: 'Max' | 'Min' | 'Disabled' | undefined;
  readonly policies?: readonly ScalingRule[] | undefined;
  /** A ratio. */
  readonly tolerance?: number | undefined;
}

const defaultScaleUp: ScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
  tolerance: undefined,
};

const defaultScaleDown: ScalingRules = {
  stabilizationWindowSeconds: undefined,
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
  tolerance: undefined,
};

/** Completes both directions field by field; a given list of policies replaces the default one as a whole. Absent stays absent. */
export function completeBehavior(
  input: { readonly scaleUp?: RulesInput | undefined; readonly scaleDown?: RulesInput | undefined } | undefined,
): ScalingBehavior | undefined {
  if (input === undefined) return undefined;
  return { scaleUp: complete(input.scaleUp, defaultScaleUp), scaleDown: complete(input.scaleDown, defaultScaleDown) };
}

function complete(input: RulesInput | undefined, defaults: ScalingRules): ScalingRules {
  return {
    stabilizationWindowSeconds: input?.stabilizationWindowSeconds ?? defaults.stabilizationWindowSeconds,
    selectPolicy: input?.selectPolicy ?? defaults.selectPolicy,
    policies: input?.policies ?? defaults.policies,
    tolerance: input?.tolerance ?? defaults.tolerance,
  };
}
