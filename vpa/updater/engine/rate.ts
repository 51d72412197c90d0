/** Of a token bucket: so many a second on average, so many at once. */
export interface UpdateRate {
  readonly qps: number;
  readonly burst: number;
}

/** The limit that the flags ask for; `undefined`: none (§9 `--eviction-rate-limit`). */
export function rateLimitOf(perSecond: number, burst: number): UpdateRate | undefined {
  return perSecond > 0 ? { qps: perSecond, burst: Math.max(1, burst) } : undefined;
}
