import type { Doubt } from '../../core/model/sample.ts';

/** How the newest sample of a source moves on. */
export interface HeartbeatState {
  /** Time of the newest sample at the last look, epoch milliseconds. */
  readonly newest: number | undefined;
  /** The greatest step from one newest sample to the next, milliseconds; it fades slowly, so that one long gap is not normal for ever. */
  readonly usualMs: number;
  /** Steps that were seen. */
  readonly steps: number;
}

export const noHeartbeat: HeartbeatState = { newest: undefined, usualMs: 0, steps: 0 };

/** What is normal before enough was seen: a scrape a minute, and one that failed. */
const firstMs = 90_000;
/** Before so many steps nothing is known of the interval. */
const enoughSteps = 3;
/** A single late scrape is nothing. */
const leastMs = 20_000;
const fade = 0.98;
/** After an outage the first step is as long as the outage, and not what is usual. */
const longestStepMs = 300_000;

/**
 * Whether a Prometheus still takes in new samples. Its answers cannot tell: an instant vector bears the time of the question, and a rate falls while its window
 * runs empty, which looks like a falling load. `newest` is the time of the newest sample of all, epoch milliseconds; `undefined` when that is not known.
 */
export function judgeHeartbeat(
  state: HeartbeatState,
  newest: number | undefined,
  { name, now }: { readonly name: string; readonly now: number },
): { readonly state: HeartbeatState; readonly doubt: Doubt | undefined } {
  if (newest === undefined) return { state, doubt: undefined };
  const next = moved(state, newest);
  const age = Math.max(0, now - newest);
  // Steps, not ages: the age of a source that has stopped grows little by little and would make itself normal.
  const most = next.steps < enoughSteps ? firstMs : Math.max(leastMs, 2 * next.usualMs);
  if (age <= most) return { state: next, doubt: undefined };
  const detail = `${name} takes in no samples: its newest sample of all is ${Math.round(age / 1000)} s old; check its scrapes`;
  return { state: next, doubt: { reason: 'stale', detail, since: newest } };
}

function moved(state: HeartbeatState, newest: number): HeartbeatState {
  if (state.newest === undefined) return { ...state, newest };
  const step = newest - state.newest;
  if (step <= 0) return { ...state, newest };
  return { newest, usualMs: Math.max(Math.min(step, longestStepMs), state.usualMs * fade), steps: state.steps + 1 };
}
