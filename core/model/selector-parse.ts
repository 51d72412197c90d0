import { ConcertinaError } from '../errors.ts';
import type { SelectorOperator, SelectorRequirement } from './selector.ts';

type Token = { readonly kind: 'word' | 'symbol' | 'end'; readonly text: string; readonly at: number };

const namePart = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const symbols = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'] as const;

/** Reads the text form of a label selector by the grammar of apimachinery's `labels.Parse`. */
export function parseRequirements(text: string): SelectorRequirement[] {
  const tokens = tokenize(text);
  const requirements: SelectorRequirement[] = [];
  let position = 0;
  const peek = (): Token => tokens[position] ?? { kind: 'end', text: '', at: text.length };
  const take = (): Token => {
    const token = peek();
    position += 1;
    return token;
  };
  const fail = (token: Token, expected: string): never => {
    const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.text);
    throw invalid(text, `expected ${expected} at position ${token.at + 1} but found ${found}`);
  };

  const key = (): string => {
    const token = take();
    return token.kind === 'word' ? token.text : fail(token, 'a label key');
  };
  // A value may be empty: `a=` and `a=,b` mean the empty string.
  const value = (): string => (peek().kind === 'word' ? take().text : '');
  const values = (): string[] => {
    const open = take();
    if (open.text !== '(' || open.kind !== 'symbol') fail(open, '"("');
    const list = [value()];
    for (;;) {
      const token = take();
      if (token.kind === 'symbol' && token.text === ')') return [...new Set(list)];
      if (token.kind !== 'symbol' || token.text !== ',') fail(token, '"," or ")"');
      list.push(value());
    }
  };
  const requirement = (): SelectorRequirement => {
    if (peek().kind === 'symbol' && peek().text === '!') {
      take();
      return { key: key(), operator: '!', values: [] };
    }
    const name = key();
    const next = peek();
    if (next.kind === 'end' || next.text === ',') return { key: name, operator: 'exists', values: [] };
    take();
    const operator = operators[next.text];
    if (operator === undefined) return fail(next, 'one of =, ==, !=, in, notin, > or <');
    return { key: name, operator, values: operator === 'in' || operator === 'notin' ? values() : [value()] };
  };

  if (peek().kind === 'end') return requirements;
  for (;;) {
    requirements.push(checkedRequirement(requirement(), text));
    const separator = take();
    if (separator.kind === 'end') return requirements;
    if (separator.text !== ',') fail(separator, '"," or the end');
  }
}

const operators: Readonly<Record<string, SelectorOperator>> = {
  '=': '=',
  '==': '==',
  '!=': '!=',
  in: 'in',
  notin: 'notin',
  '>': 'gt',
  '<': 'lt',
};

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    const symbol = symbols.find((candidate) => text.startsWith(candidate, at));
    if (symbol !== undefined) {
      tokens.push({ kind: 'symbol', text: symbol, at });
      at += symbol.length;
      continue;
    }
    const start = at;
    while (at < text.length && !/[\s=!(),<>]/.test(text.charAt(at))) at += 1;
    tokens.push({ kind: 'word', text: text.slice(start, at), at: start });
  }
  return tokens;
}

/** The requirement itself, or `SELECTOR_INVALID`: keys, values and their number as upstream's `labels.NewRequirement` checks them. */
export function checkedRequirement(requirement: SelectorRequirement, source: string): SelectorRequirement {
  const { key, operator, values } = requirement;
  if (!isQualifiedName(key)) throw invalid(source, `${JSON.stringify(key)} is not a label key`);
  checkCount(operator, values, key, source);
  for (const value of values) {
    if ((operator === 'gt' || operator === 'lt') && !/^[+-]?[0-9]+$/.test(value)) {
      throw invalid(source, `${JSON.stringify(value)} must be an integer to compare ${key} with`);
    }
    if (!isLabelValue(value)) throw invalid(source, `${JSON.stringify(value)} is not a label value`);
  }
  return requirement;
}

function checkCount(operator: SelectorOperator, values: readonly string[], key: string, source: string): void {
  switch (operator) {
    case 'in':
    case 'notin':
      if (values.length === 0) throw invalid(source, `${key} ${operator} needs at least one value`);
      return;
    case 'exists':
    case '!':
      if (values.length > 0) throw invalid(source, `a requirement that ${key} exists or not takes no values`);
      return;
    case '=':
    case '==':
    case '!=':
    case 'gt':
    case 'lt':
      if (values.length !== 1) throw invalid(source, `${key} ${operator} needs exactly one value`);
      return;
    default:
      throw invalid(source, `${JSON.stringify(operator)} is not an operator: use In, NotIn, Exists or DoesNotExist`);
  }
}

/** `[prefix/]name`, as label and annotation keys are. */
export function isQualifiedName(key: string): boolean {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2 || name.length > 63 || !namePart.test(name)) return false;
  const prefix = parts.length === 2 ? parts[0] : undefined;
  return prefix === undefined || (prefix.length <= 253 && dnsSubdomain.test(prefix));
}

/** A value that a label may have; the empty one is. */
export function isLabelValue(value: unknown): boolean {
  return typeof value === 'string' && (value === '' || (value.length <= 63 && namePart.test(value)));
}

function invalid(source: string, problem: string): ConcertinaError {
  const shown = source.length > 200 ? `${source.slice(0, 200)}…` : source;
  return new ConcertinaError(
    'SELECTOR_INVALID',
    `label selector ${shown === '' ? '""' : shown}: ${problem}; use key=value, key in (a,b), key notin (a,b), key or !key, joined by commas.`,
    { details: { selector: source } },
  );
}
