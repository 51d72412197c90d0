import type { RouteResponse } from '../../core/runtime/http-server.ts';

/** Version of the JSON that people and the dashboard read. */
export const schemaVersion = 1;

export const jsonType = 'application/json; charset=utf-8';
export const linesType = 'application/x-ndjson; charset=utf-8';

export function jsonAnswer(body: object, status = 200): RouteResponse {
  return { status, contentType: jsonType, headers: { 'cache-control': 'no-store' }, body: `${JSON.stringify(body)}\n` };
}

export interface BadRequest {
  /** Where in the request: a parameter, or a path into the body. */
  readonly path: string;
  /** What is wrong with it, and what would be right. */
  readonly reason: string;
}

export function refusal({ path, reason }: BadRequest, status = 400): RouteResponse {
  return jsonAnswer({ schemaVersion, error: path === '' ? reason : `${path}: ${reason}`, path, reason }, status);
}

/** Epoch milliseconds as RFC 3339 with milliseconds; null for none. */
export function timeText(epochMs: number | undefined): string | null {
  return epochMs === undefined || !Number.isFinite(epochMs) || Math.abs(epochMs) > 8.64e15 ? null : new Date(epochMs).toISOString();
}

/** Seconds between two instants, to the millisecond; null when one is unknown. */
export function ageSeconds(now: number, then: number | undefined): number | null {
  return then === undefined ? null : Math.round(now - then) / 1000;
}

/** A whole number of a parameter within bounds; `fallback` when it is not given. */
export function wholeParameter(
  query: URLSearchParams,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly fallback: number },
): { readonly ok: true; readonly value: number } | { readonly ok: false; readonly response: RouteResponse } {
  const text = query.get(name);
  if (text === null) return { ok: true, value: bounds.fallback };
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return { ok: true, value };
  return { ok: false, response: refusal({ path: name, reason: `write a whole number from ${bounds.min} to ${bounds.max}` }) };
}
