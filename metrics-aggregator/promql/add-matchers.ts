import { isConcertinaError } from '../../core/errors.ts';
import { parseSelector, type SelectorRequirement } from '../../core/model/selector.ts';
import { insertMatchers, parseQuery, type LabelMatcher } from './parsed-query.ts';
import { quoted } from './quoted.ts';
import { quoteRegex } from './string-literal.ts';

export type QueryText = { readonly ok: true; readonly query: string } | { readonly ok: false; readonly problem: string };

/** The query with the matchers put into each of its selectors, besides those that it has: it can only select less. */
export function addMatchers(query: string, matchers: readonly LabelMatcher[]): QueryText {
  const parsed = parseQuery(query);
  if (!parsed.ok) return parsed;
  return { ok: true, query: insertMatchers(parsed.query, () => matchers) };
}

export type MatchersResult =
  { readonly ok: true; readonly matchers: readonly LabelMatcher[] } | { readonly ok: false; readonly problem: string };

/**
 * Matchers for a Kubernetes label selector in text form, as the `metric.selector` of an External metric has it. Prometheus knows no difference between a
 * label that is absent and one that is empty: `key` becomes `key!=""` and `!key` becomes `key=""`. Comparisons of numbers (`>`, `<`) have no counterpart.
 */
export function matchersOfSelector(selector: string): MatchersResult {
  const matchers: LabelMatcher[] = [];
  try {
    for (const requirement of parseSelector(selector).requirements) {
      const matcher = matcherOf(requirement);
      if (matcher === undefined) {
        return { ok: false, problem: `${requirement.key} ${requirement.operator} cannot be asked of Prometheus: use =, !=, in or notin` };
      }
      if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(matcher.name)) {
        return { ok: false, problem: `${quoted(matcher.name)} is not a label of Prometheus: write _ in place of other characters` };
      }
      matchers.push(matcher);
    }
  } catch (thrown) {
    if (isConcertinaError(thrown, 'SELECTOR_INVALID')) return { ok: false, problem: thrown.message };
    throw thrown;
  }
  return { ok: true, matchers };
}

function matcherOf({ key, operator, values }: SelectorRequirement): LabelMatcher | undefined {
  const [first = ''] = values;
  const any = values.map(quoteRegex).join('|');
  switch (operator) {
    case '=':
    case '==':
      return { name: key, op: '=', value: first };
    case '!=':
      return { name: key, op: '!=', value: first };
    case 'in':
      return values.length === 1 ? { name: key, op: '=', value: first } : { name: key, op: '=~', value: any };
    case 'notin':
      return values.length === 1 ? { name: key, op: '!=', value: first } : { name: key, op: '!~', value: any };
    case 'exists':
      return { name: key, op: '!=', value: '' };
    case '!':
      return { name: key, op: '=', value: '' };
    case 'gt':
    case 'lt':
      return undefined;
  }
}
