/** Which groups there are: named by flag or found by tag (§16). Pure. */
import type { NodeSpec } from './node-spec.ts';

/** What is needed of a group of the cloud. */
export interface CloudGroup {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

export interface ListedGroup<G extends CloudGroup> {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** By flag: the flag's bounds hold, and it stays also when the cloud has no such group. */
  readonly explicit: boolean;
  /** `undefined` when the cloud does not list it. */
  readonly cloud: G | undefined;
}

/** Groups named by flag in the order of the flags, the first mention of a name wins; then those found by tag, by name. */
export function listGroups<G extends CloudGroup>(specs: readonly NodeSpec[], cloud: readonly G[]): readonly ListedGroup<G>[] {
  const byName = new Map(cloud.map((group) => [group.name, group]));
  const listed = new Map<string, ListedGroup<G>>();
  for (const { name, min, max } of specs) {
    if (!listed.has(name)) listed.set(name, { name, min, max, explicit: true, cloud: byName.get(name) });
  }
  const found = [...byName.values()].filter(({ name }) => !listed.has(name));
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const group of found) listed.set(group.name, { name: group.name, min: group.min, max: group.max, explicit: false, cloud: group });
  return [...listed.values()];
}
