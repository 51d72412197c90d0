import { parseQuery } from './parsed-query.ts';
import type { QueryText } from './add-matchers.ts';

/** What of a range query depends on where the range begins and ends. */
const rangeBound: ReadonlySet<string> = new Set(['StartFn', 'EndFn', 'Range', 'DurationRange']);

/**
 * The query of a range, made independent of the range that it is asked for: `@ start()` and `@ end()` become the times that they stand for. Then the range
 * can be asked for in pieces. Times are epoch milliseconds.
 */
export function pinRange(query: string, range: { readonly start: number; readonly end: number }): QueryText {
  const parsed = parseQuery(query);
  if (!parsed.ok) return parsed;
  const { text, tree } = parsed.query;
  const edits: { readonly from: number; readonly to: number; readonly text: string }[] = [];
  let bound = false;
  tree.iterate({
    enter: ({ name, node }) => {
      if (rangeBound.has(name)) bound = true;
      if (name !== 'AtModifierPreprocessors') return;
      const at = node.getChild('AtStart') === null ? range.end : range.start;
      // The parentheses are no nodes: they are all that is left of the expression.
      edits.push({ from: node.from, to: node.parent?.to ?? node.to, text: formatSeconds(at) });
    },
  });
  if (bound) return { ok: false, problem: 'the query uses start(), end() or range(): its range cannot be asked for in pieces' };
  let out = '';
  let position = 0;
  for (const edit of edits) {
    out += text.slice(position, edit.from) + edit.text;
    position = edit.to;
  }
  return { ok: true, query: out + text.slice(position) };
}

/** Epoch milliseconds as unix seconds, exactly. */
export function formatSeconds(ms: number): string {
  const whole = Math.round(ms);
  const sign = whole < 0 ? '-' : '';
  const digits = String(Math.abs(whole)).padStart(4, '0');
  return `${sign}${digits.slice(0, -3)}.${digits.slice(-3)}`;
}
