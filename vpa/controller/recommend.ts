import type { Decision, Hold, TraceStep } from '../../core/model/decision.ts';
import type { RequestReference } from '../../core/model/intent.ts';
import { apiVersionOf, resourceTypes, type KubeObject, type ObjectReference } from '../../core/model/object.ts';
import { problemsText } from '../../core/model/schema-problems.ts';
import { isFinished, type PodRecord } from '../../core/model/pod.ts';
import type { Amounts, Recommendation } from '../model.ts';
import type { KnownPolicy, PolicyBook } from '../ports.ts';
import { historyOf, isNativeVpa } from '../policy.ts';
import { policyKey } from '../policy-book.ts';
import { recommendationDecisions } from '../recommender/controller/decisions.ts';
import { amountText } from '../recommender/engine/post-processors.ts';
import { methodText } from '../updater/engine/decisions.ts';
import type { UpdatePlan } from '../updater/engine/index.ts';
import { podsText } from '../updater/engine/sentence.ts';
import { planPolicy, targetOf } from './recommend-plan.ts';
import type { DataFacts, EvaluatedRequests, RecommendationDifference, RequestsInput, RequestsRecommendation } from './recommend-ports.ts';
import { createScene, livePods, recommendedBy, type RequestsScene } from './recommend-scene.ts';

export type {
  ApplyBlock,
  ApplyFacts,
  CheckpointFacts,
  DataFacts,
  EvaluatedRequests,
  HorizontalFacts,
  PodGroupAdaptation,
  RecommendationDifference,
  RequestsInput,
  RequestsRecommendation,
  ResourceTotal,
  TargetFacts,
} from './recommend-ports.ts';

/** What all policies of requests would come to now. */
export interface RequestsOutlook {
  /** In the order of the policies. */
  readonly recommendations: readonly RequestsRecommendation[];
  /** What utilization of a target is measured against, where a policy moves its requests: for the horizontal policies. */
  requestReferenceOf(target: ObjectReference): RequestReference | undefined;
}

/** What would be recommended and done now, for every policy, in their order. Nothing is read or written: all comes from the input. */
export function recommendRequests(input: RequestsInput): RequestsRecommendation[] {
  return [...requestsOutlook(input).recommendations];
}

/** The same, with what horizontal policies go by. */
export function requestsOutlook(input: RequestsInput): RequestsOutlook {
  const scene = createScene(input);
  return {
    recommendations: input.policies.map((raw) => recommendOne(scene, raw)),
    requestReferenceOf: (target) => (input.config.dryRun ? undefined : scene.horizontal.referenceOf(target)),
  };
}

function recommendOne(scene: RequestsScene, raw: KubeObject): RequestsRecommendation {
  const key = policyKey(raw.kind ?? '', raw.metadata.namespace, raw.metadata.name);
  const known = scene.book.get(key);
  if (known === undefined) return { raw, decisions: [unreadDecision(scene, raw, key)], known: undefined, evaluated: undefined };
  const evaluated = evaluate(scene, known);
  return { raw, decisions: decisionsOf(scene, known, evaluated), known, evaluated };
}

function evaluate(scene: RequestsScene, known: KnownPolicy): EvaluatedRequests {
  const { key, policy } = known;
  const memory = scene.memoryOf(key);
  const { outcome } = memory;
  const observed = scene.observer.targetOf(known);
  const resolution = scene.targets.resolve(policy);
  const namespace = policy.reference.namespace ?? '';
  const matched =
    resolution.state === 'known' ? scene.input.pods.podsMatching(namespace, resolution.selector).filter((pod) => !isFinished(pod)) : [];
  const computed = recommendedBy(memory);
  const stored = known.recommendation;
  const acting = stored ?? computed;
  const planned = planPolicy(scene, known, { recommendation: acting, observed });
  const recommended = outcome.state === 'recommended' ? outcome : undefined;
  const target = targetOf(known);
  return {
    target: { resolution, problem: observed.problem, matched, pods: observed.pods, rival: observed.rival?.policy.reference },
    data: dataOf(scene, known, observed.pods),
    estimated: scene.engine.recommend(key, scene.input.now),
    computed,
    stored,
    acts: acting === undefined ? 'none' : stored === undefined ? 'computed' : 'stored',
    differences: differencesOf(stored, computed),
    clamps: recommended?.clamps ?? [],
    warnings: recommended?.warnings ?? [],
    room: scene.input.nodes.length === 0 ? undefined : scene.rooms.of(policy, matched),
    horizontal: {
      yields: planned.outside.yields,
      reference: scene.horizontal.referenceOf(target),
      claims: scene.input.horizontalClaims.filter(
        (claim) => claim.target.kind === target.kind && claim.target.name === target.name && (claim.target.namespace ?? '') === namespace,
      ),
    },
    adaptations: planned.adaptations,
    plan: planned.plan,
    outside: planned.outside,
    history: historyOf(known.raw),
    apply: planned.apply,
    totals: planned.totals,
  };
}

