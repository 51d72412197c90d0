import type { Labels, PodRecord, PodShape, ResourceList } from '../../../core/model/index.ts';
import { demandOf, requestsOf, type Demand, type ResourceColumns } from './demand.ts';
import { selectionRule, type SelectionRule, type TolerationRule } from './node-rules.ts';
import type { PodKind, Profile } from './pod-kind.ts';
import type { Relations } from './relations.ts';

/**
 * Finds what a pod is like. Shapes and label sets are looked up by identity first, since records share them; one that is a different object is
 * compared by content, once.
 */
export interface KindTable {
  readonly kinds: readonly PodKind[];
  kindOf(pod: PodRecord): PodKind;
}

/** Shapes that filters cannot tell apart. */
interface ShapeEntry {
  readonly shape: PodShape;
  readonly profile: Profile;
  /** By label set, for live and for terminating pods. */
  readonly live: Map<LabelSet, PodKind>;
  readonly terminating: Map<LabelSet, PodKind>;
}

/** Labels within a namespace. */
interface LabelSet {
  readonly namespace: string;
  readonly labels: Labels;
}

interface NamespaceEntry {
  readonly byObject: Map<Labels, LabelSet>;
  readonly byText: Map<string, LabelSet>;
}

/** A new kind is told to `relations`, which asks for kinds in turn: hence the function. */
export function createKindTable(columns: ResourceColumns, relations: () => Relations): KindTable {
  const kinds: PodKind[] = [];
  const shapes = new Map<PodShape, ShapeEntry>();
  const shapesByText = new Map<string, ShapeEntry>();
  const namespaces = new Map<string, NamespaceEntry>();
  const parts = createProfileParts(columns);
  let lastPod: PodRecord | undefined;
  let lastKind: PodKind | undefined;

  const shapeEntry = (shape: PodShape): ShapeEntry => {
    let entry = shapes.get(shape);
    if (entry !== undefined) return entry;
    const text = shapeText(shape);
    entry = shapesByText.get(text);
    if (entry === undefined) {
      entry = { shape, profile: parts.profileOf(shape), live: new Map(), terminating: new Map() };
      shapesByText.set(text, entry);
    }
    shapes.set(shape, entry);
    return entry;
  };
  const labelSet = (namespace: string, labels: Labels): LabelSet => {
    let entry = namespaces.get(namespace);
    if (entry === undefined) namespaces.set(namespace, (entry = { byObject: new Map(), byText: new Map() }));
    let set = entry.byObject.get(labels);
    if (set !== undefined) return set;
    const text = labelText(labels);
    set = entry.byText.get(text);
    if (set === undefined) entry.byText.set(text, (set = { namespace, labels }));
    entry.byObject.set(labels, set);
    return set;
  };
  const make = ({ shape, profile }: ShapeEntry, { namespace, labels }: LabelSet, live: boolean): PodKind => {
    const kind: PodKind = {
      id: kinds.length,
      namespace,
      labels,
      live,
      shape,
      profile,
      ports: shape.hostPorts,
      tallies: [],
      repellers: [],
      places: undefined,
      incoming: undefined,
    };
    relations().register(kind);
    kinds.push(kind);
    return kind;
  };

  return {
    kinds,
    kindOf: (pod) => {
      const { shape, labels, namespace } = pod;
      const live = pod.deleted === undefined;
      if (lastPod !== undefined && lastKind !== undefined && lastPod.shape === shape && lastPod.labels === labels) {
        if (lastPod.namespace === namespace && lastKind.live === live) return lastKind;
      }
      const entry = shapeEntry(shape);
      const set = labelSet(namespace, labels);
      const known = live ? entry.live : entry.terminating;
      let kind = known.get(set);
      if (kind === undefined) known.set(set, (kind = make(entry, set, live)));
      lastPod = pod;
      lastKind = kind;
      return kind;
    },
  };
}

/** Interned parts of profiles. */
function createProfileParts(columns: ResourceColumns): { profileOf(shape: PodShape): Profile } {
  const demands = new Map<string, Demand>();
  const tolerations = new Map<string, TolerationRule>();
  const selections = new Map<string, SelectionRule | undefined>();
  const profiles = new Map<Demand, Profile[]>();
  return {
    profileOf: (shape) => {
      const requests = requestsOf(shape);
      const required = shape.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      const demand = kept(demands, amountsText(requests), () => demandOf(requests, columns));
      const toleration = kept(tolerations, textOf(shape.tolerations), () => ({
        tolerations: shape.tolerations,
        verdicts: new Uint8Array(4),
      }));
      const selection = kept(selections, `${textOf(shape.nodeSelector)} ${textOf(required)}`, () =>
        selectionRule(shape.nodeSelector, required),
      );
      let list = profiles.get(demand);
      if (list === undefined) profiles.set(demand, (list = []));
      let profile = list.find((each) => each.tolerations === toleration && each.selection === selection);
      if (profile === undefined) list.push((profile = { demand, tolerations: toleration, selection, hopelessAt: -1 }));
      return profile;
    },
  };
}

function kept<V>(known: Map<string, V>, text: string, make: () => V): V {
  let value = known.get(text);
  if (value === undefined && !known.has(text)) known.set(text, (value = make()));
  return value as V;
}

/** Everything of a shape that filters or the estimator's order look at. Preferences and what only kubelets read are left out. */
function shapeText(shape: PodShape): string {
  const { affinity } = shape;
  return [
    amountsText(requestsOf(shape)),
    shape.containers.map((container) => amountsText(container.requests)).join('+'),
    textOf(shape.tolerations),
    textOf(shape.nodeSelector),
    textOf(affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    textOf(affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    textOf(affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    textOf(shape.topologySpread),
    textOf(shape.hostPorts),
  ].join('\n');
}

/** JSON, but nothing for what is empty. */
function textOf(value: object | null | undefined): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && value.length === 0) return '';
  const text = JSON.stringify(value);
  return text === '{}' ? '' : text;
}

function amountsText(list: ResourceList): string {
  let text = '';
  for (const name of Object.keys(list).toSorted()) text += `${name}=${list[name] ?? 0},`;
  return text;
}

function labelText(labels: Labels): string {
  let text = '';
  for (const key of Object.keys(labels).toSorted()) text += `${key}\0${labels[key] ?? ''}\n`;
  return text;
}
