import { ConcertinaError, isConcertinaError, messageOf } from '../../core/errors.ts';
import { isConflict } from '../../core/kube/status-error.ts';
import { sleep } from '../../core/model/clock.ts';
import { setCondition, type Condition } from '../../core/model/condition.ts';
import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { Decision, Hold } from '../../core/model/decision.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import {
  conclude,
  concludeUnavailable,
  evaluate,
  unableDecision,
  type Conclusion,
  type Evaluation,
  type EvaluationInput,
  type EventNote,
  type HpaState,
} from '../engine/index.ts';
import { problemsText } from '../../core/model/schema-problems.ts';
import { historyOf, parsePolicy, previousStatus, statusOf, type PolicyResult, type ScalingPolicy } from '../policy.ts';
import type { HorizontalPolicyStatus } from '../policy-schema.ts';
import { assemble } from './assemble.ts';
import { usageInput, type InputNews } from './input-news.ts';
import { metricQueries, usesUsage } from './queries.ts';
import type { HpaMetrics } from './metrics.ts';
import type { HpaControllerOptions, PodLister } from './ports.ts';
import type { ScaleAccess } from './scale-access.ts';
import type { SelectorRegistry } from './selectors.ts';
import { mergePatch, nextStatus, withAccepted } from './status.ts';
import { outcomeUnknown, withUnrecorded, type UnsureWrite } from './unrecorded.ts';

/** What is remembered of one policy between evaluations. */
export interface PolicyMemory {
  uid: string | undefined;
  parsed: { readonly generation: number | undefined; readonly result: PolicyResult } | undefined;
  state: HpaState;
  history: ScalingHistory;
  /** This process has read the target's scale at least once. */
  seenScale: boolean;
  /** A write whose answer was lost. */
  unsure: UnsureWrite | undefined;
  /** The size that was read last, and when it was first read. */
  size: { readonly replicas: number; readonly since: number } | undefined;
  /** The status that was written last, while the mirror still shows the object as it was before. */
  written: { readonly seenVersion: string | undefined; readonly status: Partial<HorizontalPolicyStatus> } | undefined;
  /** Warnings that stand: the same one is not said again every 15 seconds. */
  warned: ReadonlySet<string>;
  decision: Decision | undefined;
  /** What would be set without cooldowns and mode. */
  proposed: number | undefined;
  /** Until when a first evaluation waits for first answers, on the monotonic clock. */
  waitsUntil: number | undefined;
}

export function emptyMemory(uid: string | undefined, raw: KubeObject): PolicyMemory {
  return {
    uid,
    parsed: undefined,
    state: { recommendations: undefined, scaleUpEvents: [], scaleDownEvents: [] },
    history: historyOf(raw),
    seenScale: false,
    unsure: undefined,
    size: undefined,
    written: undefined,
    warned: new Set(),
    decision: undefined,
    proposed: undefined,
    waitsUntil: undefined,
  };
}

export interface ReconcileContext {
  readonly options: HpaControllerOptions;
  readonly scales: ScaleAccess;
  readonly selectors: SelectorRegistry;
  readonly news: InputNews;
  readonly hpaMetrics: HpaMetrics;
  readonly conflictOf: (policy: ScalingPolicy, key: string) => string | undefined;
  readonly signal: AbortSignal;
}

export interface ReconcileTask {
  readonly key: string;
  readonly raw: KubeObject;
  readonly memory: PolicyMemory;
  readonly pods: PodLister;
}

/**
 * One evaluation of one policy with everything that follows from it: write, status, Events, metrics. Answers the decision; `superseded` when the policy was
 * changed or deleted meanwhile: what it says now is for the evaluation that the change has asked for; `waiting` when its sources were only just asked.
 */
export async function reconcile(context: ReconcileContext, task: ReconcileTask): Promise<Decision | 'superseded' | 'waiting'> {
  const { clock } = context.options;
  const begun = clock.monotonic();
  const result = await decideAndAct(context, task);
  if (result === 'superseded' || result === 'waiting') return result;
  const { memory } = task;
  memory.state = result.conclusion.state;
  memory.history = result.conclusion.history;
  memory.decision = result.decision;
  memory.proposed = result.proposed;
  if (!result.fenced) {
    emitEvents(context, task, result.conclusion.events);
    await writeStatus(context, task, result);
  }
  const error = result.conclusion.error === undefined ? 'none' : 'internal';
  context.hpaMetrics.observeReconcile({ action: result.conclusion.action, error }, (clock.monotonic() - begun) / 1000);
  return result.decision;
}

interface Result {
  readonly decision: Decision;
  readonly conclusion: Conclusion;
  readonly evaluated: boolean;
  readonly proposed: number | undefined;
  readonly targets: string | undefined;
  /** This process may not write now. */
  readonly fenced: boolean;
}

