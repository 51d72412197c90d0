import type { SyntaxNode } from '@lezer/common';
import { insertMatchers, parseQuery, type LabelMatcher } from './parsed-query.ts';
import { kindOf, operands } from './result-kind.ts';
import { decodeString, quoteRegex } from './string-literal.ts';

/** Functions whose result for a series depends on that series alone, and keeps its labels. */
const perSeries: ReadonlySet<string> = new Set(
  ['Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Ceil', 'Changes', 'Clamp', 'ClampMax', 'ClampMin', 'Cos', 'Cosh']
    .concat(['DayOfMonth', 'DayOfWeek', 'DayOfYear', 'DaysInMonth', 'Deg', 'Delta', 'Deriv', 'DoubleExponentialSmoothing', 'Exp', 'Floor'])
    .concat(['HistogramAvg', 'HistogramCount', 'HistogramFraction', 'HistogramStdDev', 'HistogramStdVar', 'HistogramSum', 'Hour', 'Idelta'])
    .concat([
      'Increase',
      'Irate',
      'Ln',
      'Log10',
      'Log2',
      'Minute',
      'Month',
      'PredictLinear',
      'Rad',
      'Rate',
      'Resets',
      'Round',
      'Sgn',
      'Sin',
    ])
    .concat(['Sinh', 'Sqrt', 'Tan', 'Tanh', 'Timestamp', 'Year', 'AvgOverTime', 'CountOverTime', 'FirstOverTime', 'LastOverTime'])
    .concat(['MadOverTime', 'MaxOverTime', 'MinOverTime', 'PresentOverTime', 'QuantileOverTime', 'StddevOverTime', 'StdvarOverTime'])
    .concat(['SumOverTime']),
);

/** Aggregations that make one series of each group. The others pick series or make up labels. */
const perGroup: ReadonlySet<string> = new Set([
  'Sum',
  'Avg',
  'Min',
  'Max',
  'Count',
  'Group',
  'Stddev',
  'Stdvar',
  'Quantile',
  'Topk',
  'Bottomk',
]);

export type SplitResult =
  { readonly ok: true; readonly queries: readonly [string, string] } | { readonly ok: false; readonly problem: string };

/**
 * Splits a query in two by the values of one label: one half of the values, and everything else (also series without that label and values that nobody has
 * heard of). The union of the two answers is exactly the answer to the whole, and no series is in both; that holds only where every part of the query
 * keeps series of different values apart, so a query such as `sum(x)` is not split.
 */
export function splitBySelector(query: string, by: { readonly label: string; readonly values: readonly string[] }): SplitResult {
  const parsed = parseQuery(query);
  if (!parsed.ok) return parsed;
  if (by.label === '__name__') return { ok: false, problem: 'functions drop the metric name: a query cannot be split by it' };
  if (by.values.length < 2) return { ok: false, problem: `label ${by.label} has fewer than two values to split by` };
  const { text, tree } = parsed.query;
  if (!separable(text, tree.topNode, by.label))
    return { ok: false, problem: `the query mixes series of different ${by.label}: it cannot be split by it` };
  const sorted = by.values.toSorted();
  const value = sorted
    .slice(0, Math.floor(sorted.length / 2))
    .map(quoteRegex)
    .join('|');
  const half = (op: LabelMatcher['op']): string => insertMatchers(parsed.query, () => [{ name: by.label, op, value }]);
  return { ok: true, queries: [half('=~'), half('!~')] };
}

/** Whether each series of the result comes only from series with the same value of the label, and carries it. */
function separable(text: string, node: SyntaxNode, label: string): boolean {
  switch (node.name) {
    case 'VectorSelector':
      return true;
    case 'FunctionCall':
      return separableCall(text, node, label);
    case 'AggregateExpr':
      return separableAggregate(text, node, label);
    case 'BinaryExpr':
      return separableBinary(text, node, label);
    case 'UnaryExpr':
      return node.lastChild !== null && separable(text, node.lastChild, label);
    case 'PromQL':
    case 'ParenExpr':
    // A postfix may stand above a whole binary expression in the tree, although it belongs to its right side: either way all of it is looked at.
    case 'MatrixSelector':
    case 'OffsetExpr':
    case 'StepInvariantExpr':
    case 'SubqueryExpr':
      return node.firstChild !== null && separable(text, node.firstChild, label);
    default:
      return false;
  }
}

/** A number that is the same in each part: no selector in it, and not a vector, which would be in both parts. */
function constant(node: SyntaxNode): boolean {
  if (node.name === 'StringLiteral') return true;
  let selects = false;
  node.cursor().iterate(({ name }) => {
    if (name === 'VectorSelector') selects = true;
  });
  return !selects && kindOf(node) === 'scalar';
}

function argumentsOf(node: SyntaxNode): SyntaxNode[] {
  const list: SyntaxNode[] = [];
  for (let child = node.getChild('FunctionCallBody')?.firstChild ?? null; child !== null; child = child.nextSibling) list.push(child);
  return list;
}

/** One argument with series, the others numbers. */
function oneSeparable(text: string, list: readonly SyntaxNode[], label: string): boolean {
  const open = list.filter((argument) => !constant(argument));
  const [only] = open;
  return only !== undefined && open.length === 1 && separable(text, only, label);
}

function separableCall(text: string, node: SyntaxNode, label: string): boolean {
  const name = node.firstChild?.firstChild?.name ?? '';
  const list = argumentsOf(node);
  if (perSeries.has(name)) return oneSeparable(text, list, label);
  // Each group of buckets differs in le only.
  if (name === 'HistogramQuantile') return label !== 'le' && oneSeparable(text, list, label);
  if (name === 'LabelReplace' || name === 'LabelJoin') {
    const [, target] = list;
    const written = target?.name === 'StringLiteral' ? decodeString(text.slice(target.from, target.to)) : undefined;
    return written !== undefined && written !== label && oneSeparable(text, list, label);
  }
  return false;
}

function separableAggregate(text: string, node: SyntaxNode, label: string): boolean {
  if (!perGroup.has(node.getChild('AggregateOp')?.firstChild?.name ?? '')) return false;
  const modifier = node.getChild('AggregateModifier');
  if (modifier === null) return false;
  const listed = labelsOf(text, modifier.getChild('GroupingLabels')).includes(label);
  return listed === (modifier.getChild('By') !== null) && oneSeparable(text, argumentsOf(node), label);
}

function separableBinary(text: string, node: SyntaxNode, label: string): boolean {
  const [left, right] = operands(node);
  if (left === undefined || right === undefined || node.getChild('FillModifier') !== null) return false;
  if (constant(left)) return separable(text, right, label);
  if (constant(right)) return separable(text, left, label);
  const matching = node.getChild('MatchingModifierClause');
  if (matching !== null) {
    const listed = labelsOf(text, matching.getChild('GroupingLabels')).includes(label);
    if (listed !== (matching.getChild('On') !== null)) return false;
  }
  return separable(text, left, label) && separable(text, right, label);
}

function labelsOf(text: string, node: SyntaxNode | null): string[] {
  const labels: string[] = [];
  for (let child = node?.firstChild ?? null; child !== null; child = child.nextSibling) {
    const written = text.slice(child.from, child.to);
    labels.push(child.name === 'QuotedLabelName' ? (decodeString(written) ?? '') : written);
  }
  return labels;
}
