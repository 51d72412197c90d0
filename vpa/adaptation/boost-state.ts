import type { SizingPolicy } from '../model.ts';
import { boostOf, boostPrefix, parseOriginalResources, type OriginalResources } from './startup-boost.ts';

/** The start-up boosts of a pod. */
export interface BoostState {
  /** Containers that are still boosted. */
  readonly active: ReadonlySet<string>;
  /** Containers whose boost is over and is to be taken back, with what they asked for before; `undefined`: the annotation does not say. */
  readonly expired: ReadonlyMap<string, OriginalResources | undefined>;
}

export const noBoosts: BoostState = { active: new Set(), expired: new Map() };

export interface BoostedPodFacts {
  readonly annotations: Readonly<Record<string, string>>;
  /** The pod is Ready. */
  readonly ready: boolean;
  /** Epoch milliseconds. */
  readonly readySince: number | undefined;
}

/**
 * Which boosts are over at `now`, epoch milliseconds (spec 5.7): the pod is Ready, and has been for longer than the boost lasts. A boost whose policy is gone
 * lasts no longer than that.
 */
export function boostState(pod: BoostedPodFacts, policy: Pick<SizingPolicy, 'containers' | 'startupBoost'>, now: number): BoostState {
  const keys = Object.keys(pod.annotations).filter((key) => key.startsWith(boostPrefix));
  if (keys.length === 0) return noBoosts;
  const active = new Set<string>();
  const expired = new Map<string, OriginalResources | undefined>();
  for (const key of keys) {
    const container = key.slice(boostPrefix.length);
    const duration = boostOf(policy, container)?.durationMs ?? 0;
    if (isOver(pod, duration, now)) expired.set(container, parseOriginalResources(pod.annotations[key]));
    else active.add(container);
  }
  return { active, expired };
}

function isOver({ ready, readySince }: BoostedPodFacts, durationMs: number, now: number): boolean {
  if (!ready) return false;
  return durationMs <= 0 || (readySince !== undefined && now - readySince > durationMs);
}
