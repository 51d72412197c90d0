import { describe, expect, it } from 'vitest';
import { cpuMetric, now, outage, queueMetric, readyPods, spec, usage } from './builders.fixture.ts';
import type { FallbackPolicy, MetricResult, ScalingSpec } from './model.ts';
import { TestTarget } from './target.fixture.ts';

const noCooldown = { scaleUpMs: 0, scaleDownMs: 0 };

function policy(fallback: FallbackPolicy, overrides: Partial<ScalingSpec> = {}): ScalingSpec {
  return spec({ metrics: [queueMetric], maxReplicas: 20, cooldown: noCooldown, fallback, ...overrides });
}

const statically = (replicas: number, failureThreshold = 3): FallbackPolicy => ({ failureThreshold, replicas, behavior: 'Static' });

/** So many evaluations, 15 s apart, with the same data. */
function ticks(target: TestTarget, count: number, results: Parameters<TestTarget['tick']>[1]) {
  let last = target.tick(15, results);
  for (let done = 1; done < count; done += 1) last = target.tick(15, results);
  return last;
}

describe('a fallback', () => {
  it('stands in from the threshold on, and not before', () => {
    const target = new TestTarget(policy(statically(8)), 5);
    expect(ticks(target, 2, [outage]).decision).toMatchObject({ to: 5, wanted: null });
    expect(target.condition('FallbackActive')).toBe('False/NoFallback');
    const { decision, events } = ticks(target, 1, [outage]);
    expect(decision).toMatchObject({ from: 5, to: 8, wanted: 8 });
    expect(decision.message).toBe('5 → 8 replicas: queue unknown, fallback Static (8 replicas); but queue: 503 from the adapter');
    expect(target.condition('FallbackActive')).toBe('True/Static');
    expect(target.message('FallbackActive')).toBe(
      'queue has failed in every evaluation since 2026-01-01T12:00:35Z (3 or more): Static asks for 8 replicas',
    );
    expect(target.condition('ScalingActive')).toBe('False/FailedGetExternalMetric');
    expect(events.map(({ reason }) => reason)).toEqual(['FailedGetExternalMetric', 'FallbackActive']);
  });

  it('announces itself in the hold that it will end', () => {
    const target = new TestTarget(policy(statically(8)), 5);
    expect(ticks(target, 1, [outage]).decision.holds[0]?.message).toBe(
      'No shrinking on unknown data (source-unavailable); fallback Static (8 replicas) after 2 more failed evaluations',
    );
    expect(ticks(target, 1, [outage]).decision.holds[0]?.message).toBe(
      'No shrinking on unknown data (source-unavailable, since 12:00:35); fallback Static (8 replicas) after 1 more failed evaluation',
    );
  });

  it('goes when the metric is known again, and begins anew', () => {
    const target = new TestTarget(policy(statically(8)), 5);
    ticks(target, 3, [outage]);
    ticks(target, 1, [80]);
    expect(target.condition('FallbackActive')).toBe('False/NoFallback');
    expect(ticks(target, 2, [outage]).fallback?.active).toEqual([]);
  });

  it.each([
    ['Static', 12, 12],
    ['Static', 4, 4],
    ['CurrentReplicas', undefined, 8],
    ['CurrentReplicasIfHigher', 12, 12],
    ['CurrentReplicasIfHigher', 4, 8],
    ['CurrentReplicasIfLower', 12, 8],
    ['CurrentReplicasIfLower', 4, 4],
  ] as const)('%s of %s asks 8 replicas for %d', (behavior, replicas, wanted) => {
    const target = new TestTarget(policy({ failureThreshold: 1, behavior, replicas }), 8);
    const { decision } = target.tick(0, [outage]);
    expect({ wanted: decision.wanted, to: decision.to }).toEqual({ wanted, to: wanted });
  });

  it('Hold makes visible what is held, and proposes nothing', () => {
    const target = new TestTarget(policy({ failureThreshold: 1, behavior: 'Hold', replicas: undefined }), 8);
    expect(target.tick(0, [outage]).decision).toMatchObject({ to: 8, wanted: null, holds: [{ by: 'missing-data' }] });
    expect(target.condition('FallbackActive')).toBe('True/Hold');
    expect(target.message('FallbackActive')).toContain('nothing shrinks until it is known again');
  });

  it('may shrink only because somebody wrote so, and says that', () => {
    const target = new TestTarget(policy(statically(4, 1)), 8);
    const { decision } = target.tick(0, [outage]);
    expect(decision.to).toBe(4);
    const text = 'this may shrink on unknown data, because the policy says Static';
    expect(decision.trace.find(({ step }) => step === 'fallback')?.message).toContain(text);
    expect(target.message('FallbackActive')).toBe(
      `queue has failed in every evaluation since 2026-01-01T12:00:20Z (1 or more): Static asks for 4 replicas; ${text}`,
    );
  });

  describe('beside a metric that works', () => {
    const both = policy(statically(4, 1), { metrics: [cpuMetric, queueMetric], minReplicas: 2 });

    it.each([
      ['asks for more than it: the metric counts', 1000, 10],
      ['asks for less than it: the fallback counts', 100, 4],
    ])('which %s', (_, milli, to) => {
      const target = new TestTarget(both, 8);
      expect(target.tick(0, [milli, outage]).decision.to).toBe(to);
      expect(target.condition('ScalingActive')).toBe('True/ValidMetricFound');
    });

    it('but not on degraded data', () => {
      const target = new TestTarget(both, 8);
      const input = target.input([100, outage]);
      const [cpu] = input.results;
      const results = [
        { ...cpu!, degraded: { reason: 'partial' as const, detail: 'a container is missing' } } as (typeof input.results)[number],
        outage,
      ];
      expect(target.tick(0, results).decision).toMatchObject({ to: 8, holds: [{ by: 'missing-data' }] });
    });

    it('and one that has not failed often enough: nothing shrinks yet', () => {
      const target = new TestTarget(policy(statically(4, 2), { metrics: [cpuMetric, queueMetric] }), 8);
      ticks(target, 2, [800, outage]);
      // cpu fails the first time, the queue the third.
      expect(ticks(target, 1, [outage, outage]).decision).toMatchObject({ to: 8, wanted: null });
    });
  });

  it('stays within bounds, limits and cooldowns', () => {
    const low = new TestTarget(policy(statically(2, 1), { minReplicas: 3 }), 8);
    expect(low.tick(0, [outage]).decision).toMatchObject({ to: 3, wanted: 2, reason: 'TooFewReplicas' });
    const high = new TestTarget(policy(statically(20, 1)), 5);
    expect(high.tick(0, [outage]).decision).toMatchObject({ to: 10, reason: 'ScaleUpLimit' });
    const cooling = new TestTarget(policy(statically(2, 1), { cooldown: { scaleUpMs: 180_000, scaleDownMs: 300_000 } }), 8);
    expect(cooling.tick(0, [outage], { history: { lastScaleUp: cooling.now } }).decision).toMatchObject({
      to: 8,
      holds: [{ by: 'cooldown' }],
    });
  });

  describe('from zero', () => {
    const sleeping = (fallback: FallbackPolicy): TestTarget => {
      const target = new TestTarget(policy(fallback, { minReplicas: 0, metrics: [queueMetric, cpuMetric] }), 2);
      target.tick(0, [0, 0]);
      expect(target.replicas).toBe(0);
      return target;
    };

    it('wakes the target with Static', () => {
      expect(ticks(sleeping(statically(3, 2)), 2, [outage, outage]).decision.to).toBe(3);
    });

    it('does not with CurrentReplicas', () => {
      const target = sleeping({ failureThreshold: 2, behavior: 'CurrentReplicas', replicas: undefined });
      expect(ticks(target, 3, [outage, outage]).decision).toMatchObject({ to: 0, wanted: 0 });
    });

    it('is not woken by what cannot be measured there', () => {
      const target = sleeping(statically(3, 2));
      expect(ticks(target, 5, [0, { kind: 'usage', samples: [] }]).decision.to).toBe(0);
      expect(target.state.failures ?? []).toEqual([]);
    });
  });

  describe('counts what the source fails to say, not what pods cannot have yet', () => {
    const starting = { phase: 'Pending' };
    const young = { startTime: now - 60_000 };
    const old = { startTime: now - 120_000 };
    const nothing: MetricResult = { kind: 'usage', samples: [] };
    const unasked: MetricResult = { kind: 'failure', message: 'not asked yet', reason: 'not-observed' };

    it.each([
      ['pods that wait for a node', starting, nothing, false],
      ['pods that have just begun', young, nothing, false],
      ['pods that have run for a while', old, nothing, true],
      ['samples of pods that are not ready', { ...old, ready: 'False' as const }, usage(readyPods(2), 500), false],
      ['a source that is down, whatever the pods do', starting, outage, true],
      ['a question that nobody has asked yet', old, unasked, false],
    ])('%s', (...[, pod, result, counted]) => {
      const target = new TestTarget(spec({ fallback: statically(8, 1), cooldown: noCooldown }), 2);
      const pods = readyPods(2).map((each) => ({ ...each, ...pod, readyTransition: now - 1000 }));
      const { fallback } = target.tick(0, [result], { pods });
      expect(fallback?.active.length).toBe(counted ? 1 : 0);
    });

    it('an answer without a value', () => {
      const target = new TestTarget(policy(statically(8, 1)), 2);
      expect(target.tick(0, [{ kind: 'values', values: [] }]).decision.to).toBe(4);
    });
  });

  it('is nothing for a policy without one; the condition goes with it', () => {
    const target = new TestTarget(policy(statically(8, 1)), 5);
    target.tick(0, [outage]);
    target.spec = { ...target.spec, fallback: undefined };
    target.tick(15, [outage]);
    expect(target.condition('FallbackActive')).toBeUndefined();
    expect(target.replicas).toBe(8);
  });
});

