import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { quoted } from './quoted.ts';
import { decodeString, encodeString } from './string-literal.ts';

/** One label matcher of a selector, decoded. A quoted metric name (`{"a.b"}`) is `__name__="a.b"`. */
export interface LabelMatcher {
  readonly name: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** One vector selector (that of a matrix selector too), with where it stands in the canonical text. */
export interface Selector {
  readonly from: number;
  readonly to: number;
  /** Without the metric name before the braces. */
  readonly matchers: readonly LabelMatcher[];
  /** Name before the braces. */
  readonly metric: string | undefined;
  /** Where a matcher more is inserted, and what must stand around it. */
  readonly insert: { readonly at: number; readonly before: string; readonly after: string };
}

export interface ParsedQuery {
  /** Canonical: without comments, on one line, string literals in one spelling. */
  readonly text: string;
  readonly tree: Tree;
  readonly selectors: readonly Selector[];
}

export type ParseResult = { readonly ok: true; readonly query: ParsedQuery } | { readonly ok: false; readonly problem: string };

const strictParser = parser.configure({ strict: true });

/**
 * Reads PromQL by Prometheus's own grammar and writes it anew in one canonical spelling: whoever reads it next (an older Prometheus, Thanos, MetricsQL) sees
 * the same tokens. That matters because readers differ in small things: for the grammar a comment ends at a line feed, for Prometheus at a carriage return
 * too, so a selector could hide in a comment.
 */
export function parseQuery(text: string): ParseResult {
  const first = parseTree(text);
  if (!first.ok) return first;
  const canonical = canonicalText(text, first.tree);
  if (!canonical.ok) return canonical;
  const second = canonical.text === text ? first : parseTree(canonical.text);
  if (!second.ok) return second;
  const selectors = selectorsOf(canonical.text, second.tree);
  return { ok: true, query: { text: canonical.text, tree: second.tree, selectors } };
}

type TreeResult = { readonly ok: true; readonly tree: Tree } | { readonly ok: false; readonly problem: string };

function parseTree(text: string): TreeResult {
  if (text.trim() === '') return { ok: false, problem: 'the query is empty' };
  if (/\p{Surrogate}/u.test(text)) return { ok: false, problem: 'the query has half a character (a lone surrogate)' };
  try {
    return { ok: true, tree: strictParser.parse(text) };
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    return { ok: false, problem: `the query is not PromQL: ${placeOf(text, errorPosition(text))}` };
  }
}

function errorPosition(text: string): number {
  let position = text.length;
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) position = Math.min(position, node.from);
    },
  });
  return position;
}

function placeOf(text: string, position: number): string {
  const rest = text.slice(position, position + 20).trimEnd();
  return rest === '' ? `it ends too early, at position ${position + 1}` : `${quoted(rest)} at position ${position + 1} is not expected`;
}

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function canonicalText(text: string, tree: Tree): { ok: true; text: string } | { ok: false; problem: string } {
  const edits: Edit[] = [];
  let problem: string | undefined;
  tree.iterate({
    enter: ({ name, from, to }) => {
      if (name === 'LineComment') edits.push({ from, to, text: ' ' });
      if (name !== 'StringLiteral') return;
      const value = decodeString(text.slice(from, to));
      if (value === undefined)
        problem ??= `the query is not PromQL: the string at position ${from + 1} is not closed or has an unknown escape`;
      else edits.push({ from, to, text: encodeString(value) });
    },
  });
  if (problem !== undefined) return { ok: false, problem };
  let out = '';
  let position = 0;
  for (const edit of [...edits, { from: text.length, to: text.length, text: '' }]) {
    const between = text.slice(position, edit.from);
    // The grammar takes any white space of Unicode, Prometheus takes four kinds of it.
    const odd = /[^\x20-\x7e\t\r\n]/.exec(between);
    if (odd !== null) return { ok: false, problem: `the query is not PromQL: ${placeOf(text, position + odd.index)}` };
    const spaced = between.replace(/\s+/g, ' ');
    out += out.endsWith(' ') ? spaced.trimStart() : spaced;
    out += out.endsWith(' ') ? edit.text.trimStart() : edit.text;
    position = edit.to;
  }
  return { ok: true, text: out.trim() };
}

function selectorsOf(text: string, tree: Tree): Selector[] {
  const selectors: Selector[] = [];
  tree.iterate({
    enter: (ref) => {
      if (ref.name === 'VectorSelector') selectors.push(selectorOf(text, ref.node));
    },
  });
  return selectors;
}

function selectorOf(text: string, node: SyntaxNode): Selector {
  const { from, to } = node;
  const identifier = node.getChild('Identifier');
  const metric = identifier === null ? undefined : text.slice(identifier.from, identifier.to);
  const braces = node.getChild('LabelMatchers');
  if (braces === null) return { from, to, matchers: [], metric, insert: { at: to, before: '{', after: '}' } };
  const matchers: LabelMatcher[] = [];
  for (let child = braces.firstChild; child !== null; child = child.nextSibling) matchers.push(matcherOf(text, child));
  const last = braces.lastChild;
  const insert = last === null ? { at: to - 1, before: '', after: '' } : { at: last.to, before: ',', after: '' };
  return { from, to, matchers, metric, insert };
}

function matcherOf(text: string, node: SyntaxNode): LabelMatcher {
  if (node.name === 'QuotedLabelName') return { name: '__name__', op: '=', value: stringOf(text, node.getChild('StringLiteral')) };
  const bare = node.getChild('LabelName');
  const name = bare === null ? stringOf(text, node.getChild('QuotedLabelName')) : text.slice(bare.from, bare.to);
  const op = node.getChild('MatchOp');
  return { name, op: opOf(op === null ? '' : text.slice(op.from, op.to)), value: stringOf(text, node.getChild('StringLiteral')) };
}

function stringOf(text: string, node: SyntaxNode | null): string {
  const value = node === null ? undefined : decodeString(text.slice(node.from, node.to));
  if (value === undefined) throw new Error('a string of a canonical query cannot be read');
  return value;
}

function opOf(text: string): LabelMatcher['op'] {
  if (text === '=' || text === '!=' || text === '=~' || text === '!~') return text;
  throw new Error('a matcher of a canonical query has no operator');
}

/** A matcher as text. Names that are no plain label names are quoted, which Prometheus reads from 3.0 on. */
export function formatMatcher({ name, op, value }: LabelMatcher): string {
  const label = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : encodeString(name);
  return `${label}${op}${encodeString(value)}`;
}

/** The query with matchers put into its selectors, as `choose` says for each. */
export function insertMatchers({ text, selectors }: ParsedQuery, choose: (selector: Selector) => readonly LabelMatcher[]): string {
  let out = '';
  let position = 0;
  for (const selector of selectors) {
    const matchers = choose(selector);
    if (matchers.length === 0) continue;
    const { at, before, after } = selector.insert;
    out += text.slice(position, at) + before + matchers.map(formatMatcher).join(',') + after;
    position = at;
  }
  return out + text.slice(position);
}
