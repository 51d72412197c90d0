import type { Labels } from './labels.ts';
import { metricName } from './labels.ts';
import { anchoredRegExp } from './regexp.ts';

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** One condition on a label; a missing label counts as an empty value. */
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
  matches(value: string): boolean;
}

/** Regular expressions are anchored on both ends. Throws `RegexpProblem` for one that RE2 would not take. */
export function createMatcher(name: string, operator: MatchOperator, value: string): Matcher {
  switch (operator) {
    case '=':
      return { name, operator, value, matches: (given) => given === value };
    case '!=':
      return { name, operator, value, matches: (given) => given !== value };
    case '=~': {
      const expression = anchoredRegExp(value);
      return { name, operator, value, matches: (given) => expression.test(given) };
    }
    case '!~': {
      const expression = anchoredRegExp(value);
      return { name, operator, value, matches: (given) => !expression.test(given) };
    }
  }
}

/** What a selector or a `match[]` asks for. */
export type Matchers = readonly Matcher[];

export function matchesAll(matchers: Matchers, labels: Labels): boolean {
  return matchers.every((matcher) => matcher.matches(labels.get(matcher.name)));
}

/** The metric name that the matchers fix, if they do. */
export function fixedName(matchers: Matchers): string | undefined {
  return matchers.find(({ name, operator, value }) => name === metricName && operator === '=' && value !== '')?.value;
}
