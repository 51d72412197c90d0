import { formatTime } from '../../../core/model/condition.ts';
import { humanDuration } from '../../../core/units/index.ts';

/** A time of day in UTC, `12:03:20`; rounded up to the second, because what is due then is not due before. */
export function clockText(epochMs: number): string {
  return formatTime(Math.ceil(epochMs / 1000) * 1000).slice(11, 19);
}

export function durationText(ms: number): string {
  return humanDuration(ms);
}

/** The first letter as a capital. */
export function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** `1 pod`, `2 pods`. */
export function podsText(count: number): string {
  return `${count} ${count === 1 ? 'pod' : 'pods'}`;
}
