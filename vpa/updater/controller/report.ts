import { messageOf } from '../../../core/errors.ts';
import type { ObjectReference } from '../../../core/model/object.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import type { KnownPolicy } from '../../ports.ts';
import type { ActionOutcome, UpdateAction, UpdatePlan } from '../engine/index.ts';
import type { FailureReason, PolicyLabels, UpdaterMetrics } from './metrics.ts';
import type { UpdaterOptions } from './ports.ts';

export interface ReportContext {
  readonly options: UpdaterOptions;
  readonly metrics: UpdaterMetrics;
  /** What was warned of last, by policy: a warning that stands is not said again. */
  readonly warned: Map<string, string>;
}

/** Says what came of an action: Events, metrics, log, and the time that cooldowns count from. */
export function reportAction(
  { options, metrics }: ReportContext,
  known: KnownPolicy,
  { action, outcome, labels }: { readonly action: UpdateAction; readonly outcome: ActionOutcome; readonly labels: PolicyLabels },
): void {
  const { pod, method, direction } = action;
  if (outcome.result === 'done' || outcome.result === 'unknown') {
    // Also where the answer was lost: a scaling that happened must not be forgotten.
    if (direction !== undefined) options.recordScaling(known.key, direction, options.clock.now());
  }
  if (outcome.result === 'done') {
    metrics.updated(labels, method);
    emitDone(options, known, action);
    options.logger.info(`pod updated: ${method}`, { policy: known.key, pod: `${pod.namespace}/${pod.name}`, why: action.why });
    return;
  }
  const message = outcome.result === 'held' ? outcome.hold.message : outcome.message;
  options.logger.info(`pod not updated: ${method}`, { policy: known.key, pod: `${pod.namespace}/${pod.name}`, why: message });
  const reason = failureReason(action, outcome);
  if (reason !== undefined) metrics.failed(labels, method, reason);
}

function failureReason({ method }: UpdateAction, outcome: ActionOutcome): FailureReason | undefined {
  if (outcome.result === 'gone') return undefined;
  if (outcome.result === 'held' && outcome.hold.by !== 'disruption-budget') {
    return outcome.hold.by === 'rate-limit' && method === 'resize' ? 'InPlaceUpdateRateLimiterWaitFailed' : undefined;
  }
  if (method === 'evict' || method === 'surge') return 'EvictionError';
  if (method === 'unboost') return 'UnboostError';
  return outcome.result === 'failed' && outcome.infeasible === true ? 'InPlaceUpdateInfeasible' : 'InPlaceUpdateError';
}

function emitDone(options: UpdaterOptions, { policy }: KnownPolicy, { pod, method, why }: UpdateAction): void {
  const onPod = podReference(pod);
  switch (method) {
    case 'evict':
      emit(options, onPod, { reason: 'EvictedByVPA', message: 'Pod was evicted by VPA Updater to apply resource recommendation.' });
      emit(options, policy.reference, {
        reason: 'EvictedPod',
        message: `VPA Updater evicted Pod ${pod.name} to apply resource recommendation.`,
      });
      break;
    case 'resize':
    case 'unboost':
      emit(options, onPod, { reason: 'InPlaceResizedByVPA', message: 'Pod was resized in place by VPA Updater.' });
      break;
    case 'surge':
      emit(options, policy.reference, {
        reason: 'RolledWorkload',
        message: `The only replica, pod ${pod.name}, is replaced by a new one with the recommended requests: ${why}`,
      });
      break;
  }
}

/** What a finished pass over a policy has to say beyond its actions. */
export function reportPlan(
  context: ReportContext,
  known: KnownPolicy,
  { plan, labels }: { readonly plan: UpdatePlan; readonly labels: PolicyLabels },
): void {
  const { options, metrics, warned } = context;
  const { actions, skips, counts } = plan;
  metrics.counted(labels, {
    ...counts,
    evicted: actions.filter(({ method }) => method === 'evict').length,
    resized: actions.filter(({ method }) => method === 'resize' || method === 'unboost').length,
  });
  const infeasible = known.policy.actuation === 'InPlace' ? skips.filter(({ code }) => code === 'infeasible') : [];
  metrics.infeasibleSkipped(labels, infeasible.length);
  for (const { pod, message } of infeasible) emit(options, podReference(pod), { reason: 'InPlaceResizeSkipped', message });
  warnOfLoop({ options, warned }, known, plan);
  handOver(context, known, () => options.onPlan?.(known.key, plan));
  for (const decision of plan.decisions) handOver(context, known, () => options.onDecision?.(decision));
}

/** Whoever listens must not end a pass. */
function handOver({ options }: Pick<ReportContext, 'options'>, { key }: KnownPolicy, tell: () => void): void {
  try {
    tell();
  } catch (error) {
    options.logger.warn('a decision could not be handed over', { policy: key, error: messageOf(error) });
  }
}

function warnOfLoop({ options, warned }: Pick<ReportContext, 'options' | 'warned'>, known: KnownPolicy, { skips, loop }: UpdatePlan): void {
  const stopped = skips.find(({ hold }) => hold?.by === 'conflict')?.hold;
  if (stopped === undefined || loop.last === undefined) {
    if (loop.last === undefined) warned.delete(known.key);
    return;
  }
  if (warned.get(known.key) === stopped.message) return;
  warned.set(known.key, stopped.message);
  emit(options, known.policy.reference, { type: 'Warning', reason: 'UpdatesStopped', message: stopped.message });
}

function podReference({ namespace, name, uid }: PodRecord): ObjectReference {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
}

function emit(
  options: UpdaterOptions,
  regarding: ObjectReference,
  { type = 'Normal', reason, message }: { readonly type?: 'Normal' | 'Warning'; readonly reason: string; readonly message: string },
): void {
  if (options.dryRun) return;
  try {
    options.events.emit(regarding, { type, reason, message });
  } catch (error) {
    options.logger.warn('an Event could not be handed over', { reason, error: messageOf(error) });
  }
}
