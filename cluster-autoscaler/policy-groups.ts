import type { KubeObject } from '../core/model/object.ts';
import { parseNodePoolPolicy } from './policy.ts';
import type { GroupSelector, NodePoolPolicy, PolicyResult } from './policy-model.ts';
import type { ProviderGroup } from './providers/provider.ts';

/** What of a group selectors look at. */
export type SelectableGroup = Pick<ProviderGroup, 'id' | 'tags'>;

/** A policy with the groups that it selects. */
export interface PolicyEntry {
  readonly raw: KubeObject;
  readonly name: string;
  readonly result: PolicyResult;
  /** Ids, in the order of names. */
  readonly groups: readonly string[];
  /** Other policies that select one of them, by group. Neither holds good for that group. */
  readonly conflicts: ReadonlyMap<string, readonly string[]>;
}

/** Whose a group is. */
export type GroupClaim =
  /** Tags and flags alone say how it is scaled. */
  | { readonly state: 'none' }
  | { readonly state: 'one'; readonly entry: PolicyEntry; readonly policy: NodePoolPolicy }
  /** Several policies, in the order of names: nobody scales it before one is left. */
  | { readonly state: 'conflict'; readonly policies: readonly string[] }
  /** Its policy cannot be read. */
  | { readonly state: 'invalid'; readonly entry: PolicyEntry };

/** Which group belongs to which policy. */
export interface PolicyAssignment {
  /** In the order of names. */
  readonly entries: readonly PolicyEntry[];
  claimOf(group: string): GroupClaim;
}

/**
 * Gives groups to policies. A group that two policies select has none, whatever their modes: a person who paused a pool must not have it scaled by another
 * policy. One that cannot be read claims its groups all the same.
 */
export function assignGroups(policies: readonly KubeObject[], groups: readonly SelectableGroup[]): PolicyAssignment {
  const parsed = policies
    .map((raw) => ({ raw, name: raw.metadata.name, result: parseNodePoolPolicy(raw) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  const ids = groups.toSorted((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
  const claimants = new Map<string, string[]>();
  const selected = parsed.map(({ name, result }) => {
    const selects = selectorOf(result.ok ? result.policy.groups : result.groups);
    const own = ids.filter(selects).map(({ id }) => id);
    for (const id of own) claimants.set(id, [...(claimants.get(id) ?? []), name]);
    return own;
  });
  const entries = parsed.map((each, index): PolicyEntry => {
    const own = selected[index] ?? [];
    const conflicts = new Map(
      own.flatMap((id) => {
        const others = (claimants.get(id) ?? []).filter((name) => name !== each.name);
        return others.length === 0 ? [] : [[id, others] as const];
      }),
    );
    return { ...each, groups: own, conflicts };
  });
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    entries,
    claimOf: (group) => {
      const names = claimants.get(group) ?? [];
      const entry = byName.get(names[0] ?? '');
      if (entry === undefined) return { state: 'none' };
      if (names.length > 1) return { state: 'conflict', policies: names };
      return entry.result.ok ? { state: 'one', entry, policy: entry.result.policy } : { state: 'invalid', entry };
    },
  };
}

/** Whether one of the selectors chooses a group. */
function selectorOf(selectors: readonly GroupSelector[]): (group: SelectableGroup) => boolean {
  const tests = selectors.map(({ name, pattern, tags }) => {
    if (name !== undefined) return ({ id }: SelectableGroup) => id === name;
    const matches = pattern === undefined ? () => true : wildcard(pattern);
    return ({ id, tags: own = {} }: SelectableGroup) =>
      matches(id) && Object.entries(tags ?? {}).every(([key, value]) => hasTag(own, key, value));
  });
  return (group) => tests.some((test) => test(group));
}

function hasTag(tags: Readonly<Record<string, string>>, key: string, value: string): boolean {
  return Object.hasOwn(tags, key) && (value === '' || tags[key] === value);
}

/** `*` for any characters; in time that grows with the lengths only, whatever a policy says. */
export function wildcard(pattern: string): (text: string) => boolean {
  const parts = pattern.split('*');
  const [first = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return (text) => text === pattern;
  const middle = parts.slice(1, -1);
  return (text) => {
    if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
    let at = first.length;
    const end = text.length - last.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
