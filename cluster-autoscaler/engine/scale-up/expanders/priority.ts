import { parse } from 'yaml';
import { messageOf } from '../../../../core/errors.ts';
import type { LoopEvent } from '../../loop/model.ts';
import { compileGoPattern } from './go-pattern.ts';
import type { Expander, ExpansionOption } from './model.ts';

/** The ConfigMap that upstream's priority expander reads, in the autoscaler's namespace, and its key. */
export const priorityConfigMap = { name: 'cluster-autoscaler-priority-expander', key: 'priorities' } as const;

/** Patterns by priority. */
export type Priorities = readonly { readonly priority: number; readonly patterns: readonly RegExp[] }[];

/**
 * Reads the map from priority to a list of patterns (Go's syntax, found anywhere in a group's id). The whole of it is refused with a reason if any part
 * of it cannot be used, as upstream does.
 */
export function parsePriorities(text: string): { readonly priorities: Priorities } | { readonly problem: string } {
  if (text === '')
    return { problem: `priority configuration in ${priorityConfigMap.name} configmap is empty; please provide valid configuration` };
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    return { problem: `Can't parse YAML with priorities in the configmap: ${messageOf(error).split('\n')[0] ?? ''}` };
  }
  if (parsed === null || parsed === undefined) return { priorities: [] };
  if (typeof parsed !== 'object' || Array.isArray(parsed)) return { problem: unreadable('not a map from priority to a list of patterns') };
  const priorities: { priority: number; patterns: RegExp[] }[] = [];
  for (const [key, list] of Object.entries(parsed)) {
    const entry = readEntry(key, list);
    if ('problem' in entry) return entry;
    priorities.push(entry);
  }
  return { priorities };
}

function readEntry(key: string, list: unknown): { readonly priority: number; readonly patterns: RegExp[] } | { readonly problem: string } {
  if (!/^[+-]?\d+$/.test(key)) return { problem: unreadable(`priority ${JSON.stringify(key)} is not a whole number`) };
  if (list === null) return { priority: Number(key), patterns: [] };
  if (!Array.isArray(list)) return { problem: unreadable(`priority ${key} has no list of patterns`) };
  const patterns: RegExp[] = [];
  for (const pattern of list as readonly unknown[]) {
    if (typeof pattern !== 'string' && typeof pattern !== 'number' && typeof pattern !== 'boolean')
      return { problem: unreadable(`priority ${key} has a pattern that is not text`) };
    try {
      patterns.push(compileGoPattern(String(pattern)));
    } catch (error) {
      return { problem: `Can't compile regexp rule for priority ${key} and rule ${String(pattern)}: ${messageOf(error)}` };
    }
  }
  return { priority: Number(key), patterns };
}

function unreadable(why: string): string {
  return `Can't parse YAML with priorities in the configmap: ${why}`;
}

/** Priorities of groups, as far as they have one. */
export interface FoundPriorities {
  readonly priorities: ReadonlyMap<string, number>;
  readonly events: readonly LoopEvent[];
  /** Why there are none; `undefined` when some group has one that can win. */
  readonly none: string | undefined;
}

/** Priorities by the ConfigMap, or by the groups' policies when there is none, with upstream's events. Negative ones never win. */
export function findPriorities(groups: readonly Pick<ExpansionOption, 'group' | 'priority'>[], text: string | undefined): FoundPriorities {
  if (text === undefined) return byPolicy(groups);
  const parsed = parsePriorities(text);
  if ('problem' in parsed) {
    const message = `Wrong configuration for priority expander: ${parsed.problem}. Ignoring update.`;
    const events = [warning('PriorityConfigMapInvalid', message)];
    return { priorities: new Map(), events, none: 'priorities that cannot be used: nothing left out' };
  }
  return byConfigMap(groups, parsed.priorities);
}

/**
 * Options of groups with the highest priority. Groups without a priority are left out; if no group has one of at least 0, or the ConfigMap cannot be used,
 * nothing is left out.
 */
export const priority: Expander = (options, context) => {
  if (options.length === 0) return { kept: [], note: 'no options' };
  const { priorities, events, none } = findPriorities(options, context.priorities);
  if (none !== undefined) return { kept: options, events, note: none };
  const best = Math.max(...priorities.values());
  return {
    kept: options.filter(({ group }) => priorities.get(group) === best),
    scores: priorities,
    events,
    note: `highest priority ${best}`,
  };
};

function byConfigMap(groups: readonly Pick<ExpansionOption, 'group'>[], priorities: Priorities): FoundPriorities {
  const events: LoopEvent[] = [];
  const found = new Map<string, number>();
  for (const { group } of groups) {
    const matches = priorities.filter(({ patterns }) => patterns.some((pattern) => pattern.test(group)));
    if (matches.length > 0) {
      found.set(group, Math.max(...matches.map((match) => match.priority)));
      continue;
    }
    const message = `Priority expander: node group ${group} not found in priority expander configuration. The group won't be used.`;
    events.push(warning('PriorityConfigMapNotMatchedGroup', message));
  }
  if (canWin(found)) return { priorities: found, events, none: undefined };
  const message = 'Priority expander: no priorities info found for any of the expansion options. No options filtered.';
  events.push(warning('PriorityConfigMapNoGroupMatched', message));
  return { priorities: found, events, none: 'no group matches a priority: nothing left out' };
}

function byPolicy(groups: readonly Pick<ExpansionOption, 'group' | 'priority'>[]): FoundPriorities {
  const priorities = new Map(groups.flatMap((each) => (each.priority === undefined ? [] : [[each.group, each.priority] as const])));
  return { priorities, events: [], none: canWin(priorities) ? undefined : 'no pool has a priority: nothing left out' };
}

function canWin(priorities: ReadonlyMap<string, number>): boolean {
  return [...priorities.values()].some((each) => each >= 0);
}

function warning(reason: string, message: string): LoopEvent {
  return { on: { kind: 'Status', name: priorityConfigMap.name }, type: 'Warning', reason, message };
}
