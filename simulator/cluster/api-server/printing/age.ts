const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** A duration as kubectl prints ages: two units while that says something, `5m10s`, `3h`, `2d4h`, `400d`, `3y40d`. */
export function ageText(ms: number): string {
  if (ms < -second) return '<invalid>';
  if (ms < 2 * minute) return `${Math.max(0, Math.trunc(ms / second))}s`;
  if (ms < 10 * minute) return two(ms, [minute, 'm'], [second, 's']);
  if (ms < 3 * hour) return `${Math.floor(ms / minute)}m`;
  if (ms < 8 * hour) return two(ms, [hour, 'h'], [minute, 'm']);
  if (ms < 2 * day) return `${Math.floor(ms / hour)}h`;
  if (ms < 8 * day) return two(ms, [day, 'd'], [hour, 'h']);
  if (ms < 2 * year) return `${Math.floor(ms / day)}d`;
  if (ms < 8 * year) return two(ms, [year, 'y'], [day, 'd']);
  return `${Math.floor(ms / year)}y`;
}

type Unit = readonly [size: number, name: string];

function two(ms: number, large: Unit, small: Unit): string {
  const rest = Math.floor((ms % large[0]) / small[0]);
  return `${Math.floor(ms / large[0])}${large[1]}${rest === 0 ? '' : `${rest}${small[1]}`}`;
}

/** The time since an RFC 3339 text; `<unknown>` for none, `<invalid>` for what is no time. */
export function timeSince(text: unknown, now: number): string {
  if (text === undefined || text === null || text === '') return '<unknown>';
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? '<invalid>' : ageText(now - time);
}
