const day = 86_400_000;

/** A stretch of time that is asked for at once, and cached when it is over. Its points are at start + step, start + 2 × step, … up to and with its end. */
export interface Block {
  readonly start: number;
  /** The last point; a block that is under way ends at the last full step. */
  readonly end: number;
  readonly points: number;
  /** It will not change any more. */
  readonly closed: boolean;
}

/** All points of an import. Blocks begin where every import has them begin, so that they are found again. */
export interface HistoryGrid {
  readonly stepMs: number;
  readonly blocks: readonly Block[];
  /** Points before this one are older than what was asked for. */
  readonly from: number;
  readonly to: number;
}

/** The blocks that cover `lengthMs` before `now`, oldest first. */
export function historyGrid({
  now,
  lengthMs,
  stepMs,
}: {
  readonly now: number;
  readonly lengthMs: number;
  readonly stepMs: number;
}): HistoryGrid {
  const blockMs = stepMs * Math.max(1, Math.floor(day / stepMs));
  const to = Math.floor(now / stepMs) * stepMs;
  const from = to - lengthMs;
  const blocks: Block[] = [];
  for (let start = Math.floor(from / blockMs) * blockMs; start < to; start += blockMs) {
    const end = Math.min(to, start + blockMs);
    // Late samples (remote write, a scrape under way) get one step to arrive.
    blocks.push({ start, end, points: Math.round((end - start) / stepMs), closed: start + blockMs + stepMs <= now });
  }
  return { stepMs, blocks, from, to };
}
