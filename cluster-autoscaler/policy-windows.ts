import { Cron } from 'croner';

/**
 * Five fields of digits, names, `*`, `,`, `-` and `/`. Not `?`, which croner replaces by the present time: a window depends on nothing but the instant that is
 * asked for (decision 0013).
 */
export const cronPattern = /^[0-9A-Za-z*,/-]+( +[0-9A-Za-z*,/-]+){4}$/;

/** IANA names as Kubernetes' CronJob takes them; offsets (`+02:00`) are none, since they know no daylight saving time. */
export const timeZonePattern = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;

/** A time that comes again and again. */
export interface Recurrence {
  readonly start: string;
  readonly timeZone: string;
  readonly durationMs: number;
}

/** Why a text is no cron expression or never comes; `undefined` when it can be used. */
export function cronProblem(pattern: string, timeZone: string): string | undefined {
  if (!cronPattern.test(pattern)) return 'is not a cron expression of five fields, like 0 8 * * MON-FRI';
  try {
    return compile(pattern, timeZone).nextRun(reference) === null ? 'names a day that no year has' : undefined;
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
    void new Intl.DateTimeFormat('en-GB', { timeZone });
    return true;
  } catch {
    return false;
  }
}

/**
 * When the window that is open at an instant ends, epoch milliseconds; `undefined`: none is open. It is open from each start, included, for its length. The expression
 * and the zone must be valid.
 */
export function openUntil({ start, timeZone, durationMs }: Recurrence, at: number): number | undefined {
  // Looks from whole seconds, strictly before.
  const second = Math.floor(at / 1000) * 1000;
  const last = compile(start, timeZone)
    .previousRuns(1, new Date(second + 1000))[0]
    ?.getTime();
  return last !== undefined && last + durationMs > at ? last + durationMs : undefined;
}

const compiled = new Map<string, Cron>();
const mostCompiled = 256;

/** A memo: what is answered depends on the arguments only. */
function compile(pattern: string, timeZone: string): Cron {
  const key = `${timeZone}\n${pattern}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  // Without a function croner sets no timer.
  const cron = new Cron(pattern, { mode: '5-part', timezone: timeZone, fixedTimeRule: 'no-wildcard' });
  if (compiled.size >= mostCompiled) compiled.clear();
  compiled.set(key, cron);
  return cron;
}
