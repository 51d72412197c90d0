import type { Recommendation } from './model.ts';

export interface Stabilized {
  readonly replicas: number;
  /** The list with the unstabilised wish recorded, in stored order. */
  readonly recommendations: readonly Recommendation[];
  /** The recommendation that decided instead of the wish. */
  readonly winner: Recommendation | undefined;
  /** Window that the winner stands in, milliseconds. */
  readonly windowMs: number;
}

/** Without behavior (§7.1): the highest wish of the window wins, also when growing. An entry exactly as old as the window still counts. */
export function stabilize(
  recommendations: readonly Recommendation[],
  wish: number,
  options: { readonly windowMs: number; readonly now: number },
): Stabilized {
  const cutoff = options.now - options.windowMs;
  let replicas = wish;
  let winner: Recommendation | undefined;
  let reusable: number | undefined;
  for (const [index, each] of recommendations.entries()) {
    if (each.at < cutoff) reusable = index;
    else if (each.replicas > replicas || (winner !== undefined && holdsLonger(each, winner))) {
      replicas = each.replicas;
      winner = each;
    }
  }
  return {
    replicas,
    winner,
    windowMs: options.windowMs,
    recommendations: record(recommendations, { replicas: wish, at: options.now }, reusable),
  };
}

/**
 * With behavior (§7.2): the size moves from `current` only as far as every recent wish of the direction's window agrees.
 * An entry exactly as old as a window neither counts nor is reused.
 */
export function stabilizeWithBehavior(
  recommendations: readonly Recommendation[],
  { current, wish }: { readonly current: number; readonly wish: number },
  options: { readonly upMs: number; readonly downMs: number; readonly now: number },
): Stabilized {
  const upCutoff = options.now - options.upMs;
  const downCutoff = options.now - options.downMs;
  let up: Recommendation = { replicas: wish, at: options.now };
  let down: Recommendation = up;
  let reusable: number | undefined;
  for (const [index, each] of recommendations.entries()) {
    if (each.at > upCutoff && (each.replicas < up.replicas || holdsLonger(each, up))) up = each;
    if (each.at > downCutoff && (each.replicas > down.replicas || holdsLonger(each, down))) down = each;
    if (each.at < upCutoff && each.at < downCutoff) reusable = index;
  }
  const replicas = Math.min(Math.max(current, up.replicas), down.replicas);
  const growing = wish >= current;
  const decisive = growing ? up : down;
  return {
    replicas,
    winner: replicas !== wish && decisive.at !== options.now ? decisive : undefined,
    windowMs: growing ? options.upMs : options.downMs,
    recommendations: record(recommendations, { replicas: wish, at: options.now }, reusable),
  };
}

/** Of equal wishes the newest is the last to leave the window. */
function holdsLonger(one: Recommendation, other: Recommendation): boolean {
  return one.replicas === other.replicas && one.at > other.at;
}

function record(list: readonly Recommendation[], entry: Recommendation, reusable: number | undefined): readonly Recommendation[] {
  if (reusable === undefined) return [...list, entry];
  return list.map((each, index) => (index === reusable ? entry : each));
}
