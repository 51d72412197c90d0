import type { Labels } from '../../../core/model/index.ts';
import type { PodKind } from './pod-kind.ts';
import {
  affinityTerms,
  antiAffinityTerms,
  isMeant,
  matchesLabels,
  pairOf,
  spreadConstraints,
  type PodTerm,
  type SpreadConstraint,
} from './pod-terms.ts';
import { count, countAt, createTally, isPresent, leastCount, type Ground, type Tally, type TopologyKey } from './tally.kernel.ts';
import type { GroundOptions } from './topology.ts';

/** A spread constraint and where its pods are counted. */
interface SpreadRule {
  readonly tally: Tally;
  readonly ground: Ground;
  /** 1 when the incoming pod counts itself. */
  readonly self: number;
  readonly maxSkew: number;
  readonly minDomains: number;
}

/** The rules of an incoming pod about other pods. Those of other pods about it are `repellers` of its kind. */
export interface Incoming {
  readonly spread: readonly SpreadRule[];
  /** For each required term: pods that match all terms, by the term's key. */
  readonly affinity: readonly Tally[];
  /** It matches all of its own affinity terms: the first of its series may go anywhere. */
  readonly selfAffine: boolean;
  /** For each required anti-affinity term: pods that match it. */
  readonly anti: readonly Tally[];
}

const none: Incoming = { spread: [], affinity: [], selfAffine: false, anti: [] };

/** Pods that a rule means. What it does with a kind that it means is done once, when either of the two appears. */
interface Predicate {
  readonly anchor: string | undefined;
  readonly means: (kind: PodKind) => boolean;
  readonly members: PodKind[];
  readonly tallies: Tally[];
  /** The pods counted here refuse those that are meant. */
  readonly repeller: Tally | undefined;
}

/** What relations are told of the snapshot. */
export interface RelationsInput {
  /** `undefined` for a namespace that nobody knows. */
  readonly namespaceLabels: (namespace: string) => Labels | undefined;
  readonly topologyKey: (name: string) => TopologyKey;
  readonly ground: (options: GroundOptions) => Ground;
  readonly kinds: () => readonly PodKind[];
  /** Visits all pods that are on nodes; asked once, when the first tally is made. */
  readonly eachPlaced: (visit: (kind: PodKind, row: number, pods: number) => void) => void;
}

/** Exact counts for spreading and inter-pod (anti-)affinity, kept right pod by pod. */
export interface Relations {
  /** To be called once for each new kind, before it is among `kinds()` and before a pod of it is counted. */
  register(kind: PodKind): void;
  /** The rules of a pod of the kind; `pinnedNode` narrows the nodes on which spreading counts. */
  incoming(kind: PodKind, pinnedNode: string | undefined): Incoming;
  /** Counts pods on a row in, or out when negative. */
  shift(kind: PodKind, row: number, pods: number): void;
}

