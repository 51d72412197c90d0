import { parse } from 'yaml';
import { messageOf } from '../../../../core/errors.ts';
import type { LoopEvent } from '../../loop/model.ts';
import { compileGoPattern } from './go-pattern.ts';
import type { Expander, ExpanderContext, ExpansionOption, Filtered } from './model.ts';

/** The ConfigMap that upstream's priority expander reads, in the autoscaler's namespace, and its key. */
export const priorityConfigMap = { name: 'cluster-autoscaler-priority-expander', key: 'priorities' } as const;

/** Patterns by priority. */
export type Priorities = readonly { readonly priority: number; readonly patterns: readonly RegExp[] }[];

/**
 * Reads the map from priority to a list of patterns (Go's syntax, found anywhere in a group's id). The whole of it is refused with a reason if any part
 * of it cannot be used, as upstream does.
 */
export function parsePriorities(text: string): { readonly priorities: Priorities } | { readonly problem: string } {
  if (text === '') return { problem: `priority configuration in ${priorityConfigMap.name} configmap is empty; please provide valid configuration` };
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
    if (typeof pattern === 'object') return { problem: unreadable(`priority ${key} has a pattern that is not text`) };
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

/**
 * Options of groups with the highest priority: that of the ConfigMap, or of the groups' policies when there is none. Groups without a priority are left
 * out; negative priorities never win; if no group has one, or the map cannot be used, nothing is left out.
 */
export const priority: Expander = (options, context) => {
  if (options.length === 0) return { kept: [], note: 'no options' };
  if (context.priorities === undefined) return byPolicy(options);
  const parsed = parsePriorities(context.priorities);
  if ('problem' in parsed) {
    const message = `Wrong configuration for priority expander: ${parsed.problem}. Ignoring update.`;
    return { kept: options, events: [warning('PriorityConfigMapInvalid', message)], note: 'priorities that cannot be used: nothing left out' };
  }
  return byConfigMap(options, parsed.priorities);
};

function byConfigMap(options: readonly ExpansionOption[], priorities: Priorities): Filtered<ExpansionOption> {
  const events: LoopEvent[] = [];
  const found = new Map<string, number>();
  for (const { group } of options) {
    const matches = priorities.filter(({ patterns }) => patterns.some((pattern) => pattern.test(group)));
    if (matches.length > 0) {
      found.set(group, Math.max(...matches.map((match) => match.priority)));
      continue;
    }
    const message = `Priority expander: node group ${group} not found in priority expander configuration. The group won't be used.`;
    events.push(warning('PriorityConfigMapNotMatchedGroup', message));
  }
  const filtered = highest(options, found);
  if (filtered !== undefined) return { ...filtered, events };
  const message = 'Priority expander: no priorities info found for any of the expansion options. No options filtered.';
  events.push(warning('PriorityConfigMapNoGroupMatched', message));
  return { kept: options, scores: found, events, note: 'no group matches a priority: nothing left out' };
}

function byPolicy(options: readonly ExpansionOption[]): Filtered<ExpansionOption> {
  const found = new Map(options.flatMap((option) => (option.priority === undefined ? [] : [[option.group, option.priority] as const])));
  return highest(options, found) ?? { kept: options, note: 'no pool has a priority: nothing left out' };
}

/** `undefined` when nobody has a priority of at least 0. */
function highest(options: readonly ExpansionOption[], priorities: ReadonlyMap<string, number>): Filtered<ExpansionOption> | undefined {
  const best = Math.max(-1, ...priorities.values());
  if (best < 0) return undefined;
  return { kept: options.filter(({ group }) => priorities.get(group) === best), scores: priorities, note: `highest priority ${best}` };
}

function warning(reason: string, message: string): LoopEvent {
  return { on: { kind: 'Status', name: priorityConfigMap.name }, type: 'Warning', reason, message };
}

export type { ExpanderContext };
