/**
 * The functions of Go's math package that decide which bucket a sample falls into and what it weighs, to the last bit: histograms written by the upstream
 * recommender are continued here, and the other way round. V8's own differ from them in the last place.
 */

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

const smallestExponent = -1074;
const largestExponent = 1023;

/** Powers of two by exponent from −1074; each one exact. */
const powers = ((): Float64Array => {
  const table = new Float64Array(largestExponent - smallestExponent + 1);
  let power = 5e-324;
  for (let index = 0; index < table.length; index++, power *= 2) table[index] = power;
  return table;
})();

/** `x` × 2^`exponent`, rounded once. */
export function scaleByPower(x: number, exponent: number): number {
  if (exponent > largestExponent) return x * 2 ** largestExponent * 2 ** Math.min(exponent - largestExponent, largestExponent);
  if (exponent >= -1021) return x * powers[exponent - smallestExponent]!;
  if (exponent < -2200) return x * 0;
  return x * powers[Math.max(exponent + 53, smallestExponent) - smallestExponent]! * 2 ** -53;
}

/** 2^`exponent` for an integer; 0 below the smallest number there is. */
export function powerOfTwo(exponent: number): number {
  if (exponent < smallestExponent) return 0;
  return exponent > largestExponent ? Infinity : powers[exponent - smallestExponent]!;
}

const ln2High = 6.9314718036912381649e-1;
const ln2Low = 1.90821492927058770002e-10;

/** 2^x as `math.Exp2` has it. */
export function exp2(x: number): number {
  if (x > 1023.9999999999999) return Infinity;
  if (x < -1074) return 0;
  if (Number.isNaN(x)) return x;
  const k = x > 0 ? Math.trunc(x + 0.5) : x < 0 ? Math.trunc(x - 0.5) : 0;
  const rest = x - k;
  const high = rest * ln2High;
  const low = -rest * ln2Low;
  const r = high - low;
  const t = r * r;
  const c =
    r -
    t *
      (1.66666666666666657415e-1 +
        t *
          (-2.77777777770155933842e-3 + t * (6.61375632143793436117e-5 + t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  const y = 1 - (low - (r * c) / (2 - c) - high);
  return scaleByPower(y, k);
}

/** Natural logarithm of a positive, normal number as `math.Log` has it. */
export function log(x: number): number {
  if (!(x > 0) || x === Infinity) return Math.log(x);
  float[0] = x;
  let k = (words[1]! >>> 20) - 1022;
  words[1] = (words[1]! & 0xfffff) | (1022 << 20);
  let mantissa = float[0];
  if (mantissa < Math.SQRT2 / 2) {
    mantissa *= 2;
    k--;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const s2 = s * s;
  const s4 = s2 * s2;
  const t1 = s2 * (6.66666666666673513e-1 + s4 * (2.857142874366239149e-1 + s4 * (1.818357216161805012e-1 + s4 * 1.479819860511658591e-1)));
  const t2 = s4 * (3.999999999940941908e-1 + s4 * (2.222219843214978396e-1 + s4 * 1.531383769920937332e-1));
  const half = 0.5 * f * f;
  return k * ln2High - (half - (s * (half + (t1 + t2)) + k * ln2Low) - f);
}

/** `x` to an integer power as `math.Pow` has it: square and multiply from the lowest bit. */
export function power(x: number, exponent: number): number {
  let result = 1;
  let square = x;
  for (let rest = Math.abs(exponent); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return exponent < 0 ? 1 / result : result;
}
