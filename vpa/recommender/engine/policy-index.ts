import type { Labels, Selector } from '../../../core/model/selector.ts';

/**
 * Finds the policies of a namespace that may select a pod, by one label that their selector fixes to one or a few values: what a new pod costs does not grow with the
 * number of policies. Selectors that fix none are in a list of their own.
 */
export interface PolicyIndex<P> {
  readonly byPair: Map<string, P[]>;
  readonly rest: P[];
}

/** How an indexed selector is found: the label and the values that it takes; `undefined`: by trying. */
export interface IndexKey {
  readonly label: string;
  readonly values: readonly string[];
}

export function createPolicyIndex<P>(): PolicyIndex<P> {
  return { byPair: new Map(), rest: [] };
}

/** The label under which the fewest others stand. */
export function indexKeyOf<P>({ byPair }: PolicyIndex<P>, selector: Selector): IndexKey | undefined {
  let best: IndexKey | undefined;
  let fewest = Infinity;
  for (const { key, operator, values } of selector.requirements) {
    if (operator !== '=' && operator !== '==' && operator !== 'in') continue;
    let others = 0;
    for (const value of values) others += byPair.get(`${key}=${value}`)?.length ?? 0;
    if (others < fewest) {
      fewest = others;
      best = { label: key, values };
    }
  }
  return best;
}

export function addToIndex<P>(index: PolicyIndex<P>, key: IndexKey | undefined, policy: P): void {
  if (key === undefined) {
    index.rest.push(policy);
    return;
  }
  for (const value of new Set(key.values)) {
    const pair = `${key.label}=${value}`;
    const list = index.byPair.get(pair);
    if (list === undefined) index.byPair.set(pair, [policy]);
    else list.push(policy);
  }
}

export function removeFromIndex<P>(index: PolicyIndex<P>, key: IndexKey | undefined, policy: P): void {
  if (key === undefined) {
    removeFrom(index.rest, policy);
    return;
  }
  for (const value of key.values) {
    const pair = `${key.label}=${value}`;
    const list = index.byPair.get(pair);
    if (list === undefined) continue;
    removeFrom(list, policy);
    if (list.length === 0) index.byPair.delete(pair);
  }
}

function removeFrom<P>(list: P[], policy: P): void {
  const at = list.indexOf(policy);
  if (at < 0) return;
  const last = list.pop();
  if (last !== undefined && at < list.length) list[at] = last;
}

/** Calls `visit` for every policy whose indexed label the labels have, and for those without one. */
export function eachCandidate<P>({ byPair, rest }: PolicyIndex<P>, labels: Labels, visit: (policy: P) => void): void {
  if (byPair.size > 0) {
    for (const key in labels) {
      const list = byPair.get(`${key}=${labels[key] ?? ''}`);
      if (list !== undefined) for (const policy of list) visit(policy);
    }
  }
  for (const policy of rest) visit(policy);
}
