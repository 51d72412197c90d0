import type { Recommendation } from '../engine/index.ts';

/**
 * The recommendations of one policy in the engine's order. A list of objects of the usual window of 5 minutes would take six times as much: here an entry is one
 * number, milliseconds × 4096 + replicas, which a double holds exactly until 2039 and up to 4095 replicas. A list with an entry beyond that is wide: -1, then two
 * numbers (milliseconds, replicas) for each entry.
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

const unit = 4096;
const wideMark = -1;

export function wishListOf(recommendations: readonly Recommendation[]): WishList {
  if (recommendations.every(({ at, replicas }) => isNarrow(at, replicas)))
    return recommendations.map(({ at, replicas }) => at * unit + replicas);
  return [wideMark, ...recommendations.flatMap(({ at, replicas }) => [at, replicas])];
}

export function recommendationsOf(list: WishList): Recommendation[] {
  const wide = isWide(list);
  return Array.from({ length: countOf(list, wide) }, (_, entry) => ({
    at: atOf(list, wide, entry),
    replicas: replicasOf(list, wide, entry),
  }));
}

function isNarrow(at: number, replicas: number): boolean {
  const fits = Number.isInteger(at) && at >= 0 && Number.isInteger(replicas) && replicas >= 0 && replicas < unit;
  return fits && at * unit + replicas <= Number.MAX_SAFE_INTEGER;
}

function isWide(list: WishList): boolean {
  return list.length > 0 && list[0] === wideMark;
}

function countOf(list: WishList, wide: boolean): number {
  return wide ? (list.length - 1) >> 1 : list.length;
}

function atOf(list: WishList, wide: boolean, entry: number): number {
  return wide ? list[2 * entry + 1]! : Math.floor(list[entry]! / unit);
}

function replicasOf(list: WishList, wide: boolean, entry: number): number {
  if (wide) return list[2 * entry + 2]!;
  const both = list[entry]!;
  return both - Math.floor(both / unit) * unit;
}

/** `stabilize` of engine/stabilization.ts. */
export function stabilizeHighest(
  out: Stabilization,
  list: WishList,
  wish: number,
  { windowMs, now }: { windowMs: number; now: number },
): void {
  const wide = isWide(list);
  const count = countOf(list, wide);
  const cutoff = now - windowMs;
  let replicas = wish;
  let winnerAt = Number.NaN;
  let reusable = -1;
  for (let entry = 0; entry < count; entry++) {
    const at = atOf(list, wide, entry);
    if (at < cutoff) reusable = entry;
    else {
      const recommended = replicasOf(list, wide, entry);
      if (recommended > replicas || (recommended === replicas && at > winnerAt)) {
        replicas = recommended;
        winnerAt = at;
      }
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
  const wide = isWide(list);
  const count = countOf(list, wide);
  const upCutoff = now - upMs;
  const downCutoff = now - downMs;
  let up = wish;
  let upAt = now;
  let down = wish;
  let downAt = now;
  let reusable = -1;
  for (let entry = 0; entry < count; entry++) {
    const at = atOf(list, wide, entry);
    const replicas = replicasOf(list, wide, entry);
    if (at > upCutoff && (replicas < up || (replicas === up && at > upAt))) {
      up = replicas;
      upAt = at;
    }
    if (at > downCutoff && (replicas > down || (replicas === down && at > downAt))) {
      down = replicas;
      downAt = at;
    }
    if (at < upCutoff && at < downCutoff) reusable = entry;
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

/** Answers the list: another one when it grows, which is longer by one entry and has no room for more. */
export function recordWish(
  given: WishList,
  { reusable }: Stabilization,
  [wish, now]: readonly [number, number],
  undo: Overwritten,
): WishList {
  const list = isWide(given) || isNarrow(now, wish) ? given : widened(given);
  const wide = isWide(list);
  undo.entry = reusable;
  if (reusable < 0) return wide ? list.concat(now, wish) : list.concat(now * unit + wish);
  undo.at = atOf(list, wide, reusable);
  undo.replicas = replicasOf(list, wide, reusable);
  write(list, wide, reusable, [now, wish]);
  return list;
}

function write(list: WishList, wide: boolean, entry: number, [at, replicas]: readonly [number, number]): void {
  if (wide) {
    list[2 * entry + 1] = at;
    list[2 * entry + 2] = replicas;
  } else list[entry] = at * unit + replicas;
}

function widened(list: WishList): WishList {
  return [wideMark, ...list.flatMap((_, entry) => [atOf(list, false, entry), replicasOf(list, false, entry)])];
}

/** The list before the last {@link recordWish}. */
export function listBefore(list: WishList, { entry, at, replicas }: Overwritten): WishList {
  const wide = isWide(list);
  if (entry < 0) return list.slice(0, wide ? -2 : -1);
  const before = list.slice();
  write(before, wide, entry, [at, replicas]);
  return before;
}
