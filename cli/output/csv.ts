import { foreign } from '../compose/doctor/foreign-text.ts';

/** What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection); also behind a space, which some of them skip. */
const formula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;
const plainNumber = /^-?\d+(\.\d+)?$/;

/**
 * Rows as RFC 4180 has them, lines ended by CRLF. A text that a spreadsheet would calculate gets an apostrophe in front, and control characters are gone: cells
 * come from clusters, where others have named things.
 */
export function csvText(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows.map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}

function cellText(cell: string | number | null): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  const text = foreign(cell, 10_000);
  const safe = formula.test(text) && !plainNumber.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