describe('the count of failures', () => {
  it('stops at the threshold, so that a long outage does not change status for ever', () => {
    const target = new TestTarget(policy(statically(8)), 5);
    ticks(target, 10, [outage]);
    expect(target.state.failures).toMatchObject([{ index: 0, metric: 'External queue', failures: 3, since: target.now - 9 * 15_000 }]);
  });

  it('takes evaluations in quick succession as one', () => {
    const target = new TestTarget(policy(statically(8)), 5);
    target.tick(0, [outage]);
    target.tick(1, [outage]);
    target.tick(1, [outage]);
    expect(target.state.failures?.[0]?.failures).toBe(1);
    target.tick(4, [outage]);
    expect(target.state.failures?.[0]?.failures).toBe(2);
  });

  it('says since when, also without a fallback', () => {
    const target = new TestTarget(spec({ metrics: [queueMetric] }), 5);
    target.tick(0, [outage]);
    expect(ticks(target, 4, [outage]).decision.holds[0]?.message).toBe('No shrinking on unknown data (source-unavailable, since 12:00:20)');
    expect(target.message('Held')).toBe('No shrinking on unknown data (source-unavailable, since 12:00:20)');
  });

  it('does not carry over to another metric in the same place', () => {
    const target = new TestTarget(policy(statically(8)), 5);
    ticks(target, 2, [outage]);
    target.spec = { ...target.spec, metrics: [{ ...queueMetric, metric: 'other' } as typeof queueMetric] };
    expect(ticks(target, 1, [outage]).fallback?.active).toEqual([]);
  });
});