export function createRelations(input: RelationsInput): Relations {
  let active = false;
  const predicates = new Map<string, Predicate>();
  const anchored = new Map<string, Predicate[]>();
  const unanchored: Predicate[] = [];
  const carried = new Map<string, Tally>();
  /** Kinds by label; brought up to date when a predicate is made. */
  const byPair = new Map<string, PodKind[]>();
  let indexed = 0;

  const activate = (): void => {
    if (active) return;
    active = true;
    input.eachPlaced((kind, row, pods) => addPlaces(kind, row, pods));
  };
  const countExisting = (tally: Tally, kind: PodKind): void => {
    for (const [row, pods] of kind.places ?? []) count(tally, row, pods);
  };
  const join = (predicate: Predicate, kind: PodKind): void => {
    if (!predicate.means(kind)) return;
    predicate.members.push(kind);
    if (predicate.repeller !== undefined) kind.repellers = [...kind.repellers, predicate.repeller];
    // Tallies are made after the predicate, and of a new kind there are no pods yet: there is nothing to count.
    if (predicate.tallies.length > 0) kind.tallies = [...kind.tallies, ...predicate.tallies];
  };
  const candidates = (anchor: string | undefined): readonly PodKind[] => {
    const kinds = input.kinds();
    if (anchor === undefined) return kinds;
    for (; indexed < kinds.length; indexed++) {
      const kind = kinds[indexed] as PodKind;
      for (const key of Object.keys(kind.labels)) push(byPair, pairOf(key, kind.labels[key] ?? ''), kind);
    }
    return byPair.get(anchor) ?? [];
  };
  const predicateOf = (text: string, make: () => Pick<Predicate, 'anchor' | 'means' | 'repeller'>): Predicate => {
    let predicate = predicates.get(text);
    if (predicate !== undefined) return predicate;
    activate();
    predicate = { ...make(), members: [], tallies: [] };
    predicates.set(text, predicate);
    if (predicate.anchor === undefined) unanchored.push(predicate);
    else push(anchored, predicate.anchor, predicate);
    for (const kind of candidates(predicate.anchor)) join(predicate, kind);
    return predicate;
  };
  const tallyOf = (predicate: Predicate, key: TopologyKey, ground: Ground | undefined): Tally => {
    const known = predicate.tallies.find((tally) => tally.key === key && tally.ground === ground);
    if (known !== undefined) return known;
    const tally = createTally(key, ground);
    predicate.tallies.push(tally);
    for (const kind of predicate.members) {
      kind.tallies = [...kind.tallies, tally];
      countExisting(tally, kind);
    }
    return tally;
  };

  /** A kind with required anti-affinity carries its terms to wherever it goes. */
  const carry = (kind: PodKind): void => {
    for (const term of antiAffinityTerms(kind.shape, kind.namespace, kind.labels)) {
      const text = `carried ${term.topologyKey} ${term.text}`;
      let tally = carried.get(text);
      if (tally === undefined) {
        activate();
        tally = createTally(input.topologyKey(term.topologyKey), undefined);
        carried.set(text, tally);
        const repeller = tally;
        // A namespace that nobody knows counts as one without labels here, as upstream's snapshot of them does.
        const means = ({ namespace, labels }: PodKind): boolean => isMeant(term, namespace, labels, input.namespaceLabels(namespace) ?? {});
        predicateOf(text, () => ({ anchor: term.labels.anchor, means, repeller }));
      }
      if (!kind.tallies.includes(tally)) kind.tallies = [...kind.tallies, tally];
    }
  };

  const incomingOf = (kind: PodKind, pinnedNode: string | undefined): Incoming => {
    const { shape, namespace, labels } = kind;
    if (shape.topologySpread.length === 0 && shape.affinity === undefined) return none;
    const affinity = affinityTerms(shape, namespace, labels);
    const means = (term: PodTerm, other: PodKind): boolean =>
      isMeant(term, other.namespace, other.labels, input.namespaceLabels(other.namespace));
    const termTally = (terms: readonly PodTerm[], key: string): Tally => {
      const predicate = predicateOf(`meant ${terms.map((term) => term.text).join(' ')}`, () => ({
        anchor: terms.find((term) => term.labels.anchor !== undefined)?.labels.anchor,
        means: (other) => terms.every((term) => means(term, other)),
        repeller: undefined,
      }));
      return tallyOf(predicate, input.topologyKey(key), undefined);
    };
    return {
      spread: spreadRules(kind, pinnedNode),
      affinity: affinity.map((term) => termTally(affinity, term.topologyKey)),
      selfAffine: affinity.every((term) => means(term, kind)),
      anti: antiAffinityTerms(shape, namespace, labels).map((term) => termTally([term], term.topologyKey)),
    };
  };

  const spreadRules = (kind: PodKind, pinnedNode: string | undefined): SpreadRule[] => {
    const constraints = spreadConstraints(kind.shape, kind.labels);
    const keys = constraints.map((constraint) => constraint.topologyKey);
    return constraints.map((constraint) => {
      const ground = input.ground(groundOptions(constraint, keys, kind, pinnedNode));
      const { labels, maxSkew, minDomains } = constraint;
      const tally = tallyOf(spreadPredicate(constraint, kind.namespace), input.topologyKey(constraint.topologyKey), ground);
      return { tally, ground, self: matchesLabels(labels, kind.labels) ? 1 : 0, maxSkew, minDomains };
    });
  };

  const spreadPredicate = ({ labels, countsNothing }: SpreadConstraint, namespace: string): Predicate => {
    if (countsNothing) return predicateOf('nothing', () => ({ anchor: '', means: () => false, repeller: undefined }));
    return predicateOf(`spread ${namespace} ${labels.text}`, () => ({
      anchor: labels.anchor,
      means: (other) => other.live && other.namespace === namespace && matchesLabels(labels, other.labels),
      repeller: undefined,
    }));
  };

  return {
    register: (kind) => {
      carry(kind);
      if (!active) return;
      for (const predicate of unanchored) join(predicate, kind);
      for (const key of Object.keys(kind.labels)) {
        for (const predicate of anchored.get(pairOf(key, kind.labels[key] ?? '')) ?? []) join(predicate, kind);
      }
    },
    incoming: incomingOf,
    shift: (kind, row, pods) => {
      if (!active) return;
      addPlaces(kind, row, pods);
      const { tallies } = kind;
      for (let index = 0; index < tallies.length; index++) count(tallies[index] as Tally, row, pods);
    },
  };
}

