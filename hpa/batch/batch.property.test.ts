import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../../core/model/condition.ts';
import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { Decision } from '../../core/model/decision.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import type { MetricsView, PodUsage, QueryResult } from '../../core/model/metrics-view.ts';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { defaultHpaConfig, type HpaConfig } from '../config.ts';
import { assemble } from '../controller/assemble.ts';
import { completeBehavior, conclude, emptyState, evaluate, type HpaState, type MetricSpec, type ScalingSpec } from '../engine/index.ts';
import type { ScalingPolicy } from '../policy.ts';
import { createBatch } from './batch.ts';
import type { Batch, BatchFacts, FullPolicy } from './ports.ts';
import { evaluateQuiet } from './quiet-evaluation.ts';
import { fakePods, now as start, podRecord } from './scene.fixture.ts';

/** What the world knows of one target and its policy. */
interface Target {
  readonly key: string;
  readonly app: string;
  readonly policy: ScalingPolicy;
  load: number;
  /** Replicas in spec; the pods follow a step later. */
  replicas: number;
  pods: PodRecord[];
  queue: bigint;
}

/** What a controller remembers of one policy. */
interface Memory {
  state: HpaState;
  history: ScalingHistory;
  conditions: readonly Condition[];
  decision: Decision | undefined;
  /** Since when it has its size. */
  sizedAt: number;
  size: number;
}

const config: HpaConfig = { ...defaultHpaConfig, maxSampleAgeMs: 180_000 };
const queryOf = (app: string) => ({ kind: 'external' as const, namespace: 'shop', metric: `queue-${app}`, metricSelector: '' });

type Draw = (limit: number) => number;

function drawnMetrics(draw: Draw, app: string): MetricSpec[] {
  const metrics: MetricSpec[] = [];
  if (draw(4) > 0) metrics.push({ type: 'Resource', resource: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } });
  if (draw(4) === 0)
    metrics.push({ type: 'Resource', resource: 'memory', target: { type: 'AverageValue', averageValue: 200_000_000_000n } });
  if (draw(2) === 0 || metrics.length === 0) {
    const target = draw(2) === 0 ? { type: 'Value' as const, value: 10_000n } : { type: 'AverageValue' as const, averageValue: 10_000n };
    metrics.push({ type: 'External', metric: `queue-${app}`, target });
  }
  return metrics;
}

function drawnBehavior(draw: Draw): ScalingSpec['behavior'] {
  const select = (['Max', 'Min', 'Disabled'] as const)[draw(3)];
  return completeBehavior({
    scaleUp: { stabilizationWindowSeconds: draw(3) * 30, selectPolicy: draw(4) === 0 ? select : 'Max' },
    scaleDown: {
      stabilizationWindowSeconds: draw(2) === 0 ? undefined : draw(4) * 45,
      selectPolicy: draw(3) === 0 ? select : 'Max',
      policies: [{ type: draw(2) === 0 ? ('Pods' as const) : ('Percent' as const), value: 1 + draw(30), periodSeconds: 15 + draw(90) }],
    },
  });
}

const often = {
  name: 'often',
  start: '*/7 * * * *',
  end: '3-59/7 * * * *',
  timeZone: 'UTC',
  minReplicas: 4,
  maxReplicas: undefined,
  rampMs: 0,
};

/** What only HorizontalPolicies have; each of it seldom. */
function drawnExtras(draw: Draw): Partial<ScalingSpec> {
  const extras: readonly Partial<ScalingSpec>[] = [
    { panicRatio: 2 },
    { fallback: { failureThreshold: 3, behavior: 'CurrentReplicas', replicas: undefined } },
    { cpuInitializationMs: 20_000 + draw(400_000) },
    { initialReadinessDelayMs: draw(60_000) },
    { schedules: [often] },
    { mode: 'DryRun' },
    { mode: 'Paused' },
    { pause: { scaleIn: true, scaleOut: false, annotation: 'concertina.dev/paused=in' } },
    { podSelection: 'OwnedOnly' },
  ];
  return Object.assign({}, ...extras.filter(() => draw(7) === 0)) as Partial<ScalingSpec>;
}

