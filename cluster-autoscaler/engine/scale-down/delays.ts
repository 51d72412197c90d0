import { checkCooldown } from '../../../core/model/index.ts';
import type { NodeGroup } from '../model.ts';
import type { GroupTimes, ScaleDownOptions, ScaleDownState } from './model.ts';

/** What holds scale-down, in words for a sentence, and until when. */
export interface Delay {
  readonly until: number;
  /** For example `the last scale-up`. */
  readonly after: string;
}

type DelayOptions = Pick<ScaleDownOptions, 'scaleDownDelayAfterAddMs' | 'scaleDownDelayAfterDeleteMs' | 'scaleDownDelayAfterFailureMs'>;

interface Times {
  readonly scaleUp: number | undefined;
  readonly deletion: number | undefined;
  readonly failure: number | undefined;
}

/** The longest of upstream's three delays; over at exactly `last + delay` (§27.8). */
function longestDelay({ scaleUp, deletion, failure }: Times, options: DelayOptions, now: number): Delay | undefined {
  const delays = [
    { last: scaleUp, ms: options.scaleDownDelayAfterAddMs, after: 'the last scale-up' },
    { last: deletion, ms: options.scaleDownDelayAfterDeleteMs, after: 'the last deletion' },
    { last: failure, ms: options.scaleDownDelayAfterFailureMs, after: 'a deletion that failed' },
  ];
  let longest: Delay | undefined;
  for (const { last, ms, after } of delays) {
    const until = last === undefined ? now : last + ms;
    if (until > now && (longest === undefined || until > longest.until)) longest = { until, after };
  }
  return longest;
}

/** The delay of type global that holds all deletions; planning goes on. None with type local. */
export function globalDelay(
  state: Pick<ScaleDownState, 'lastScaleUp' | 'lastDeletion' | 'lastFailure'>,
  options: DelayOptions & Pick<ScaleDownOptions, 'scaleDownDelayTypeLocal'>,
  now: number,
): Delay | undefined {
  if (options.scaleDownDelayTypeLocal) return undefined;
  return longestDelay({ scaleUp: state.lastScaleUp, deletion: state.lastDeletion, failure: state.lastFailure }, options, now);
}

/** The delay of type local of one group: its nodes are not even candidates, so that their unneeded times start anew (§27.5). */
export function localDelay(
  times: GroupTimes | undefined,
  options: DelayOptions & Pick<ScaleDownOptions, 'scaleDownDelayTypeLocal'>,
  now: number,
): Delay | undefined {
  if (!options.scaleDownDelayTypeLocal || times === undefined) return undefined;
  return longestDelay({ scaleUp: times.scaleUp, deletion: times.deletion, failure: times.refusal }, options, now);
}

/** The house cooldown of a group; planning goes on. */
export function groupCooldown({ options, lastScaleUp, lastScaleDown }: NodeGroup, now: number): Delay | undefined {
  const verdict = checkCooldown(options.cooldown, { lastScaleUp, lastScaleDown }, 'down', now);
  return verdict.allowed ? undefined : { until: verdict.until, after: 'the last scaling of the group (its cooldown)' };
}
