import { describe, expect, it } from 'vitest';
import { queryKey } from '../../core/model/metric-query.ts';
import type { MetricsView, PodUsage, QueryResult } from '../../core/model/metrics-view.ts';
import { plainView, type PlainViewFacts } from '../../core/model/metrics-view.fixture.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { defaultHpaConfig } from '../config.ts';
import { assemble } from '../controller/assemble.ts';
import { conclude, evaluate, type EvaluationInput, type ScalingSpec } from '../engine/index.ts';
import type { ScalingPolicy } from '../policy.ts';
import { createBatch } from './batch.ts';
import type { BatchFacts, TickReport } from './ports.ts';
import { columnsOf } from './usage-columns.ts';
import { fakePods, now as start, podRecord, type PodFacts } from './scene.fixture.ts';

const query = { kind: 'external' as const, namespace: 'shop', metric: 'queue', metricSelector: '' };

function policyOf(name: string, spec: Partial<ScalingSpec> = {}): ScalingPolicy {
  const reference = { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', namespace: 'shop', name };
  return {
    reference,
    native: false,
    generation: 1,
    target: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name },
    spec: {
      native: false,
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: 'Resource', resource: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } }],
      behavior: undefined,
      cooldown: { scaleUpMs: 180_000, scaleDownMs: 300_000 },
      mode: 'Auto',
      ...spec,
    },
    syncPeriodMs: undefined,
  };
}

function podsOf(app: string, count: number, facts: Partial<PodFacts> = {}): PodRecord[] {
  return Array.from({ length: count }, (_, at) => podRecord({ name: `${app}-${at}`, app, ...facts }));
}

function viewOf(pods: readonly PodRecord[], cpuMilli: number, now: number, facts: Partial<PlainViewFacts> = {}): MetricsView {
  const usage = pods.map(({ name }): PodUsage => {
    const containers = [{ name: 'app', cpuMilli, memoryMilli: 1000 }];
    return { namespace: 'shop', name, timestamp: now - 1000, windowMs: 15_000, containers };
  });
  return plainView({ at: now, pods: usage, ...facts });
}

/** One policy with three replicas at its target; each step is a tick after which the engine has done what it had to. */
function scene(given: Partial<BatchFacts> = {}, pods: readonly PodRecord[] = podsOf('web', 3)) {
  const source = fakePods();
  source.become(pods);
  const batch = createBatch({ config: defaultHpaConfig, pods: source });
  const facts: BatchFacts = {
    policy: policyOf('web'),
    scale: { specReplicas: 3, statusReplicas: 3, selector: 'app=web' },
    history: {},
    ...given,
  };
  batch.set('shop/web', facts);
  let now = start;
  const tick = (cpuMilli = 250, view: Partial<PlainViewFacts> = {}, podsAgeMs?: number): TickReport => {
    now += 15_000;
    const seen = viewOf(source.items(), cpuMilli, now, view);
    const report = batch.decideTick({ now, view: seen, podsAgeMs });
    for (const { key } of report.full) note(key, seen);
    return report;
  };
  const note = (key: string, view: MetricsView, change: Partial<EvaluationInput> = {}): void => {
    const { policy, scale, history } = facts;
    const lister = { podsMatching: () => batch.podsOf(key, scale.selector) ?? [] };
    const status = { conditions: [], currentReplicas: 3, desiredReplicas: 3 };
    const assembled = assemble({
      policy,
      scale,
      pods: lister,
      view,
      state: batch.stateOf(key),
      status,
      history,
      now,
      config: defaultHpaConfig,
    });
    const input = { ...assembled, ...change };
    const evaluation = evaluate(input);
    batch.note(key, {
      input,
      evaluation,
      conclusion: conclude(input, evaluation, { kind: evaluation.write === undefined ? 'none' : 'written' }),
    });
  };
  return { batch, source, facts, tick, note, clock: () => now };
}

const outcomeOf = ({ steady, news, full }: TickReport) => ({ steady, news, full: full.map(({ why }) => why) });
const steady = { steady: 1, news: [], full: [] };

