import type { Hold } from '../../../core/model/decision.ts';
import { isFinished, type PodRecord } from '../../../core/model/pod.ts';
import type { UpdateInput } from './model.ts';
import type { PassState } from './pass-state.ts';
import { podsText } from './sentence.ts';

/** What keeps hands off every pod of the policy, the end of start-up boosts included. */
export function untouchable({ input }: PassState): Hold | undefined {
  const { known, outside } = input;
  const { mode, native, target } = known.policy;
  if (mode === 'Paused') {
    return {
      by: 'paused',
      message: `${input.target.kind} ${input.target.name} is left alone: spec.mode is Paused; set it to Auto to go on`,
    };
  }
  if (target === undefined) {
    return { by: 'invalid-policy', message: `the policy names no target; set spec.targetRef to the workload whose pods it is to update` };
  }
  if (outside.target !== undefined) return { by: 'target-unavailable', message: outside.target };
  if (outside.conflict !== undefined) return { by: 'conflict', message: outside.conflict };
  // Upstream's pass ends there whatever the mode is.
  if (native && outside.admission !== undefined) return { by: 'missing-data', message: `no pod is updated: ${outside.admission}` };
  return undefined;
}

/** What keeps the policy from updating pods to its recommendation. */
export function unready(state: PassState): Hold | undefined {
  const { input, known } = state;
  if (known.recommendation === undefined) {
    return {
      by: 'missing-data',
      message: `there is no recommendation yet: no pod of ${input.target.kind} ${input.target.name} is updated`,
    };
  }
  // What follows is the house's own.
  if (known.policy.native) return undefined;
  if (input.outside.stale !== undefined) return { by: 'missing-data', message: input.outside.stale };
  const pending = input.pods.filter(isPending);
  if (pending.length > 0) {
    const message = `${podsText(pending.length)} of ${input.target.kind} ${input.target.name} ${pending.length === 1 ? 'is' : 'are'} Pending (${pending[0]?.name}): nothing is updated until all pods run; see kubectl describe pod ${pending[0]?.name}`;
    return { by: 'disruption-budget', message };
  }
  return undefined;
}

function isPending(pod: PodRecord): boolean {
  return pod.phase === 'Pending' && pod.deleted === undefined && !isFinished(pod);
}

/** Everything is decided and shown, nothing is done. */
export function withheld({ outside, known }: UpdateInput): Hold | undefined {
  if (outside.dryRun) return { by: 'dry-run', message: 'the program runs with --dry-run: nothing is written; run it without to act' };
  if (known.policy.mode !== 'DryRun') return undefined;
  return { by: 'dry-run', message: 'spec.mode is DryRun: nothing is written; set it to Auto to act' };
}
