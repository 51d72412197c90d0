import { isServing, type PodRecord } from '../../core/model/pod.ts';
import type { ObjectReference } from '../../core/model/object.ts';
import { adaptForPolicy, guardValues, podState, type ContainerValues } from '../adaptation/index.ts';
import { sizedResources, type Recommendation } from '../model.ts';
import { historyOf } from '../policy.ts';
import type { KnownPolicy } from '../ports.ts';
import { podAdaptation } from '../updater/index.ts';
import {
  actualRequests,
  amountOf,
  configuredReplicas,
  effectivePolicy,
  noLoop,
  planUpdates,
  type ConfiguredReplicas,
  type UpdateInput,
  type UpdatePlan,
} from '../updater/engine/index.ts';
import type { ObservedTarget } from '../updater/controller/observe.ts';
import { livePods, type RequestsScene } from './recommend-scene.ts';
import type { ApplyBlock, ApplyFacts, PodGroupAdaptation, ResourceTotal } from './recommend-ports.ts';

/** What the updater would do with the pods of a policy in one pass, and how the recommendation becomes that of each pod. */
export interface PolicyPlan {
  /** With the recommendation that acts. */
  readonly known: KnownPolicy;
  readonly plan: UpdatePlan;
  readonly outside: UpdateInput['outside'];
  readonly adaptations: readonly PodGroupAdaptation[];
  readonly totals: readonly ResourceTotal[];
  readonly apply: ApplyFacts;
}

export function planPolicy(
  scene: RequestsScene,
  whole: KnownPolicy,
  { recommendation, observed }: { readonly recommendation: Recommendation | undefined; readonly observed: ObservedTarget },
): PolicyPlan {
  const { now, config, pods: view } = scene.input;
  const known: KnownPolicy = { ...whole, recommendation };
  const namespace = known.policy.reference.namespace ?? '';
  const limits = scene.limits(namespace);
  const templateContainers = observed.workload?.templateContainers;
  const outside = outsideOf(scene, whole, observed);
  const input: UpdateInput = {
    now,
    known,
    target: targetOf(known),
    workload: observed.workload,
    pods: observed.pods,
    configured: (owner, live) => configuredIn(scene, { namespace, owner, live, observed }),
    adapt: (effective, pod) => podAdaptation.adapt({ known: effective, pod, limits, templateContainers, now }),
    config: config.updater,
    history: historyOf(known.raw),
    memory: { resizing: new Map(), infeasible: new Map(), loop: noLoop },
    outside,
    pdbsFor: (pod) => (isServing(pod) ? view.pdbsFor(pod.namespace, pod.labels) : []),
  };
  const plan = planUpdates(input);
  const effective = effectivePolicy(known, { yields: outside.yields, workload: observed.workload });
  const own = livePods(observed.pods);
  const values = own.map((pod) => ({ pod, ...valuesFor(effective, pod, { limits, templateContainers }) }));
  return {
    known,
    plan,
    outside,
    adaptations: groupsOf(values),
    totals: totalsOf(effective.recommendation, values),
    apply: applyOf(plan, known),
  };
}

function outsideOf(scene: RequestsScene, known: KnownPolicy, { problem, rival }: ObservedTarget): UpdateInput['outside'] {
  const { target } = known.policy;
  const conflict =
    rival === undefined
      ? scene.foreign.on(known)
      : `${rival.policy.reference.kind} ${rival.policy.reference.name} acts on ${target?.kind} ${target?.name} already, and one workload is sized by one policy: delete one of the two`;
  return { conflict, target: problem, dryRun: scene.input.config.dryRun, yields: scene.horizontal.yields(known) };
}

/** What a policy acts on; of one that names nothing, nothing. */
export function targetOf({ policy: { target, reference } }: KnownPolicy): ObjectReference {
  const namespace = reference.namespace ?? '';
  return target === undefined ? { apiVersion: '', kind: 'workload', namespace, name: '' } : { ...target, namespace };
}

