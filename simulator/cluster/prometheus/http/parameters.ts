import { parseFloatText, parseDurationText } from '../promql/numbers.ts';
import { ApiError } from './api-error.ts';
import type { ApiRequest } from '../../api-server/types.ts';

/** The parameters of a request: of a form body first, then of the query, as Go's `FormValue`. */
export function parametersOf(request: ApiRequest): URLSearchParams {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  const isForm = request.method === 'POST' && type.trim().toLowerCase() === 'application/x-www-form-urlencoded';
  if (!isForm || request.body === undefined) return request.query;
  const merged = formOf(request.body.toString('utf8'));
  for (const [name, value] of request.query) merged.append(name, value);
  return merged;
}

/** As Go reads forms: a pair with a semicolon or a broken escape is left out, without a word. */
export function formOf(text: string): URLSearchParams {
  const kept = text.split('&').filter((pair) => !pair.includes(';') && !/%(?![0-9a-fA-F]{2})/.test(pair));
  return new URLSearchParams(kept.join('&'));
}

/** Go's `%q` for text that people type. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Epoch milliseconds of Go's zero of `time.Unix(math.MinInt64…)`: what NaN comes to. */
const notATimeMs = -9_223_372_036_854;

/** Epoch milliseconds of `1700000000.123` or of an RFC 3339 time. */
export function parseTime(text: string): number | undefined {
  const seconds = parseFloatText(text);
  if (seconds !== undefined) {
    if (Number.isNaN(seconds)) return notATimeMs;
    const whole = Math.trunc(seconds);
    return whole * 1000 + Math.round((seconds - whole) * 1000);
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** Milliseconds of a number of seconds or of a duration; undefined for neither. */
export function parseDuration(text: string): number | undefined {
  const seconds = parseFloatText(text);
  if (seconds !== undefined) return seconds * 1000;
  const ms = parseDurationText(text);
  return typeof ms === 'number' ? ms : undefined;
}

/** `time`, or the default when it is empty. */
export function optionalTime(parameters: URLSearchParams, name: string, fallback: number): number {
  const text = parameters.get(name) ?? '';
  if (text === '') return fallback;
  const time = parseTime(text);
  if (time === undefined) {
    throw ApiError.badParameter(name, `Invalid time value for '${name}': cannot parse ${quoted(text)} to a valid timestamp`);
  }
  return time;
}

export function requiredTime(parameters: URLSearchParams, name: string): number {
  const text = parameters.get(name) ?? '';
  const time = parseTime(text);
  if (time === undefined) throw ApiError.badParameter(name, `cannot parse ${quoted(text)} to a valid timestamp`);
  return time;
}

export function durationParameter(parameters: URLSearchParams, name: string): number {
  const text = parameters.get(name) ?? '';
  const ms = parseDuration(text);
  if (ms === undefined) throw ApiError.badParameter(name, `cannot parse ${quoted(text)} to a valid duration`);
  return ms;
}

/** Milliseconds that a query may take: `timeout`, at most what the server allows. */
export function timeoutOf(parameters: URLSearchParams, most: number): number {
  return (parameters.get('timeout') ?? '') === '' ? most : Math.min(most, durationParameter(parameters, 'timeout'));
}
