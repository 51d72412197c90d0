/** No server may silence a source for longer, whatever it asks for. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Milliseconds of a Retry-After header (RFC 9110 §10.2.3: seconds, or a date), at most an hour; `undefined` for none and for nonsense. */
export function retryAfterMs(value: string, now: number): number | undefined {
  const text = value.trim();
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  if (!/^[A-Z][a-z]{2,8},/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), MAX_RETRY_AFTER_MS);
}
