import type { SourceState } from '../../core/model/metrics-view.ts';
import type { UnknownReason } from '../../core/model/sample.ts';

/** As much of a source's answer as judging it takes. */
export type JudgedAnswer =
  | { readonly ok: true; readonly usage: { readonly pods: { readonly length: number } } }
  | { readonly ok: false; readonly reason: UnknownReason; readonly detail: string };

export interface JudgeContext {
  readonly previous: SourceState;
  /** Pods in phase Running. */
  readonly runningPods: number;
  readonly now: number;
}

/**
 * State of a source after an answer, by the metrics specification §A.8. An empty list while pods run is a broken source: whoever
 * read it as "no load" would shrink everything at once.
 */
export function judgeAnswer(answer: JudgedAnswer, context: JudgeContext): SourceState {
  const { previous, now, runningPods } = context;
  if (!answer.ok) return failed(answer.reason, answer.detail, previous, now);
  if (answer.usage.pods.length === 0 && runningPods > 0) {
    return failed('source-broken', `metrics.k8s.io lists no pod although ${runningPods} are Running`, previous, now);
  }
  return { healthy: true, lastSuccess: now };
}

function failed(reason: UnknownReason, detail: string, previous: SourceState, now: number): SourceState {
  // `since` tells for how long it has been so: it moves only when the source was healthy or was never asked.
  const since = !previous.healthy && previous.reason !== 'not-observed' ? previous.since : now;
  return { healthy: false, reason, detail, since, lastSuccess: previous.lastSuccess };
}
