/** Beyond any float64: a longer exponent is no value, and would be a number of a million digits. */
const MAX_EXPONENT = 400;

/**
 * Thousandths of a value as Prometheus writes it (`strconv.FormatFloat`: the shortest decimal text that gives the same float64), to the nearest, halves away
 * from zero. The *text* is converted, exactly and at any size: 0.1 is 100, 1e18 is 10^21; the noise of a float's last bits (0.30000000000000004) does not
 * become a thousandth. `undefined` for NaN, infinities and what is no number.
 */
export function parseMilliText(text: string): bigint | undefined {
  const match = /^([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d{1,6}))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > MAX_EXPONENT || whole.length + fraction.length > 2 * MAX_EXPONENT) return undefined;
  const digits = BigInt(`${whole}${fraction}` || '0');
  // The value is digits × 10^shift thousandths.
  const shift = exponent - fraction.length + 3;
  const magnitude = shift >= 0 ? digits * 10n ** BigInt(shift) : roundedQuotient(digits, 10n ** BigInt(-shift));
  return sign === '-' ? -magnitude : magnitude;
}

function roundedQuotient(dividend: bigint, divisor: bigint): bigint {
  return (2n * dividend + divisor) / (2n * divisor);
}

/** A value as a float64: NaN and infinities as Prometheus writes them. `undefined` for what is no number. */
export function parseFloatText(text: string): number | undefined {
  switch (text) {
    case 'NaN':
      return Number.NaN;
    case '+Inf':
    case 'Inf':
      return Infinity;
    case '-Inf':
      return -Infinity;
    default:
      return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined;
  }
}

/** Epoch milliseconds of a timestamp in unix seconds; `undefined` for what is none. */
export function parseTimestamp(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 8.64e12 ? Math.round(value * 1000) : undefined;
}
