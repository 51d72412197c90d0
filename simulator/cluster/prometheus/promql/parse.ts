import type { Matchers } from '../storage/matcher.ts';
import { setOperators } from './ast.ts';
import type { Aggregation, Expression, Grouping, NumberLiteral, ValueType } from './ast.ts';
import type { Token } from './lexer.ts';
import { numberValue, stringValue } from './literals.ts';
import { parseAt, parseLabels, parseMatching, parseOffset, parseRange } from './parse-modifiers.ts';
import { parseSelectorAt } from './parse-selector.ts';
import { aggregations, signatures, unsupportedFunctions } from './signatures.ts';
import { TokenStream } from './token-stream.ts';
import { checkTypes } from './type-check.ts';

export interface ParsedQuery {
  readonly expression: Expression;
  readonly type: ValueType;
}

/**
 * A query as an expression whose types fit; throws `PromqlSyntaxError` in Prometheus' own words. It does not go by the editor's grammar
 * (@prometheus-io/lezer-promql), which takes `-1 ^ 2` for `(-1) ^ 2` and `a - b offset 5m * 2` for `((a - b) offset 5m) * 2`.
 */
export function parseQuery(query: string): ParsedQuery {
  const stream = new TokenStream(query);
  if (stream.peek().kind === 'end') stream.fail(0, 'no expression found in input');
  const expression = parseExpression(stream, 0);
  if (stream.peek().kind !== 'end') stream.unexpected();
  return { expression, type: checkTypes(query, expression) };
}

/** A `match[]`: a bare selector, which may also match everything. */
export function parseMatch(text: string): Matchers {
  const stream = new TokenStream(text);
  if (stream.peek().kind === 'end') stream.fail(0, 'unexpected end of input');
  const name = stream.sees('{') ? undefined : stream.peek();
  if (name !== undefined && !isMetricName(name)) stream.unexpected();
  if (name !== undefined) stream.next();
  const { matchers } = parseSelectorAt(stream, name);
  if (stream.peek().kind !== 'end') stream.unexpected();
  return matchers;
}

const precedences: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
};
const product = 5;
const power = 6;

/** Operators that bind at least so tightly, by precedence climbing. */
function parseExpression(stream: TokenStream, least: number): Expression {
  let left = parsePostfix(stream);
  for (;;) {
    const { kind, text } = stream.peek();
    const operator = text.toLowerCase();
    const precedence = kind === 'operator' ? precedences[operator] : undefined;
    if (precedence === undefined || precedence < least) return left;
    const operatorFrom = stream.next().from;
    const bool = stream.take('bool') !== undefined;
    const matching = parseMatching(stream);
    const right = parseExpression(stream, operator === '^' ? power : precedence + 1);
    left = { kind: 'binary', operator, operatorFrom, left, right, bool, matching, from: left.from, to: right.to };
  }
}

function parsePostfix(stream: TokenStream): Expression {
  let expression = parsePrimary(stream);
  for (;;) {
    const { kind, from } = stream.peek();
    if (kind === 'string') return expression;
    if (stream.take('[') !== undefined) expression = parseRange(stream, expression, from);
    else if (stream.take('offset') !== undefined) expression = parseOffset(stream, expression);
    else if (stream.take('@') !== undefined) expression = parseAt(stream, expression);
    else return expression;
  }
}

function parsePrimary(stream: TokenStream): Expression {
  const token = stream.peek();
  const { kind, from, to, text } = token;
  if (kind === 'string') {
    stream.next();
    return { kind: 'string', value: stringValue(text), from, to };
  }
  if (kind === 'number') return parseNumber(stream);
  if (text === '-' || text === '+') return parseUnary(stream, text);
  if (text === '{') return parseSelectorAt(stream, undefined);
  if (text === '(') return parseParentheses(stream);
  if (kind === 'aggregator' && ['(', 'by', 'without'].includes(stream.second)) return parseAggregation(stream);
  if (!isMetricName(token)) return stream.unexpected();
  stream.next();
  return kind === 'identifier' && !text.includes(':') && stream.sees('(') ? parseCall(stream, token) : parseSelectorAt(stream, token);
}

/** Many words of the language are metric names where they mean nothing else. */
function isMetricName({ kind, text }: Token): boolean {
  if (kind === 'identifier' || kind === 'aggregator') return true;
  const lower = text.toLowerCase();
  return (kind === 'keyword' && ['by', 'without', 'offset'].includes(lower)) || (kind === 'operator' && setOperators.has(lower));
}

function parseNumber(stream: TokenStream): NumberLiteral {
  const { text, from, to } = stream.next();
  const value = numberValue(text);
  if (value === undefined) {
    return stream.fail(from, `error parsing number: strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return { kind: 'number', value, from, to };
}

/** A sign binds like a product: -2 ^ 2 is -(2 ^ 2). */
function parseUnary(stream: TokenStream, operator: '-' | '+'): Expression {
  const { from } = stream.next();
  const expression = parseExpression(stream, product + 1);
  return { kind: 'unary', operator, expression, from, to: expression.to };
}

function parseParentheses(stream: TokenStream): Expression {
  const { from } = stream.next();
  const expression = parseExpression(stream, 0);
  if (stream.take(')') === undefined) stream.unexpected();
  return { kind: 'parentheses', expression, from, to: stream.end };
}

function parseArguments(stream: TokenStream): Expression[] {
  stream.next();
  const args: Expression[] = [];
  if (stream.take(')') !== undefined) return args;
  for (;;) {
    args.push(parseExpression(stream, 0));
    const comma = stream.take(',');
    if (comma !== undefined && stream.sees(')', ',')) stream.fail(comma.from, 'trailing commas not allowed in function call args');
    if (comma !== undefined) continue;
    if (stream.take(')') === undefined) stream.unexpected();
    return args;
  }
}

function parseCall(stream: TokenStream, { text: name, from }: Token): Expression {
  // `start` and `end` are words of their own.
  if (name === 'start' || name === 'end') stream.unexpected();
  const args = parseArguments(stream);
  if (unsupportedFunctions.has(name)) stream.fail(from, `function "${name}" is not supported by this simulated Prometheus`);
  if (!signatures.has(name)) stream.fail(from, `unknown function with name "${name}"`);
  return { kind: 'call', name, args, from, to: stream.end };
}

function parseAggregation(stream: TokenStream): Aggregation {
  const { text, from } = stream.next();
  const name = text.toLowerCase();
  stream.aggregationDepth += 1;
  let grouping = parseGrouping(stream);
  if (!stream.sees('(')) stream.unexpected();
  const args = parseArguments(stream);
  stream.aggregationDepth -= 1;
  grouping ??= parseGrouping(stream);
  const wanted = aggregations.get(name) === undefined ? 1 : 2;
  const [first, second] = args;
  const expression = wanted === 1 ? first : second;
  if (args.length === 0) stream.fail(from, 'no arguments for aggregate expression provided');
  if (args.length !== wanted || expression === undefined) {
    return stream.fail(from, `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`);
  }
  const parameter = wanted === 2 ? first : undefined;
  return { kind: 'aggregation', name, expression, parameter, grouping: grouping ?? everything, from, to: stream.end };
}

const everything: Grouping = { without: false, labels: [] };

function parseGrouping(stream: TokenStream): Grouping | undefined {
  const word = stream.take('by', 'without');
  return word === undefined ? undefined : { without: word.text.toLowerCase() === 'without', labels: parseLabels(stream) };
}
