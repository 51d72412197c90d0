import { formatMatcher, parseQuery, type LabelMatcher } from '../../../metrics-aggregator/index.ts';

/** A selector in fewer words: without one of its matchers, or by its metric alone. */
export interface Loosened {
  /** What was left out: `job="api"`; all matchers for the metric alone. */
  readonly without: string;
  readonly selector: string;
}

/** Matchers that are left out one at a time. */
const mostMatchers = 8;

/**
 * The selector without each of its matchers in turn, and its metric alone: which of them matches series tells which matcher is at fault where the whole
 * matches none. What would select every series there is is left out.
 */
export function loosen(selector: string): readonly Loosened[] {
  const parsed = parseQuery(selector);
  const only = parsed.ok && parsed.query.selectors.length === 1 ? parsed.query.selectors[0] : undefined;
  if (only === undefined) return [];
  const named = only.metric !== undefined || only.matchers.some(isName);
  const free = only.matchers.filter((matcher) => !isName(matcher));
  // Without a name each series of the server would be counted.
  if (!named || free.length === 0) return [];
  const names = only.matchers.filter(isName);
  const text = (matchers: readonly LabelMatcher[]): string => selectorText(only.metric, [...names, ...matchers]);
  const each = free
    .slice(0, mostMatchers)
    .map((left) => ({ without: formatMatcher(left), selector: text(free.filter((matcher) => matcher !== left)) }));
  return free.length === 1 ? each : [...each, { without: free.map(formatMatcher).join(','), selector: text([]) }];
}

/** Name of the metric that a selector asks for by equality. */
export function metricOf(selector: string): string | undefined {
  const parsed = parseQuery(selector);
  const only = parsed.ok ? parsed.query.selectors[0] : undefined;
  return only?.metric ?? only?.matchers.find((matcher) => isName(matcher) && matcher.op === '=')?.value;
}

function isName({ name }: LabelMatcher): boolean {
  return name === '__name__';
}

function selectorText(metric: string | undefined, matchers: readonly LabelMatcher[]): string {
  const braces = matchers.length === 0 && metric !== undefined ? '' : `{${matchers.map(formatMatcher).join(',')}}`;
  return `${metric ?? ''}${braces}`;
}
