import type { Affinity, Labels, PodRecord, PodShape } from '../../../core/model/index.ts';
import { sameJson } from '../../../core/model/same-json.ts';
import { createContentTable, hashNumber, hashRecord, hashText, isSameRecord } from './content-table.ts';
import type { ResourceColumns } from './demand.ts';
import { noTallies, type PodKind, type Profile } from './pod-kind.ts';
import { createProfileTable } from './profile-table.ts';
import type { Relations } from './relations.ts';

/**
 * Finds what a pod is like. Shapes and label sets are looked up by identity first, since records share them; one that is a different object is
 * compared by content, once.
 */
export interface KindTable {
  readonly kinds: readonly PodKind[];
  kindOf(pod: PodRecord): PodKind;
  /** The kind of a pod where it is now: with what its node counts it while it is resized in place. */
  kindInPlace(pod: PodRecord): PodKind;
}

/** Shapes that filters cannot tell apart. */
interface ShapeEntry {
  readonly shape: PodShape;
  readonly profile: Profile;
  /** The first kind of the shape: mostly there is no other. */
  first: { readonly set: LabelSet; readonly kind: PodKind } | undefined;
  /** By label set; live pods, and those that are terminating. */
  live: Map<LabelSet, PodKind> | undefined;
  terminating: Map<LabelSet, PodKind> | undefined;
}

/** Labels within a namespace. */
interface LabelSet {
  readonly namespace: string;
  readonly labels: Labels;
  /** Of the last pod with them: pods of a workload are mostly alike. */
  shape: PodShape | undefined;
  kind: PodKind | undefined;
}

/** A new kind is told to `relations`, which asks for kinds in turn: hence the function. */
export function createKindTable(columns: ResourceColumns, relations: () => Relations): KindTable {
  const kinds: PodKind[] = [];
  const shapeEntry = createShapeEntries(columns);
  const labelSet = createLabelSets();
  let lastPod: Pick<PodRecord, 'shape' | 'labels' | 'namespace'> | undefined;
  let lastKind: PodKind | undefined;

  const make = ({ shape, profile }: ShapeEntry, { namespace, labels }: LabelSet, live: boolean): PodKind => {
    const kind: PodKind = {
      id: kinds.length,
      namespace,
      labels,
      live,
      shape,
      profile,
      ports: shape.hostPorts,
      tallies: noTallies,
      repellers: noTallies,
      places: undefined,
      incoming: undefined,
    };
    relations().register(kind);
    kinds.push(kind);
    return kind;
  };
  const kindIn = (entry: ShapeEntry, set: LabelSet, live: boolean): PodKind => {
    const { first } = entry;
    if (first === undefined) return (entry.first = { set, kind: make(entry, set, live) }).kind;
    if (first.set === set && first.kind.live === live) return first.kind;
    const known = live ? (entry.live ??= new Map<LabelSet, PodKind>()) : (entry.terminating ??= new Map<LabelSet, PodKind>());
    let kind = known.get(set);
    if (kind === undefined) known.set(set, (kind = make(entry, set, live)));
    return kind;
  };

  const kindOf = (pod: Pick<PodRecord, 'shape' | 'labels' | 'namespace' | 'deleted'>): PodKind => {
    const { shape, labels, namespace } = pod;
    const live = pod.deleted === undefined;
    if (lastPod !== undefined && lastKind !== undefined && lastPod.shape === shape && lastPod.labels === labels) {
      if (lastPod.namespace === namespace && lastKind.live === live) return lastKind;
    }
    const set = labelSet(namespace, labels);
    let { kind } = set;
    if (kind === undefined || set.shape !== shape || kind.live !== live) {
      kind = kindIn(shapeEntry(shape), set, live);
      set.shape = shape;
      set.kind = kind;
    }
    lastPod = pod;
    lastKind = kind;
    return kind;
  };
  return {
    kinds,
    kindOf,
    kindInPlace: (pod) => {
      const { heldShape: shape, labels, namespace, deleted } = pod;
      return shape === undefined ? kindOf(pod) : kindOf({ shape, labels, namespace, deleted });
    },
  };
}

