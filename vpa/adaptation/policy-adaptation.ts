import { containerSizing, type NamespaceLimits, type Recommendation, type SizingPolicy } from '../model.ts';
import { adaptRecommendation, type AdaptedRecommendation } from './adapt.ts';
import { withoutResources } from './amounts.ts';
import { clampNote } from './clamp.ts';
import { containerResources, type ContainerValues } from './container-resources.ts';
import type { PodState } from './pod-resources.ts';

/** What of a policy decides about the resources of a pod. */
export type ActingPolicy = Pick<SizingPolicy, 'containers' | 'actuation' | 'injectedContainers'>;

export interface PolicyAdaptationInput {
  readonly policy: ActingPolicy;
  readonly recommendation: Recommendation | undefined;
  readonly pod: PodState;
  readonly limits: NamespaceLimits | undefined;
  /** Resources that the policy yields to a horizontal one. */
  readonly yielded?: ReadonlySet<string> | undefined;
  /** Containers of the workload's pod template; `undefined`: not known, then none counts as injected. */
  readonly templateContainers?: readonly string[] | undefined;
}

export interface PolicyAdaptation {
  readonly adapted: AdaptedRecommendation;
  /** By the pod's containers; `undefined`: nothing to set. */
  readonly values: readonly (ContainerValues | undefined)[];
  /** Containers that the policy does not touch. */
  readonly leftAlone: ReadonlySet<string>;
}

const nothing: AdaptedRecommendation = { containers: [], notes: new Map(), clamps: [] };
const noResources: ReadonlySet<string> = new Set();

/**
 * What a policy gives to a pod: the adapted recommendation without containers that are switched off or injected by others, and without resources that the
 * policy yields. Nothing where nothing is recommended.
 */
export function adaptForPolicy(input: PolicyAdaptationInput): PolicyAdaptation {
  const { policy, pod, limits, yielded = noResources } = input;
  const leftAlone = containersLeftAlone(input);
  const recommendation = recommendationFor(input.recommendation, yielded);
  if (recommendation === undefined) return { adapted: nothing, values: pod.containers.map(() => undefined), leftAlone };
  const adapted = adaptRecommendation({ recommendation, containers: policy.containers, pod, limits, leftAlone });
  const values = containerResources({
    pod,
    recommendation: adapted.containers.map((each) => ({ ...each, target: withoutResources(each.target, yielded) })),
    containers: policy.actuation === 'Off' ? [] : policy.containers,
    limits,
    notes: notesByContainer(adapted),
  });
  return { adapted, values: values.map(unlessEmpty), leftAlone };
}

function recommendationFor(recommendation: Recommendation | undefined, yielded: ReadonlySet<string>): Recommendation | undefined {
  if (recommendation === undefined || recommendation.containers.length === 0) return undefined;
  if (yielded.size === 0) return recommendation;
  return {
    containers: recommendation.containers.map((each) => ({
      ...each,
      target: withoutResources(each.target, yielded),
      lowerBound: withoutResources(each.lowerBound, yielded),
      upperBound: withoutResources(each.upperBound, yielded),
    })),
  };
}

function containersLeftAlone({ policy, pod, templateContainers }: PolicyAdaptationInput): ReadonlySet<string> {
  const template = policy.injectedContainers === 'Ignore' && templateContainers !== undefined ? new Set(templateContainers) : undefined;
  const left = new Set<string>();
  for (const { name } of pod.containers) {
    const off = containerSizing(policy.containers, name)?.mode === 'Off';
    if (off || template?.has(name) === false) left.add(name);
  }
  return left;
}

/** With the moves by the pod's LimitRange, which upstream does not tell of. */
function notesByContainer({ clamps }: AdaptedRecommendation): ReadonlyMap<string, readonly string[]> {
  const notes = new Map<string, string[]>();
  for (const clamp of clamps) {
    const list = notes.get(clamp.container) ?? [];
    list.push(clampNote(clamp));
    notes.set(clamp.container, list);
  }
  return notes;
}

function unlessEmpty(values: ContainerValues | undefined): ContainerValues | undefined {
  if (values === undefined) return undefined;
  return Object.keys(values.requests).length + Object.keys(values.limits).length === 0 ? undefined : values;
}