function dataOf(scene: RequestsScene, { key }: KnownPolicy, pods: readonly PodRecord[]): DataFacts {
  const memory = scene.memoryOf(key);
  const { view } = scene.input;
  return {
    usage: scene.usage,
    sampledPods: pods.filter(({ namespace, name }) => view.hasPod(namespace, name)).length,
    checkpoints: scene.checkpointsOf(key),
    oomKills: scene.oomKillsIn(pods),
    kept: memory.kept,
    silent: memory.outcome.state === 'recommended' ? memory.outcome.silent : [],
    vanished: [...memory.vanished].toSorted(),
  };
}

/** Less is noise: another sample, another minute of decay. */
const materialShare = 0.1;

function differencesOf(stored: Recommendation | undefined, computed: Recommendation | undefined): RecommendationDifference[] {
  if (stored === undefined || computed === undefined) return [];
  const targets = (recommendation: Recommendation): ReadonlyMap<string, Amounts> =>
    new Map(recommendation.containers.map(({ container, target }) => [container, target]));
  const [before, after] = [targets(stored), targets(computed)];
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((container) => {
    const [was, is] = [before.get(container) ?? {}, after.get(container) ?? {}];
    return [...new Set([...Object.keys(was), ...Object.keys(is)])].toSorted().flatMap((resource): RecommendationDifference[] => {
      const [a, b] = [was[resource], is[resource]];
      if (a !== undefined && b !== undefined && Math.abs(a - b) <= a * materialShare) return [];
      const text = (amount: number | undefined): string => (amount === undefined ? 'nothing' : amountText(resource, amount));
      const message = `${resource} of container ${container}: ${text(a)} is stored, ${text(b)} would be recommended from what is known here`;
      return [{ container, resource, stored: a, computed: b, message }];
    });
  });
}

/** The updater's, each with how the recommendation came about before it. */
function decisionsOf(scene: RequestsScene, known: KnownPolicy, evaluated: EvaluatedRequests): Decision[] {
  const memory = { ...scene.memoryOf(known.key), recommendedAt: scene.input.now };
  const [pod] = livePods(evaluated.target.pods);
  const computed = recommendationDecisions(known, memory, pod);
  const traces = new Map(computed.map(({ dimension = '', trace }) => [dimension, trace]));
  const planned = evaluated.plan.decisions.map((decision) => ({
    ...decision,
    message: asOutlook(decision.message, evaluated.plan),
    reason: reasonOf(decision),
    trace: [...(traces.get(decision.dimension ?? '') ?? []), ...differenceStep(evaluated, decision), ...decision.trace],
  }));
  const there = new Set(planned.map(({ dimension }) => dimension));
  const added = evaluated.acts === 'stored' ? computed.filter(({ dimension }) => dimension !== undefined && !there.has(dimension)) : [];
  const all = [...planned, ...added.map(notStored)];
  return all.length === 0 ? [nothingDecision(scene, known, evaluated)] : all;
}

/** A pod that is updated may keep one of its resources, which is then not what is done to the pod. */
function reasonOf({ reason, from, to, wanted }: Decision): string {
  if (to !== from || wanted === null || wanted === from) return reason;
  return reason === 'UpdatesHeld' ? reason : 'NotUpdated';
}

/** The updater tells of what it has done; here nothing was. */
function asOutlook(message: string, { actions }: UpdatePlan): string {
  const count = podsText(actions.length);
  return actions.reduce(
    (text, { method }) => text.replace(`${count} ${methodText[method]};`, `${count} would be ${methodText[method]};`),
    message,
  );
}

