import { formatTime } from '../../core/model/condition.ts';
import { formatMilli, humanDuration, Quantity } from '../../core/units/index.ts';
import type { Milli } from './model.ts';

/** `1 replica`, `2 replicas`. */
export function replicasText(count: number): string {
  return `${count} ${count === 1 ? 'replica' : 'replicas'}`;
}

/** A time of day in UTC, `12:03:20`; rounded up to the second, because what is due then is not due before. */
export function clockText(epochMs: number): string {
  return formatTime(Math.ceil(epochMs / 1000) * 1000).slice(11, 19);
}

export function durationText(ms: number): string {
  return humanDuration(ms);
}

/** A usage for a person, in the unit of the resource; custom metrics as a plain quantity. */
export function usageText(resource: string, milli: Milli): string {
  if (resource === '') return Quantity.ofMilli(milli).toString();
  return formatMilli(resource, Number(milli));
}

/** A quantity as status shows it: memory in binary units where that loses nothing, everything else decimal. */
export function statusQuantity(resource: string, milli: Milli): string {
  return Quantity.ofMilli(milli, resource === 'memory' ? 'BinarySI' : 'DecimalSI').toString();
}

/** A ratio or band with at most three decimals. */
export function ratioText(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

/** The first `limit` names in the order of the alphabet, then how many more: the order in which pods are listed must not show. */
export function namesText(names: readonly string[], limit = 3): string {
  const first: string[] = [];
  for (const name of names) {
    const last = first.at(-1);
    if (first.length === limit && last !== undefined && name >= last) continue;
    const at = first.findIndex((held) => name < held);
    first.splice(at < 0 ? first.length : at, 0, name);
    if (first.length > limit) first.pop();
  }
  const shown = first.join(', ');
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}

/** The first letter as a capital. */
export function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
