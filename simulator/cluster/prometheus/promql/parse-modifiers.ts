import type { Expression, TimeShift, VectorMatching } from './ast.ts';
import { numberValue } from './literals.ts';
import { parseDurationText } from './numbers.ts';
import type { TokenStream } from './token-stream.ts';

/** Milliseconds of the duration that must come next. */
export function parseDuration(stream: TokenStream, context: string, expected: string): number {
  const token = stream.peek();
  if (token.kind !== 'duration') return stream.unexpected(context, expected);
  stream.next();
  const ms = parseDurationText(token.text);
  if (typeof ms !== 'number') return stream.fail(token.from, ms.problem);
  return ms === 0 ? stream.fail(token.from, 'duration must be greater than 0') : ms;
}

/** What follows `offset`. */
export function parseOffset(stream: TokenStream, expression: Expression): Expression {
  const sign = stream.take('-', '+')?.text === '-' ? -1 : 1;
  const ms = sign * parseDuration(stream, 'offset', 'duration');
  return shifted(stream, expression, 'offset', (shift) => {
    if (shift.offset !== undefined) stream.fail(expression.from, 'offset may not be set multiple times');
    return { ...shift, offset: ms };
  });
}

/** What follows `@`. */
export function parseAt(stream: TokenStream, expression: Expression): Expression {
  const at = parseTimestamp(stream, expression.from);
  return shifted(stream, expression, '@', (shift) => {
    if (shift.at !== undefined) stream.fail(expression.from, '@ <timestamp> may not be set multiple times');
    return { ...shift, at };
  });
}

function parseTimestamp(stream: TokenStream, from: number): number | 'start' | 'end' {
  const context = ['@', 'timestamp'] as const;
  const bound = stream.take('start', 'end');
  if (bound !== undefined) {
    if (stream.take('(') === undefined || stream.take(')') === undefined) stream.unexpected(...context);
    return bound.text.toLowerCase() === 'start' ? 'start' : 'end';
  }
  const sign = stream.take('-', '+')?.text === '-' ? -1 : 1;
  const token = stream.peek();
  if (token.kind !== 'number') return stream.unexpected(...context);
  stream.next();
  const seconds = sign * (numberValue(token.text) ?? Number.NaN);
  if (Number.isFinite(seconds) && Math.abs(seconds) * 1000 < 2 ** 63) return Math.round(seconds * 1000);
  const shown = Number.isFinite(seconds) ? seconds.toFixed(6) : Number.isNaN(seconds) ? 'NaN' : sign > 0 ? '+Inf' : '-Inf';
  return stream.fail(from, `timestamp out of bounds for @ modifier: ${shown}`);
}

function shifted(stream: TokenStream, expression: Expression, modifier: string, change: (shift: TimeShift) => TimeShift): Expression {
  const to = stream.end;
  if (expression.kind === 'selector' || expression.kind === 'subquery') return { ...expression, shift: change(expression.shift), to };
  if (expression.kind === 'matrix') {
    return { ...expression, selector: { ...expression.selector, shift: change(expression.selector.shift) }, to };
  }
  const wanted = 'must be preceded by an instant vector selector or range vector selector or a subquery';
  return stream.fail(expression.from, `${modifier} modifier ${wanted}`);
}

/** `[5m]` or `[1h:5m]`, after the bracket. */
export function parseRange(stream: TokenStream, expression: Expression, bracket: number): Expression {
  const rangeMs = parseDuration(stream, 'subquery or range', '":" or "]"');
  if (stream.take(':') !== undefined) {
    const stepMs = stream.sees(']') ? undefined : parseDuration(stream, 'subquery selector', 'duration or "]"');
    if (stream.take(']') === undefined) stream.unexpected('subquery selector', '"]"');
    return {
      kind: 'subquery',
      expression,
      rangeMs,
      stepMs,
      shift: { offset: undefined, at: undefined },
      from: expression.from,
      to: stream.end,
    };
  }
  if (stream.take(']') === undefined) stream.unexpected('subquery or range', '":" or "]"');
  if (expression.kind !== 'selector') return stream.fail(bracket, 'ranges only allowed for vector selectors');
  if (expression.shift.offset !== undefined) stream.fail(bracket, 'no offset modifiers allowed before range');
  if (expression.shift.at !== undefined) stream.fail(bracket, 'no @ modifiers allowed before range');
  return { kind: 'matrix', selector: expression, rangeMs, from: expression.from, to: stream.end };
}

/** `on (…) group_left (…)`, if it comes. */
export function parseMatching(stream: TokenStream): VectorMatching | undefined {
  const word = stream.take('on', 'ignoring');
  if (word === undefined) return undefined;
  const labels = parseLabels(stream);
  const group = stream.take('group_left', 'group_right')?.text.toLowerCase();
  return {
    on: word.text.toLowerCase() === 'on',
    labels,
    card: group === undefined ? 'one-to-one' : group === 'group_left' ? 'many-to-one' : 'one-to-many',
    include: group !== undefined && stream.sees('(') ? parseLabels(stream) : [],
  };
}

const grouping = 'grouping opts';

/** Label names in parentheses. */
export function parseLabels(stream: TokenStream): string[] {
  if (stream.take('(') === undefined) stream.unexpected(grouping, '"("');
  const labels: string[] = [];
  while (stream.take(')') === undefined) {
    const { kind, text } = stream.peek();
    if (kind === 'number' || kind === 'duration' || kind === 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) {
      stream.unexpected(grouping, 'label');
    }
    labels.push(stream.next().text);
    if (stream.take(',') === undefined && !stream.sees(')')) stream.unexpected(grouping, '"," or ")"');
  }
  return labels;
}
