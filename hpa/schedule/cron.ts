import { Cron } from 'croner';

/** The two times of a cron expression around an instant, epoch milliseconds. */
export interface CronInterval {
  /** The last time at or before the instant; `undefined`: none. */
  readonly last: number | undefined;
  /** The first time after it; `undefined`: none. */
  readonly next: number | undefined;
}

/**
 * Five fields of digits, names, `*`, `,`, `-` and `/`. Not `?`, which croner replaces by the present time: a schedule depends on nothing but the instant that is asked for.
 */
export const cronPattern = /^[0-9A-Za-z*,/-]+( +[0-9A-Za-z*,/-]+){4}$/;

/** IANA names as Kubernetes' CronJob takes them; offsets (`+02:00`) are none, since they know no daylight saving time. */
export const timeZonePattern = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;

/** Why a text is no cron expression or never comes; `undefined` when it can be used. */
export function cronProblem(pattern: string, timeZone: string): string | undefined {
  if (!cronPattern.test(pattern)) return 'is not a cron expression of five fields, like 0 8 * * MON-FRI';
  try {
    const cron = compile(pattern, timeZone).cron;
    return cron.nextRun(reference) === null ? 'names a day that no year has' : undefined;
  } catch (error) {
    return `is not a cron expression: ${error instanceof Error ? error.message.replace(/^Cron\w+: /, '') : String(error)}`;
  }
}

/** Any instant does: an expression of five fields has no year. */
const reference = new Date(Date.UTC(2024, 0, 1));

/** Whether the runtime knows the zone. */
export function isTimeZone(timeZone: string): boolean {
  if (!timeZonePattern.test(timeZone)) return false;
  try {
    wallClock(timeZone);
    return true;
  } catch {
    return false;
  }
}

interface Compiled {
  readonly cron: Cron;
  /** What was found last: the times do not change until the next one. A window asks around its beginning, and around that of the next one. */
  readonly known: KnownInterval[];
}

interface KnownInterval extends CronInterval {
  readonly from: number;
}

const maxKnown = 4;

/** Compiled expressions, so that a thousand policies with the same office hours cost one. A memo: what is answered depends on the arguments only. */
const compiled = new Map<string, Compiled>();
const maxCompiled = 256;

function compile(pattern: string, timeZone: string): Compiled {
  const key = `${timeZone}\n${pattern}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  // Without a function croner sets no timer. `no-wildcard`: also `30 2,14 * * *` runs once a day in a repeated hour, and after a missing one.
  const cron = new Cron(pattern, { mode: '5-part', timezone: timeZone, fixedTimeRule: 'no-wildcard' });
  if (compiled.size >= maxCompiled) for (const oldest of compiled.keys()) if (compiled.size >= maxCompiled) compiled.delete(oldest);
  const entry: Compiled = { cron, known: [] };
  compiled.set(key, entry);
  return entry;
}

/**
 * The times of an expression around an instant. A fixed time that a change of the clocks leaves out comes at the first instant after the gap; one that comes twice counts
 * once, the first time. Throws for an expression or a zone that cannot be read: policies are checked before.
 */
export function cronAround(pattern: string, timeZone: string, at: number): CronInterval {
  const entry = compile(pattern, timeZone);
  for (const known of entry.known) if (known.from <= at && (known.next === undefined || at < known.next)) return known;
  // Both look from whole seconds, strictly before and strictly after.
  const second = Math.floor(at / 1000) * 1000;
  const last = entry.cron.previousRuns(1, new Date(second + 1000))[0]?.getTime();
  const next = entry.cron.nextRun(new Date(second))?.getTime();
  const found = { last, next, from: last ?? second };
  if (entry.known.length >= maxKnown) entry.known.shift();
  entry.known.push(found);
  return found;
}

/**
 * The time on the clock that an expression means by an instant: that of the instant, unless it stands there because a gap has moved it. As epoch milliseconds of the
 * same reading in UTC, so that two can be compared.
 */
export function nominalTime(pattern: string, timeZone: string, at: number): number | undefined {
  return cronAround(pattern, 'UTC', readingAt(timeZone, at)).last;
}

/** What a clock of the zone shows, read as UTC. */
function readingAt(timeZone: string, at: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of wallClock(timeZone).formatToParts(at)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function wallClock(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}