async function decideAndAct(context: ReconcileContext, task: ReconcileTask): Promise<Result | 'superseded' | 'waiting'> {
  const parsed = parsedPolicy(context, task);
  if (!parsed.ok) return rejected(context, task, parsed);
  return evaluateAndWrite(context, task, parsed.policy);
}

function parsedPolicy({ options }: ReconcileContext, { raw, memory }: ReconcileTask): PolicyResult {
  const { generation } = raw.metadata;
  if (generation !== undefined && memory.parsed?.generation === generation) return memory.parsed.result;
  const result = parsePolicy(raw, options.config.cooldown);
  memory.parsed = { generation, result };
  return result;
}

function statusBefore({ raw, memory }: ReconcileTask): Partial<HorizontalPolicyStatus> {
  const { written } = memory;
  return written !== undefined && written.seenVersion === raw.metadata.resourceVersion ? written.status : statusOf(raw);
}

/** A policy that cannot be used: said in Accepted, nothing else is touched. */
function rejected(
  { options, selectors }: ReconcileContext,
  task: ReconcileTask,
  { reason, problems }: Extract<PolicyResult, { ok: false }>,
): Result {
  const { raw, memory, key } = task;
  const now = options.clock.now();
  selectors.delete(key);
  const message = `HorizontalPolicy ${key}: ${problemsText(problems)}`;
  const status = previousStatus({ ...raw, status: statusBefore(task) });
  const conditions = accepted(status.conditions, { status: 'False', reason, message }, { now, generation: raw.metadata.generation });
  const { scaleTargetRef } = (raw.spec ?? {}) as { scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string } };
  const namespace = raw.metadata.namespace ?? '';
  const subject = { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace, name: raw.metadata.name };
  const target = {
    apiVersion: scaleTargetRef?.apiVersion ?? '',
    kind: scaleTargetRef?.kind ?? '',
    namespace,
    name: scaleTargetRef?.name ?? '',
  };
  const conclusion: Conclusion = {
    state: memory.state,
    history: memory.history,
    conditions,
    currentReplicas: status.currentReplicas,
    desiredReplicas: status.desiredReplicas,
    currentMetrics: [],
    lastScaleTime: undefined,
    events: [{ type: 'Warning', reason, message }],
    action: 'none',
    error: message,
  };
  const decision = unableDecision({ subject, target, now, status }, { by: 'invalid-policy', reason, message });
  return { decision, conclusion, evaluated: false, proposed: undefined, targets: undefined, fenced: false };
}

function accepted(
  conditions: readonly Condition[],
  update: Pick<Condition, 'status' | 'reason' | 'message'>,
  { now, generation }: { readonly now: number; readonly generation: number | undefined },
): Condition[] {
  const next = setCondition(
    conditions,
    { type: 'Accepted', ...update, ...(generation === undefined ? {} : { observedGeneration: generation }) },
    now,
  );
  const condition = next.find(({ type }) => type === 'Accepted');
  return condition === undefined ? next : withAccepted(conditions, condition);
}

/** A slow answer leaves time to delete or pause a policy: nothing is done in its name then. */
function isSuperseded({ options }: ReconcileContext, { key, raw }: ReconcileTask): boolean {
  const now = options.reads.policies.get(key)?.metadata;
  return now === undefined || now.uid !== raw.metadata.uid || now.generation !== raw.metadata.generation;
}

/** As upstream: how often a write that meets another one is tried. */
const maxTries = 5;

