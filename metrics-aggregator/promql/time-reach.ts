import type { SyntaxNode } from '@lezer/common';
import { literalMs } from './duration.ts';
import type { ParsedQuery } from './parsed-query.ts';
import { quoted } from './quoted.ts';

export interface ReachLimits {
  readonly maxRangeMs: number;
  /** Evaluations of one expression inside of nested subqueries; each is as dear as a query of its own. */
  readonly maxSubqueryPoints: number;
  /** Epoch milliseconds; without it an absolute `@` cannot be judged and is refused. */
  readonly now?: number | undefined;
}

/** Step of a subquery that names none: Prometheus's default evaluation interval. */
const DEFAULT_SUBQUERY_STEP_MS = 60_000;

/** A part of the text that is looked at from further away, or more often, than what is around it. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly reachMs: number;
  readonly points: number;
}

/**
 * Why a query looks further back (or ahead) than permitted; `undefined` when it does not. Ranges, subqueries and offsets that enclose one another add up:
 * a day inside of a day is two days.
 */
export function reachProblem({ text, tree }: ParsedQuery, limits: ReachLimits): string | undefined {
  const spans: Span[] = [];
  let problem: string | undefined;
  tree.iterate({
    enter: ({ node }) => {
      const extent = extentOf(text, node, limits.now);
      if (typeof extent === 'string') problem ??= extent;
      else if (extent !== undefined) spans.push({ ...extent, from: operandStart(node), to: node.to });
    },
  });
  return problem ?? limitProblem(text, spans, limits);
}

function limitProblem(text: string, spans: readonly Span[], limits: ReachLimits): string | undefined {
  for (const span of spans) {
    const around = spans.filter(({ from, to }) => from <= span.from && to >= span.to);
    const written = excerpt(text, span);
    const reach = around.reduce((sum, { reachMs }) => sum + reachMs, 0);
    if (reach > limits.maxRangeMs) {
      const permitted = `more than the ${limits.maxRangeMs / 1000} s that are permitted (limits.maxRangeSeconds)`;
      return `${written} looks ${Math.round(reach / 1000)} s away, ${permitted}`;
    }
    const points = around.reduce((product, each) => product * each.points, 1);
    if (points > limits.maxSubqueryPoints) {
      return `${written} is evaluated ${Math.round(points)} times, more than the ${limits.maxSubqueryPoints} that are permitted: use a longer step`;
    }
  }
  return undefined;
}

const postfix: ReadonlySet<string> = new Set([
  'MatrixSelector',
  'SubqueryExpr',
  'OffsetExpr',
  'StepInvariantExpr',
  'AnchoredExpr',
  'SmoothedExpr',
]);

/**
 * Where the operand of a range, an offset or an `@` begins. The grammar gives them a place in the tree above the whole expression to their left
 * (`a + b offset 5m` is an offset of a sum), while Prometheus binds them to the last operand.
 */
function operandStart(node: SyntaxNode): number {
  for (let current = node; ;) {
    const down = postfix.has(current.name)
      ? current.firstChild
      : current.name === 'BinaryExpr' || current.name === 'UnaryExpr'
        ? current.lastChild
        : null;
    if (down === null) return current.from;
    current = down;
  }
}

type Extent = Pick<Span, 'reachMs' | 'points'>;

function extentOf(text: string, node: SyntaxNode, now: number | undefined): Extent | string | undefined {
  switch (node.name) {
    case 'MatrixSelector':
      return withDuration(text, node.getChild('DurationExpr'), (ms) => ({ reachMs: ms, points: 1 }));
    case 'SubqueryExpr':
      return subqueryExtent(text, node);
    case 'OffsetExpr':
      return withDuration(text, node.getChild('OffsetDurationExpr'), (ms) => ({ reachMs: ms, points: 1 }));
    case 'StepInvariantExpr':
      return atExtent(text, node, now);
    default:
      return undefined;
  }
}

function subqueryExtent(text: string, node: SyntaxNode): Extent | string {
  const [range, step] = node.getChildren('DurationExpr');
  return withDuration(text, range ?? null, (rangeMs) => {
    if (step === undefined) return { reachMs: rangeMs, points: Math.max(1, rangeMs / DEFAULT_SUBQUERY_STEP_MS) };
    return withDuration(text, step, (stepMs) =>
      stepMs === 0 ? `${excerpt(text, step)} is no step for a subquery` : { reachMs: rangeMs, points: Math.max(1, rangeMs / stepMs) },
    );
  });
}

function atExtent(text: string, node: SyntaxNode, now: number | undefined): Extent | string | undefined {
  const literal = node.getChild('NumberDurationLiteral');
  // start() and end() of an instant query are the moment it is asked for.
  if (literal === null) return undefined;
  const at = literalMs(text.slice(literal.from, literal.to));
  if (at === undefined) return `${excerpt(text, node)}: the time after @ is not a number`;
  if (now === undefined) return `${excerpt(text, node)} asks for a fixed moment, which a policy may not: remove @, or write @ end()`;
  return { reachMs: Math.abs(now - at), points: 1 };
}

function withDuration(text: string, node: SyntaxNode | null, use: (ms: number) => Extent | string): Extent | string {
  const ms = node === null ? undefined : durationMs(text, node);
  if (ms === undefined) return `${node === null ? 'a range' : excerpt(text, node)} is no plain duration: write one such as 5m`;
  return use(Math.abs(ms));
}

/** Literals with signs and parentheses only: arithmetic of durations is experimental, and its result can depend on the server. */
function durationMs(text: string, node: SyntaxNode): number | undefined {
  for (let current = node; ;) {
    if (current.name === 'NumberDurationLiteralInDurationContext') return literalMs(text.slice(current.from, current.to));
    if (current.name !== 'DurationExpr' && current.name !== 'OffsetDurationExpr') return undefined;
    const { firstChild, lastChild } = current;
    if (firstChild === null || lastChild === null) return undefined;
    // One child, or a sign and one child; operators have more.
    const only = firstChild.name === 'UnaryOp' ? firstChild.nextSibling : firstChild;
    if (only === null || only.nextSibling !== null) return undefined;
    current = only;
  }
}

function excerpt(text: string, { from, to }: { readonly from: number; readonly to: number }): string {
  const part = text.slice(from, to);
  return quoted(part.length > 60 ? `…${part.slice(-58)}` : part);
}
