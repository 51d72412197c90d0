import type { ConditionUpdate } from '../../core/model/condition.ts';
import type { SourceReport } from '../../core/model/metrics-view.ts';
import type { UnknownReason } from '../../core/model/sample.ts';

/** How a MetricSource does apart from queries of policies. */
export type SourceHealth =
  | { readonly kind: 'setting-up' }
  | { readonly kind: 'invalid'; readonly problem: string }
  | { readonly kind: 'secret'; readonly problem: string }
  | { readonly kind: 'reachable'; readonly version: string }
  | { readonly kind: 'unreachable'; readonly reason: UnknownReason; readonly problem: string };

/** The condition Ready of a MetricSource: what policies meet counts more than what a probe says. */
export function readyCondition(health: SourceHealth, report: SourceReport | undefined, generation: number | undefined): ConditionUpdate {
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return { type: 'Ready', ...observed, ...verdict(health, report) };
}

function verdict(health: SourceHealth, report: SourceReport | undefined): Pick<ConditionUpdate, 'status' | 'reason' | 'message'> {
  if (health.kind === 'invalid') return { status: 'False', reason: 'InvalidSpec', message: health.problem };
  if (health.kind === 'secret') return { status: 'False', reason: 'SecretUnusable', message: health.problem };
  if (report !== undefined && report.queries > 0 && !(report.state.healthy === false && report.state.reason === 'not-observed')) {
    const { state, queries, latencyMs } = report;
    if (!state.healthy) return { status: 'False', reason: reasonName(state.reason), message: state.detail };
    const speed = latencyMs === undefined ? '' : `, the last in ${Math.round(latencyMs)} ms`;
    return { status: 'True', reason: 'Answering', message: `answers ${queries} queries a tick${speed}` };
  }
  if (health.kind === 'reachable') {
    return { status: 'True', reason: 'Reachable', message: `${health.version} answers; no policy asks for anything yet` };
  }
  if (health.kind === 'unreachable') return { status: 'False', reason: reasonName(health.reason), message: health.problem };
  return { status: 'Unknown', reason: 'SettingUp', message: 'the source is being set up' };
}

/** `source-unavailable` → `SourceUnavailable`. */
function reasonName(reason: UnknownReason): string {
  return reason.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
