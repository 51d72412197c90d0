import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../../core/model/condition.ts';
import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { Decision } from '../../core/model/decision.ts';
import { queryKey } from '../../core/model/metric-query.ts';
import type { MetricsView, PodUsage, QueryResult } from '../../core/model/metrics-view.ts';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { matchesSelector } from '../../core/model/selector.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { defaultHpaConfig, type HpaConfig } from '../config.ts';
import { assemble } from '../controller/assemble.ts';
import { completeBehavior, conclude, emptyState, evaluate, type HpaState, type MetricSpec, type ScalingSpec } from '../engine/index.ts';
import type { ScalingPolicy } from '../policy.ts';
import { createBatch } from './batch.ts';
import type { BatchFacts } from './ports.ts';
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

function drawnSpec(draw: Draw, app: string): ScalingSpec {
  const native = draw(2) === 0;
  const metrics: MetricSpec[] = [];
  if (draw(4) > 0) metrics.push({ type: 'Resource', resource: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } });
  if (draw(4) === 0) metrics.push({ type: 'Resource', resource: 'memory', target: { type: 'AverageValue', averageValue: 200_000_000_000n } });
  if (draw(2) === 0 || metrics.length === 0) {
    const target = draw(2) === 0 ? { type: 'Value' as const, value: 10_000n } : { type: 'AverageValue' as const, averageValue: 10_000n };
    metrics.push({ type: 'External', metric: `queue-${app}`, target });
  }
  const select = (['Max', 'Min', 'Disabled'] as const)[draw(3)];
  const behavior = completeBehavior({
    scaleUp: { stabilizationWindowSeconds: draw(3) * 30, selectPolicy: draw(4) === 0 ? select : 'Max' },
    scaleDown: {
      stabilizationWindowSeconds: draw(2) === 0 ? undefined : draw(4) * 45,
      selectPolicy: draw(3) === 0 ? select : 'Max',
      policies: [{ type: draw(2) === 0 ? ('Pods' as const) : ('Percent' as const), value: 1 + draw(30), periodSeconds: 15 + draw(90) }],
    },
  });
  return {
    native,
    minReplicas: 1 + draw(3),
    maxReplicas: 6 + draw(20),
    metrics,
    behavior: draw(2) === 0 ? behavior : undefined,
    cooldown: native || draw(3) === 0 ? { scaleUpMs: 0, scaleDownMs: 0 } : { scaleUpMs: 60_000 + draw(3) * 60_000, scaleDownMs: 120_000 },
    mode: draw(6) === 0 ? (draw(2) === 0 ? 'DryRun' : 'Paused') : 'Auto',
    ...(draw(6) === 0 ? { panicRatio: 2 } : {}),
    ...(draw(6) === 0 ? { fallback: { failureThreshold: 3, behavior: 'CurrentReplicas' as const, replicas: undefined } } : {}),
    ...(draw(8) === 0 ? { cpuInitializationMs: 20_000 + draw(400_000) } : {}),
    ...(draw(5) === 0
      ? { schedules: [{ name: 'busy', start: '*/7 * * * *', end: '3-59/7 * * * *', timeZone: 'UTC', minReplicas: 4, maxReplicas: undefined, rampMs: 0 }] }
      : {}),
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
    target.pods = Array.from({ length: replicas }, (_, index) => pods[index] ?? podRecord({ name: `${app}-${index}-${now}`, app, at: now, startedAgo: 1000, readyAgo: 0 }));
  }
  if (draw(12) === 0 && target.pods.length > 0) {
    const at = draw(target.pods.length);
    const facts = [{ phase: 'Pending' }, { ready: 'False' as const, readyAgo: 500 }, { deleting: true }, { phase: 'Failed' }, { startedAgo: 10_000, readyAgo: 5000 }][draw(5)];
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
    const failed: QueryResult = { known: false, reason: 'source-unavailable', detail: 'it is down', since: now, source: 'external.metrics.k8s.io' };
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

/** The controller as it is without a batch: the engine for every policy. */
function byEngine(target: Target, memory: Memory, { view, now, scale }: { readonly view: MetricsView; readonly now: number; readonly scale: BatchFacts['scale'] }): number | undefined {
  noteSize(memory, scale.specReplicas, now);
  const input = assemble({
    policy: target.policy,
    scale,
    pods: { podsMatching: (_, selector) => target.pods.filter(({ labels }) => matchesSelector(selector, labels)) },
    view,
    state: memory.state,
    status: { conditions: memory.conditions, currentReplicas: scale.specReplicas, desiredReplicas: scale.specReplicas },
    history: memory.history,
    sizedAt: memory.sizedAt,
    now,
    config,
  });
  const evaluation = evaluate(input);
  const conclusion = conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' });
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

function walk(seed: number, counts: Counts): void {
  const random = seededRandom(seed);
  const draw: Draw = (limit) => Math.floor(random() * limit);
  const targets = ['a', 'b', 'c'].map((app) => drawnTarget(draw, app));
  const source = fakePods();
  const batch = createBatch({ config, pods: source });
  const plain = new Map(targets.map((target) => [target.key, emptyMemory(target)]));
  const batched = new Map(targets.map((target) => [target.key, emptyMemory(target)]));
  let now = start;
  for (let tick = 0; tick < 40; tick++) {
    now += [15_000, 15_000, 15_000, 1000, 45_000, 320_000][draw(6)]!;
    for (const target of targets) move(draw, target, now);
    source.become(targets.flatMap(({ pods }) => pods));
    const view = viewOf(draw, targets, now);
    const before = new Map([...plain].map(([key, { decision, conditions }]) => [key, { decision, conditions }]));
    const writes = new Map<string, number | undefined>();
    for (const target of targets) {
      const scale = scaleOf(target);
      writes.set(target.key, byEngine(target, plain.get(target.key)!, { view, now, scale }));
      const memory = batched.get(target.key)!;
      noteSize(memory, scale.specReplicas, now);
      batch.set(target.key, factsOf(target, memory, now));
    }
    const report = batch.decideTick({ now, view });
    const full = new Map(report.full.map((each) => [each.key, each]));
    expect(report.steady + report.news.length + full.size).toBe(targets.length);
    for (const target of targets) {
      const { key } = target;
      const memory = batched.get(key)!;
      const reference = plain.get(key)!;
      const write = writes.get(key);
      const due = full.get(key);
      if (due === undefined) {
        expect(write).toBeUndefined();
        counts[report.news.includes(key) ? 'news' : 'steady'] += 1;
        if (!report.news.includes(key)) expectNothingNew(before.get(key)!, reference);
        const status = { conditions: memory.conditions, currentReplicas: target.replicas, desiredReplicas: target.replicas };
        const { evaluation, conclusion } = evaluateQuiet(batch.quiet(key)!, { status, config });
        expect(evaluation.decision).toEqual(reference.decision);
        expect(conclusion.conditions).toEqual(reference.conditions);
        // Of a steady policy nobody writes a status.
        if (report.news.includes(key) || draw(5) === 0) memory.conditions = conclusion.conditions;
      } else {
        counts.full += 1;
        if (write !== undefined && due.why === 'acts') {
          counts.acts += 1;
          expect(due.proposed).toBe(write);
        }
        expect(batch.quiet(key)).toBeUndefined();
        noteFull({ batch, target, memory, view, now });
        expect(memory.decision).toEqual(reference.decision);
        expect(shown(memory.conditions)).toEqual(shown(reference.conditions));
      }
      expect(batch.stateOf(key)).toEqual(reference.state);
      target.replicas = write ?? target.replicas;
      // Somebody scales by hand.
      if (draw(40) === 0) target.replicas = draw(12);
    }
  }
}

function scaleOf({ app, replicas, pods }: Target): BatchFacts['scale'] {
  const statusReplicas = pods.filter((pod) => pod.phase !== 'Failed').length;
  return { specReplicas: replicas, statusReplicas, selector: `app=${app}` };
}

function factsOf(target: Target, { history, sizedAt }: Memory, now: number): BatchFacts {
  return { policy: target.policy, scale: scaleOf(target), scaleReadAt: now, history, sizedAt };
}

function noteFull({ batch, target, memory, view, now }: { batch: ReturnType<typeof createBatch>; target: Target; memory: Memory; view: MetricsView; now: number }): void {
  const scale = scaleOf(target);
  const input = assemble({
    policy: target.policy,
    scale,
    pods: { podsMatching: () => batch.podsOf(target.key, scale.selector)! },
    view,
    state: batch.stateOf(target.key),
    status: { conditions: memory.conditions, currentReplicas: target.replicas, desiredReplicas: target.replicas },
    history: memory.history,
    sizedAt: memory.sizedAt,
    now,
    config,
  });
  const evaluation = evaluate(input);
  const conclusion = conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' });
  batch.note(target.key, { input, evaluation, conclusion });
  memory.history = conclusion.history;
  memory.conditions = conclusion.conditions;
  memory.decision = evaluation.decision;
}

function expectNothingNew(before: { readonly decision: Decision | undefined; readonly conditions: readonly Condition[] }, after: Memory): void {
  expect(outcomeOf(after.decision)).toEqual(outcomeOf(before.decision));
  expect(shown(after.conditions)).toEqual(shown(before.conditions));
}

describe('a batch over many ticks', () => {
  it('decides, says and remembers what the engine does, and calls steady only what says nothing new', { timeout: 300_000 }, () => {
    const counts: Counts = { steady: 0, news: 0, full: 0, acts: 0 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => walk(seed, counts)),
      { numRuns: 250 },
    );
    expect(Math.min(counts.steady, counts.news, counts.full, counts.acts)).toBeGreaterThan(500);
  });
});
