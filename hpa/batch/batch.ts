import { parseSelector, type Selector } from '../../core/model/selector.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { HpaConfig } from '../config.ts';
import { emptyState, type ScalingSpec } from '../engine/index.ts';
import { compileMetrics } from './compiled-policy.ts';
import { createJudgement, judge, toldPlace, type FullReason, type JudgeContext, type MetricTally } from './judgement.ts';
import type { PodTiming } from './pod-facts.ts';
import { compact, createTableContext, needMemory, setNow, setTiming } from './pod-table.ts';
import {
  createEntry,
  forgetTold,
  handOver,
  hasForeignPods,
  hasSameMeaning,
  isTold,
  lendPods,
  noteEvaluation,
  saysTheSame,
  settle,
  stateBefore,
  stateOf,
  type Entry,
} from './policy-entry.ts';
import type { Batch, BatchFacts, FullPolicy, QuietFacts } from './ports.ts';
import { createRecentTicks, type RecentTick } from './recent-ticks.ts';
import { createTargetGroups, type PodSource } from './target-groups.ts';
import { createUsageRows, readUsage } from './usage-rows.ts';

export interface BatchOptions {
  readonly config: HpaConfig;
  readonly pods: PodSource;
}

/** A mirror that heard nothing for so long may have lost its watch. Less than controller/samples.ts allows, so that the engine never doubts first. */
const maxPodsAgeMs = 120_000;

/** A scale that was read so many sync periods ago is read again before anything is concluded from it. */
const maxScaleAgePeriods = 4;

export function createBatch(options: BatchOptions): Batch {
  const { config, pods } = options;
  const entries = new Map<string, Entry>();
  const context = createTableContext(config.engine);
  const groups = createTargetGroups(context);
  const rows = createUsageRows();
  const judgement = createJudgement();
  const recentTicks = createRecentTicks();
  let judging: JudgeContext | undefined;
  const unsubscribe = pods.onDelta((change) => groups.apply(change));

  const leaveGroup = (entry: Entry): void => {
    if (entry.group !== undefined) groups.release(entry.group);
    entry.group = undefined;
  };

  const findGroup = (entry: Entry, { policy, scale }: BatchFacts): void => {
    const timing = timingOf(config, policy.spec);
    if (entry.selector !== scale.selector) {
      leaveGroup(entry);
      entry.selector = scale.selector;
      const selector = readSelector(scale.selector);
      if (selector !== undefined) {
        entry.group = groups.acquire(policy.reference.namespace ?? '', { text: scale.selector, selector }, timing);
      }
    }
    if (entry.group !== undefined) setTiming(context, entry.group, timing);
  };

  const set = (key: string, facts: BatchFacts): void => {
    const held = entries.get(key);
    if (held !== undefined && hasSameMeaning(held.facts, facts)) {
      held.facts = facts;
      return;
    }
    const entry = held ?? createEntry(key, facts);
    entries.set(key, entry);
    const { policy, scale } = facts;
    const isSame = entry.facts.policy === policy && entry.facts.scale.selector === scale.selector && entry.metrics !== undefined;
    entry.facts = facts;
    forgetTold(entry);
    if (isSame) return;
    entry.spec = config.dryRun && policy.spec.mode === 'Auto' ? { ...policy.spec, mode: 'DryRun' } : policy.spec;
    entry.metrics = compileMetrics(policy.spec, { namespace: policy.reference.namespace ?? '', selector: scale.selector });
    entry.owners = undefined;
    if (entry.metrics?.some((metric) => metric.kind === 'usage' && !metric.usage.cpu) === true) {
      needMemory(context);
    }
    findGroup(entry, facts);
  };

  const whyFull = (entry: Entry, tick: RecentTick, within: JudgeContext): FullReason | undefined => {
    const { facts } = entry;
    if (!hasMetrics(entry)) return 'unsupported';
    if (!hasGroup(entry)) return 'selector';
    if (facts.conflict !== undefined) return 'conflict';
    if (facts.rebased === true) return 'rebased';
    if (tick.now - (facts.scaleReadAt ?? tick.now) > maxScaleAgePeriods * config.syncPeriodMs) return 'scale-age';
    if (groups.isShared(entry.group)) return 'shared-pods';
    judge(judgement, entry, within);
    if (judgement.why !== undefined) return judgement.why;
    if (!isTold(entry)) return 'changed';
    return hasForeignPods(entry) ? 'foreign-pods' : undefined;
  };

  const decide = (entry: Entry, tick: RecentTick, report: GrowingReport): void => {
    const why = whyFull(entry, tick, report.within);
    if (why === undefined) {
      if (saysTheSame(entry, judgement)) report.steady += 1;
      else report.news.push(entry.key);
      settle(entry, tick, judgement);
      return;
    }
    // In both cases everything else is known.
    handOver(entry, why === 'changed' || why === 'foreign-pods' ? judgement : undefined);
    report.full.push({ key: entry.key, why, proposed: why === 'acts' ? judgement.told[toldPlace.proposed] : undefined });
  };

  return {
    set,
    touch: (key) => {
      const entry = entries.get(key);
      if (entry !== undefined) forgetTold(entry);
    },
    delete: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return;
      leaveGroup(entry);
      entries.delete(key);
    },
    decideTick: (tick) => {
      const { now, view, podsAgeMs = 0, due } = tick;
      setNow(context, now);
      groups.refresh(() => pods.items());
      compact(context.table);
      readUsage(rows, context.table, view);
      judging ??= createJudgeContext(config, { table: context.table, columns: rows.columns, view });
      judging.view = view;
      judging.usage.now = now;
      judging.usage.columns = rows.columns;
      judging.usage.shape = rows.shape;
      judging.podsInDoubt = podsAgeMs > maxPodsAgeMs;
      judging.usageInDoubt = judging.podsInDoubt || view.usageDoubt !== undefined || !view.resourceSource.healthy;
      judging.tally = new Map();
      const report: GrowingReport = { steady: 0, news: [], full: [], within: judging };
      const recent = recentTicks.add(tick);
      if (due === undefined) for (const entry of entries.values()) decide(entry, recent, report);
      else for (const key of due) decideOne(entries.get(key), (entry) => decide(entry, recent, report));
      return { at: now, steady: report.steady, news: report.news, full: report.full, tally: judging.tally };
    },
    stateOf: (key) => {
      const entry = entries.get(key);
      return entry === undefined ? emptyState : stateOf(entry);
    },
    podsOf: (key, selector) => {
      const entry = entries.get(key);
      if (entry?.group === undefined || entry.selector !== selector) return undefined;
      groups.refresh(() => pods.items());
      return lendPods(entry, entry.group);
    },
    note: (key, noted) => {
      const entry = entries.get(key);
      if (entry === undefined) return;
      noteEvaluation(entry, noted);
    },
    quiet: (key) => {
      const entry = entries.get(key);
      return entry === undefined ? undefined : quietFacts(entry);
    },
    close: unsubscribe,
  };
}

