import {
  equalities,
  matchesSelector,
  selectNothing,
  selectorOf,
  type LabelSelectorObject,
  type Labels,
  type PodAffinityTerm,
  type PodShape,
  type Selector,
  type TopologySpreadConstraint,
} from '../../../core/model/index.ts';

/** A label selector with what `matchLabelKeys` and `mismatchLabelKeys` add to it for one pod. */
export interface LabelMatcher {
  readonly selector: Selector;
  readonly equal: readonly (readonly [key: string, value: string])[];
  readonly unequal: readonly (readonly [key: string, value: string])[];
  /** A label that every match has, as {@link pairOf} writes it; `undefined`: there is no such label. */
  readonly anchor: string | undefined;
  /** Equal texts mean equal matchers. */
  readonly text: string;
}

/** A required term of inter-pod (anti-)affinity, resolved for the pod that has it. */
export interface PodTerm {
  readonly topologyKey: string;
  readonly labels: LabelMatcher;
  readonly namespaces: ReadonlySet<string>;
  /** Absent: only `namespaces` count. */
  readonly namespaceSelector: Selector | undefined;
  /** The namespace selector is `{}`. */
  readonly everyNamespace: boolean;
  /** Of all but the topology key. */
  readonly text: string;
}

/** A spread constraint with `DoNotSchedule`, resolved for the pod that has it. */
export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
  readonly labels: LabelMatcher;
  /** An empty selector counts no existing pod, only the incoming one (as upstream). */
  readonly countsNothing: boolean;
}

/** A label as one text. */
export function pairOf(key: string, value: string): string {
  return `${key}\0${value}`;
}

export function matchesLabels({ selector, equal, unequal }: LabelMatcher, labels: Labels): boolean {
  if (!matchesSelector(selector, labels)) return false;
  for (const [key, value] of equal) if (labels[key] !== value) return false;
  for (const [key, value] of unequal) if (labels[key] === value) return false;
  return true;
}

/**
 * Whether a pod is among those that a term means, from the labels of its namespace: `undefined` where nobody knows the namespace, which then no
 * namespace selector finds.
 */
export function isMeant(term: PodTerm, namespace: string, labels: Labels, namespaceLabels: Labels | undefined): boolean {
  const { namespaceSelector } = term;
  const reached =
    term.everyNamespace ||
    term.namespaces.has(namespace) ||
    (namespaceSelector !== undefined && namespaceLabels !== undefined && matchesSelector(namespaceSelector, namespaceLabels));
  return reached && matchesLabels(term.labels, labels);
}

/** Required affinity terms of a pod; none for a shape without. */
export function affinityTerms({ affinity }: PodShape, namespace: string, labels: Labels): readonly PodTerm[] {
  const terms = affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.map((term) => resolveTerm(term, namespace, labels));
}

/** Required anti-affinity terms of a pod. */
export function antiAffinityTerms({ affinity }: PodShape, namespace: string, labels: Labels): readonly PodTerm[] {
  const terms = affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.map((term) => resolveTerm(term, namespace, labels));
}

/** The API server merges `matchLabelKeys` into the selector on creation; doing it again changes nothing. */
function resolveTerm(raw: PodAffinityTerm, namespace: string, labels: Labels): PodTerm {
  const named = raw.namespaces ?? [];
  const chosen = raw.namespaceSelector ?? undefined;
  const namespaces = new Set(named.length === 0 && chosen === undefined ? [namespace] : named);
  const namespaceSelector = chosen === undefined ? undefined : selectorFrom(chosen);
  const matcher = matcherOf(raw.labelSelector, labels, raw);
  return {
    topologyKey: raw.topologyKey,
    labels: matcher,
    namespaces,
    namespaceSelector,
    everyNamespace: namespaceSelector !== undefined && isEmpty(namespaceSelector),
    text: JSON.stringify([[...namespaces].toSorted(), namespaceSelector ?? 0, matcher.text]),
  };
}

/** The hard spread constraints of a pod. */
export function spreadConstraints({ topologySpread }: PodShape, labels: Labels): readonly SpreadConstraint[] {
  return topologySpread
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule')
    .map((raw) => resolveConstraint(raw, labels));
}

function resolveConstraint(raw: TopologySpreadConstraint, labels: Labels): SpreadConstraint {
  const matcher = matcherOf(raw.labelSelector, labels, { matchLabelKeys: raw.matchLabelKeys });
  return {
    topologyKey: raw.topologyKey,
    maxSkew: raw.maxSkew,
    minDomains: raw.minDomains ?? 1,
    honorAffinity: raw.nodeAffinityPolicy !== 'Ignore',
    honorTaints: raw.nodeTaintsPolicy === 'Honor',
    labels: matcher,
    countsNothing: isEmpty(matcher.selector) && matcher.equal.length === 0,
  };
}

interface LabelKeys {
  readonly matchLabelKeys?: readonly string[] | null | undefined;
  readonly mismatchLabelKeys?: readonly string[] | null | undefined;
}

function matcherOf(raw: LabelSelectorObject | null | undefined, labels: Labels, keys: LabelKeys): LabelMatcher {
  const selector = selectorFrom(raw);
  const equal = present(keys.matchLabelKeys, labels);
  const unequal = present(keys.mismatchLabelKeys, labels);
  const fixed = [...equal, ...equalities(selector)][0];
  return {
    selector,
    equal,
    unequal,
    anchor: fixed === undefined ? undefined : pairOf(...fixed),
    text: JSON.stringify([selector, equal, unequal]),
  };
}

/** A selector that cannot be read (the API server takes none such) selects nothing. */
function selectorFrom(raw: LabelSelectorObject | null | undefined): Selector {
  try {
    return selectorOf(raw);
  } catch {
    return selectNothing;
  }
}

function isEmpty({ matchesNothing, requirements }: Selector): boolean {
  return !matchesNothing && requirements.length === 0;
}

/** The pod's own values of the keys that it has. */
function present(keys: readonly string[] | null | undefined, labels: Labels): (readonly [string, string])[] {
  return (keys ?? []).flatMap((key) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    return value === undefined ? [] : [[key, value] as const];
  });
}
