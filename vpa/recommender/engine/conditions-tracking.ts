import type { Amounts, Recommendation, SizingPolicy } from '../../model.ts';

/** A policy without recommendation for longer is warned about, milliseconds. */
export const missingLimitMs = 1_800_000;

export interface Missing {
  /** Since when there is none, or when it was warned of last, epoch milliseconds; `undefined`: there is a recommendation. */
  readonly since: number | undefined;
  /** Warn now. */
  readonly overdue: boolean;
}

/** The next state of a policy's missing recommendation (spec §3.8): the timer starts again with each warning. */
export function nextMissing(since: number | undefined, hasRecommendation: boolean, now: number): Missing {
  if (hasRecommendation) return { since: undefined, overdue: false };
  if (since === undefined) return { since: now, overdue: false };
  const overdue = since + missingLimitMs < now;
  return { since: overdue ? now : since, overdue };
}

export interface MissingTracker {
  /** After each pass; `true`: the policy has been without for more than 30 minutes, or for 30 more since the last time. */
  record(key: string, hasRecommendation: boolean, now: number): boolean;
  /** The policy is gone. */
  forget(key: string): void;
  /** Policies that are without a recommendation. */
  readonly size: number;
}

export function createMissingTracker(): MissingTracker {
  const times = new Map<string, number>();
  return {
    record: (key, hasRecommendation, now) => {
      const { since, overdue } = nextMissing(times.get(key), hasRecommendation, now);
      if (since === undefined) times.delete(key);
      else times.set(key, since);
      return overdue;
    },
    forget: (key) => void times.delete(key),
    get size() {
      return times.size;
    },
  };
}

/** Which policies a recommender is for. */
export interface RecommenderScope {
  /** --recommender-name */
  readonly name: string;
  /** --vpa-object-namespace; absent: all but the ignored ones. */
  readonly namespace?: string | undefined;
  readonly ignoredNamespaces?: readonly string[] | undefined;
}

/** Whether the policy is this recommender's (spec §3.2): one that names none is that of `default`. */
export function handlesPolicy(
  policy: Pick<SizingPolicy, 'recommenders'> & { readonly namespace?: string | undefined },
  scope: RecommenderScope,
): boolean {
  const { recommenders, namespace = '' } = policy;
  const named = recommenders.length === 0 ? scope.name === 'default' : recommenders.includes(scope.name);
  if (!named) return false;
  if (scope.namespace !== undefined && scope.namespace !== '') return namespace === scope.namespace;
  return !(scope.ignoredNamespaces ?? []).includes(namespace);
}

/** What was recommended last, uncapped, by container, for the metrics of changes: only containers that are there already are brought up to date. */
export function lastTargets(
  previous: ReadonlyMap<string, Amounts | undefined>,
  { containers }: Recommendation,
): ReadonlyMap<string, Amounts | undefined> {
  const next = new Map(previous);
  for (const { container, uncappedTarget } of containers) if (next.has(container)) next.set(container, uncappedTarget);
  return next;
}
