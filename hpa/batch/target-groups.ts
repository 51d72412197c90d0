import type { PodRecord } from '../../core/model/pod.ts';
import { equalities, matchesSelector, type Labels, type Selector } from '../../core/model/selector.ts';
import type { PodTiming } from './pod-facts.ts';
import { addPod, createGroup, dropGroup, fillGroup, removePod, replacePod, type PodGroup, type SelectorVersion, type TableContext } from './pod-table.ts';

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

export interface ParsedSelector {
  readonly text: string;
  readonly selector: Selector;
}

interface NamespaceGroups extends SelectorVersion {
  readonly bySelector: Map<string, PodGroup>;
  /** Groups by the value that their selector wants of one label, by that label. */
  readonly byLabel: Map<string, Map<string, PodGroup[]>>;
  /** Groups whose selector wants no label to have one value. */
  readonly others: PodGroup[];
  /** A group came whose pods have not been looked for. */
  stale: boolean;
  /** The groups of labels that many pods share. */
  readonly known: WeakMap<Labels, Known>;
}

interface Known {
  readonly version: number;
  readonly groups: readonly PodGroup[];
}

/** Which pods belong to which target, kept up to date by what changes: no namespace is scanned but when a selector is new. */
export interface TargetGroups {
  /** The group of a selector, for one more policy. Its pods are there after {@link refresh}. */
  acquire(namespace: string, selector: ParsedSelector, timing: PodTiming): PodGroup;
  release(group: PodGroup, text: string): void;
  apply(change: PodChange): void;
  /** Looks for the pods of new selectors: one pass over all pods when there are any. */
  refresh(items: () => readonly PodRecord[]): void;
  /** Another policy goes by some of these pods too. */
  isShared(group: PodGroup): boolean;
}

export function createTargetGroups(context: TableContext): TargetGroups {
  const namespaces = new Map<string, NamespaceGroups>();

  const apply = ({ old, new: pod }: PodChange): void => {
    if (old === pod) return;
    const namespace = namespaces.get((pod ?? old)?.namespace ?? '');
    if (namespace === undefined || namespace.stale) return;
    const before = old === undefined ? none : groupsOf(namespace, old.labels);
    const after = pod === undefined ? none : old?.labels === pod.labels ? before : groupsOf(namespace, pod.labels);
    for (const group of before) {
      if (old === undefined) continue;
      if (pod !== undefined && after.includes(group)) replacePod(context, group, [old, pod]);
      else removePod(context, group, old);
    }
    for (const group of after) if (pod !== undefined && !before.includes(group)) addPod(context, group, pod);
  };

  return {
    acquire: (namespace, { text, selector }, timing) => {
      const groups = namespaces.get(namespace) ?? emptyNamespace();
      namespaces.set(namespace, groups);
      const held = groups.bySelector.get(text);
      const group = held ?? createGroup(namespace, selector, { timing, selectors: groups });
      group.policies += 1;
      if (held === undefined) {
        groups.bySelector.set(text, group);
        bucketOf(groups, selector).push(group);
        groups.version += 1;
        groups.stale = true;
      }
      return group;
    },
    release: (group, text) => {
      group.policies -= 1;
      const groups = namespaces.get(group.namespace);
      if (group.policies > 0 || groups === undefined) return;
      groups.bySelector.delete(text);
      forget(groups, group);
      groups.version += 1;
      dropGroup(context.table, group);
      if (groups.bySelector.size === 0) namespaces.delete(group.namespace);
    },
    apply,
    refresh: (items) => {
      const stale = [...namespaces.values()].filter((each) => each.stale);
      if (stale.length === 0) return;
      const found = collect(namespaces, items());
      for (const groups of stale) {
        groups.stale = false;
        for (const group of groups.bySelector.values()) fillGroup(context, group, found.get(group) ?? []);
      }
    },
    isShared: (group) => {
      if (group.policies > 1) return true;
      const { version } = group.selectors;
      if (group.checkedVersion !== version) {
        const groups = namespaces.get(group.namespace);
        group.overlaps = groups !== undefined && hasOverlap(groups, group);
        group.checkedVersion = version;
      }
      return group.overlaps;
    },
  };
}

const none: readonly PodGroup[] = [];

function emptyNamespace(): NamespaceGroups {
  return { bySelector: new Map(), byLabel: new Map(), others: [], version: 0, stale: false, known: new WeakMap() };
}

/** Where a selector stands: under the label pair that fewest share, so that a label which all have in common makes no long list. */
function bucketOf({ byLabel, others }: NamespaceGroups, selector: Selector): PodGroup[] {
  let best: { readonly key: string; readonly value: string; readonly size: number } | undefined;
  for (const [key, value] of equalities(selector)) {
    const size = byLabel.get(key)?.get(value)?.length ?? 0;
    if (best === undefined || size < best.size) best = { key, value, size };
  }
  if (best === undefined) return others;
  const values = byLabel.get(best.key) ?? new Map<string, PodGroup[]>();
  byLabel.set(best.key, values);
  const bucket = values.get(best.value) ?? [];
  values.set(best.value, bucket);
  return bucket;
}

function forget({ byLabel, others }: NamespaceGroups, group: PodGroup): void {
  remove(others, group);
  for (const [key, value] of equalities(group.selector)) {
    const values = byLabel.get(key);
    const bucket = values?.get(value);
    if (values === undefined || bucket === undefined) continue;
    remove(bucket, group);
    if (bucket.length === 0) values.delete(value);
    if (values.size === 0) byLabel.delete(key);
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

/** The groups whose selector matches the labels. */
function groupsOf(namespace: NamespaceGroups, labels: Labels): readonly PodGroup[] {
  const { known, version } = namespace;
  const held = known.get(labels);
  if (held !== undefined && held.version === version) return held.groups;
  const groups = findGroups(namespace, labels);
  // Labels of one pod alone are not frozen, and not looked up again.
  if (Object.isFrozen(labels)) known.set(labels, { version, groups });
  return groups;
}

function findGroups({ byLabel, others }: NamespaceGroups, labels: Labels): readonly PodGroup[] {
  const found: PodGroup[] = [];
  for (const [key, values] of byLabel) {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    const bucket = value === undefined ? undefined : values.get(value);
    if (bucket === undefined) continue;
    for (const group of bucket) if (matchesSelector(group.selector, labels)) found.push(group);
  }
  for (const group of others) if (matchesSelector(group.selector, labels)) found.push(group);
  return found.length === 0 ? none : found.slice();
}

/** The pods of every group of the stale namespaces. */
function collect(namespaces: ReadonlyMap<string, NamespaceGroups>, pods: readonly PodRecord[]): Map<PodGroup, PodRecord[]> {
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

function hasOverlap(groups: NamespaceGroups, group: PodGroup): boolean {
  let labels: Labels | undefined;
  for (const pod of group.records) {
    if (pod.labels === labels) continue;
    labels = pod.labels;
    if (groupsOf(groups, labels).length > 1) return true;
  }
  return false;
}
