import type { PodRecord } from '../../core/model/pod.ts';
import { equalities, matchesSelector, type Labels, type Selector } from '../../core/model/selector.ts';
import type { PodTiming } from './pod-facts.ts';
import { addPod, createGroup, dropGroup, fillGroup, removePod, replacePod, type PodGroup, type TableContext } from './pod-table.ts';

/** A change of a pod; `Delta<PodRecord>` of a Reflector is one. Records are immutable: the old one is the very object that came as new before. */
export interface PodChange {
  readonly old: PodRecord | undefined;
  readonly new: PodRecord | undefined;
}

/** All pods, and what becomes of them; a `Reflector<PodRecord>` is one. */
export interface PodSource {
  items(): readonly PodRecord[];
  /** Calls for every change, in order, at once for what is there; answers the unsubscriber. */
  onDelta(handler: (change: PodChange) => void): () => void;
}

/** Which pods belong to which target, kept up to date by what changes: no namespace is scanned but when a selector is new. */
export interface TargetGroups {
  /** The group of a selector, for one more policy. Its pods are there after {@link refresh}. */
  acquire(namespace: string, selector: ParsedSelector, timing: PodTiming): PodGroup;
  release(group: PodGroup): void;
  apply(change: PodChange): void;
  /** Looks for the pods of new selectors: one pass over all pods when there are any. */
  refresh(items: () => readonly PodRecord[]): void;
  /** Another policy goes by some of these pods too. */
  isShared(group: PodGroup): boolean;
}

export interface ParsedSelector {
  readonly text: string;
  readonly selector: Selector;
}

/** The selectors of one namespace. */
export interface NamespaceGroups {
  readonly namespace: string;
  /** Groups by the value that their selector wants of one label, by that label; the first of a chain (`next`). */
  readonly byLabel: Map<string, Map<string, PodGroup>>;
  /** The first of a chain of those whose selector wants no label to have one value. */
  others: PodGroup | undefined;
  groups: number;
  /** Counts up when a group comes or goes. */
  version: number;
  /** A group came whose pods have not been looked for. */
  stale: boolean;
}

/** The group of labels that many pods share, where it is the only one, in the namespace in which it was looked up last. */
type KnownGroups = WeakMap<Labels, PodGroup>;

const none: readonly PodGroup[] = [];

export function createTargetGroups(context: TableContext): TargetGroups {
  const namespaces = new Map<string, NamespaceGroups>();
  let known: KnownGroups = new WeakMap();
  const groupsOf = (namespace: NamespaceGroups, labels: Labels): readonly PodGroup[] => knownGroups(known, namespace, labels);

  const changed = (groups: NamespaceGroups): void => {
    groups.version += 1;
    known = new WeakMap();
  };

  const apply = (change: PodChange): void => {
    const { old, new: pod } = change;
    const namespace = namespaces.get((pod ?? old)?.namespace ?? '');
    if (old === pod || namespace === undefined || namespace.stale) return;
    const before = old === undefined ? none : groupsOf(namespace, old.labels);
    const after = pod === undefined ? none : old?.labels === pod.labels ? before : groupsOf(namespace, pod.labels);
    applyTo(context, change, before, after);
  };

  return {
    acquire: (namespace, parsed, timing) => {
      const groups = namespaces.get(namespace) ?? { namespace, byLabel: new Map(), others: undefined, groups: 0, version: 0, stale: false };
      namespaces.set(namespace, groups);
      const held = findSelector(groups, parsed);
      const group = held ?? createGroup(groups, parsed, timing);
      group.policies += 1;
      if (held === undefined) {
        remember(groups, group, parsed.selector);
        context.table.groups.add(group);
        groups.groups += 1;
        groups.stale = true;
        changed(groups);
      }
      return group;
    },
    release: (group) => {
      group.policies -= 1;
      if (group.policies > 0) return;
      const { home } = group;
      forget(home, group);
      dropGroup(context.table, group);
      home.groups -= 1;
      changed(home);
      if (home.groups === 0) namespaces.delete(home.namespace);
    },
    apply,
    refresh: (items) => {
      const stale = new Set([...namespaces.values()].filter((each) => each.stale));
      if (stale.size === 0) return;
      const found = collect(namespaces, items(), groupsOf);
      const touched = [...context.table.groups].filter(({ home }) => stale.has(home));
      for (const group of touched) fillGroup(context, group, found.get(group) ?? []);
      for (const groups of stale) groups.stale = false;
    },
    isShared: (group) => {
      if (group.policies > 1) return true;
      const { version } = group.home;
      if (group.checkedVersion !== version) {
        group.overlaps = hasOverlap(group, (labels) => groupsOf(group.home, labels));
        group.checkedVersion = version;
      }
      return group.overlaps;
    },
  };
}

function applyTo(context: TableContext, { old, new: pod }: PodChange, before: readonly PodGroup[], after: readonly PodGroup[]): void {
  if (old !== undefined) {
    for (const group of before) {
      if (pod !== undefined && after.includes(group)) replacePod(context, group, [old, pod]);
      else removePod(context, group, old);
    }
  }
  if (pod === undefined) return;
  for (const group of after) if (!before.includes(group)) addPod(context, group, pod);
}

