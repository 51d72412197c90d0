import { equalities, matchesSelector, type Labels, type PdbRecord, type PodRecord } from '../../../core/model/index.ts';

/**
 * How many disruptions the budgets have left while removals are planned. Counts only go down: what is planned is never undone, so there is
 * nothing to fork.
 */
export interface DisruptionTracker {
  /** Whether any budget selects the pod. */
  covers(pod: PodRecord): boolean;
  /** Name of the first budget (in order of name) that selects the pod and has none left. */
  exhausted(pod: PodRecord): string | undefined;
  /** `canRemove`: every budget that selects one of the pods has at least one left; `inParallel`: they have enough for all pods at once. */
  check(pods: readonly PodRecord[]): { readonly canRemove: boolean; readonly inParallel: boolean };
  /** The pods will go. Counts may fall below 0 for pods that could not go at once. */
  take(pods: readonly PodRecord[]): void;
  /** What is left of the budgets, in the order in which they were given. */
  remaining(): readonly number[];
}

/** Budgets of one namespace: by a label pair that they require, and those that require no pair. */
interface NamespaceBudgets {
  readonly byPair: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;
  readonly others: readonly number[];
  readonly memo: Map<Labels, readonly number[]>;
}

const none: readonly number[] = [];

/**
 * A tracker with what the budgets' statuses allow. The budgets of a pod are looked for once for each label set: by the pairs that selectors
 * require, so that 1,000 budgets of one namespace cost a pod as much as one.
 */
export function createDisruptionTracker(pdbs: readonly PdbRecord[]): DisruptionTracker {
  const sorted = pdbs.map((_, index) => index).toSorted((a, b) => compareBudgets(pdbs[a], pdbs[b]));
  const rank = new Int32Array(pdbs.length);
  sorted.forEach((index, position) => (rank[index] = position));
  const budgets = sorted.map((index) => pdbs[index] as PdbRecord);
  const left = Float64Array.from(budgets, ({ disruptionsAllowed }) => disruptionsAllowed);
  const asked = new Int32Array(budgets.length);
  const namespaces = indexBudgets(budgets);

  const budgetsOf = ({ namespace, labels }: PodRecord): readonly number[] => {
    const inNamespace = namespaces.get(namespace);
    if (inNamespace === undefined) return none;
    let found = inNamespace.memo.get(labels);
    if (found === undefined) inNamespace.memo.set(labels, (found = selecting(inNamespace, labels, budgets)));
    return found;
  };

  return {
    covers: (pod) => budgetsOf(pod).length > 0,
    exhausted: (pod) => {
      for (const index of budgetsOf(pod)) if ((left[index] ?? 0) < 1) return budgets[index]?.name;
      return undefined;
    },
    check: (pods) => {
      const touched: number[] = [];
      for (const pod of pods) {
        for (const index of budgetsOf(pod)) {
          if (asked[index] === 0) touched.push(index);
          asked[index] = (asked[index] ?? 0) + 1;
        }
      }
      let canRemove = true;
      let inParallel = true;
      for (const index of touched) {
        const allowed = left[index] ?? 0;
        if (allowed < 1) canRemove = false;
        if (allowed < (asked[index] ?? 0)) inParallel = false;
        asked[index] = 0;
      }
      return { canRemove, inParallel };
    },
    take: (pods) => {
      for (const pod of pods) for (const index of budgetsOf(pod)) left[index] = (left[index] ?? 0) - 1;
    },
    remaining: () => pdbs.map((_, index) => left[rank[index] ?? 0] ?? 0),
  };
}

function compareBudgets(a: PdbRecord | undefined, b: PdbRecord | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return compareTexts(a.namespace, b.namespace) || compareTexts(a.name, b.name);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function indexBudgets(budgets: readonly PdbRecord[]): ReadonlyMap<string, NamespaceBudgets> {
  const namespaces = new Map<
    string,
    { byPair: Map<string, Map<string, number[]>>; others: number[]; memo: Map<Labels, readonly number[]> }
  >();
  budgets.forEach(({ namespace, selector }, index) => {
    if (selector.matchesNothing) return;
    let entry = namespaces.get(namespace);
    if (entry === undefined) namespaces.set(namespace, (entry = { byPair: new Map(), others: [], memo: new Map() }));
    const [pair] = equalities(selector);
    if (pair === undefined) entry.others.push(index);
    else listAt(entry.byPair, pair).push(index);
  });
  return namespaces;
}

function listAt(byPair: Map<string, Map<string, number[]>>, [key, value]: readonly [string, string]): number[] {
  let byValue = byPair.get(key);
  if (byValue === undefined) byPair.set(key, (byValue = new Map()));
  let list = byValue.get(value);
  if (list === undefined) byValue.set(value, (list = []));
  return list;
}

/** Indexes of the budgets that select the labels, ascending. */
function selecting({ byPair, others }: NamespaceBudgets, labels: Labels, budgets: readonly PdbRecord[]): readonly number[] {
  const found: number[] = [];
  const add = (index: number): void => {
    const budget = budgets[index];
    if (budget !== undefined && matchesSelector(budget.selector, labels)) found.push(index);
  };
  others.forEach(add);
  for (const [key, byValue] of byPair) {
    if (Object.hasOwn(labels, key)) byValue.get(labels[key] ?? '')?.forEach(add);
  }
  return found.length === 0 ? none : found.toSorted((a, b) => a - b);
}
