import { insertMatchers, parseQuery, type LabelMatcher, type ParsedQuery, type Selector } from './parsed-query.ts';
import { quoted } from './quoted.ts';
import { reachProblem } from './time-reach.ts';

export interface ConfineOptions {
  /** Label that holds the namespace of a series. */
  readonly namespaceLabel: string;
  /** The asking policy's. */
  readonly namespace: string;
  /** Longest range, subquery or offset; those that enclose one another add up. */
  readonly maxRangeSeconds: number;
  /** Characters; default 4096. */
  readonly maxLength?: number | undefined;
  /** Default 11000: evaluations of one expression inside of subqueries. */
  readonly maxSubqueryPoints?: number | undefined;
  /** Epoch milliseconds: permits `@ <time>` within the range. Without it a fixed time is refused. */
  readonly now?: number | undefined;
}

export type ConfineResult =
  | {
      readonly ok: true;
      /** What to send; canonical. */
      readonly query: string;
      /** Its selectors, each once, in order: what `match[]` takes. */
      readonly selectors: readonly string[];
    }
  | {
      readonly ok: false;
      /** One sentence for the author of the query. */
      readonly problem: string;
    };

/**
 * PromQL of a tenant, changed so that it can see nothing but series of the tenant's namespace: every selector gets the matcher `namespaceLabel="namespace"`.
 * What cannot be confined is refused, and so is a query whose author tries to say something else about that label.
 *
 * Functions that write labels (`label_replace`, `label_join`, `count_values`) may forge the namespace label of a *result*; that gains nothing, because what
 * is selected is confined before they run and nobody reads the namespace off a result.
 */
export function confineQuery(query: string, options: ConfineOptions): ConfineResult {
  const maxLength = options.maxLength ?? 4096;
  if (query.length > maxLength) return refused(`the query has ${query.length} characters, more than the ${maxLength} that are permitted`);
  // label="" matches the series that have no such label: everything that is nobody's.
  if (options.namespace === '') return refused('a query without a namespace cannot be confined to one');
  const parsed = parseQuery(query);
  if (!parsed.ok) return parsed;
  const problem =
    infoProblem(parsed.query) ??
    selectorProblem(parsed.query, options) ??
    reachProblem(parsed.query, {
      maxRangeMs: options.maxRangeSeconds * 1000,
      maxSubqueryPoints: options.maxSubqueryPoints ?? 11_000,
      now: options.now,
    });
  if (problem !== undefined) return refused(problem);
  const matcher: LabelMatcher = { name: options.namespaceLabel, op: '=', value: options.namespace };
  const confined = insertMatchers(parsed.query, (selector) => (names(selector, options.namespaceLabel) ? [] : [matcher]));
  return verified(confined, options);
}

function refused(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

/** Reads what is to be sent once more: the promise is about that text, not about the way it came about. */
function verified(confined: string, options: ConfineOptions): ConfineResult {
  const again = parseQuery(confined);
  if (!again.ok || again.query.text !== confined) return refused('the query cannot be confined: write it more simply');
  const { selectors, text } = again.query;
  const open = selectors.find((selector) => !names(selector, options.namespaceLabel));
  const problem = selectorProblem(again.query, options) ?? infoProblem(again.query);
  if (open !== undefined || problem !== undefined) return refused('the query cannot be confined: write it more simply');
  return { ok: true, query: confined, selectors: [...new Set(selectors.map(({ from, to }) => text.slice(from, to)))] };
}

function names(selector: Selector, label: string): boolean {
  return selector.matchers.some((matcher) => matcher.name === label);
}

function selectorProblem({ text, selectors }: ParsedQuery, options: ConfineOptions): string | undefined {
  const { namespaceLabel: label, namespace } = options;
  for (const selector of selectors) {
    const written = text.slice(selector.from, selector.to);
    for (const { name, op, value } of selector.matchers) {
      if (name !== label || (op === '=' && value === namespace)) continue;
      return `${quoted(written)} selects by ${label}${op}${quoted(value)}, but a policy of namespace ${namespace} sees its own namespace only: remove that matcher`;
    }
    // Prometheus refuses it, and the matcher that is put in would make it the whole namespace.
    if (selector.metric === undefined && selector.matchers.every(({ name }) => name === label)) {
      return `${quoted(written)} names no metric: write its name before the braces`;
    }
  }
  return undefined;
}

/** `info()` reads series that no selector names unless its second argument does: `target_info` of every namespace. */
function infoProblem({ tree }: ParsedQuery): string | undefined {
  let problem: string | undefined;
  tree.iterate({
    enter: ({ name, node }) => {
      if (name !== 'FunctionCall' || node.getChild('FunctionIdentifier')?.getChild('Info') === null) return;
      const body = node.getChild('FunctionCallBody');
      const last = body?.lastChild;
      if (body?.firstChild?.nextSibling?.nextSibling === null && last?.name === 'VectorSelector') return;
      problem = 'info() reads target_info of all namespaces unless told which: give it a label selector as second argument';
    },
  });
  return problem;
}
