/** The flags `--nodes` and `--node-group-auto-discovery` (§16). Pure. */
import { ConcertinaError } from '../../../../core/errors.ts';

/** One `--nodes=min:max:name`. */
export interface NodeSpec {
  readonly min: number;
  readonly max: number;
  readonly name: string;
}

/** Splits at the first two colons, so that a name may hold colons. Throws `CONFIG_INVALID` naming the flag, the value and the reason. */
export function parseNodeSpec(text: string): NodeSpec {
  const match = /^([^:]*):([^:]*):(.*)$/s.exec(text);
  if (match === null) throw refused('--nodes', text, 'is not <min>:<max>:<group name>, for example 1:10:workers');
  const [, minText = '', maxText = '', name = ''] = match;
  const min = integerOf(minText);
  const max = integerOf(maxText);
  if (min === undefined) throw refused('--nodes', text, `has the minimum ${JSON.stringify(minText)}, which is not a whole number`);
  if (max === undefined) throw refused('--nodes', text, `has the maximum ${JSON.stringify(maxText)}, which is not a whole number`);
  if (min < 0) throw refused('--nodes', text, `has the minimum ${min}; it must be 0 or more`);
  if (max < min) throw refused('--nodes', text, `has a maximum of ${max}, less than its minimum of ${min}`);
  if (name === '') throw refused('--nodes', text, 'names no group after the second colon');
  return { min, max, name };
}

/** What one `--node-group-auto-discovery` asks for; an empty value means: a tag of that key, whatever its value. */
export type DiscoveryTags = Readonly<Record<string, string>>;

/** `asg:tag=key1,key2=value2`. Throws `CONFIG_INVALID`. */
export function parseDiscoverySpec(text: string): DiscoveryTags {
  const flag = '--node-group-auto-discovery';
  const [discoverer, rest] = cut(text, ':');
  if (rest === undefined) throw refused(flag, text, 'is not asg:tag=<key>[=<value>],…');
  if (discoverer !== 'asg') throw refused(flag, text, `names the discoverer ${JSON.stringify(discoverer)}; for AWS it is "asg"`);
  const [parameter, list] = cut(rest, '=');
  if (list === undefined || parameter !== 'tag') throw refused(flag, text, 'must have tag=<key>[=<value>],… after "asg:"');
  if (list === '') throw refused(flag, text, 'names no tag after "tag="');
  const tags: Record<string, string> = {};
  for (const item of list.split(',')) {
    const [key, value = ''] = cut(item, '=');
    if (key === '') throw refused(flag, text, 'has an empty tag key between its commas');
    tags[key] = value;
  }
  return tags;
}

/** A filter of DescribeAutoScalingGroups. */
export interface TagFilter {
  readonly name: string;
  readonly values: readonly string[];
}

/** The tags of all flags in one set that is ANDed, as upstream does; of two values for a key the later one counts. */
export function filtersOf(specs: readonly DiscoveryTags[]): readonly TagFilter[] {
  const merged: DiscoveryTags = Object.assign({}, ...specs) as DiscoveryTags;
  return Object.entries(merged).map(([key, value]) =>
    value === '' ? { name: 'tag-key', values: [key] } : { name: `tag:${key}`, values: [value] },
  );
}

function integerOf(text: string): number | undefined {
  return /^[+-]?[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}

function cut(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function refused(flag: string, value: string, reason: string): ConcertinaError {
  return new ConcertinaError('CONFIG_INVALID', `${flag}=${value} ${reason}.`, { details: { path: flag, value, reason } });
}