function groundOptions(
  { honorAffinity, honorTaints }: SpreadConstraint,
  keys: readonly string[],
  { profile }: PodKind,
  pinnedNode: string | undefined,
): GroundOptions {
  return {
    keys: [...new Set(keys)],
    selection: honorAffinity ? profile.selection : undefined,
    pinnedNode: honorAffinity ? pinnedNode : undefined,
    tolerations: honorTaints ? profile.tolerations : undefined,
  };
}

function addPlaces(kind: PodKind, row: number, pods: number): void {
  kind.places ??= new Map();
  const { places } = kind;
  const sum = (places.get(row) ?? 0) + pods;
  if (sum === 0) places.delete(row);
  else places.set(row, sum);
}

function push<V>(lists: Map<string, V[]>, key: string, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

export type SpreadVerdict = 'met' | 'skewed' | 'unlabelled';

/** PodTopologySpread: the first constraint that fails. */
export function spreadVerdict({ spread }: Incoming, row: number): SpreadVerdict {
  for (const { tally, ground, self, maxSkew, minDomains } of spread) {
    if ((tally.key.domainOf[row] as number) < 0) return 'unlabelled';
    if (countAt(tally, row) + self - leastCount(tally, ground, minDomains) > maxSkew) return 'skewed';
  }
  return 'met';
}

export type AffinityVerdict = 'met' | 'affinity' | 'anti-affinity' | 'existing anti-affinity';

/** InterPodAffinity: the first of the three rules that fails. */
export function affinityVerdict(incoming: Incoming, repellers: readonly Tally[], row: number): AffinityVerdict {
  if (incoming.affinity.length > 0 && !meetsAffinity(incoming, row)) return 'affinity';
  for (const tally of incoming.anti) if (isPresent(tally, row)) return 'anti-affinity';
  for (const tally of repellers) if (tally.total > 0 && isPresent(tally, row)) return 'existing anti-affinity';
  return 'met';
}

function meetsAffinity({ affinity, selfAffine }: Incoming, row: number): boolean {
  let together = true;
  let anywhere = 0;
  for (const tally of affinity) {
    if ((tally.key.domainOf[row] as number) < 0) return false;
    if (!isPresent(tally, row)) together = false;
    anywhere += tally.total;
  }
  // The first pod of a series that is affine to itself may go anywhere, else none ever could.
  return together || (anywhere === 0 && selfAffine);
}
