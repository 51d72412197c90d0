import { PromqlSyntaxError } from './ast.ts';

export type TokenKind = 'identifier' | 'number' | 'duration' | 'string' | 'keyword' | 'aggregator' | 'operator' | 'punctuation' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

const aggregators = new Set([
  'sum',
  'avg',
  'count',
  'min',
  'max',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'count_values',
  'quantile',
]);
const keywords = new Set(['offset', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool']);
const wordOperators = new Set(['and', 'or', 'unless', 'atan2']);
const space = /[ \t\r\n]/;
const letter = /[A-Za-z_]/;
const word = /[A-Za-z0-9_]/;

interface LexState {
  readonly query: string;
  at: number;
  readonly tokens: Token[];
  braces: boolean;
  /** `opened`: a duration must come next. */
  bracket: 'none' | 'opened' | 'inside';
  colon: boolean;
  parentheses: number;
}

/** What a text was cut into, up to its end or to the first thing that is no token. */
export interface Tokens {
  readonly list: readonly Token[];
  readonly problem: PromqlSyntaxError | undefined;
}

/** Tokens of a query as version 2.42 cuts them. */
export function tokenize(query: string): Tokens {
  const state: LexState = { query, at: 0, tokens: [], braces: false, bracket: 'none', colon: false, parentheses: 0 };
  try {
    while (state.at < query.length) step(state);
    if (state.braces) fail(state, query.length, 'unexpected end of input inside braces');
    if (state.bracket !== 'none') fail(state, query.length, 'unclosed left bracket');
    if (state.parentheses > 0) fail(state, query.length, 'unclosed left parenthesis');
  } catch (error) {
    if (error instanceof PromqlSyntaxError) return { list: state.tokens, problem: error };
    throw error;
  }
  state.tokens.push({ kind: 'end', text: '', from: query.length, to: query.length });
  return { list: state.tokens, problem: undefined };
}

function step(state: LexState): void {
  const char = state.query.charAt(state.at);
  if (space.test(char)) state.at += 1;
  else if (char === '#' && state.bracket !== 'opened') skipComment(state);
  else if (state.braces) insideBraces(state, char);
  else if (state.bracket === 'opened') rangeDuration(state);
  else statement(state, char);
}

function fail({ query }: LexState, at: number, why: string): never {
  throw new PromqlSyntaxError(query, at, why);
}

function push(state: LexState, kind: TokenKind, to: number): void {
  state.tokens.push({ kind, text: state.query.slice(state.at, to), from: state.at, to });
  state.at = to;
}

function skipComment(state: LexState): void {
  const length = state.query.slice(state.at).search(/[\r\n]/);
  state.at = length < 0 ? state.query.length : state.at + length;
}

const punctuation = new Set(['(', ')', '{', '[', ']', ',', '@']);
const operators = ['==', '!=', '<=', '>=', '<', '>', '+', '-', '*', '/', '%', '^'];

function statement(state: LexState, char: string): void {
  const { query, at } = state;
  const operator = operators.find((candidate) => query.startsWith(candidate, at));
  if (operator !== undefined) return push(state, 'operator', at + operator.length);
  if (char === '=' || char === '!') return equals(state, char);
  if (/[0-9]/.test(char) || (char === '.' && /[0-9]/.test(query.charAt(at + 1)))) return numberOrDuration(state);
  if (char === '"' || char === "'" || char === '`') return text(state, char);
  if (letter.test(char) || char === ':') return state.bracket === 'none' ? identifier(state) : colon(state, char);
  if (punctuation.has(char)) return bracket(state, char);
  fail(state, at, `unexpected character: '${characterAt(query, at)}'`);
}

function colon(state: LexState, char: string): void {
  if (state.colon || char !== ':') fail(state, state.at, `unexpected colon '${char}'`);
  state.colon = true;
  push(state, 'punctuation', state.at + 1);
}

function equals(state: LexState, char: string): void {
  const next = characterAt(state.query, state.at + 1);
  if (char === '=' && next !== '~') return push(state, 'punctuation', state.at + 1);
  fail(state, state.at, `unexpected character after '${char}': '${next}'`);
}

function bracket(state: LexState, char: string): void {
  const { at } = state;
  switch (char) {
    case '(':
      state.parentheses += 1;
      break;
    case ')':
      if (--state.parentheses < 0) fail(state, at + 1, "unexpected right parenthesis ')'");
      break;
    case '{':
      state.braces = true;
      break;
    case '[':
      if (state.bracket !== 'none') fail(state, at, "unexpected left bracket '['");
      state.bracket = 'opened';
      state.colon = false;
      break;
    case ']':
      if (state.bracket === 'none') fail(state, at, "unexpected right bracket ']'");
      state.bracket = 'none';
  }
  push(state, 'punctuation', at + 1);
}

function insideBraces(state: LexState, char: string): void {
  const { query, at } = state;
  if (letter.test(char)) return push(state, 'identifier', endOf(query, at, word));
  if (char === '"' || char === "'" || char === '`') return text(state, char);
  if (char === ',') return push(state, 'punctuation', at + 1);
  if (char === '}') {
    state.braces = false;
    return push(state, 'punctuation', at + 1);
  }
  if (char === '{') fail(state, at, "unexpected left brace '{'");
  const operator = ['=~', '!~', '!=', '='].find((candidate) => query.startsWith(candidate, at));
  if (operator !== undefined) return push(state, 'operator', at + operator.length);
  if (char === '!') fail(state, at, `unexpected character after '!' inside braces: '${characterAt(query, at + 1)}'`);
  fail(state, at, `unexpected character inside braces: '${characterAt(query, at)}'`);
}

/** Directly after a bracket only a duration is read. */
function rangeDuration(state: LexState): void {
  const { query, at } = state;
  const digits = endOf(query, at, /[0-9]/);
  const next = characterAt(query, digits);
  if (!/^(?:ms|[smhdwy])/.test(query.slice(digits)) || digits === at) {
    const why = /[A-Za-z]/.test(next) ? `bad duration syntax: ${JSON.stringify(query.slice(at, digits))}` : undefined;
    if (/^\d+\.\d/.test(query.slice(at))) fail(state, at, `not a valid duration string: ${JSON.stringify(wholeWord(query, at))}`);
    fail(state, at, why ?? 'missing unit character in duration');
  }
  state.bracket = 'inside';
  push(state, 'duration', endOf(query, at, word));
}

/** Digits, letters and dots from there on. */
function wholeWord(query: string, at: number): string {
  return query.slice(at, endOf(query, at, /[0-9A-Za-z.]/));
}

const numberPattern = /0[xX][0-9a-fA-F]*|[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]*)?/y;
const durationPattern = /(?:[0-9]+(?:ms|[smhdwy]))+/y;

function numberOrDuration(state: LexState): void {
  const { query, at } = state;
  durationPattern.lastIndex = at;
  numberPattern.lastIndex = at;
  const duration = durationPattern.exec(query)?.[0];
  if (duration !== undefined) {
    if (!isWordAt(query, at + duration.length)) return push(state, 'duration', at + duration.length);
    fail(state, at, `bad number or duration syntax: ${JSON.stringify(query.slice(at, at + duration.length + 1))}`);
  }
  const number = numberPattern.exec(query)?.[0] ?? '';
  if (isWordAt(query, at + number.length)) fail(state, at, `bad number or duration syntax: ${JSON.stringify(number)}`);
  push(state, 'number', at + number.length);
}

function isWordAt(query: string, at: number): boolean {
  return word.test(query.charAt(at));
}

function identifier(state: LexState): void {
  const { query, at } = state;
  const to = endOf(query, at, /[A-Za-z0-9_:]/);
  const lower = query.slice(at, to).toLowerCase();
  push(state, kindOfWord(lower), to);
}

function kindOfWord(lower: string): TokenKind {
  if (lower === 'inf' || lower === 'nan') return 'number';
  if (keywords.has(lower)) return 'keyword';
  if (aggregators.has(lower)) return 'aggregator';
  return wordOperators.has(lower) ? 'operator' : 'identifier';
}

function text(state: LexState, quote: string): void {
  const { query, at } = state;
  let end = at + 1;
  for (; ; end++) {
    const char = query.charAt(end);
    if (char === quote) return push(state, 'string', end + 1);
    if (char === '') fail(state, at, quote === '`' ? 'unterminated raw string' : 'unterminated quoted string');
    if (char === '\uFFFD') fail(state, at, 'invalid UTF-8 rune');
    if (quote === '`') continue;
    if (char === '\n') fail(state, at, 'unterminated quoted string');
    if (char === '\\') end = escape(state, at, end + 1, quote);
  }
}

/** Digits of numeric escapes by their letter. */
const escapeDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Answers the index of the last character of the escape that begins at `at`. */
function escape(state: LexState, start: number, at: number, quote: string): number {
  const char = state.query.charAt(at);
  if (char === '') fail(state, start, 'escape sequence not terminated');
  if ('abfnrtv\\'.includes(char) || char === quote) return at;
  if (/[0-7]/.test(char)) return numericEscape(state, start, { at, digits: 3, base: 8, largest: 0xff });
  const digits = escapeDigits[char];
  if (digits === undefined) fail(state, start, `unknown escape sequence ${unicodeName(state.query, at)}`);
  return numericEscape(state, start, { at: at + 1, digits, base: 16, largest: char === 'x' ? 0xff : 0x10ffff });
}

interface NumericEscape {
  readonly at: number;
  readonly digits: number;
  readonly base: 8 | 16;
  readonly largest: number;
}

function numericEscape(state: LexState, start: number, { at, digits, base, largest }: NumericEscape): number {
  const allowed = base === 8 ? /[0-7]/ : /[0-9a-fA-F]/;
  for (let index = at; index < at + digits; index++) {
    const digit = state.query.charAt(index);
    if (digit === '') fail(state, start, 'escape sequence not terminated');
    if (!allowed.test(digit)) fail(state, start, `illegal character ${unicodeName(state.query, index)} in escape sequence`);
  }
  const code = Number.parseInt(state.query.slice(at, at + digits), base);
  if (code > largest || (code >= 0xd800 && code < 0xe000)) fail(state, start, 'escape sequence is an invalid Unicode code point');
  return at + digits - 1;
}

/** Go's `%#U`. */
function unicodeName(query: string, at: number): string {
  const char = characterAt(query, at);
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} '${char}'`;
}

/** The whole character there; the replacement character at the end of the text. */
function characterAt(query: string, at: number): string {
  const code = query.codePointAt(at);
  return code === undefined ? '\uFFFD' : String.fromCodePoint(code);
}

function endOf(query: string, at: number, pattern: RegExp): number {
  let end = at;
  while (end < query.length && pattern.test(query.charAt(end))) end += 1;
  return end;
}
