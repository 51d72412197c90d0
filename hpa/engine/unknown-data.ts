import type { Hold } from '../../core/model/decision.ts';
import type { Combined } from './metrics.ts';
import type { EvaluationInput } from './model.ts';
import { clockText, replicasText } from './text.ts';

/** Why nothing is done without data, since when, and what ends it. */
export function unknownHold(
  { spec, scale, now }: EvaluationInput,
  { unresolved, failures, counts }: Combined,
): { readonly hold: Hold; readonly since: number | undefined } {
  const first = unresolved[0] ?? failures[0];
  const known = counts.reduce<number | undefined>((least, { since }) => (least === undefined || since < least ? since : least), undefined);
  const since = first?.since ?? (known !== undefined && known < now ? known : undefined);
  const facts = [...(first?.unknown === undefined ? [] : [first.unknown]), ...(since === undefined ? [] : [`since ${clockText(since)}`])];
  const what = scale.specReplicas === 0 ? 'Not waking on unknown data' : 'No shrinking on unknown data';
  const message = `${what}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}${endText(spec.fallback, counts)}`;
  return { hold: { by: 'missing-data', message }, since };
}

/** A fallback bounds the hold. */
function endText(fallback: EvaluationInput['spec']['fallback'], counts: Combined['counts']): string {
  if (fallback === undefined || fallback.behavior === 'Hold') return '';
  const failures = Math.min(fallback.failureThreshold, ...counts.map((each) => each.failures));
  const left = fallback.failureThreshold - failures;
  if (left <= 0) return '';
  const { behavior, replicas } = fallback;
  const asked = replicas === undefined ? '' : ` (${replicasText(replicas)})`;
  return `; fallback ${behavior}${asked} after ${left} more failed ${left === 1 ? 'evaluation' : 'evaluations'}`;
}
