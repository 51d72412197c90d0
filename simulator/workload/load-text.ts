import { ConcertinaError } from '../../core/errors.ts';
import { Quantity, tryParseDurationMs } from '../../core/units/index.ts';
import { clip, constant, points, steps, sum } from './load-series.ts';
import type { LoadPoint, LoadSeries } from './load-series.ts';
import { batch, diurnal, flashCrowd, noise, onOff } from './load-shapes.ts';

/** Context for shapes that know the time of day. */
export interface LoadTextOptions {
  /** What time zero of the series is, in epoch milliseconds. */
  readonly origin?: number;
  /** Values are multiplied by this: 1000 to read `250m` as 250 milli-cores. Default 1. */
  readonly unit?: number;
}

/**
 * Reads a load as it stands in an annotation. Terms are added: `diurnal:mean=100,amplitude=80 + noise:stddev=5`. Numbers are quantities.
 *
 * - `100` or `constant:100`
 * - `step:0s=10,60s=100`: jumps and holds
 * - `ramp:0s=10,10m=100`: straight lines, level outside
 * - `onoff:on=100,off=10,onFor=5m,offFor=5m`
 * - `batch:value=100,base=0,every=1h,for=5m`
 * - `diurnal:mean=100,amplitude=80,peak=14h,weekend=0.5,day=24h`
 * - `flash:base=10,peak=500,at=5m,ramp=30s,hold=2m,decay=5m`
 * - `noise:stddev=5,every=10s,seed=1`
 *
 * The sum never goes below 0. Throws `POLICY_INVALID` with the term that cannot be read.
 */
export function parseLoad(text: string, options: LoadTextOptions = {}): LoadSeries {
  const terms = text.split(/\s\+\s/).map((term) => parseTerm(term.trim(), options));
  const [only] = terms;
  return clip(terms.length === 1 && only !== undefined ? only : sum(...terms), 0);
}

function parseTerm(term: string, options: LoadTextOptions): LoadSeries {
  const unit = options.unit ?? 1;
  const colon = term.indexOf(':');
  if (colon < 0) return constant(number(term, term, unit));
  const kind = term.slice(0, colon).trim();
  const body = term.slice(colon + 1);
  switch (kind) {
    case 'constant':
      return constant(number(body.trim(), term, unit));
    case 'step':
      return steps(timeline(body, term, unit));
    case 'ramp':
      return points(timeline(body, term, unit), 'linear');
    default:
      return namedShape(kind, new Fields(body, term, unit), options);
  }
}

function namedShape(kind: string, fields: Fields, options: LoadTextOptions): LoadSeries {
  switch (kind) {
    case 'onoff':
      return onOff({ on: fields.value('on'), off: fields.value('off', 0), onMs: fields.time('onFor'), offMs: fields.time('offFor') });
    case 'batch':
      return batch({
        value: fields.value('value'),
        base: fields.value('base', 0),
        everyMs: fields.time('every'),
        durationMs: fields.time('for'),
      });
    case 'diurnal':
      return diurnal({
        mean: fields.value('mean'),
        amplitude: fields.value('amplitude', 0),
        peakAt: fields.time('peak', 14 * 3_600_000),
        weekend: fields.plain('weekend', 1),
        dayMs: fields.time('day', 24 * 3_600_000),
        ...(options.origin === undefined ? {} : { origin: options.origin }),
      });
    case 'flash':
      return flashCrowd({
        base: fields.value('base', 0),
        peak: fields.value('peak'),
        at: fields.time('at', 0),
        rampMs: fields.time('ramp', 0),
        holdMs: fields.time('hold', 0),
        decayMs: fields.time('decay', 60_000),
      });
    case 'noise':
      return noise({ stddev: fields.value('stddev'), everyMs: fields.time('every', 10_000), seed: fields.plain('seed', 1) });
    default:
      throw invalid(
        fields.term,
        `${JSON.stringify(kind)} is not a kind of load: use constant, step, ramp, onoff, batch, diurnal, flash or noise`,
      );
  }
}

/** `key=value,…` of one term. */
class Fields {
  readonly term: string;
  readonly #unit: number;
  readonly #map = new Map<string, string>();

  constructor(body: string, term: string, unit: number) {
    this.term = term;
    this.#unit = unit;
    for (const pair of body.split(',')) {
      const [key = '', value] = pair.split('=');
      if (value === undefined) throw invalid(term, `${JSON.stringify(pair)} is not key=value`);
      this.#map.set(key.trim(), value.trim());
    }
  }

  value(key: string, fallback?: number): number {
    return this.#read(key, fallback, (text) => number(text, this.term, this.#unit));
  }

  plain(key: string, fallback: number): number {
    return this.#read(key, fallback, (text) => number(text, this.term, 1));
  }

  time(key: string, fallback?: number): number {
    return this.#read(key, fallback, (text) => duration(text, this.term));
  }

  #read(key: string, fallback: number | undefined, parse: (text: string) => number): number {
    const text = this.#map.get(key);
    if (text !== undefined) return parse(text);
    if (fallback === undefined) throw invalid(this.term, `${key}= is missing`);
    return fallback;
  }
}

function timeline(body: string, term: string, unit: number): LoadPoint[] {
  const list = body.split(',').map((pair) => {
    const [time = '', value] = pair.split('=');
    if (value === undefined) throw invalid(term, `${JSON.stringify(pair)} is not time=value`);
    return { at: duration(time.trim(), term), value: number(value.trim(), term, unit) };
  });
  return list.sort((left, right) => left.at - right.at);
}

function number(text: string, term: string, unit: number): number {
  const quantity = Quantity.tryParse(text);
  if (quantity === undefined) throw invalid(term, `${JSON.stringify(text)} is not a number or quantity`);
  return quantity.toNumber() * unit;
}

function duration(text: string, term: string): number {
  const value = tryParseDurationMs(text);
  if (value === undefined || value < 0) throw invalid(term, `${JSON.stringify(text)} is not a duration`);
  return value;
}

function invalid(term: string, what: string): ConcertinaError {
  return new ConcertinaError('POLICY_INVALID', `The load ${JSON.stringify(term)} cannot be read: ${what}.`, { details: { term } });
}
