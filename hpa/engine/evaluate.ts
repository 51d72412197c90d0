import type { TraceStep } from '../../core/model/decision.ts';
import type { ResourceList } from '../../core/model/resource-list.ts';
import { Quantity } from '../../core/units/index.ts';
import { byMetrics } from './by-metrics.ts';
import { withCondition } from './condition-update.ts';
import { effectiveBounds, scheduleSteps, type EffectiveBounds } from './effective-bounds.ts';
import { targetName, type Draft, type Evaluation } from './evaluation.ts';
import { forced, parked } from './forced.ts';
import type { EvaluationInput } from './model.ts';
import { prepared } from './prepared-input.ts';
import { replicasText } from './text.ts';
import { canWake, disabled, isAsleep, seenAwake } from './zero.ts';

export type { Evaluation, EvaluationBranch } from './evaluation.ts';

/** Whether metrics will be read: a caller that fetches over the network can skip what is not needed. */
export function needsMetrics(input: Pick<EvaluationInput, 'spec' | 'scale' | 'status' | 'config' | 'now'>): boolean {
  return readsMetrics(input, effectiveBounds(input.spec, input.now));
}

function readsMetrics(input: Pick<EvaluationInput, 'spec' | 'scale' | 'status' | 'config'>, { min, max }: EffectiveBounds): boolean {
  const { spec, scale } = input;
  const current = scale.specReplicas;
  if (spec.pause?.replicas !== undefined) return false;
  if (current !== 0) return current <= max && current >= min;
  return isAsleep(input) && (min !== 0 || canWake(spec));
}

/** One evaluation of one policy (§4, §6–§9) with the house rules on top. Pure: the same input gives the same result. */
export function evaluate(given: EvaluationInput): Evaluation {
  const input = prepared(given);
  const { spec, scale, now } = input;
  const current = scale.specReplicas;
  const bounds = effectiveBounds(spec, now);
  const draft: Draft = {
    input,
    bounds,
    state: { ...input.state, recommendations: input.state.recommendations ?? [{ replicas: current, at: now }] },
    conditions: withCondition(input, seenAwake(input, input.status.conditions), {
      type: 'AbleToScale',
      status: 'True',
      reason: 'SucceededGetScale',
      message: `the scale of ${targetName(input)} was read: ${replicasText(current)}`,
    }),
    trace: [targetStep(input, bounds), ...rebaseSteps(input), ...scheduleSteps(bounds, spec)],
  };
  if (spec.pause?.replicas !== undefined) return parked(draft, spec.pause.replicas);
  if (readsMetrics(input, bounds)) return byMetrics(draft);
  return current === 0 ? disabled(draft) : forced(draft);
}

/** Utilization is measured against the template's requests, because a requests policy moves those of the pods. */
function rebaseSteps({ requestReference }: EvaluationInput): TraceStep[] {
  if (requestReference === undefined) return [];
  const { policy, resources, template } = requestReference;
  const what = resources.join(' and ');
  const message =
    template === undefined
      ? `${policy.kind}/${policy.name} moves the ${what} requests of the pods, and the pod template is not known: the ${what} utilization is unknown`
      : `${policy.kind}/${policy.name} moves the ${what} requests of the pods: utilization is measured against those of the pod template (${requestsText(template, resources)}), so that a resize changes nothing`;
  return [{ step: 'rebase', message, values: { policy: `${policy.kind}/${policy.name}`, resources: what, known: template !== undefined } }];
}

function requestsText(template: ReadonlyMap<string, ResourceList>, resources: readonly string[]): string {
  const parts = [...template].flatMap(([container, requests]) =>
    resources.map((resource) => {
      const milli = requests[resource];
      return `${container} ${milli === undefined ? `no ${resource}` : `${resource} ${Quantity.ofMilli(BigInt(milli)).toString()}`}`;
    }),
  );
  return parts.join(', ');
}

function targetStep(input: EvaluationInput, { min, max }: EffectiveBounds): TraceStep {
  const { scale, spec, pods, selection } = input;
  const told = selection === undefined ? `${pods.length} pods match its selector` : `${pods.length} pods are counted (${selection.note})`;
  return {
    step: 'target',
    message: `${targetName(input)} has ${replicasText(scale.specReplicas)} in spec, ${scale.statusReplicas} in status; bounds ${min}…${max}; ${told}`,
    values: {
      specReplicas: scale.specReplicas,
      statusReplicas: scale.statusReplicas,
      minReplicas: min,
      maxReplicas: max,
      pods: pods.length,
      behavior: spec.behavior !== undefined,
      mode: spec.mode,
      ...(selection === undefined ? {} : { foreignPods: selection.foreign.length }),
    },
  };
}
