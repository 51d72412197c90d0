import { adaptForPolicy, guardValues, podState, resizePlan } from '../../adaptation/index.ts';
import { withoutResources, type AdaptedPod, type ContainerResources } from '../engine/index.ts';
import type { AdaptationInput, PodAdaptation } from './ports.ts';

/** The adaptation of `vpa/adaptation`, as the updater asks for it. */
export const podAdaptation: PodAdaptation = {
  adapt: (input) => adaptPod(input),
  resize: ({ known: { policy, recommendation }, pod, limits, templateContainers, now }) => {
    const plan = resizePlan({ pod, policy, recommendation, limits, templateContainers, now });
    if (plan.problem !== undefined) return { ok: false, problem: plan.problem.message };
    return { ok: true, operations: plan.operations, annotations: plan.annotations };
  },
};

function adaptPod({ known: { policy, recommendation }, pod, limits, templateContainers }: AdaptationInput): AdaptedPod | undefined {
  const state = podState(pod);
  const { adapted, values } = adaptForPolicy({ policy, recommendation, pod: state, limits, templateContainers });
  if (adapted.containers.length === 0) return undefined;
  const guarded = guardValues({ pod: state, values, limits });
  const resources = new Map<string, ContainerResources>();
  for (const each of guarded.values) if (each !== undefined) resources.set(each.container, each);
  const kept = new Set(guarded.kept.map(({ resource }) => resource));
  return {
    // What cannot be set is no reason for an update.
    containers: policy.native ? adapted.containers : adapted.containers.map((each) => withoutResources(each, kept)),
    resources,
    clamps: [...adapted.clamps, ...guarded.kept].map(({ message }) => message),
  };
}