function differenceStep({ differences }: EvaluatedRequests, { dimension = '' }: Decision): TraceStep[] {
  const [, resource, container] = dimension.split('/');
  const found = differences.find((each) => each.resource === resource && each.container === container);
  if (found === undefined) return [];
  return [{ step: 'stored', message: found.message, values: { stored: found.stored ?? null, computed: found.computed ?? null } }];
}

function notStored(decision: Decision): Decision {
  const hold: Hold = { by: 'missing-data', message: 'it is not in the stored recommendation yet: the controller adds it at its next pass' };
  return { ...decision, holds: [hold, ...decision.holds] };
}

/** There is nothing to recommend, or nobody to recommend it for. */
function nothingDecision({ input }: RequestsScene, known: KnownPolicy, evaluated: EvaluatedRequests): Decision {
  const { problem } = evaluated.target;
  const hold: Hold =
    problem === undefined
      ? { by: 'missing-data', message: `nothing is recommended: ${silenceOf(input, evaluated)}` }
      : { by: 'target-unavailable', message: problem };
  const reason = problem === undefined ? 'NoSamples' : 'TargetUnavailable';
  return bareDecision({ subject: known.policy.reference, target: targetOf(known), at: input.now }, reason, [
    hold,
    ...otherHolds(evaluated.plan),
  ]);
}

function otherHolds({ holds }: UpdatePlan): readonly Hold[] {
  return holds.filter(({ by }) => by !== 'missing-data' && by !== 'target-unavailable');
}

/** Why there is no usage of the target. */
function silenceOf({ view }: RequestsInput, { target, data }: EvaluatedRequests): string {
  const [pod] = target.matched;
  if (pod === undefined) return 'no pod of the target runs, and nothing is stored of earlier ones';
  if (!data.usage.fed) {
    if (data.usage.why === 'doubt') return `usage is in doubt and is not counted (${view.usageDoubt?.detail ?? 'doubt'})`;
    if (!view.resourceSource.healthy) return `usage is unknown (${view.resourceSource.detail})`;
  }
  const gap = view.podGap(pod);
  return gap === undefined ? 'nothing was measured of its containers' : `nothing was measured of its pods (${pod.name}: ${gap.detail})`;
}

function bareDecision(about: Pick<Decision, 'subject' | 'target' | 'at'>, reason: string, holds: readonly Hold[]): Decision {
  return { ...about, controller: 'vpa', from: 0, to: 0, wanted: null, reason, message: holds[0]?.message ?? '', holds, trace: [] };
}

/** Of a policy that cannot be read, or that this program does not carry out. */
function unreadDecision({ book, input }: RequestsScene, raw: KubeObject, key: string): Decision {
  const type = isNativeVpa(raw) ? resourceTypes.verticalPodAutoscalers : resourceTypes.verticalPolicies;
  const { namespace = '', name } = raw.metadata;
  const subject = { apiVersion: apiVersionOf(type), kind: type.kind, namespace, name };
  const { targetRef } = (raw.spec ?? {}) as { readonly targetRef?: Partial<Record<'apiVersion' | 'kind' | 'name', unknown>> | null };
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const target = { apiVersion: text(targetRef?.apiVersion), kind: text(targetRef?.kind), namespace, name: text(targetRef?.name) };
  const failure = rejectionOf(book, key);
  const about = { subject, target, at: input.now };
  if (failure !== undefined) {
    return bareDecision(about, 'InvalidPolicy', [{ by: 'invalid-policy', message: `${type.kind} ${namespace}/${name}: ${failure}` }]);
  }
  const message = input.config.ignoredNamespaces.includes(namespace)
    ? `namespace ${namespace} is left alone (vpa.ignoredNamespaces)`
    : `another recommender looks after it: spec.recommenders does not name "${input.config.recommender.name}"`;
  return bareDecision(about, 'NotCarriedOut', [{ by: 'conflict', message }]);
}

function rejectionOf(book: PolicyBook, key: string): string | undefined {
  const rejected = book.rejected().find((each) => each.key === key);
  return rejected === undefined ? undefined : problemsText(rejected.failure.problems);
}
