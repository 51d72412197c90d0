import type { SourceState } from '../../core/model/metrics-view.ts';
import type { UnknownReason } from '../../core/model/sample.ts';

/** As much of a source's answer as judging it takes. */
export type JudgedAnswer =
  | { readonly ok: true; readonly pods: { readonly podCount: number } }
  | { readonly ok: false; readonly reason: UnknownReason; readonly detail: string };

export interface JudgeContext {
  readonly previous: SourceState;
  /** Name of the source, for the sentence. */
  readonly name: string;
  /** Pods in phase Running that have run long enough to be listed. */
  readonly runningPods: number;
  readonly now: number;
}

/**
 * State of the source of usage after an answer, by the metrics specification §A.8. An empty list while pods run is a broken source: whoever
 * read it as "no load" would shrink everything at once.
 */
export function judgeAnswer(answer: JudgedAnswer, context: JudgeContext): SourceState {
  const { previous, now, runningPods, name } = context;
  if (!answer.ok) return failedState(answer, previous, now);
  if (answer.pods.podCount === 0 && runningPods > 0) {
    const detail = `${name} lists no pod although ${runningPods} are Running`;
    return failedState({ reason: 'source-broken', detail }, previous, now);
  }
  return { healthy: true, lastSuccess: now };
}

/** The state after a failure. `since` tells for how long it has been so: it moves only when the source was healthy or was never asked. */
export function failedState(
  { reason, detail }: { readonly reason: UnknownReason; readonly detail: string },
  previous: SourceState,
  now: number,
): SourceState {
  const since = !previous.healthy && previous.reason !== 'not-observed' ? previous.since : now;
  return { healthy: false, reason, detail, since, lastSuccess: previous.lastSuccess };
}
