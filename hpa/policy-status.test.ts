import { describe, expect, it } from 'vitest';
import { outage, queueMetric, spec } from './engine/builders.fixture.ts';
import { TestTarget } from './engine/target.fixture.ts';
import { horizontalPolicyStatus } from './policy-schema.ts';
import { failingMetrics, pendingScalingOf, restoredState } from './policy.ts';

const policy = spec({
  metrics: [queueMetric],
  fallback: { failureThreshold: 3, behavior: 'Static', replicas: 8 },
  cooldown: { scaleUpMs: 0, scaleDownMs: 0 },
});

function raw(status: unknown) {
  return { apiVersion: 'concertina.dev/v1alpha1', kind: 'HorizontalPolicy', metadata: { name: 'web', namespace: 'shop' }, status };
}

describe('failingMetrics', () => {
  it('says which metrics fail, how often and since when, and goes away with the last of them', () => {
    const target = new TestTarget(policy, 4);
    target.tick(0, [outage]);
    target.tick(15, [outage]);
    const stored = failingMetrics(target.state);
    expect(stored).toEqual([{ index: 0, metric: 'External queue', failures: 2, since: '2026-01-01T12:00:20Z' }]);
    expect(horizontalPolicyStatus.safeParse({ failingMetrics: stored }).success).toBe(true);
    target.tick(15, [30]);
    expect(failingMetrics(target.state)).toBeUndefined();
  });

  it('lets a restart go on counting', () => {
    const target = new TestTarget(policy, 4);
    target.tick(0, [outage]);
    target.tick(15, [outage]);
    const state = restoredState(raw({ failingMetrics: failingMetrics(target.state) }));
    expect(state.recommendations).toBeUndefined();
    target.restart({ ...state, recommendations: [] });
    // The third failure in a row, the first of this process.
    expect(target.tick(1, [outage]).decision).toMatchObject({ to: 8, wanted: 8 });
    expect(target.message('FallbackActive')).toContain('since 2026-01-01T12:00:20Z');
  });

  it.each([
    ['no status', undefined],
    ['no list', { failingMetrics: 'all' }],
    ['holes', { failingMetrics: [null, {}, { index: -1, metric: 'x', failures: 2, since: '2026-01-01T00:00:00Z' }] }],
    ['a time that is none', { failingMetrics: [{ index: 0, metric: 'x', failures: 2, since: 'yesterday' }] }],
  ])('reads %s as nothing', (_, status) => {
    expect(restoredState(raw(status))).toEqual({ recommendations: undefined, scaleUpEvents: [], scaleDownEvents: [] });
  });
});

describe('pendingScalingOf', () => {
  const stored = { from: 3, to: 6, at: '2026-01-01T12:00:20Z' };

  it('is what a scaling was noted as before it was made', () => {
    expect(horizontalPolicyStatus.safeParse({ pendingScaling: stored }).success).toBe(true);
    expect(pendingScalingOf({ pendingScaling: stored })).toEqual({ from: 3, to: 6, at: Date.UTC(2026, 0, 1, 12, 0, 20) });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'soon'],
    ['a size below 0', { ...stored, to: -1 }],
    ['no scaling', { ...stored, to: 3 }],
    ['a part of a replica', { ...stored, from: 2.5 }],
    ['a time that is none', { ...stored, at: 'soon' }],
    ['a time that is no text', { ...stored, at: 5 }],
  ])('reads %s as nothing', (_, pendingScaling) => {
    expect(pendingScalingOf({ pendingScaling } as Parameters<typeof pendingScalingOf>[0])).toBeUndefined();
  });
});
