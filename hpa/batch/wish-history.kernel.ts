import type { Recommendation } from '../engine/index.ts';

/**
 * The recommendations of one policy in pairs (epoch milliseconds, replicas), in the engine's order. A list of objects of the usual window of 5 minutes would take
 * three times as much.
 */
export type WishList = number[];

/** Result of a stabilization; filled, so that nothing is made for a policy that stays as it is. */
export interface Stabilization {
  replicas: number;
  /** When the recommendation was made that decided instead of the wish; NaN: the wish decides. */
  winnerAt: number;
  /** Entry that the wish takes the place of, or -1. */
  reusable: number;
}

export function wishListOf(recommendations: readonly Recommendation[]): WishList {
  const list: WishList = [];
  for (const { replicas, at } of recommendations) list.push(at, replicas);
  // A list that grew by pushing has room for half as many again.
  return list.slice();
}

export function recommendationsOf(list: WishList): Recommendation[] {
  const recommendations: Recommendation[] = [];
  for (let at = 0; at < list.length; at += 2) recommendations.push({ at: list[at]!, replicas: list[at + 1]! });
  return recommendations;
}

/** `stabilize` of engine/stabilization.ts. */
export function stabilizeHighest(out: Stabilization, list: WishList, wish: number, { windowMs, now }: { windowMs: number; now: number }): void {
  const cutoff = now - windowMs;
  let replicas = wish;
  let winnerAt = Number.NaN;
  let reusable = -1;
  for (let at = 0; at < list.length; at += 2) {
    if (list[at]! < cutoff) reusable = at >> 1;
    else if (list[at + 1]! > replicas) {
      replicas = list[at + 1]!;
      winnerAt = list[at]!;
    }
  }
  out.replicas = replicas;
  out.winnerAt = winnerAt;
  out.reusable = reusable;
}

/** `stabilizeWithBehavior` of engine/stabilization.ts. */
export function stabilizeBothWays(
  out: Stabilization,
  list: WishList,
  { current, wish }: { current: number; wish: number },
  { upMs, downMs, now }: { upMs: number; downMs: number; now: number },
): void {
  const upCutoff = now - upMs;
  const downCutoff = now - downMs;
  let up = wish;
  let upAt = now;
  let down = wish;
  let downAt = now;
  let reusable = -1;
  for (let entry = 0; entry < list.length; entry += 2) {
    const at = list[entry]!;
    const replicas = list[entry + 1]!;
    if (at > upCutoff && replicas < up) {
      up = replicas;
      upAt = at;
    }
    if (at > downCutoff && replicas > down) {
      down = replicas;
      downAt = at;
    }
    if (at < upCutoff && at < downCutoff) reusable = entry >> 1;
  }
  const replicas = Math.min(Math.max(current, up), down);
  const decisiveAt = wish >= current ? upAt : downAt;
  out.replicas = replicas;
  out.winnerAt = replicas !== wish && decisiveAt !== now ? decisiveAt : Number.NaN;
  out.reusable = reusable;
}

/** What a {@link recordWish} took the place of, so that the list before can be told. */
export interface Overwritten {
  /** -1: nothing, the list has grown. */
  entry: number;
  at: number;
  replicas: number;
}

export function recordWish(list: WishList, { reusable }: Stabilization, [wish, now]: readonly [number, number], undo: Overwritten): void {
  undo.entry = reusable;
  if (reusable < 0) {
    list.push(now, wish);
    return;
  }
  undo.at = list[2 * reusable]!;
  undo.replicas = list[2 * reusable + 1]!;
  list[2 * reusable] = now;
  list[2 * reusable + 1] = wish;
}

/** The list before the last {@link recordWish}. */
export function listBefore(list: WishList, { entry, at, replicas }: Overwritten): WishList {
  if (entry < 0) return list.slice(0, -2);
  const before = list.slice();
  before[2 * entry] = at;
  before[2 * entry + 1] = replicas;
  return before;
}
