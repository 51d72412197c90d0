import type { Decision } from '../../core/model/decision.ts';
import type { RequestReference } from '../../core/model/intent.ts';
import type { MetricQuery } from '../../core/model/metric-query.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import { problemsText } from '../../core/model/schema-problems.ts';
import { formatSelector, parseSelector, type Selector } from '../../core/model/selector.ts';
import type { WorkloadRecord } from '../../core/model/workload.ts';
import { isConcertinaError } from '../../core/errors.ts';
import type { HpaConfig } from '../config.ts';
import {
  evaluate,
  unableDecision,
  type ControllerOf,
  type Evaluation,
  type EvaluationInput,
  type HpaState,
  type MetricResult,
  type MetricSpec,
} from '../engine/index.ts';
import { evaluateMetric, subjectOf, type MetricOutcome, type MetricProposal } from '../engine/metric.ts';
import { metricContext } from '../engine/metric-context.ts';
import { prepared } from '../engine/prepared-input.ts';
import { fromHpa, historyOf, parsePolicy, previousStatus, restoredState, type PolicyResult, type ScalingPolicy } from '../policy.ts';
import { assemble, type ScaleFacts } from './assemble.ts';
import { conflictText, TargetIndex } from './conflicts.ts';
import type { PodLister } from './ports.ts';
import { metricQuery } from './queries.ts';
import { referenceFor } from './request-reference.ts';
import { SelectorRegistry } from './selectors.ts';
import { isTransferred, transferText } from './transfer.ts';

export interface RecommendInput {
  /** HorizontalPolicies and autoscaling/v2 HorizontalPodAutoscalers, told apart by `kind`. */
  readonly policies: readonly KubeObject[];
  /** The scale of a target, or one sentence why there is none. */
  readonly scaleOf: (target: ObjectReference) => ScaleFacts | string;
  readonly pods: PodLister;
  readonly view: MetricsView;
  readonly now: number;
  readonly config: HpaConfig;
  /** What controls an owner of pods; absent: pods are told by their labels. */
  readonly controllerOf?: ControllerOf | undefined;
  /** Whether a requests policy moves the requests of a target's pods; absent: none does. */
  readonly requestReferenceOf?: ((target: ObjectReference) => RequestReference | undefined) | undefined;
  /**
   * What the controller remembers of a policy (`namespace/name`); default: what status keeps, and no history, so no stabilisation by wishes of the past and
   * no rate used up.
   */
  readonly stateOf?: ((key: string) => HpaState | undefined) | undefined;
}

/** What would be decided for one policy, with what it was made of. */
export interface Recommendation {
  readonly raw: KubeObject;
  readonly decision: Decision;
  /** `undefined`: the spec cannot be used, and the decision says why. */
  readonly policy: ScalingPolicy | undefined;
  /** `undefined`: the policy or its target cannot be used, and the decision says why. */
  readonly evaluated: EvaluatedPolicy | undefined;
}

export interface EvaluatedPolicy {
  readonly scale: ScaleFacts;
  /** As the engine has read it: the policy's own settings applied, foreign pods left out. */
  readonly input: EvaluationInput;
  readonly evaluation: Evaluation;
  /** One for each metric of the spec, in its order. */
  readonly metrics: readonly MetricReading[];
}

/** One metric of a policy: what was asked, what came, what it asks for. */
export interface MetricReading {
  readonly spec: MetricSpec;
  /** Name of the metric for a person. */
  readonly name: string;
  /** What a source was asked; `undefined`: it is read out of the usage of pods. */
  readonly query: MetricQuery | undefined;
  readonly result: MetricResult;
  /** `undefined`: the evaluation did not read metrics. */
  readonly outcome: MetricOutcome | undefined;
  /** What stands in for it after too many failures. */
  readonly fallback: MetricProposal | undefined;
  /** It, or what stands in for it, asks for most. */
  readonly wins: boolean;
}

