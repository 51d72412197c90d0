import type { Clock } from '../../core/model/clock.ts';
import type { MetricQuery } from '../../core/model/metric-query.ts';
import { newQueryBudget, spend, type QueryBudget } from '../engine/query-budget.ts';
import type { SourceFailure } from '../sources/source.ts';

export interface NamespaceGuardOptions {
  /** Name of the MetricSource, for sentences. */
  readonly name: string;
  readonly clock: Clock;
  readonly allowedNamespaces: { readonly all?: boolean | undefined; readonly names?: readonly string[] | undefined } | undefined;
  readonly queriesPerMinute: number;
  readonly queriesPerMinutePerNamespace: number;
}

/** Decides whether a query of a namespace may be sent: allowed namespaces, then the budgets of the namespace and of the source. */
export function createNamespaceGuard(options: NamespaceGuardOptions): (query: MetricQuery) => SourceFailure | undefined {
  const { name, clock, allowedNamespaces, queriesPerMinute, queriesPerMinutePerNamespace } = options;
  const allowed = new Set(allowedNamespaces?.names ?? []);
  const namespaces = new Map<string, QueryBudget>();
  let whole = newQueryBudget(queriesPerMinute, clock.now());

  return ({ namespace }) => {
    if (allowedNamespaces?.all !== true && !allowed.has(namespace)) {
      const detail = `MetricSource ${name} does not allow namespace ${namespace}; an administrator can add it to spec.allowedNamespaces.names`;
      return { ok: false, reason: 'refused', detail };
    }
    const now = clock.now();
    const own = spend(namespaces.get(namespace) ?? newQueryBudget(queriesPerMinutePerNamespace, now), now);
    if (own === undefined) return overBudget(`namespace ${namespace}`, queriesPerMinutePerNamespace, name);
    const left = spend(whole, now);
    if (left === undefined) return overBudget('all policies', queriesPerMinute, name);
    namespaces.set(namespace, own);
    whole = left;
    return undefined;
  };
}

/** The last value is held meanwhile, as with any source that cannot be asked just now. */
function overBudget(who: string, perMinute: number, name: string): SourceFailure {
  const detail = `${who} used up the ${perMinute} queries a minute that MetricSource ${name} allows; use fewer queries or raise spec.limits`;
  return { ok: false, reason: 'source-unavailable', detail };
}