describe('a batch', () => {
  it('leaves the first decision to the engine, and is steady when nothing changes', () => {
    const { tick } = scene();
    expect(outcomeOf(tick())).toEqual({ steady: 0, news: [], full: ['changed'] });
    expect(outcomeOf(tick(255))).toEqual(steady);
    expect(outcomeOf(tick(245))).toEqual(steady);
  });

  it('says how many replicas a policy that acts is to get', () => {
    const { tick } = scene();
    tick();
    expect(tick(500).full).toEqual([{ key: 'shop/web', why: 'acts', proposed: 6 }]);
  });

  it('calls another wish that changes nothing news, once', () => {
    const { tick, batch } = scene();
    tick();
    // Held back by the wish of 3 of the first tick.
    expect(outcomeOf(tick(100))).toEqual({ steady: 0, news: ['shop/web'], full: [] });
    expect(outcomeOf(tick(100))).toEqual(steady);
    expect(batch.stateOf('shop/web').recommendations?.map(({ replicas }) => replicas)).toEqual([3, 3, 2, 2]);
  });

  it('looks again when it is told that something is another', () => {
    const { tick, batch, facts } = scene();
    tick();
    expect(outcomeOf(tick())).toEqual(steady);
    batch.touch('shop/web');
    expect(outcomeOf(tick()).full).toEqual(['changed']);
    batch.set('shop/web', { ...facts, scale: { ...facts.scale } });
    expect(outcomeOf(tick())).toEqual(steady);
    batch.set('shop/web', { ...facts, scale: { ...facts.scale, statusReplicas: 2 } });
    expect(outcomeOf(tick()).full).toEqual(['changed']);
  });

  it.each<[string, Partial<BatchFacts>, PodRecord[] | undefined]>([
    [
      'unsupported',
      { policy: policyOf('web', { metrics: [{ type: 'Pods', metric: 'm', target: { type: 'AverageValue', averageValue: 1n } }] }) },
      undefined,
    ],
    ['unsupported', { policy: policyOf('web', { pause: { scaleIn: true, scaleOut: false, annotation: 'a' } }) }, undefined],
    ['unsupported', { policy: policyOf('web', { ofTheFuture: 1 } as Partial<ScalingSpec>) }, undefined],
    ['selector', { scale: { specReplicas: 3, statusReplicas: 3, selector: '' } }, undefined],
    ['selector', { scale: { specReplicas: 3, statusReplicas: 3, selector: 'app in (' } }, undefined],
    ['conflict', { conflict: 'another one scales it too' }, undefined],
    ['rebased', { rebased: true }, undefined],
    ['scale-age', { scaleReadAt: start - 60_000 }, undefined],
    ['zero', { scale: { specReplicas: 0, statusReplicas: 0, selector: 'app=web' } }, undefined],
    ['out-of-bounds', { scale: { specReplicas: 11, statusReplicas: 11, selector: 'app=web' } }, undefined],
    ['failure', {}, []],
    ['failure', {}, podsOf('web', 3, { requests: [{ memory: '1Mi' }] })],
    ['doubt', { scale: { specReplicas: 3, statusReplicas: 4, selector: 'app=web' } }, undefined],
    ['doubt', { sizedAt: start + 20_000 }, undefined],
    [
      'acts',
      {
        scale: { specReplicas: 6, statusReplicas: 3, selector: 'app=web' },
        policy: policyOf('web', { behavior: undefined, native: true }),
      },
      undefined,
    ],
  ])('leaves a policy to the engine: %s', (why, given, pods) => {
    const { tick } = scene(given, pods);
    tick(why === 'acts' ? 1000 : 250);
    expect(outcomeOf(tick(why === 'acts' ? 1000 : 250)).full).toEqual([why]);
  });

  it('does not conclude anything while a source or the watch of pods is in doubt', () => {
    const { tick } = scene();
    tick();
    expect(outcomeOf(tick(250, { usageDoubt: { reason: 'outage', detail: 'all at zero' } })).full).toEqual(['doubt']);
    const source = { healthy: false as const, reason: 'source-unavailable' as const, detail: 'down', since: start, lastSuccess: start };
    expect(outcomeOf(tick(250, { source })).full).toEqual(['doubt']);
    expect(outcomeOf(tick(250, {}, 130_000)).full).toEqual(['doubt']);
    expect(outcomeOf(tick(250, {}, 110_000)).full).toEqual(['changed']);
  });

  it('asks the engine again when it judged other data than were foreseen', () => {
    const { tick, note, source, clock } = scene();
    tick();
    // The same numbers, but from a view that came in between and is in doubt: the conditions say so, and must not stay as they are.
    const doubtful = viewOf(source.items(), 250, clock(), { usageDoubt: { reason: 'outage', detail: 'all at zero' } });
    note('shop/web', doubtful);
    expect(outcomeOf(tick()).full).toEqual(['changed']);
  });

  it('goes by an external metric', () => {
    const policy = policyOf('web', {
      metrics: [{ type: 'External', metric: 'queue', target: { type: 'AverageValue', averageValue: 10_000n } }],
    });
    const { tick } = scene({ policy });
    const queue = (milli: bigint, doubt?: QueryResult extends { doubt: infer D } ? D : never) => {
      const series = [{ object: '', labels: {}, milli, timestamp: start, windowMs: undefined }];
      const result: QueryResult = { known: true, series, at: start, source: 's', coverage: 1, doubt };
      return { queries: new Map([[queryKey(query), result]]) };
    };
    tick(0, queue(30_000n));
    expect(outcomeOf(tick(0, queue(31_000n)))).toEqual(steady);
    expect(tick(0, queue(55_000n)).full).toEqual([{ key: 'shop/web', why: 'acts', proposed: 6 }]);
    expect(outcomeOf(tick(0)).full).toEqual(['failure']);
  });

  it('leaves policies that share pods to the engine, until only one is left', () => {
    const { tick, batch, facts } = scene();
    tick();
    const other: BatchFacts = { ...facts, policy: policyOf('other'), scale: { ...facts.scale, selector: 'app in (web,other)' } };
    batch.set('shop/other', other);
    expect(outcomeOf(tick()).full).toEqual(['shared-pods', 'shared-pods']);
    batch.delete('shop/other');
    expect(outcomeOf(tick()).full).toEqual(['changed']);
    expect(outcomeOf(tick())).toEqual(steady);
    expect(batch.quiet('shop/other')).toBeUndefined();
  });

  it('knows pods of their own only while the owners are those that the engine has seen', () => {
    const { tick, source } = scene({ policy: policyOf('web', { podSelection: 'OwnedOnly' }) });
    tick();
    expect(outcomeOf(tick())).toEqual(steady);
    source.become([...podsOf('web', 2), podRecord({ name: 'job-1', app: 'web', owner: 'migration' })]);
    expect(outcomeOf(tick()).full).toEqual(['foreign-pods']);
    expect(outcomeOf(tick())).toEqual(steady);
  });

  it('decides only what is due', () => {
    const { batch, clock, source } = scene();
    const report = batch.decideTick({ now: clock(), view: viewOf(source.items(), 250, clock()), due: ['shop/none'] });
    expect(outcomeOf(report)).toEqual({ steady: 0, news: [], full: [] });
    expect(batch.stateOf('shop/web').recommendations).toBeUndefined();
  });

  it('sees that a sample lacks a container that runs, whatever it saw before', () => {
    const pods = podsOf('web', 2, { requests: [{ cpu: '500m' }, { cpu: '500m' }] });
    const { batch, tick, clock } = scene({ scale: { specReplicas: 2, statusReplicas: 2, selector: 'app=web' } }, pods);
    const sample = (names: readonly string[], now: number) =>
      pods.map(({ name }): PodUsage => {
        const containers = names.map((container) => ({ name: container, cpuMilli: 250, memoryMilli: 1000 }));
        return { namespace: 'shop', name, timestamp: now - 1000, windowMs: 15_000, containers };
      });
    const both = ['app', 'sidecar-1'];
    tick(250, { pods: sample(both, clock() + 15_000) });
    expect(outcomeOf(tick(250, { pods: sample(both, clock() + 15_000) }))).toEqual(steady);
    expect(outcomeOf(tick(250, { pods: sample(['app'], clock() + 15_000) })).full).toEqual(['doubt']);
    tick(250, { pods: sample(both, clock() + 15_000) });
    expect(outcomeOf(tick(250, { pods: sample(both, clock() + 15_000) }))).toEqual(steady);
    batch.close();
  });

  it('takes usage in columns where a view has it so, without rows that are older than its oldest', () => {
    const { batch, source, facts, clock } = scene();
    const plain = viewOf(source.items(), 250, clock());
    const view = (oldest: number): MetricsView => Object.freeze({ ...plain, columns: () => ({ ...columnsOf(plain), oldest }) });
    batch.set('shop/web', facts);
    expect(batch.decideTick({ now: clock(), view: view(-Infinity) }).full).toMatchObject([{ why: 'changed' }]);
    expect(batch.decideTick({ now: clock(), view: view(clock()) }).full).toMatchObject([{ why: 'failure' }]);
  });

  it('tells what a quiet decision was made of until another view comes', () => {
    const { batch, source, tick, clock } = scene();
    tick();
    tick();
    expect(batch.quiet('shop/web')).toMatchObject({ now: clock(), scale: { specReplicas: 3 } });
    batch.decideTick({ now: clock() + 1, view: viewOf(source.items(), 250, clock() + 1), due: [] });
    expect(batch.quiet('shop/web')).toBeUndefined();
  });

  it('counts what the metrics of quiet policies ask for', () => {
    const { tick } = scene();
    tick();
    expect(tick(100).tally.get('Resource')).toEqual({ scale_up: 0, scale_down: 1, none: 0 });
  });

  it('hears of nothing any more when it is closed', () => {
    const { batch, source } = scene();
    expect(batch.podsOf('shop/web', 'app=web')).toHaveLength(3);
    batch.close();
    source.become([]);
    expect(batch.podsOf('shop/web', 'app=web')).toHaveLength(3);
    expect(batch.podsOf('shop/web', 'app=other')).toBeUndefined();
  });
});