function createLabelSets(): (namespace: string, labels: Labels) => LabelSet {
  const namespaces = new Map<string, (labels: Labels) => LabelSet>();
  const within = (namespace: string): ((labels: Labels) => LabelSet) => {
    const byObject = new Map<Labels, LabelSet>();
    const byContent = createContentTable<LabelSet>();
    return (labels) => {
      let set = byObject.get(labels);
      if (set !== undefined) return set;
      const hash = hashRecord(labels);
      set = byContent.find(hash, (each) => isSameRecord(each.labels, labels));
      if (set === undefined) byContent.add(hash, (set = { namespace, labels, shape: undefined, kind: undefined }));
      byObject.set(labels, set);
      return set;
    };
  };
  let last: { readonly namespace: string; readonly find: (labels: Labels) => LabelSet } | undefined;
  return (namespace, labels) => {
    if (last?.namespace !== namespace) {
      let find = namespaces.get(namespace);
      if (find === undefined) namespaces.set(namespace, (find = within(namespace)));
      last = { namespace, find };
    }
    return last.find(labels);
  };
}

function createShapeEntries(columns: ResourceColumns): (shape: PodShape) => ShapeEntry {
  const byObject = new Map<PodShape, ShapeEntry>();
  const byContent = createContentTable<ShapeEntry>();
  const profiles = createProfileTable(columns);
  return (shape) => {
    let entry = byObject.get(shape);
    if (entry !== undefined) return entry;
    const hash = hashShape(shape);
    entry = byContent.find(hash, (each) => isSameShape(each.shape, shape));
    if (entry === undefined) {
      entry = { shape, profile: profiles.profileOf(shape), first: undefined, live: undefined, terminating: undefined };
      byContent.add(hash, entry);
    }
    byObject.set(shape, entry);
    return entry;
  };
}

/** What tells most shapes apart; {@link isSameShape} tells the others. */
function hashShape({ requests, affinity, topologySpread, tolerations, nodeSelector, hostPorts }: PodShape): number {
  let hash = hashRecord(requests) ^ hashRecord(nodeSelector) ^ hashNumber(tolerations.length * 64 + hostPorts.length * 8);
  // Selectors within are what differs.
  if (affinity !== undefined) hash ^= hashText(JSON.stringify(requiredOf(affinity)));
  if (topologySpread.length > 0) hash ^= hashText(JSON.stringify(topologySpread));
  return hash;
}

/** Without preferences. */
function requiredOf(affinity: Affinity | undefined): readonly unknown[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity ?? {};
  return [nodeAffinity, podAffinity, podAntiAffinity].map((rules) => rules?.requiredDuringSchedulingIgnoredDuringExecution ?? null);
}

/** Everything of a shape that filters or the estimator's order look at. Preferences and what only kubelets read are left out. */
function isSameShape(a: PodShape, b: PodShape): boolean {
  return (
    a.containers.length === b.containers.length &&
    a.initContainers.length === b.initContainers.length &&
    isSameRecord(a.requests, b.requests) &&
    a.containers.every((container, index) => isSameRecord(container.requests, b.containers[index]?.requests ?? {})) &&
    // Whether fractions are rounded up may depend on them.
    a.initContainers.every((container, index) => isSameRecord(container.requests, b.initContainers[index]?.requests ?? {})) &&
    sameJson(a.nodeSelector, b.nodeSelector) &&
    sameJson(a.tolerations, b.tolerations) &&
    (a.affinity === b.affinity || sameJson(requiredOf(a.affinity), requiredOf(b.affinity))) &&
    sameJson(a.topologySpread, b.topologySpread) &&
    sameJson(a.hostPorts, b.hostPorts) &&
    sameJson(a.overhead, b.overhead) &&
    sameJson(a.podRequests, b.podRequests)
  );
}
