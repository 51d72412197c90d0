import {
  equalities,
  matchesSelector,
  selectorOf,
  type LabelSelectorObject,
  type Labels,
  type PodAffinityTerm,
  type PodRecord,
  type PodShape,
  type Selector,
  type TopologySpreadConstraint,
} from '../../../../core/model/index.ts';

/** Pods of some namespaces that a selector matches, counted by the value of a topology key. */
export interface Term {
  readonly id: number;
  readonly key: string;
  readonly namespaces: readonly string[];
  readonly selector: Selector;
}

/** What a pod requires of its topology, as far as the mix can keep it. */
export interface PodRules {
  readonly spread: readonly { readonly term: Term; readonly maxSkew: number }[];
  readonly affinity: readonly Term[];
  readonly anti: readonly Term[];
}

/** The terms of a problem; equal ones are one. */
export interface TermTable {
  readonly terms: readonly Term[];
  /** What a pod requires; `undefined` when the mix cannot keep it: such pods are left to the scheduler's own filters. */
  rulesOf(pod: Pick<PodRecord, 'namespace' | 'shape'>): PodRules | undefined;
  /** Terms of required anti-affinity, for pods that exist. Those that cannot be read are left out. */
  antiOf(pod: Pick<PodRecord, 'namespace' | 'shape'>): readonly Term[];
  /** Terms that count the pod. Ask when all terms are known. */
  matching(pod: Pick<PodRecord, 'namespace' | 'labels'>): readonly Term[];
}

export function createTermTable(): TermTable {
  const terms: Term[] = [];
  const byKey = new Map<string, Term>();
  const term = (key: string, namespaces: readonly string[], object: LabelSelectorObject | null | undefined): Term => {
    const text = JSON.stringify([key, namespaces.toSorted(), object ?? null]);
    let known = byKey.get(text);
    if (known === undefined) {
      byKey.set(text, (known = { id: terms.length, key, namespaces, selector: selectorOf(object) }));
      terms.push(known);
    }
    return known;
  };
  const ofAffinity = (namespace: string, { labelSelector, namespaces, topologyKey }: PodAffinityTerm): Term =>
    term(topologyKey, namespaces === undefined || namespaces === null || namespaces.length === 0 ? [namespace] : namespaces, labelSelector);
  const matching = createMatching(terms);
  return {
    terms,
    rulesOf: ({ namespace, shape }) => {
      const { spread, affinity, anti } = required(shape);
      if (!spread.every(isPlainSpread) || ![...affinity, ...anti].every(isPlainAffinity)) return undefined;
      // A pod that others want beside them counts only if it matches all terms at once.
      if (affinity.length > 1) return undefined;
      return {
        spread: spread.map(({ topologyKey, maxSkew, labelSelector }) => ({ term: term(topologyKey, [namespace], labelSelector), maxSkew })),
        affinity: affinity.map((each) => ofAffinity(namespace, each)),
        anti: anti.map((each) => ofAffinity(namespace, each)),
      };
    },
    antiOf: ({ namespace, shape }) =>
      required(shape)
        .anti.filter(isPlainAffinity)
        .map((each) => ofAffinity(namespace, each)),
    matching,
  };
}

function required({ topologySpread, affinity }: PodShape) {
  return {
    spread: topologySpread.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule'),
    affinity: affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
    anti: affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
  };
}

function isPlainSpread(constraint: TopologySpreadConstraint): boolean {
  const { labelSelector, matchLabelKeys, minDomains, nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
  const plain = (matchLabelKeys ?? []).length === 0 && (minDomains ?? 1) <= 1 && (nodeAffinityPolicy ?? 'Honor') === 'Honor';
  return plain && (nodeTaintsPolicy ?? 'Ignore') === 'Ignore' && !isEmpty(labelSelector);
}

function isPlainAffinity({ namespaceSelector, matchLabelKeys, mismatchLabelKeys }: PodAffinityTerm): boolean {
  const nowhere = namespaceSelector === undefined || namespaceSelector === null;
  return nowhere && (matchLabelKeys ?? []).length === 0 && (mismatchLabelKeys ?? []).length === 0;
}

/** A selector of spreading that is there and empty counts no pod but the new one (observed); too odd to plan with. */
function isEmpty(selector: LabelSelectorObject | null | undefined): boolean {
  if (selector === undefined || selector === null) return false;
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

function createMatching(terms: readonly Term[]): TermTable['matching'] {
  let indexed = 0;
  const byPair = new Map<string, Term[]>();
  const others: Term[] = [];
  const sets = new Map<string, Map<Labels, readonly Term[]>>();
  const index = (): void => {
    for (; indexed < terms.length; indexed++) {
      const term = terms[indexed];
      if (term === undefined) continue;
      const [pair] = equalities(term.selector);
      if (pair === undefined) others.push(term);
      else push(byPair, `${pair[0]}=${pair[1]}`, term);
    }
  };
  return ({ namespace, labels }) => {
    if (indexed < terms.length) {
      index();
      sets.clear();
    }
    let ofNamespace = sets.get(namespace);
    if (ofNamespace === undefined) sets.set(namespace, (ofNamespace = new Map()));
    let found = ofNamespace.get(labels);
    if (found === undefined) {
      const candidates = [...others, ...Object.entries(labels).flatMap(([key, value]) => byPair.get(`${key}=${value}`) ?? [])];
      found = candidates.filter(({ namespaces, selector }) => namespaces.includes(namespace) && matchesSelector(selector, labels));
      ofNamespace.set(labels, found);
    }
    return found;
  };
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