interface Configured {
  readonly namespace: string;
  readonly owner: Parameters<UpdateInput['configured']>[0];
  readonly live: number;
  readonly observed: ObservedTarget;
}

/** Where ReplicaSets are not known, the Deployment says how many there are to be. */
function configuredIn({ targets }: RequestsScene, { namespace, owner, live, observed }: Configured): ConfiguredReplicas {
  const facts = targets.workload(namespace, owner);
  const standIn = facts === undefined && owner.kind === 'ReplicaSet' ? observed.workload : facts;
  return configuredReplicas(owner, live, standIn);
}

interface PodValues {
  readonly pod: PodRecord;
  readonly clamps: PodGroupAdaptation['clamps'];
  readonly kept: PodGroupAdaptation['kept'];
  readonly values: readonly ContainerValues[];
}

function valuesFor(
  { policy, recommendation }: KnownPolicy,
  pod: PodRecord,
  {
    limits,
    templateContainers,
  }: { readonly limits: ReturnType<RequestsScene['limits']>; readonly templateContainers: readonly string[] | undefined },
): Omit<PodValues, 'pod'> {
  const state = podState(pod);
  // What Off would set is what is asked about: it sets nothing.
  const shown = policy.actuation === 'Off' ? { ...policy, actuation: 'Initial' as const } : policy;
  const { adapted, values } = adaptForPolicy({ policy: shown, recommendation, pod: state, limits, templateContainers });
  const guarded = guardValues({ pod: state, values, limits });
  return { clamps: adapted.clamps, kept: guarded.kept, values: guarded.values.flatMap((each) => each ?? []) };
}

function groupsOf(pods: readonly PodValues[]): PodGroupAdaptation[] {
  const groups = new Map<string, PodGroupAdaptation>();
  for (const { pod, ...values } of pods) {
    const key = JSON.stringify(values);
    const group = groups.get(key);
    groups.set(key, { ...values, pods: [...(group?.pods ?? []), pod.name] });
  }
  return [...groups.values()];
}

/** What is not recommended or cannot be set stays as it is, in both sums. */
function totalsOf(recommendation: Recommendation | undefined, pods: readonly PodValues[]): ResourceTotal[] {
  return (recommendation?.containers ?? []).flatMap(({ container, target }) =>
    sizedResources.flatMap((resource): ResourceTotal[] => {
      if (target[resource] === undefined) return [];
      const having = pods.filter(({ pod }) => pod.shape.containers.some(({ name }) => name === container));
      let [from, to] = [0, 0];
      for (const { pod, values } of having) {
        const now = amountOf(resource, actualRequests(pod, container)[resource] ?? 0);
        from += now;
        to += values.find((each) => each.container === container)?.requests[resource] ?? now;
      }
      return [{ container, resource, pods: having.length, from, to }];
    }),
  );
}

function applyOf({ actions, skips }: UpdatePlan, { policy }: KnownPolicy): ApplyFacts {
  const methods: Record<string, number> = {};
  for (const { method } of actions) methods[method] = (methods[method] ?? 0) + 1;
  const blocks = new Map<string, ApplyBlock>();
  for (const { pod, code, message, hold } of skips) {
    const by = hold?.by ?? code;
    const key = `${code}/${by}/${hold?.until ?? ''}`;
    const block = blocks.get(key);
    blocks.set(
      key,
      block === undefined ? { by, until: hold?.until, message, pods: [pod.name] } : { ...block, pods: [...block.pods, pod.name] },
    );
  }
  const evicts = policy.actuation !== 'Off' && policy.actuation !== 'Initial' && policy.actuation !== 'InPlace';
  return {
    methods,
    blocks: [...blocks.values()],
    unchecked: [
      ...(evicts ? ['whether the admission webhook gives new pods their requests: a pod is evicted only while it does'] : []),
      ...(actions.length > 0
        ? ['what the controller remembers: resizes under way, updates that could not be done, rounds that changed nothing']
        : []),
    ],
  };
}
