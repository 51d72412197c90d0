import { largestAmount, scaleAmount } from './amounts.ts';

export interface LimitQuestion {
  readonly resource: string;
  readonly originalLimit: number | undefined;
  readonly originalRequest: number | undefined;
  readonly request: number | undefined;
  /** Of the LimitRange, for a container without a limit. */
  readonly defaultLimit?: number | undefined;
}

export interface ProportionalLimit {
  /** `undefined`: no limit is set. */
  readonly limit: number | undefined;
  /** Why there is none, or why it is not proportional; upstream's words. */
  readonly note?: string;
}

/** The limit that keeps the proportion of limit to request for another request (spec 4.6). */
export function proportionalLimit({ resource, originalLimit, originalRequest, request, defaultLimit }: LimitQuestion): ProportionalLimit {
  const limit = originalLimit || defaultLimit || 0;
  if (limit === 0) return { limit: undefined, note: `${resource}: limit NOT set since originalLimit is nil or 0` };
  if (request === undefined || request === 0) {
    return { limit: undefined, note: `${resource}: limit NOT set since recommendedRequest is nil or 0` };
  }
  const base = originalRequest ?? 0;
  if (base === 0 || base === limit) return { limit: request };
  const scaled = scaleAmount(limit, request, base);
  if (scaled < largestAmount) return { limit: scaled };
  return { limit: largestAmount, note: `${resource}: failed to keep limit to request ratio; capping limit to int64` };
}

export interface BoundaryQuestion {
  readonly originalRequest: number | undefined;
  readonly originalLimit: number | undefined;
  /** Of the LimitRange, for the limit. */
  readonly boundary: number | undefined;
  readonly defaultLimit: number | undefined;
}

/** The request whose proportional limit is the boundary; 0: there is no bound (spec 4.4). */
export function boundaryRequest({ originalRequest, originalLimit, boundary, defaultLimit }: BoundaryQuestion): number {
  const limit = originalLimit || defaultLimit || 0;
  if (limit === 0) return 0;
  if (originalRequest === undefined || originalRequest === 0) return boundary ?? 0;
  return scaleAmount(originalRequest, boundary ?? 0, limit);
}
