/** A sum that keeps what rounding loses (Neumaier), as Prometheus' `…_over_time` functions do. */
export class CompensatedSum {
  #sum = 0;
  #lost = 0;

  add(increment: number): void {
    const sum = this.#sum + increment;
    if (Math.abs(this.#sum) >= Math.abs(increment)) this.#lost += this.#sum - sum + increment;
    else this.#lost += increment - sum + this.#sum;
    this.#sum = sum;
  }

  get sum(): number {
    return this.#sum;
  }

  get value(): number {
    // Infinities leave a NaN behind in what was lost.
    return Number.isFinite(this.#sum) ? this.#sum + this.#lost : this.#sum;
  }
}

/** The φ-quantile by linear interpolation between the two nearest ranks; NaN counts as the smallest value. */
export function quantileOf(quantile: number, values: readonly number[]): number {
  if (values.length === 0 || Number.isNaN(quantile)) return Number.NaN;
  if (quantile < 0) return Number.NEGATIVE_INFINITY;
  if (quantile > 1) return Number.POSITIVE_INFINITY;
  const sorted = values.toSorted((left, right) =>
    Number.isNaN(left) ? (Number.isNaN(right) ? 0 : -1) : Number.isNaN(right) ? 1 : left - right,
  );
  const rank = quantile * (sorted.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return (sorted[lower] ?? Number.NaN) * (1 - weight) + (sorted[upper] ?? Number.NaN) * weight;
}

/** Go's `math.Pow`, which differs from JavaScript's for a base of one. */
export function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

/** Go's `math.Max`: positive infinity beats NaN. */
export function larger(left: number, right: number): number {
  return left === Number.POSITIVE_INFINITY || right === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : Math.max(left, right);
}

/** Go's `math.Min`: negative infinity beats NaN. */
export function smaller(left: number, right: number): number {
  return left === Number.NEGATIVE_INFINITY || right === Number.NEGATIVE_INFINITY ? Number.NEGATIVE_INFINITY : Math.min(left, right);
}

export function calculate(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return power(left, right);
    case 'atan2':
      return Math.atan2(left, right);
    default:
      throw new RangeError(`no arithmetic operator: ${operator}`);
  }
}

export function compares(operator: string, left: number, right: number): boolean {
  switch (operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    default:
      throw new RangeError(`no comparison: ${operator}`);
  }
}