/** What would be decided now, for every policy, in their order. Nothing is read or written: all comes from the input. */
export function recommend(input: RecommendInput): Recommendation[] {
  const targets = new TargetIndex();
  for (const raw of input.policies) targets.set(identity(raw), raw, kindOf(raw));
  const candidates = input.policies.map((raw) => candidateOf(input, raw));
  const selectors = selectorsOf(candidates);
  return candidates.map((candidate) => recommendOne(input, candidate, { targets, selectors }));
}

interface Candidate {
  readonly raw: KubeObject;
  readonly parsed: PolicyResult;
  /** Of a policy that could be parsed. */
  readonly scale: ScaleFacts | string | undefined;
}

function candidateOf({ config, scaleOf }: RecommendInput, raw: KubeObject): Candidate {
  const parsed = isNative(raw)
    ? fromHpa(raw, config.adoptedCooldown ? { cooldown: config.cooldown } : {})
    : parsePolicy(raw, config.cooldown);
  return { raw, parsed, scale: parsed.ok ? scaleOf(parsed.policy.target) : undefined };
}

/** By kind: the built-in controller knows nothing of our policies' selectors, nor do we go by its. */
type Selectors = ReadonlyMap<string, SelectorRegistry>;

function selectorsOf(candidates: readonly Candidate[]): Selectors {
  const registries = new Map<string, SelectorRegistry>();
  for (const { raw, parsed, scale } of candidates) {
    // A policy that does not act stands in nobody's way.
    if (!parsed.ok || parsed.policy.spec.mode !== 'Auto' || scale === undefined || typeof scale === 'string') continue;
    const selector = readSelector(scale.selector);
    if (selector === undefined) continue;
    const registry = registries.get(kindOf(raw)) ?? new SelectorRegistry();
    registries.set(kindOf(raw), registry);
    registry.set(raw.metadata.namespace ?? '', placeOf(raw), selector);
  }
  return registries;
}

/** What is wrong with a selector is said where its own policy is evaluated. */
function readSelector(text: string): Selector | undefined {
  if (text === '') return undefined;
  try {
    return parseSelector(text);
  } catch (error) {
    if (isConcertinaError(error, 'SELECTOR_INVALID')) return undefined;
    throw error;
  }
}

interface Neighbours {
  readonly targets: TargetIndex;
  readonly selectors: Selectors;
}

function recommendOne(input: RecommendInput, { raw, parsed, scale }: Candidate, neighbours: Neighbours): Recommendation {
  const { now } = input;
  const status = previousStatus(raw);
  if (!parsed.ok) {
    const namespace = raw.metadata.namespace ?? '';
    const subject = { apiVersion: raw.apiVersion ?? '', kind: kindOf(raw), namespace, name: raw.metadata.name };
    const { scaleTargetRef } = (raw.spec ?? {}) as { scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string } };
    const { apiVersion = '', kind = '', name = '' } = scaleTargetRef ?? {};
    const message = `${kindOf(raw)} ${namespace}/${raw.metadata.name}: ${problemsText(parsed.problems)}`;
    const hold = { by: 'invalid-policy' as const, reason: parsed.reason, message };
    const decision = unableDecision({ subject, target: { apiVersion, kind, namespace, name }, now, status }, hold);
    return { raw, decision, policy: undefined, evaluated: undefined };
  }
  const { policy } = parsed;
  if (typeof scale === 'string' || scale === undefined) {
    const hold = { by: 'target-unavailable' as const, reason: 'FailedGetScale', message: scale ?? 'its scale was not read' };
    const decision = unableDecision({ subject: policy.reference, target: policy.target, now, status }, hold);
    return { raw, decision, policy, evaluated: undefined };
  }
  const given = inputOf(input, { raw, policy, scale }, neighbours);
  const evaluation = evaluate(given);
  const evaluated = { scale, input: prepared(given), evaluation, metrics: readingsOf(prepared(given), evaluation, scale.selector) };
  return { raw, decision: evaluation.decision, policy, evaluated };
}

