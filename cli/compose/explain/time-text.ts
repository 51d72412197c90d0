import { humanDuration } from '../../../core/units/index.ts';

/** RFC 3339 with milliseconds, for machines; null for no time, and for one that no calendar holds. */
export function isoTime(epochMs: number | undefined): string | null {
  if (epochMs === undefined || !Number.isFinite(epochMs) || Math.abs(epochMs) > 8.64e15) return null;
  return new Date(epochMs).toISOString();
}

/** A length of time in seconds with one decimal; null for none. */
export function seconds(ms: number | undefined): number | null {
  return ms === undefined || !Number.isFinite(ms) ? null : Math.round(ms / 100) / 10;
}

/** Whole seconds until then, rounded up, never negative; null when it has no end. */
export function remainingSeconds(until: number | undefined, now: number): number | null {
  return until === undefined ? null : Math.max(0, Math.ceil((until - now) / 1000));
}

/** `2m 10s left`, rounded up to the second; `over` when it is. */
export function leftText(until: number, now: number): string {
  const left = Math.ceil((until - now) / 1000) * 1000;
  return left <= 0 ? 'over' : `${humanDuration(left)} left`;
}

/** `10s`, never negative. */
export function ageText(ms: number): string {
  return humanDuration(Math.max(0, Math.round(ms / 1000) * 1000));
}
