import type { MetricsView, SourceReport, SourceState } from '../../core/model/metrics-view.ts';
import type { Doubt } from '../../core/model/sample.ts';
import { ageSeconds, schemaVersion, timeText } from './answers.ts';

/** A doubt as JSON; null for none. */
export function doubtJson(doubt: Doubt | undefined): object | null {
  if (doubt === undefined) return null;
  return { reason: doubt.reason, detail: doubt.detail, since: timeText(doubt.since), until: timeText(doubt.until) };
}

function stateJson(state: SourceState, now: number): object {
  const lastSuccess = { lastSuccess: timeText(state.lastSuccess), lastSuccessAgeSeconds: ageSeconds(now, state.lastSuccess) };
  if (state.healthy) return { healthy: true, reason: null, detail: null, since: null, ...lastSuccess };
  return { healthy: false, reason: state.reason, detail: state.detail, since: timeText(state.since), ...lastSuccess };
}

/** What `/api/v1/sources` answers. */
export function sourcesJson(view: MetricsView, now: number): object {
  return { ...headJson(view, now), sources: view.sources().map((report) => reportJson(report, now)) };
}

function reportJson({ name, state, doubt, latencyMs, queries, circuit }: SourceReport, now: number): object {
  return { name, ...stateJson(state, now), doubt: doubtJson(doubt), latencyMs: latencyMs ?? null, queries, circuit };
}

/** What `/api/v1/health` answers: healthy when usage and every source is, and nothing is in doubt; otherwise the first thing that is not. */
export function healthJson(view: MetricsView, usageSource: string, now: number): object {
  const sources = view.sources();
  const usage = { name: usageSource, state: view.resourceSource, doubt: view.usageDoubt };
  const troubles = [usage, ...sources].map(troubleOf).filter((trouble) => trouble !== undefined);
  const [first] = troubles;
  return {
    ...headJson(view, now),
    healthy: first === undefined,
    reason: first?.reason ?? null,
    detail: first?.detail ?? null,
    usage: { ...stateJson(view.resourceSource, now), doubt: doubtJson(view.usageDoubt), pods: view.podCount },
    sources: sources.map(({ name, state, doubt }) => ({ name, ...stateJson(state, now), doubt: doubtJson(doubt) })),
  };
}

function troubleOf({ name, state, doubt }: Pick<SourceReport, 'name' | 'state' | 'doubt'>): { reason: string; detail: string } | undefined {
  if (!state.healthy) return { reason: state.reason, detail: `${name}: ${state.detail}` };
  return doubt === undefined ? undefined : { reason: doubt.reason, detail: `${name} is good for growth only: ${doubt.detail}` };
}

/** Which view it is, and how old. */
export function headJson(view: MetricsView, now: number): object {
  return { schemaVersion, sequence: view.sequence, at: timeText(view.at), ageSeconds: ageSeconds(now, view.at) };
}