function findSelector({ byLabel, others }: NamespaceGroups, { text, selector }: ParsedSelector): PodGroup | undefined {
  for (const [key, value] of equalities(selector)) {
    for (let group = byLabel.get(key)?.get(value); group !== undefined; group = group.next) if (group.text === text) return group;
  }
  for (let group = others; group !== undefined; group = group.next) if (group.text === text) return group;
  return undefined;
}

/** Puts a group under the label pair that fewest share, so that a label which all have in common makes no long chain. */
function remember(groups: NamespaceGroups, group: PodGroup, selector: Selector): void {
  let best: { readonly key: string; readonly value: string; readonly length: number } | undefined;
  for (const [key, value] of equalities(selector)) {
    const length = lengthOf(groups.byLabel.get(key)?.get(value));
    if (best === undefined || length < best.length) best = { key, value, length };
  }
  if (best === undefined) {
    group.next = groups.others;
    groups.others = group;
    return;
  }
  const { key, value } = best;
  const values = groups.byLabel.get(key) ?? new Map<string, PodGroup>();
  groups.byLabel.set(key, values);
  group.next = values.get(value);
  values.set(value, group);
  group.label = key;
  group.value = value;
  // One requirement is met by standing there.
  if (selector.requirements.length === 1) group.selector = undefined;
}

function lengthOf(chain: PodGroup | undefined): number {
  let length = 0;
  for (let group = chain; group !== undefined; group = group.next) length += 1;
  return length;
}

function forget(groups: NamespaceGroups, group: PodGroup): void {
  const { label, value, next } = group;
  if (label === undefined || value === undefined) {
    groups.others = without(groups.others, group, next);
    return;
  }
  const values = groups.byLabel.get(label);
  const left = without(values?.get(value), group, next);
  if (left === undefined) values?.delete(value);
  else values?.set(value, left);
  if (values?.size === 0) groups.byLabel.delete(label);
}

/** The chain without a group of it. */
function without(chain: PodGroup | undefined, group: PodGroup, next: PodGroup | undefined): PodGroup | undefined {
  if (chain === group) return next;
  for (let each = chain; each !== undefined; each = each.next) if (each.next === group) each.next = next;
  return chain;
}

/** The groups whose selector matches the labels. */
function knownGroups(known: KnownGroups, namespace: NamespaceGroups, labels: Labels): readonly PodGroup[] {
  const held = known.get(labels);
  if (held?.home === namespace) return [held];
  const groups = findGroups(namespace, labels);
  // Labels of one pod alone are not frozen, and not looked up again.
  const [first] = groups;
  if (groups.length === 1 && first !== undefined && Object.isFrozen(labels)) known.set(labels, first);
  return groups;
}

function findGroups({ byLabel, others }: NamespaceGroups, labels: Labels): readonly PodGroup[] {
  const found: PodGroup[] = [];
  for (const [key, values] of byLabel) {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (value !== undefined) addMatching(found, values.get(value), labels);
  }
  addMatching(found, others, labels);
  return found;
}

function addMatching(found: PodGroup[], chain: PodGroup | undefined, labels: Labels): void {
  for (let group = chain; group !== undefined; group = group.next) {
    if (group.selector === undefined || matchesSelector(group.selector, labels)) found.push(group);
  }
}

/** The pods of every group of the stale namespaces. */
function collect(
  namespaces: ReadonlyMap<string, NamespaceGroups>,
  pods: readonly PodRecord[],
  groupsOf: (namespace: NamespaceGroups, labels: Labels) => readonly PodGroup[],
): Map<PodGroup, PodRecord[]> {
  const found = new Map<PodGroup, PodRecord[]>();
  // Pods of one template share their label object, and mostly stand side by side: one look serves them all.
  let labels: Labels | undefined;
  let namespace: string | undefined;
  let targets: readonly PodRecord[][] = [];
  for (const pod of pods) {
    if (pod.labels !== labels || pod.namespace !== namespace) {
      labels = pod.labels;
      namespace = pod.namespace;
      const groups = namespaces.get(namespace);
      targets = groups === undefined || !groups.stale ? [] : groupsOf(groups, labels).map((group) => recordsOf(found, group));
    }
    for (const target of targets) target.push(pod);
  }
  // A list that grew by pushing has room for half as many again.
  for (const [group, records] of found) found.set(group, records.slice());
  return found;
}

function recordsOf(found: Map<PodGroup, PodRecord[]>, group: PodGroup): PodRecord[] {
  const held = found.get(group) ?? [];
  found.set(group, held);
  return held;
}

function hasOverlap(group: PodGroup, groupsOf: (labels: Labels) => readonly PodGroup[]): boolean {
  let labels: Labels | undefined;
  for (const pod of group.records) {
    if (pod.labels === labels) continue;
    labels = pod.labels;
    if (groupsOf(labels).length > 1) return true;
  }
  return false;
}