async function evaluateAndWrite(
  context: ReconcileContext,
  task: ReconcileTask,
  policy: ScalingPolicy,
): Promise<Result | 'superseded' | 'waiting'> {
  const { options, scales, signal } = context;
  for (let attempt = 1; ; attempt += 1) {
    const read = await scales.read(policy.target, signal);
    if (isSuperseded(context, task)) return 'superseded';
    if (read.ok) {
      rememberUnrecorded(task, read.scale.specReplicas, options.clock.now());
      if (asksFirst(context, task, { policy, selector: read.scale.selector })) return 'waiting';
    }
    const input = inputOf(context, task, { policy, scale: read.ok ? read.scale : { specReplicas: 0, statusReplicas: 0, selector: '' } });
    if (!read.ok) return unavailable(input, read.message);
    const begun = options.clock.monotonic();
    const evaluation = evaluate(input);
    context.hpaMetrics.observeMetrics(evaluation.metricLabels, (options.clock.monotonic() - begun) / 1000);
    if (evaluation.write === undefined) return finished(evaluation, conclude(input, evaluation, { kind: 'none' }));
    try {
      const key = { name: policy.target.name, ...(read.type.namespaced ? { namespace: policy.target.namespace } : {}) };
      await options.client.setScale(read.type, key, evaluation.write, { resourceVersion: read.scale.resourceVersion, signal });
      // Cooldowns count from when the answer came: a slow server may have scaled at any moment up to then.
      return finished(evaluation, conclude({ ...input, now: options.clock.now() }, evaluation, { kind: 'written' }));
    } catch (error) {
      if (isConcertinaError(error, 'FENCED')) return fenced(input, evaluation, error);
      if (outcomeUnknown(error)) task.memory.unsure = { from: read.scale.specReplicas, to: evaluation.write, at: options.clock.now() };
      // Somebody else wrote first: what is there now is looked at and decided upon anew.
      const again = isConflict(error) && attempt < maxTries;
      if (!again) return writeFailed(input, evaluation, messageOf(error));
    }
    const retry = await sleep(options.clock, 10 * attempt * (1 + options.random()), signal);
    if (!retry) throw new ConcertinaError('INTERNAL', `evaluation of ${task.key} was stopped while it waited to write again`);
  }
}

/** How long a first evaluation waits for sources that were never asked: as long as a request may take. */
const firstAnswerMs = 10_000;

/** Says what the policy wants to know; true while nothing of it was answered yet, so that a policy does not begin with a failure that is none. */
function asksFirst(
  { options, news }: ReconcileContext,
  { key, memory }: ReconcileTask,
  { policy, selector }: { readonly policy: ScalingPolicy; readonly selector: string },
): boolean {
  const queries = metricQueries(policy.spec.metrics, { namespace: policy.reference.namespace ?? '', selector });
  news.setInputs(key, new Set([...queries.map(queryKey), ...(usesUsage(policy.spec.metrics) ? [usageInput] : [])]));
  if (options.demand === undefined) return false;
  options.demand(key, queries);
  const view = options.metrics();
  const unasked = queries.some((query) => {
    const result = view.query(query);
    return !result.known && result.reason === 'not-observed';
  });
  const now = options.clock.monotonic();
  if (!unasked) memory.waitsUntil = undefined;
  else memory.waitsUntil ??= now + firstAnswerMs;
  return unasked && now < (memory.waitsUntil ?? 0);
}

function rememberUnrecorded(task: ReconcileTask, specReplicas: number, now: number): void {
  const { memory } = task;
  // Not "has decided": an evaluation whose read failed has decided too, and has seen nothing.
  const first = !memory.seenScale;
  memory.seenScale = true;
  memory.history = withUnrecorded({ history: memory.history, unsure: memory.unsure, first, status: statusBefore(task), specReplicas, now });
  memory.unsure = undefined;
  // At the first look it is not known for how long the size has been so.
  if (memory.size?.replicas !== specReplicas) memory.size = { replicas: specReplicas, since: memory.size === undefined ? 0 : now };
}

function inputOf(
  { options, selectors, conflictOf }: ReconcileContext,
  task: ReconcileTask,
  {
    policy,
    scale,
  }: {
    readonly policy: ScalingPolicy;
    readonly scale: { readonly specReplicas: number; readonly statusReplicas: number; readonly selector: string };
  },
): EvaluationInput {
  const { key, raw, memory, pods } = task;
  const namespace = raw.metadata.namespace ?? '';
  const acts = policy.spec.mode === 'Auto';
  const now = options.clock.now();
  const status = previousStatus({ ...raw, status: statusBefore(task) });
  const update = { status: 'True' as const, reason: 'PolicyAccepted', message: 'the policy is valid and supported' };
  const input = assemble({
    policy,
    scale,
    pods,
    podsAgeMs: options.reads.podsAgeMs?.(),
    sizedAt: memory.size?.since,
    view: options.metrics(),
    state: memory.state,
    status: { ...status, conditions: accepted(status.conditions, update, { now, generation: raw.metadata.generation }) },
    history: newest(memory.history, historyOf(raw)),
    now,
    config: options.config,
    conflict: acts ? conflictOf(policy, key) : undefined,
    // A policy that does not act stands in nobody's way.
    othersOf: (selector, matched) => {
      if (!acts) return [];
      selectors.set(namespace, key, selector);
      return selectors.othersOf(namespace, key, matched).map((other) => `HorizontalPolicy ${other}`);
    },
  });
  if (!acts) selectors.delete(key);
  return input;
}

