import { parseQuery } from './parsed-query.ts';
import { kindOf, type ResultKind } from './result-kind.ts';

export type CheckResult =
  | {
      readonly ok: true;
      /** Canonical. */
      readonly query: string;
      readonly kind: ResultKind;
      /** Each once, in order. */
      readonly selectors: readonly string[];
    }
  | { readonly ok: false; readonly problem: string };

/** Reads a query without changing what it selects. */
export function checkQuery(query: string): CheckResult {
  const parsed = parseQuery(query);
  if (!parsed.ok) return parsed;
  const { text, tree, selectors } = parsed.query;
  return {
    ok: true,
    query: text,
    kind: kindOf(tree.topNode),
    selectors: [...new Set(selectors.map(({ from, to }) => text.slice(from, to)))],
  };
}

/** What a query answers with; `undefined` for what is no PromQL. */
export function resultKind(query: string): ResultKind | undefined {
  const parsed = parseQuery(query);
  return parsed.ok ? kindOf(parsed.query.tree.topNode) : undefined;
}
