import type { Clock, Timer } from '../../core/model/clock.ts';
import type { Absence } from './held-view.ts';

/** An aggregator that answers but makes no new view for so many intervals stands still. */
const stillIntervals = 3;
/** One failed request between two that succeed is no absence: a pod of the aggregator that is replaced, say. Milliseconds. */
const blipMs = 5_000;

export interface AbsenceWatchOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly pollIntervalMs: number;
  /** Called when the aggregator counts as absent, and every interval while it does. */
  readonly onAbsent: (absence: Absence) => void;
  /** Called when it is there again although nothing new has come. */
  readonly onPresent: () => void;
}

/** Judges whether the aggregator is away: it does not answer, knows nothing, or makes no new views. */
export interface AbsenceWatch {
  /** A request failed. */
  failed(problem: string): void;
  /** A request was answered. */
  reached(): void;
  /** A view came that knows nothing: the aggregator has just begun. */
  blank(): void;
  /** A new view came, which was made so long ago. Answers whether that is all right; otherwise `onAbsent` was called. */
  news(ageMs: number): boolean;
  start(): void;
  stop(): void;
}

/** An instant by both clocks: what is waited for, and what is told. */
interface Since {
  readonly monotonic: number;
  readonly wall: number;
}

/** What makes the aggregator absent, and from when on by the monotonic clock. */
interface Trouble extends Absence {
  readonly from: number;
}

export function createAbsenceWatch({ url, clock, pollIntervalMs, onAbsent, onPresent }: AbsenceWatchOptions): AbsenceWatch {
  let failing: (Since & { readonly problem: string }) | undefined;
  let blankSince: Since | undefined;
  let contactAt = clock.monotonic();
  let newsAt = contactAt;
  let absentSince: number | undefined;
  let timer: Timer | undefined;
  let running = false;
  const now = (): Since => ({ monotonic: clock.monotonic(), wall: clock.now() });

  const troubles = (): readonly Trouble[] => {
    const still = clock.monotonic() - newsAt;
    const found: Trouble[] = [
      {
        from: newsAt + stillIntervals * pollIntervalMs,
        since: clock.now() - still,
        problem: `the metrics aggregator at ${url} has made no new view for ${Math.round(still / 1000)} s: see its log`,
      },
    ];
    if (blankSince !== undefined) {
      const problem = `the metrics aggregator at ${url} has restarted and knows nothing yet`;
      found.unshift({ from: blankSince.monotonic + pollIntervalMs, since: blankSince.wall, problem });
    }
    if (failing !== undefined) {
      const from = Math.max(failing.monotonic + Math.min(blipMs, pollIntervalMs / 3), contactAt + pollIntervalMs);
      found.unshift({ from, since: failing.wall, problem: failing.problem });
    }
    return found;
  };

  const setTimer = (): void => {
    timer?.cancel();
    if (!running) return;
    const due = absentSince === undefined ? Math.min(...troubles().map(({ from }) => from)) - clock.monotonic() : pollIntervalMs;
    timer = clock.setTimeout(look, due);
  };

  const look = (): void => {
    const trouble = troubles().find(({ from }) => from <= clock.monotonic());
    if (trouble !== undefined) {
      absentSince ??= trouble.since;
      onAbsent({ since: absentSince, problem: trouble.problem });
    } else if (absentSince !== undefined) {
      absentSince = undefined;
      onPresent();
    }
    setTimer();
  };

  return {
    failed: (problem) => {
      failing = { ...(failing ?? now()), problem };
      // While it is absent the next look is due already; a failure must not put it off.
      if (absentSince === undefined) setTimer();
    },
    reached: () => {
      failing = undefined;
      contactAt = clock.monotonic();
    },
    blank: () => {
      blankSince ??= now();
      if (absentSince === undefined) setTimer();
    },
    news: (ageMs) => {
      newsAt = clock.monotonic() - ageMs;
      blankSince = undefined;
      const good = ageMs < stillIntervals * pollIntervalMs;
      if (good) {
        absentSince = undefined;
        setTimer();
      } else look();
      return good;
    },
    start: () => {
      running = true;
      failing = undefined;
      blankSince = undefined;
      contactAt = newsAt = clock.monotonic();
      setTimer();
    },
    stop: () => {
      running = false;
      timer?.cancel();
    },
  };
}
