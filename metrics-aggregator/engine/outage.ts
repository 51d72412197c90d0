import type { Doubt } from '../../core/model/sample.ts';

/** What was measured for one group (the pods of a workload, one query) at one instant. */
export interface GroupTotal {
  readonly total: number;
  /** At or below this the group counts as fallen to nothing. */
  readonly nothing: number;
}

export interface OutageConfig {
  /** What the groups are, in the plural: `workloads`, `queries`. */
  readonly noun: string;
  /** A group takes part once its total was at least this. */
  readonly activeFrom: number;
  /** So many groups at least must fall. */
  readonly minGroups: number;
  /** So large a share of the active groups must fall. */
  readonly share: number;
  /** Falls that lie further apart are no sudden fall, milliseconds: a few polls, since not all nodes are scraped at one moment. */
  readonly togetherMs: number;
  /** After so long the zeros are believed: a hold has an end, milliseconds. */
  readonly holdMs: number;
}

/** Usage of workloads. A single active workload counts too, when all its containers report nothing: idle ones still report a milli-core. */
export const usageOutage: OutageConfig = {
  noun: 'workloads',
  activeFrom: 20,
  minGroups: 1,
  share: 0.5,
  togetherMs: 60_000,
  holdMs: 900_000,
};

/** Answers to queries of one source. An empty queue is nothing special: only several at once are. */
export const queryOutage: OutageConfig = { ...usageOutage, noun: 'queries', activeFrom: 0.001, minGroups: 3 };

interface Group {
  /** The last total that was believed. */
  readonly believed: number;
  /** When it fell to nothing; `undefined` while it has not. */
  readonly fallenAt: number | undefined;
  /** When it was measured last. */
  readonly seenAt: number;
}

export interface OutageState {
  readonly groups: ReadonlyMap<string, Group>;
  /** Since when an outage is suspected; `undefined`: none is. */
  readonly since: number | undefined;
}

export const noOutage: OutageState = { groups: new Map(), since: undefined };

export interface OutageVerdict {
  readonly state: OutageState;
  readonly doubt: Doubt | undefined;
}

const fewGroups = 3;

/**
 * The breaker for correlated outages (§A.8): many workloads that fall to about zero at once are more likely an outage of metrics than of load. While it is open
 * nothing shrinks. It closes when the values come back, or after `holdMs`: then the zeros are believed.
 */
export function judgeOutage(
  previous: OutageState,
  totals: ReadonlyMap<string, GroupTotal>,
  now: number,
  config: OutageConfig,
): OutageVerdict {
  const groups = keptGroups(previous, totals, now, config);
  let active = 0;
  let fallen = 0;
  let together = 0;
  for (const [key, { total, nothing }] of totals) {
    const before = previous.groups.get(key);
    if (total > nothing) {
      groups.set(key, { believed: total, fallenAt: undefined, seenAt: now });
      if (total >= config.activeFrom) active += 1;
      continue;
    }
    const believed = before?.believed ?? 0;
    const fallenAt = before?.fallenAt ?? now;
    groups.set(key, { believed, fallenAt, seenAt: now });
    if (believed < config.activeFrom) continue;
    active += 1;
    fallen += 1;
    if (now - fallenAt <= config.togetherMs) together += 1;
  }
  // Of a few, all must fall: one of three that goes idle is nothing special.
  const needed = Math.max(config.minGroups, active <= fewGroups ? active : Math.ceil(active * config.share));
  const suspected = previous.since === undefined ? together >= needed : fallen >= needed;
  if (!suspected) return { state: { groups: forgetOldFalls(groups, now, config), since: undefined }, doubt: undefined };
  const since = previous.since ?? now;
  if (now - since >= config.holdMs) return { state: { groups: believeAll(groups), since: undefined }, doubt: undefined };
  const detail = `${fallen} of ${active} ${config.noun} that were busy report nothing at once, which looks like an outage of metrics, not of load`;
  return { state: { groups, since }, doubt: { reason: 'outage', detail, since, until: since + config.holdMs } };
}

/** Groups that are not measured just now are remembered: an answer that fails in between must not wipe out what was normal. */
function keptGroups(
  previous: OutageState,
  totals: ReadonlyMap<string, GroupTotal>,
  now: number,
  { holdMs }: OutageConfig,
): Map<string, Group> {
  const kept = new Map<string, Group>();
  for (const [key, group] of previous.groups) if (!totals.has(key) && now - group.seenAt <= holdMs) kept.set(key, group);
  return kept;
}

/** A group that fell alone and stays down is idle: it no longer counts as busy, or a later one would seem to fall together with it. */
function forgetOldFalls(groups: ReadonlyMap<string, Group>, now: number, { togetherMs }: OutageConfig): Map<string, Group> {
  const kept = new Map<string, Group>();
  for (const [key, group] of groups) {
    const old = group.fallenAt !== undefined && now - group.fallenAt > togetherMs;
    kept.set(key, old ? { ...group, believed: 0 } : group);
  }
  return kept;
}

function believeAll(groups: ReadonlyMap<string, Group>): Map<string, Group> {
  return new Map([...groups].map(([key, group]) => [key, group.fallenAt === undefined ? group : { ...group, believed: 0 }]));
}
