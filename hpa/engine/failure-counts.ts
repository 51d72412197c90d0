import type { FailureCount } from './model.ts';

/** Evaluations closer together look at the same answer. */
const defaultSpacingMs = 5000;

/** A metric that failed in this evaluation. */
export interface FailedMetric {
  readonly index: number;
  /** Type and name. */
  readonly metric: string;
}

/**
 * The counts after an evaluation in which exactly these metrics failed: one more for each of them, none for those that worked. Counts stop at `limit`, and two
 * evaluations within `spacingMs` count once, because an evaluation that follows at once (a new sample of another source, an edit) has not asked again.
 */
export function countFailures(
  before: readonly FailureCount[],
  failed: readonly FailedMetric[],
  { limit, now, spacingMs = defaultSpacingMs }: { readonly limit: number; readonly now: number; readonly spacingMs?: number | undefined },
): readonly FailureCount[] {
  if (failed.length === 0) return none;
  const next = failed.map(({ index, metric }): FailureCount => {
    const known = before.find((each) => each.index === index && each.metric === metric);
    if (known === undefined) return { index, metric, failures: 1, since: now, countedAt: now };
    // A clock that went back has waited long enough, too.
    const again = known.countedAt === undefined || Math.abs(now - known.countedAt) >= spacingMs;
    if (!again) return known;
    return { ...known, failures: Math.min(known.failures + 1, Math.max(limit, 1)), since: Math.min(known.since, now), countedAt: now };
  });
  return next;
}

const none: readonly FailureCount[] = [];