function drawnSpec(draw: Draw, app: string): ScalingSpec {
  const native = draw(2) === 0;
  const cooldown = { scaleUpMs: 60_000 + draw(3) * 60_000, scaleDownMs: 120_000 };
  return {
    native,
    minReplicas: 1 + draw(3),
    maxReplicas: 6 + draw(20),
    metrics: drawnMetrics(draw, app),
    behavior: draw(2) === 0 ? drawnBehavior(draw) : undefined,
    cooldown: native || draw(3) === 0 ? { scaleUpMs: 0, scaleDownMs: 0 } : cooldown,
    mode: 'Auto',
    ...drawnExtras(draw),
  };
}

function drawnTarget(draw: Draw, app: string): Target {
  const reference = { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace: 'shop', name: app };
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: app };
  const replicas = 2 + draw(8);
  const spec = drawnSpec(draw, app);
  return {
    key: `shop/${app}`,
    app,
    policy: { reference, native: spec.native, generation: 1, target, spec, syncPeriodMs: undefined },
    load: replicas * 250,
    replicas,
    pods: Array.from({ length: replicas }, (_, index) => podRecord({ name: `${app}-${index}`, app, at: start })),
    queue: BigInt(replicas * 10_000),
  };
}

/** One step of the world: time passes, loads move, pods come, go and restart. */
function move(draw: Draw, target: Target, now: number): void {
  const calm = draw(3) > 0;
  if (!calm) target.load = Math.max(0, Math.round(target.load * (0.6 + draw(100) / 100)));
  if (draw(4) === 0) target.queue = BigInt(Math.round(Number(target.queue) * (0.5 + draw(120) / 100))) + 1n;
  const { app, replicas, pods } = target;
  if (pods.length !== replicas) {
    target.pods = Array.from(
      { length: replicas },
      (_, index) => pods[index] ?? podRecord({ name: `${app}-${index}-${now}`, app, at: now, startedAgo: 1000, readyAgo: 0 }),
    );
  }
  if (draw(12) === 0 && target.pods.length > 0) {
    const at = draw(target.pods.length);
    const facts = [
      { phase: 'Pending' },
      { ready: 'False' as const, readyAgo: 500 },
      { deleting: true },
      { phase: 'Failed' },
      { startedAgo: 10_000, readyAgo: 5000 },
    ][draw(5)];
    const { name } = target.pods[at]!;
    target.pods = target.pods.with(at, podRecord({ name, app, at: now, ...facts }));
  }
  if (draw(8) === 0) target.pods = target.pods.map(({ name }) => podRecord({ name, app, at: start }));
}

function usageOf(draw: Draw, target: Target, now: number): PodUsage[] {
  const running = target.pods.filter(({ phase }) => phase === 'Running');
  return running.flatMap(({ name }) => {
    if (draw(40) === 0) return [];
    const cpuMilli = Math.round(target.load / Math.max(1, running.length));
    const usage = { namespace: 'shop', name, timestamp: now - 1000 - draw(20_000), windowMs: 15_000 };
    return [{ ...usage, containers: [{ name: 'app', cpuMilli, memoryMilli: cpuMilli * 400_000_000 }] }];
  });
}

function viewOf(draw: Draw, targets: readonly Target[], now: number): MetricsView {
  const queries = new Map<string, QueryResult>();
  for (const { app, queue } of targets) {
    const doubt = draw(30) === 0 ? { reason: 'partial' as const, detail: 'half an answer' } : undefined;
    const series = [{ object: '', labels: {}, milli: queue, timestamp: now, windowMs: undefined }];
    const known: QueryResult = { known: true, series, at: now, source: 'external.metrics.k8s.io', coverage: 1, doubt };
    const failed: QueryResult = {
      known: false,
      reason: 'source-unavailable',
      detail: 'it is down',
      since: now,
      source: 'external.metrics.k8s.io',
    };
    queries.set(queryKey(queryOf(app)), draw(25) === 0 ? failed : known);
  }
  return plainView({
    at: now,
    pods: targets.flatMap((target) => usageOf(draw, target, now)),
    queries,
    ...(draw(30) === 0 ? { usageDoubt: { reason: 'outage' as const, detail: 'all at zero' } } : {}),
  });
}

