import { ConcertinaError } from '../errors.ts';

/** Go keeps durations as int64 nanoseconds; what does not fit there is not a duration (292 years). */
const maximumMs = (2 ** 63 - 1) / 1e6;

/** Milliseconds of a unit as a fraction, so that every part is rounded once. */
const units: Readonly<Record<string, readonly [multiplier: number, divisor: number]>> = {
  ns: [1, 1e6],
  us: [1, 1e3],
  µs: [1, 1e3],
  μs: [1, 1e3],
  ms: [1, 1],
  s: [1000, 1],
  m: [60_000, 1],
  h: [3_600_000, 1],
};

/**
 * Milliseconds of a duration: Go text (`1h2m3.5s`, `500ms`, `-1m0s`) or a plain number of seconds, as number or text (`90`). Fractions of a
 * millisecond are kept down to the nanosecond. Throws `DURATION_INVALID`.
 */
export function parseDurationMs(value: string | number): number {
  const milliseconds = tryParseDurationMs(value);
  if (milliseconds === undefined) {
    const shown = typeof value === 'string' ? JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value) : String(value);
    throw new ConcertinaError(
      'DURATION_INVALID',
      `${shown} is not a duration: write a Go duration like 90s, 5m or 1h30m, or a number of seconds.`,
      {
        details: { value },
      },
    );
  }
  return milliseconds;
}

/** As {@link parseDurationMs}; `undefined` for what is not a duration, of whatever type. */
export function tryParseDurationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return bounded(value * 1000);
  if (typeof value !== 'string' || value === '') return undefined;
  const first = value.charCodeAt(0);
  const signed = first === 43 || first === 45;
  const magnitude = unsigned(signed ? value.slice(1) : value);
  if (magnitude === undefined) return undefined;
  return bounded(first === 45 && magnitude !== 0 ? -magnitude : magnitude);
}

const part = /([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)/y;
const plainNumber = /^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$/;

function unsigned(text: string): number | undefined {
  if (plainNumber.test(text)) return Number(text) * 1000;
  let total = 0;
  part.lastIndex = 0;
  while (part.lastIndex < text.length || text === '') {
    const match = part.exec(text);
    if (match === null) return undefined;
    const [, whole = '', fraction = '', unit = ''] = match;
    const scale = units[unit];
    if (whole + fraction === '' || scale === undefined) return undefined;
    total += (Number(whole + fraction) * scale[0]) / (scale[1] * 10 ** fraction.length);
  }
  // Parts that are no whole milliseconds: cut the noise of binary fractions below a nanosecond.
  return Number.isInteger(total) || total > 1e9 ? total : Math.round(total * 1e6) / 1e6;
}

function bounded(milliseconds: number): number | undefined {
  return Math.abs(milliseconds) <= maximumMs ? milliseconds : undefined;
}

/** The duration as Go prints it: `1m30s`, `1h0m0s`, `1.5s`, `500ms`, `0s`. */
export function formatDuration(milliseconds: number): string {
  const magnitude = Math.abs(milliseconds);
  // Whole milliseconds and nanoseconds apart: together they pass 2^53 after 104 days.
  const whole = Math.floor(magnitude);
  const nanoseconds = Math.round((magnitude - whole) * 1e6);
  const sign = milliseconds < 0 ? '-' : '';
  if (whole === 0 && nanoseconds === 0) return '0s';
  if (whole === 0 && nanoseconds < 1e3) return `${sign}${nanoseconds}ns`;
  if (whole === 0) return `${sign}${decimal(nanoseconds, 1e3)}µs`;
  if (whole < 1000) return `${sign}${decimal(whole * 1e6 + nanoseconds, 1e6)}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = decimal((whole % 60_000) * 1e6 + nanoseconds, 1e9);
  if (minutes === 0) return `${sign}${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${hours}h${minutes % 60}m${seconds}s`;
}

/** `value / divisor` in decimal digits without trailing zeros; the divisor is a power of ten. */
function decimal(value: number, divisor: number): string {
  const whole = Math.floor(value / divisor);
  const rest = value % divisor;
  if (rest === 0) return String(whole);
  const places = Math.round(Math.log10(divisor));
  return `${whole}.${String(Math.round(rest)).padStart(places, '0').replace(/0+$/, '')}`;
}

const humanUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** The duration for a person, its two largest units: `3m`, `4m 20s`, `2h 5m`, `850ms`. What is smaller is cut. */
export function humanDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? '-' : '';
  const magnitude = Math.abs(milliseconds);
  const first = humanUnits.findIndex(([, size]) => magnitude >= size);
  const large = humanUnits[first];
  if (large === undefined) return magnitude === 0 ? '0s' : `${sign}${Math.max(1, Math.floor(magnitude))}ms`;
  const count = Math.floor(magnitude / large[1]);
  const small = humanUnits[first + 1];
  const rest = small === undefined ? 0 : Math.floor((magnitude % large[1]) / small[1]);
  return `${sign}${count}${large[0]}${small === undefined || rest === 0 ? '' : ` ${rest}${small[0]}`}`;
}

/** A length of time as a value object, for code that would otherwise pass milliseconds and seconds side by side. */
export class Duration {
  readonly ms: number;

  private constructor(ms: number) {
    this.ms = ms;
  }

  static parse(value: string | number): Duration {
    return new Duration(parseDurationMs(value));
  }

  static ofMs(ms: number): Duration {
    return new Duration(ms);
  }

  static ofSeconds(seconds: number): Duration {
    return new Duration(seconds * 1000);
  }

  get seconds(): number {
    return this.ms / 1000;
  }

  equals(other: Duration): boolean {
    return this.ms === other.ms;
  }

  /** Go text. */
  toString(): string {
    return formatDuration(this.ms);
  }

  toJSON(): string {
    return this.toString();
  }
}
