import { tryParseMilli } from '../units/milli.ts';

/** Amounts by resource name in thousandths (milli-cores, milli-bytes, thousandths of a device), integers, rounded up. */
export type ResourceList = Readonly<Record<string, number>>;

/** The list without resources. */
export const noResources: ResourceList = Object.freeze({});

/**
 * Reads a resource map of an object. A value that is not a quantity (the API server stores none) is left out: it reads as a missing
 * request, which holds a decision, never as zero.
 */
export function projectResources(raw: Readonly<Record<string, unknown>> | null | undefined): ResourceList {
  if (raw === undefined || raw === null) return noResources;
  const resources: Record<string, number> = {};
  let count = 0;
  for (const name of Object.keys(raw)) {
    const milli = tryParseMilli(raw[name]);
    if (milli === undefined) continue;
    resources[name] = milli;
    count += 1;
  }
  return count === 0 ? noResources : Object.freeze(resources);
}

/** The sum by resource. */
export function addResources(a: ResourceList, b: ResourceList): ResourceList {
  const sum: Record<string, number> = { ...a };
  for (const [name, milli] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + milli;
  return sum;
}

/** The larger by resource. */
export function maxResources(a: ResourceList, b: ResourceList): ResourceList {
  const largest: Record<string, number> = { ...a };
  for (const [name, milli] of Object.entries(b)) largest[name] = Math.max(largest[name] ?? 0, milli);
  return largest;
}

/** The first resource that does not fit into what is free, or `undefined` when all fit. What is asked for as 0 always fits. */
export function firstMisfit(requests: ResourceList, free: ResourceList): string | undefined {
  for (const name of Object.keys(requests)) {
    const wanted = requests[name] ?? 0;
    if (wanted > 0 && wanted > (free[name] ?? 0)) return name;
  }
  return undefined;
}
