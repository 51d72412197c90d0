import type { Readiness } from './readiness.ts';

/** How many nodes a group may have without anything being wrong (§4.3). */
export interface AcceptableRange {
  /** Target without what is long missing and without what was just asked for; may be negative. */
  readonly low: number;
  readonly target: number;
}

/** The thresholds below which nothing counts as unhealthy. */
export interface HealthOptions {
  readonly okTotalUnreadyCount: number;
  /** Percent. */
  readonly maxTotalUnreadyPercentage: number;
}

export function acceptableRange(target: number, readiness: Readiness, openIncrease: number): AcceptableRange {
  return { low: target - readiness.longUnregistered.length - openIncrease, target };
}

/** More than the count that is always fine, and more than the share of the whole that is. */
export function tooManyUnready(unready: number, total: number, options: HealthOptions): boolean {
  return unready > options.okTotalUnreadyCount && unready > (options.maxTotalUnreadyPercentage / 100) * total;
}

/** Whether a group is healthy; `readiness` is undefined for a group of which neither a node nor an instance is known. */
export function isGroupHealthy(range: AcceptableRange, readiness: Readiness | undefined, options: HealthOptions): boolean {
  if (readiness === undefined) return range.target === 0 || (range.low === 0 && range.target > 0);
  const serving = readiness.ready.length + readiness.suspended.length;
  const unjustified = Math.max(0, range.low - serving);
  return !tooManyUnready(unjustified, serving + readiness.unready.length + readiness.notStarted.length, options);
}

/** Nodes that the target promises and that cannot be used yet; may be negative. */
export function missingNodes(range: AcceptableRange, readiness: Readiness): number {
  const { ready, unready, suspended, longUnregistered } = readiness;
  return range.target - (ready.length + unready.length + suspended.length + longUnregistered.length);
}
