import { ConcertinaError } from '../../core/errors.ts';
import { sleep } from '../../core/model/clock.ts';
import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { Decision } from '../../core/model/decision.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import { evaluate, withOwnZero, type EvaluationInput } from '../engine/index.ts';
import { fromHpa, historyOf, parsePolicy, pendingScalingOf, previousStatus, type PolicyResult, type ScalingPolicy } from '../policy.ts';
import { isNative, titleOfKey } from './adopted.ts';
import { assemble, type ScaleFacts } from './assemble.ts';
import { carryOut } from './carry-out.ts';
import { usageInput } from './input-news.ts';
import { metricQueries, usesUsage } from './queries.ts';
import { isSuperseded, statusBefore, type ReconcileContext, type ReconcileTask, type Result } from './reconcile-task.ts';
import { accepted, rejected } from './rejected.ts';
import { emitEvents, writeStatus } from './report.ts';
import { referenceFor } from './request-reference.ts';
import { unavailable } from './results.ts';
import { revisionOf } from './revision.ts';
import { isTransferred, takeOver } from './transfer.ts';
import type { ScaleRead } from './scale-access.ts';
import { newestShape, templateShape } from './template-shape.ts';
import { withUnrecorded } from './unrecorded.ts';

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
  memory.boundsChangeAt = result.boundsChangeAt;
  memory.again = result.again === true;
  if (result.noted === undefined) context.ticks?.forget(task.key);
  else context.ticks?.note(task.key, result.noted.facts, result.noted);
  if (!result.fenced) {
    emitEvents(context, task, result.conclusion.events);
    await writeStatus(context, task, result);
  }
  const error = result.conclusion.error === undefined ? 'none' : 'internal';
  context.hpaMetrics.observeReconcile({ action: result.conclusion.action, error }, (clock.monotonic() - begun) / 1000);
  return result.decision;
}

async function decideAndAct(context: ReconcileContext, task: ReconcileTask): Promise<Result | 'superseded' | 'waiting'> {
  const parsed = parsedPolicy(context, task);
  if (!parsed.ok) return rejected(context, task, parsed);
  const result = await evaluateAndWrite(context, task, parsed.policy);
  return typeof result === 'string' ? result : handedOver(context, task, { policy: parsed.policy, result });
}

/** The target is taken over from somebody else once this policy has decided on whole data. */
async function handedOver(
  { options, othersOn, signal }: ReconcileContext,
  { key }: ReconcileTask,
  { policy, result }: { readonly policy: ScalingPolicy; readonly result: Result },
): Promise<Result> {
  const whole = result.evaluated && result.conclusion.error === undefined && !result.fenced;
  if (
    policy.spec.mode !== 'Auto' ||
    options.config.dryRun ||
    !whole ||
    !othersOn(policy, key).some((other) => isTransferred(policy, other))
  )
    return result;
  const { transferFrom, target } = policy;
  const taken = await takeOver(options, policy, signal);
  const from = `${transferFrom?.kind ?? ''}/${transferFrom?.name ?? ''}`;
  const note = taken.ok
    ? {
        type: 'Normal' as const,
        reason: 'TakenOver',
        message: `${from} was deleted: this policy scales ${target.kind}/${target.name} from now on`,
      }
    : { type: 'Warning' as const, reason: 'FailedTakeOver', message: taken.problem };
  return { ...result, again: taken.ok, conclusion: { ...result.conclusion, events: [...result.conclusion.events, note] } };
}

function parsedPolicy({ options }: ReconcileContext, { raw, memory }: ReconcileTask): PolicyResult {
  const revision = revisionOf(raw);
  if (memory.parsed?.revision === revision) return memory.parsed.result;
  const { cooldown, adoptedCooldown } = options.config;
  const result = isNative(raw) ? fromHpa(raw, adoptedCooldown ? { cooldown } : {}) : parsePolicy(raw, cooldown);
  memory.parsed = { revision, result };
  return result;
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
    const scale = read.ok ? read.scale : { specReplicas: 0, statusReplicas: 0, selector: '' };
    const input = inputOf(context, task, { policy, scale });
    if (!read.ok) return unavailable(input, read.message);
    await rememberTemplate(context, task, { target: policy.target, read });
    const begun = options.clock.monotonic();
    const evaluation = evaluate(input);
    context.hpaMetrics.observeMetrics(evaluation.metricLabels, (options.clock.monotonic() - begun) / 1000);
    const result = await carryOut(context, task, { policy, read, input, evaluation, isLast: attempt === maxTries });
    // Somebody else wrote first: what is there now is looked at and decided upon anew.
    if (result !== 'conflict') return result;
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
  const status = statusBefore(task);
  const pending = first ? pendingScalingOf(status) : undefined;
  memory.history = withUnrecorded({ history: memory.history, unsure: memory.unsure, pending, first, status, specReplicas, now });
  memory.ownZero = specReplicas === 0 && (memory.ownZero || pending?.to === 0);
  memory.unsure = undefined;
  // At the first look it is not known for how long the size has been so.
  if (memory.size?.replicas !== specReplicas) memory.size = { replicas: specReplicas, since: memory.size === undefined ? 0 : now };
}

function inputOf(
  { options, selectors, conflictOf, ticks }: ReconcileContext,
  task: ReconcileTask,
  { policy, scale }: { readonly policy: ScalingPolicy; readonly scale: ScaleFacts },
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
    pods: {
      podsMatching: (where, selector) => {
        const matched = ticks?.podsOf(key, scale.selector) ?? pods.podsMatching(where, selector);
        memory.shape = newestShape(matched) ?? memory.shape;
        return matched;
      },
    },
    podsAgeMs: options.reads.podsAgeMs?.(),
    sizedAt: memory.size?.since,
    view: options.metrics(),
    state: ticks?.stateOf(key) ?? memory.state,
    status: policy.native
      ? status
      : { ...status, conditions: accepted(status.conditions, update, { now, generation: raw.metadata.generation }) },
    history: newest(memory.history, historyOf(raw)),
    now,
    config: options.config,
    conflict: acts ? conflictOf(policy, key) : undefined,
    controllerOf: options.reads.controllerOf,
    requestReference: referenceFor(policy, options.reads.requestReferenceOf),
    // A policy that does not act stands in nobody's way.
    othersOf: (selector, matched) => {
      if (!acts) return [];
      selectors.set(namespace, key, selector);
      return selectors.othersOf(namespace, key, matched).map(titleOfKey);
    },
  });
  if (!acts) selectors.delete(key);
  return memory.ownZero ? withOwnZero(input) : input;
}

/** While a target sleeps, what its pods will ask for is in its template only. */
async function rememberTemplate(
  { options, signal }: ReconcileContext,
  { memory }: ReconcileTask,
  { target, read: { type, scale } }: { readonly target: ScalingPolicy['target']; readonly read: Extract<ScaleRead, { ok: true }> },
): Promise<void> {
  if (scale.specReplicas > 0 || memory.shape !== undefined) return;
  const { name, namespace } = target;
  memory.shape = (await templateShape(options.client, type, { name, ...(type.namespaced ? { namespace } : {}) }, signal)) ?? 'unknown';
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
