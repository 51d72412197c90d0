import type { Milli } from './model.ts';

export const maxInt32 = 2_147_483_647;
export const minInt32 = -2_147_483_648;
export const maxInt64 = 9_223_372_036_854_775_807n;

/** A double as a replica count: cut toward zero, saturated at 32 bits (upstream's plain conversion is platform-dependent there). */
export function toInt32(value: number): number {
  if (Number.isNaN(value)) return 0;
  if (value >= maxInt32) return maxInt32;
  if (value <= minInt32) return minInt32;
  return Math.trunc(value) + 0;
}

/** ceil as a replica count. */
export function ceilInt32(value: number): number {
  return toInt32(Math.ceil(value));
}

/** A bigint as a 32-bit count, saturated. */
export function bigToInt32(value: bigint): number {
  return toInt32(Number(value));
}

/** A double as a 64-bit integer, rounded up and saturated; `undefined` for NaN and infinities, which stand for no value. */
export function ceilInt64(value: number): Milli | undefined {
  if (!Number.isFinite(value)) return undefined;
  const big = BigInt(Math.ceil(value));
  return big > maxInt64 ? maxInt64 : big;
}

/** The bands of one evaluation as ratios. */
export interface Tolerances {
  readonly scaleUp: number;
  readonly scaleDown: number;
}

/** `1 - down ≤ ratio ≤ 1 + up` on doubles, both ends inclusive; NaN is outside. */
export function isWithin(tolerances: Tolerances, ratio: number): boolean {
  return 1 - tolerances.scaleDown <= ratio && ratio <= 1 + tolerances.scaleUp;
}

/**
 * Sum of external series with upstream's overflow rule: a positive value that would pass 2^63-1 caps the sum there and ends it.
 */
export function sumCapped(values: readonly Milli[]): Milli {
  let total = 0n;
  for (const value of values) {
    if (value > 0n && total > maxInt64 - value) return maxInt64;
    total += value;
  }
  return total;
}
