import type { MetricContext } from './metric.ts';
import type { EvaluationInput } from './model.ts';

/** What the replica calculation of every metric reads. */
export function metricContext({ spec, scale, pods, now, config }: EvaluationInput): MetricContext {
  return {
    currentReplicas: scale.specReplicas,
    statusReplicas: scale.statusReplicas,
    // Band on both sides: the controller's, replaced by the one of behavior where that is set.
    tolerances: {
      scaleUp: spec.behavior?.scaleUp.tolerance ?? config.tolerance,
      scaleDown: spec.behavior?.scaleDown.tolerance ?? config.tolerance,
    },
    pods,
    now,
    config,
    sizeWhenUnready: !spec.native,
  };
}
