/** Upstream's arithmetic with amounts: whole milli-cores or bytes between 0 and 10^14. NaN is "unknown" and stays it. */

export const maxAmount = 1e14;

export function amountOf(value: number): number {
  if (value < 0) return 0;
  return value > maxAmount ? maxAmount : Math.trunc(value);
}

export function scaleAmount(amount: number, factor: number): number {
  return amountOf(amount * factor);
}

/** Milli-cores. */
export function cpuAmount(cores: number): number {
  return amountOf(cores * 1000);
}

/** `undefined` for a step that is none. */
export function roundUp(value: number, step: number): number | undefined {
  if (!(step > 0)) return undefined;
  const rest = value % step;
  return rest === 0 ? value : value - rest + step;
}
