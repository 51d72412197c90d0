/**
 * Reads a Time or a MicroTime as Go's time.Parse does and answers it as the server stores it: in UTC, whole seconds or six digits.
 * Throws a RangeError with Go's text for anything else.
 */
export function canonicalTime(text: string, kind: 'time' | 'microTime'): string {
  const { layout, pattern } = formats[kind];
  const [, year, month, day, hour, minute, second, fraction = '', zone] = pattern.exec(text) ?? [];
  if (zone === undefined) throw new RangeError(`parsing time ${JSON.stringify(text)} as "${layout}": ${whatIsWrong(text, kind)}`);
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const outside = outOfRange(new Date(at), { month, day, hour, minute, second });
  if (outside !== undefined) throw new RangeError(`parsing time ${JSON.stringify(text)}: ${outside} out of range`);
  if (zone === 'Z' && (kind === 'microTime' || fraction === '')) return text;
  const utc = new Date(at - zoneMs(zone)).toISOString().slice(0, -'.000Z'.length);
  return kind === 'microTime' ? `${utc}${fraction}Z` : `${utc}Z`;
}

const formats = {
  time: {
    layout: '2006-01-02T15:04:05Z07:00',
    // Go takes a fraction behind the seconds whether the layout has one or not.
    pattern: /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  },
  microTime: {
    layout: '2006-01-02T15:04:05.000000Z07:00',
    pattern: /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{6})(Z|[+-]\d\d:\d\d)$/,
  },
} as const;

interface Parts {
  readonly month: string | undefined;
  readonly day: string | undefined;
  readonly hour: string | undefined;
  readonly minute: string | undefined;
  readonly second: string | undefined;
}

/** A part that is too large has moved the next greater one on. */
function outOfRange(date: Date, { month, day, hour, minute, second }: Parts): string | undefined {
  if (Number(month) < 1 || Number(month) > 12) return 'month';
  if (Number(hour) > 23) return 'hour';
  if (Number(minute) > 59) return 'minute';
  if (Number(second) > 59) return 'second';
  return date.getUTCDate() === Number(day) ? undefined : 'day';
}

function zoneMs(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

/** Go names the first piece of its layout that the text does not go on with. */
function whatIsWrong(text: string, kind: 'time' | 'microTime'): string {
  const pieces: readonly (readonly [string, RegExp])[] = [
    ['2006', /^\d{4}/],
    ['-', /^-/],
    ['01', /^\d\d/],
    ['-', /^-/],
    ['02', /^\d\d/],
    ['T', /^T/],
    ['15', /^\d\d/],
    [':', /^:/],
    ['04', /^\d\d/],
    [':', /^:/],
    ['05', kind === 'time' ? /^\d\d(\.\d+)?/ : /^\d\d/],
    ...(kind === 'microTime' ? ([['.000000', /^\.\d{6}(?!\d)/]] as const) : []),
    ['Z07:00', /^(Z|[+-]\d\d:\d\d)/],
  ];
  let rest = text;
  for (const [piece, pattern] of pieces) {
    const found = pattern.exec(rest);
    if (found === null) return `cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(piece)}`;
    rest = rest.slice(found[0].length);
  }
  return `extra text: ${JSON.stringify(rest)}`;
}