function emptyMemory({ replicas }: Target): Memory {
  return { state: emptyState, history: {}, conditions: [], decision: undefined, sizedAt: 0, size: replicas };
}

function noteSize(memory: Memory, replicas: number, now: number): void {
  if (memory.size === replicas) return;
  memory.size = replicas;
  memory.sizedAt = now;
}

function evaluateAndConclude(
  target: Target,
  { conditions, history, sizedAt }: Memory,
  given: { readonly view: MetricsView; readonly state: HpaState; readonly pods: () => readonly PodRecord[] },
) {
  const { replicas } = target;
  const input = assemble({
    policy: target.policy,
    scale: scaleOf(target),
    pods: { podsMatching: given.pods },
    view: given.view,
    state: given.state,
    status: { conditions, currentReplicas: replicas, desiredReplicas: replicas },
    history,
    sizedAt,
    now: given.view.at,
    config,
  });
  const evaluation = evaluate(input);
  return { input, evaluation, conclusion: conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' }) };
}

/** The controller as it is without a batch: the engine for every policy. */
function byEngine(target: Target, memory: Memory, view: MetricsView): number | undefined {
  noteSize(memory, target.replicas, view.at);
  const { evaluation, conclusion } = evaluateAndConclude(target, memory, { view, state: memory.state, pods: () => target.pods });
  memory.state = conclusion.state;
  memory.history = conclusion.history;
  memory.conditions = conclusion.conditions;
  memory.decision = evaluation.decision;
  return evaluation.write;
}

/** What a decision says beyond the numbers that were measured. */
function outcomeOf(decision: Decision | undefined) {
  if (decision === undefined) return undefined;
  const { from, to, wanted, reason, holds } = decision;
  return { from, to, wanted, reason, holds: holds.map(({ by, until }) => ({ by, until })) };
}

/** Only ScalingActive tells in its message what was measured. */
function shown(conditions: readonly Condition[]) {
  return conditions.map(({ message, ...rest }) => (rest.type === 'ScalingActive' ? rest : { ...rest, message }));
}

interface Counts {
  steady: number;
  news: number;
  full: number;
  acts: number;
}

/** Two controllers in the same world: one asks the engine about everything, the other only about what the batch leaves to it. */
interface World {
  readonly draw: Draw;
  readonly batch: Batch;
  readonly counts: Counts;
  readonly plain: ReadonlyMap<string, Memory>;
  readonly batched: ReadonlyMap<string, Memory>;
}

function memoryOf(memories: ReadonlyMap<string, Memory>, { key }: Target): Memory {
  return memories.get(key)!;
}

function walk(seed: number, counts: Counts): void {
  const random = seededRandom(seed);
  const draw: Draw = (limit) => Math.floor(random() * limit);
  const targets = ['a', 'b', 'c'].map((app) => drawnTarget(draw, app));
  const source = fakePods();
  const memories = (): Map<string, Memory> => new Map(targets.map((target) => [target.key, emptyMemory(target)]));
  const world: World = { draw, batch: createBatch({ config, pods: source }), counts, plain: memories(), batched: memories() };
  let now = start;
  for (let tick = 0; tick < 40; tick++) {
    now += [15_000, 15_000, 15_000, 1000, 45_000, 320_000][draw(6)]!;
    for (const target of targets) move(draw, target, now);
    source.become(targets.flatMap(({ pods }) => pods));
    decideBoth(world, targets, viewOf(draw, targets, now));
  }
}

function decideBoth(world: World, targets: readonly Target[], view: MetricsView): void {
  const { draw, batch, plain, batched } = world;
  const now = view.at;
  const before = new Map([...plain].map(([key, { decision, conditions }]) => [key, { decision, conditions }]));
  const writes = new Map(targets.map((target) => [target.key, byEngine(target, memoryOf(plain, target), view)]));
  for (const target of targets) {
    const memory = memoryOf(batched, target);
    noteSize(memory, target.replicas, now);
    batch.set(target.key, factsOf(target, memory, now));
  }
  const report = batch.decideTick({ now, view });
  expect(report.steady + report.news.length + report.full.length).toBe(targets.length);
  for (const target of targets) {
    const { key } = target;
    const write = writes.get(key);
    const due = report.full.find((each) => each.key === key);
    if (due === undefined) expectQuiet(world, target, { isNews: report.news.includes(key), write, before: before.get(key)! });
    else expectFull(world, target, { due, write, view });
    expect(batch.stateOf(key)).toEqual(memoryOf(plain, target).state);
    target.replicas = write ?? target.replicas;
    // Somebody scales by hand.
    if (draw(40) === 0) target.replicas = draw(12);
  }
}

type Before = Pick<Memory, 'decision' | 'conditions'>;

/** Nothing is written, the decision is the engine's to the last word when it is read, and what is steady says nothing new. */
function expectQuiet(
  { draw, batch, counts, plain, batched }: World,
  target: Target,
  facts: { readonly isNews: boolean; readonly write: number | undefined; readonly before: Before },
): void {
  const memory = memoryOf(batched, target);
  const reference = memoryOf(plain, target);
  const { isNews, write, before } = facts;
  counts[isNews ? 'news' : 'steady'] += 1;
  expect(write).toBeUndefined();
  const status = { conditions: memory.conditions, currentReplicas: target.replicas, desiredReplicas: target.replicas };
  const { evaluation, conclusion } = evaluateQuiet(batch.quiet(target.key)!, { status, config });
  expect(evaluation.decision).toEqual(reference.decision);
  expect(conclusion.conditions).toEqual(reference.conditions);
  const compared = isNews ? reference : before;
  expect(outcomeOf(reference.decision)).toEqual(outcomeOf(compared.decision));
  expect(shown(reference.conditions)).toEqual(shown(compared.conditions));
  // Of a steady policy nobody writes a status.
  if (isNews || draw(5) === 0) memory.conditions = conclusion.conditions;
}

function expectFull(
  { batch, counts, plain, batched }: World,
  target: Target,
  { due, write, view }: { readonly due: FullPolicy; readonly write: number | undefined; readonly view: MetricsView },
): void {
  const memory = memoryOf(batched, target);
  const reference = memoryOf(plain, target);
  counts.full += 1;
  if (due.why === 'acts') counts.acts += 1;
  // What is foreseen is what the engine writes.
  expect(due.proposed).toBe(due.why === 'acts' ? write : undefined);
  expect(batch.quiet(target.key)).toBeUndefined();
  noteFull(batch, target, memory, view);
  expect(memory.decision).toEqual(reference.decision);
  expect(shown(memory.conditions)).toEqual(shown(reference.conditions));
}

function scaleOf({ app, replicas, pods }: Target): BatchFacts['scale'] {
  const statusReplicas = pods.filter((pod) => pod.phase !== 'Failed').length;
  return { specReplicas: replicas, statusReplicas, selector: `app=${app}` };
}

function factsOf(target: Target, { history, sizedAt }: Memory, now: number): BatchFacts {
  return { policy: target.policy, scale: scaleOf(target), scaleReadAt: now, history, sizedAt };
}

function noteFull(batch: Batch, target: Target, memory: Memory, view: MetricsView): void {
  const scale = scaleOf(target);
  const done = evaluateAndConclude(target, memory, {
    view,
    state: batch.stateOf(target.key),
    pods: () => batch.podsOf(target.key, scale.selector)!,
  });
  batch.note(target.key, done);
  memory.history = done.conclusion.history;
  memory.conditions = done.conclusion.conditions;
  memory.decision = done.evaluation.decision;
}

describe('a batch over many ticks', () => {
  it('decides, says and remembers what the engine does, and calls steady only what says nothing new', { timeout: 300_000 }, () => {
    const counts: Counts = { steady: 0, news: 0, full: 0, acts: 0 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => walk(seed, counts)),
      { numRuns: 150 },
    );
    expect(Math.min(counts.steady, counts.news, counts.full, counts.acts)).toBeGreaterThan(500);
  });
});