function hasMetrics(entry: Entry): entry is Entry & { metrics: NonNullable<Entry['metrics']> } {
  return entry.metrics !== undefined;
}

function hasGroup<E extends Entry>(entry: E): entry is E & { group: NonNullable<Entry['group']> } {
  return entry.group !== undefined;
}

interface GrowingReport {
  steady: number;
  readonly news: string[];
  readonly full: FullPolicy[];
  readonly within: JudgeContext;
}

function decideOne(entry: Entry | undefined, decide: (entry: Entry) => void): void {
  if (entry !== undefined) decide(entry);
}

function timingOf({ engine }: HpaConfig, spec: ScalingSpec): PodTiming {
  return {
    cpuInitializationMs: spec.cpuInitializationMs ?? engine.cpuInitializationMs,
    initialReadinessDelayMs: spec.initialReadinessDelayMs ?? engine.initialReadinessDelayMs,
  };
}

/** `undefined` for one that cannot be read, and for one that is empty, which would match everything. */
function readSelector(text: string): Selector | undefined {
  if (text === '') return undefined;
  try {
    return parseSelector(text);
  } catch {
    return undefined;
  }
}

function createJudgeContext(
  config: HpaConfig,
  { table, columns, view }: Pick<JudgeContext['usage'], 'table' | 'columns'> & Pick<JudgeContext, 'view'>,
): JudgeContext {
  return {
    usage: {
      table,
      columns,
      shape: 0,
      now: 0,
      cpuInitializationMs: config.engine.cpuInitializationMs,
      maxSampleAgeMs: config.maxSampleAgeMs,
      strict: true,
      sizedAt: 0,
      statusReplicas: 0,
      currentReplicas: 0,
      toleranceUp: config.engine.tolerance,
      toleranceDown: config.engine.tolerance,
      sizeWhenUnready: true,
    },
    config: config.engine,
    view,
    usageInDoubt: false,
    podsInDoubt: false,
    tally: new Map<string, MetricTally>(),
  };
}

function quietFacts(entry: Entry): QuietFacts | undefined {
  const { quietTick: tick, quietFacts: facts, quietPods } = entry;
  if (tick?.view === undefined) return undefined;
  return {
    policy: facts.policy,
    scale: facts.scale,
    pods: { podsMatching: (): readonly PodRecord[] => quietPods },
    podsAgeMs: tick.podsAgeMs,
    sizedAt: facts.sizedAt,
    view: tick.view,
    state: stateBefore(entry),
    history: facts.history,
    now: tick.now,
  };
}
