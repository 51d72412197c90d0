import type { Clock, Random } from '../../core/model/clock.ts';
import type { ScaleAnswer, ScaleSubject } from './scale-lookup.ts';

export interface ScaleCacheOptions {
  readonly look: (subject: ScaleSubject) => Promise<ScaleAnswer>;
  readonly clock: Clock;
  readonly random: Random;
  /** Called when a look-up has ended. */
  readonly onLooked: () => void;
  /** Answers that are held; the longest unused go first. Default 10 000. */
  readonly maxEntries?: number | undefined;
}

/**
 * Answers of look-ups, asked for behind: what is known is answered at once and renewed when it is old (fixed quirk Q7: upstream's updater and webhook keep the
 * first answer for ever, also an error).
 */
export interface ScaleCache {
  /** `undefined`: not known yet, or failed so seldom that it may pass: it is being looked up. */
  get(subject: ScaleSubject): ScaleAnswer | undefined;
  /** The same without asking for anything. */
  peek(subject: ScaleSubject): ScaleAnswer | undefined;
  readonly size: number;
  close(): void;
}

interface Entry {
  readonly subject: ScaleSubject;
  answer: ScaleAnswer | undefined;
  /** When the answer came, and when it is to be renewed. Clock's monotonic milliseconds. */
  at: number;
  renewAt: number;
  usedAt: number;
  /** Look-ups in a row that did not find a scale. */
  misses: number;
  looking: boolean;
}

/** As upstream's recommender: an answer is good for 10 minutes, dropped after an hour without use. */
const goodMs = 600_000;
const unusedMs = 3_600_000;
/** What failed or was not there is asked again after a minute, later each time. */
const firstRetryMs = 60_000;
/** A scale that was good stands in for failures for so long. */
const standInMs = 3_600_000;
const parallel = 8;
/** A failure that may pass is said aloud when it came so often in a row. */
const failuresUntilSaid = 2;

export function createScaleCache(options: ScaleCacheOptions): ScaleCache {
  const { look, clock, random, onLooked, maxEntries = 10_000 } = options;
  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  const waiting = new Set<Entry>();
  let running = 0;
  let closed = false;

  /** Three quarters to five quarters, so that what was asked together is not renewed together. */
  const jittered = (ms: number): number => ms * (0.75 + random() / 2);

  const settle = (entry: Entry, answer: ScaleAnswer): void => {
    const now = clock.monotonic();
    entry.looking = false;
    if (answer.state === 'scalable') {
      entry.misses = 0;
      entry.renewAt = now + jittered(goodMs);
    } else {
      entry.misses += 1;
      entry.renewAt = now + jittered(Math.min(goodMs, firstRetryMs * 2 ** Math.min(entry.misses - 1, 10)));
    }
    const passing = answer.state === 'failed' && entry.answer !== undefined && entry.answer.state !== 'failed';
    if (passing && now - entry.at < standInMs) return;
    entry.answer = answer;
    entry.at = now;
  };

  const pump = (): void => {
    for (const entry of waiting) {
      if (running >= parallel || closed) return;
      waiting.delete(entry);
      running += 1;
      void look(entry.subject).then((answer) => {
        running -= 1;
        settle(entry, answer);
        if (closed) return;
        onLooked();
        pump();
      });
    }
  };

  const ask = (entry: Entry): void => {
    entry.looking = true;
    waiting.add(entry);
    pump();
  };

  const trim = (now: number): void => {
    for (const [key, entry] of entries) {
      if (entries.size <= maxEntries && now - entry.usedAt < unusedMs) return;
      entries.delete(key);
      waiting.delete(entry);
    }
  };

  const shownAnswer = ({ answer, misses }: Entry): ScaleAnswer | undefined =>
    answer?.state === 'failed' && !answer.lasting && misses < failuresUntilSaid ? undefined : answer;

  return {
    get: (subject) => {
      const key = keyOf(subject);
      const now = clock.monotonic();
      let entry = entries.get(key);
      if (entry === undefined) entry = { subject, answer: undefined, at: now, renewAt: now, usedAt: now, misses: 0, looking: false };
      else entries.delete(key);
      entry.usedAt = now;
      entries.set(key, entry);
      trim(now);
      if (!entry.looking && now >= entry.renewAt && !closed) ask(entry);
      return shownAnswer(entry);
    },
    peek: (subject) => {
      const entry = entries.get(keyOf(subject));
      return entry === undefined ? undefined : shownAnswer(entry);
    },
    get size() {
      return entries.size;
    },
    close: () => {
      closed = true;
      waiting.clear();
      entries.clear();
    },
  };
}

/** Of the apiVersion only the group counts. */
export function keyOf({ apiVersion, kind, namespace, name }: ScaleSubject): string {
  const slash = apiVersion.indexOf('/');
  return `${slash === -1 ? '' : apiVersion.slice(0, slash)}\n${kind}\n${namespace}\n${name}`;
}