/** Another leader may have scaled since: the later time counts. */
function newest(a: ScalingHistory, b: ScalingHistory): ScalingHistory {
  const later = (x: number | undefined, y: number | undefined): number | undefined => {
    // Status keeps whole seconds, rounded up: our own memory is the exact one.
    if (x === undefined || y === undefined) return x ?? y;
    return y - x >= 1000 ? y : x;
  };
  return { lastScaleUp: later(a.lastScaleUp, b.lastScaleUp), lastScaleDown: later(a.lastScaleDown, b.lastScaleDown) };
}

function finished(evaluation: Evaluation, conclusion: Conclusion): Result {
  const { decision, proposed, targets } = evaluation;
  return { decision, conclusion, evaluated: true, proposed, targets, fenced: false };
}

/** The API server did not take the new size: nothing has changed, and the decision must not say otherwise. */
function writeFailed(input: EvaluationInput, evaluation: Evaluation, text: string): Result {
  const conclusion = conclude(input, evaluation, { kind: 'failed', message: text });
  const decision = undone(evaluation.decision, { by: 'target-unavailable', reason: 'FailedUpdateScale', message: text });
  return { ...finished(evaluation, conclusion), decision };
}

function undone(decision: Decision, { by, reason, message }: Pick<Hold, 'by' | 'message'> & { readonly reason: string }): Decision {
  return {
    ...decision,
    to: decision.from,
    reason,
    message: `stays at ${decision.from}, because ${decision.to} could not be set: ${message}`,
    holds: [...decision.holds, { by, message }],
    trace: [...decision.trace, { step: 'write', message, values: { reason, asked: decision.to, held: true } }],
  };
}

function unavailable(input: EvaluationInput, text: string): Result {
  const conclusion = concludeUnavailable(input, 'FailedGetScale', text);
  const decision = unableDecision(input, { by: 'target-unavailable', reason: 'FailedGetScale', message: text });
  return { decision, conclusion, evaluated: false, proposed: undefined, targets: undefined, fenced: false };
}

/** This process may not write: it has decided, another one acts. */
function fenced(input: EvaluationInput, evaluation: Evaluation, error: Error): Result {
  const decision = undone(evaluation.decision, { by: 'not-leader', reason: 'NotLeader', message: error.message });
  const conclusion = conclude(input, { ...evaluation, decision }, { kind: 'none' });
  return { ...finished({ ...evaluation, decision }, conclusion), fenced: true };
}

function emitEvents({ options }: ReconcileContext, { raw, memory, key }: ReconcileTask, events: readonly EventNote[]): void {
  if (options.config.dryRun) return;
  const namespace = raw.metadata.namespace;
  const regarding = {
    apiVersion: raw.apiVersion ?? 'concertina.dev/v1alpha1',
    kind: raw.kind ?? 'HorizontalPolicy',
    name: raw.metadata.name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(raw.metadata.uid === undefined ? {} : { uid: raw.metadata.uid }),
  };
  const warned = new Set<string>();
  for (const event of events) {
    if (event.type === 'Warning') {
      warned.add(event.reason);
      if (memory.warned.has(event.reason)) continue;
    }
    try {
      options.events.emit(regarding, event);
    } catch (error) {
      options.logger.warn('an Event could not be handed over', { policy: key, error: messageOf(error) });
    }
  }
  memory.warned = warned;
}

async function writeStatus({ options, signal }: ReconcileContext, task: ReconcileTask, result: Result): Promise<void> {
  if (options.config.dryRun) return;
  const { raw, memory, key } = task;
  const previous = statusBefore(task);
  const { decision, conclusion, evaluated, targets } = result;
  const next = nextStatus({ previous, conclusion, decision, targets, generation: raw.metadata.generation, evaluated });
  const patch = mergePatch(previous, next);
  if (patch === undefined) return;
  const { name, namespace, uid } = raw.metadata;
  const body = { ...(uid === undefined ? {} : { metadata: { uid } }), status: patch };
  try {
    await options.client.patch(
      resourceTypes.horizontalPolicies,
      { name, namespace },
      { type: 'merge', body },
      { subresource: 'status', signal },
    );
    memory.written = { seenVersion: raw.metadata.resourceVersion, status: next };
  } catch (error) {
    const message = messageOf(error);
    options.logger.warn('the status of a policy could not be written; it is written again at the next evaluation', {
      policy: key,
      error: message,
    });
    if (isConcertinaError(error, 'FENCED')) return;
    emitStatusFailure(options, task, message);
  }
}

function emitStatusFailure(options: HpaControllerOptions, { raw }: ReconcileTask, message: string): void {
  const { name, namespace = '' } = raw.metadata;
  options.events.emit(
    { apiVersion: raw.apiVersion ?? 'concertina.dev/v1alpha1', kind: raw.kind ?? 'HorizontalPolicy', namespace, name },
    { type: 'Warning', reason: 'FailedUpdateStatus', message },
  );
}
