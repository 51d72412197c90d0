import type { Decision, Hold } from '../../core/model/decision.ts';
import type { ScaleIntent } from '../../core/model/intent.ts';
import type { PodShape } from '../../core/model/pod-shape.ts';

/** What is held by one of these is not going to be set: nobody is to make room for its pods. */
const notToCome: ReadonlySet<Hold['by']> = new Set(['dry-run', 'paused', 'conflict']);

/**
 * What a decision says of pods to come, for whoever buys nodes: what is proposed, also where a cooldown or a rate limit still holds it. `proposed` is the
 * evaluation's; `shape` that of the newest pod of the target, or of its template.
 */
export function scaleIntent(
  { target, from, to, at, holds }: Decision,
  { proposed, shape }: { readonly proposed: number; readonly shape: PodShape | undefined },
): ScaleIntent {
  const wantedReplicas = holds.some(({ by }) => notToCome.has(by)) ? to : Math.max(to, proposed);
  return { target, currentReplicas: from, wantedReplicas, shape, at };
}