function inputOf(
  input: RecommendInput,
  { raw, policy, scale }: { readonly raw: KubeObject; readonly policy: ScalingPolicy; readonly scale: ScaleFacts },
  { targets, selectors }: Neighbours,
): EvaluationInput {
  const { now, config } = input;
  const namespace = raw.metadata.namespace ?? '';
  const history = historyOf(raw);
  const acts = policy.spec.mode === 'Auto';
  return assemble({
    policy,
    scale,
    pods: input.pods,
    view: input.view,
    state: input.stateOf?.(placeOf(raw)) ?? { ...restoredState(raw), recommendations: [] },
    status: previousStatus(raw),
    history,
    // As far as is known: what was measured before the last scaling must not shrink the target once more.
    sizedAt: Math.max(history.lastScaleUp ?? 0, history.lastScaleDown ?? 0),
    now,
    config: { ...config, dryRun: false },
    conflict: acts ? conflictOf(policy, targets.others(policy.target, identity(raw))) : undefined,
    controllerOf: input.controllerOf,
    requestReference: referenceFor(policy, input.requestReferenceOf),
    othersOf: (_, pods) => {
      if (!acts) return [];
      const others = selectors.get(kindOf(raw))?.othersOf(namespace, placeOf(raw), pods) ?? [];
      return others.map((other) => `${kindOf(raw)} ${other}`);
    },
  });
}

function conflictOf(policy: ScalingPolicy, others: readonly ObjectReference[]): string | undefined {
  const rivals = others.filter((other) => !isTransferred(policy, other));
  return conflictText(policy.target, rivals) ?? (rivals.length < others.length ? transferText(policy) : undefined);
}

function readingsOf(input: EvaluationInput, { decision, branch, fallback }: Evaluation, selector: string): MetricReading[] {
  const { spec, subject, results } = input;
  const read = (branch === 'metrics' || branch === 'failed') && input.selector.ok;
  const context = metricContext(input);
  const best = decision.trace.find(({ step }) => step === 'wanted')?.values;
  let won = false;
  return spec.metrics.map((metric, index): MetricReading => {
    const result = results[index] ?? { kind: 'failure', message: 'the metric was not asked for', reason: 'not-observed' };
    const outcome = read ? evaluateMetric(metric, result, context) : undefined;
    const standIn = fallback?.active.find(({ count }) => count.index === index)?.proposal;
    const proposal = outcome?.ok === true ? outcome : standIn;
    // Of two that ask for the same the first wins.
    const wins = !won && proposal !== undefined && proposal.name === best?.['metric'] && proposal.replicas === best['wanted'];
    won ||= wins;
    const query = metricQuery(metric, { namespace: subject.namespace ?? '', selector });
    return { spec: metric, name: subjectOf(metric), query, result, outcome, fallback: standIn, wins };
  });
}

function isNative(raw: KubeObject): boolean {
  return kindOf(raw) === 'HorizontalPodAutoscaler';
}

function kindOf(raw: KubeObject): string {
  if (raw.kind !== undefined) return raw.kind;
  return raw.apiVersion?.startsWith('autoscaling/') === true ? 'HorizontalPodAutoscaler' : 'HorizontalPolicy';
}

function placeOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function identity(raw: KubeObject): string {
  return `${kindOf(raw)}\n${placeOf(raw)}`;
}

/** The scale that a workload's own record implies, for snapshots; a sentence for kinds without replicas. */
export function scaleOfWorkload(workload: WorkloadRecord): ScaleFacts | string {
  if (workload.specReplicas === undefined) {
    return `spec.scaleTargetRef names ${workload.kind} ${workload.namespace}/${workload.name}, which has no scale subresource; name a kind that can be scaled, like Deployment or StatefulSet`;
  }
  return {
    specReplicas: workload.specReplicas,
    statusReplicas: workload.statusReplicas,
    selector: formatSelector(workload.selector) ?? '',
  };
}
