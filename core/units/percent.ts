import { ConcertinaError } from '../errors.ts';

/** A share in whole percent, as policies and budgets write it. */
export class Percent {
  /** 50 for 50 %. */
  readonly value: number;

  private constructor(value: number) {
    this.value = value;
  }

  /** Whole, not negative. Throws `PERCENT_INVALID`. */
  static of(value: number): Percent {
    if (!Number.isSafeInteger(value) || value < 0) throw invalidPercent(value);
    return new Percent(value);
  }

  /** Reads `50%`. Throws `PERCENT_INVALID`. */
  static parse(text: string): Percent {
    const percent = Percent.tryParse(text);
    if (percent === undefined) throw invalidPercent(text);
    return percent;
  }

  static tryParse(text: string): Percent | undefined {
    const match = /^([0-9]{1,9})%$/.exec(text);
    return match?.[1] === undefined ? undefined : new Percent(Number(match[1]));
  }

  /** This share of a whole number, in integers: no double comes near 0.07 · 100. */
  of(total: number, rounding: 'up' | 'down'): number {
    const product = BigInt(this.value) * BigInt(total);
    const quotient = product / 100n;
    return Number(rounding === 'up' && product % 100n > 0n ? quotient + 1n : quotient);
  }

  toString(): string {
    return `${this.value}%`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A Kubernetes IntOrString that stands for a count or a share (`maxUnavailable: 1`, `minAvailable: 50%`). */
export type CountOrPercent = number | Percent;

/** Reads an IntOrString: a whole number or `50%`. Throws `PERCENT_INVALID`. */
export function parseCountOrPercent(value: number | string): CountOrPercent {
  if (typeof value === 'string') return Percent.parse(value);
  if (!Number.isSafeInteger(value) || value < 0) throw invalidPercent(value);
  return value;
}

/** The count that is meant for a total, as apimachinery's `GetScaledValueFromIntOrPercent`. Disruption budgets round up, both ways. */
export function resolveCount(value: CountOrPercent, total: number, rounding: 'up' | 'down'): number {
  return typeof value === 'number' ? value : value.of(total, rounding);
}

/**
 * `part / whole` in whole percent, cut towards zero as upstream's utilisation (55.9 % is 55). `undefined` when the whole is zero.
 * In bigint, because milli-bytes times 100 pass 2^53 at 90 GB.
 */
export function truncatedPercent(part: bigint, whole: bigint): number | undefined {
  return whole === 0n ? undefined : Number((part * 100n) / whole);
}

function invalidPercent(value: unknown): ConcertinaError {
  return new ConcertinaError(
    'PERCENT_INVALID',
    `${JSON.stringify(value)} is not a count or a percentage: write a whole number like 1, or a share like "50%".`,
    {
      details: { value },
    },
  );
}
