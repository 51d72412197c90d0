import { describe, expect, it } from 'vitest';
import { queued, readyPods, spec } from './builders.fixture.ts';
import type { MetricSpec, MetricTarget } from './model.ts';
import { TestTarget } from './target.fixture.ts';

const value: MetricTarget = { type: 'Value', value: 100_000n };
const metrics: readonly MetricSpec[] = [
  { type: 'External', metric: 'rate', target: value },
  { type: 'Object', metric: 'rate', describedObject: { kind: 'Service', name: 'web' }, target: value },
  { type: 'Prometheus', metric: 'rate', source: 'main', query: 'rate', emptyMeans: 'unknown', target: value },
];

describe('a Value target while no pod is ready', () => {
  const unready = readyPods(4).map((pod) => ({ ...pod, ready: 'False' as const }));

  it.each(metrics)('grows from the current size by its load ($type)', (metric) => {
    const target = new TestTarget(spec({ metrics: [metric] }), 4);
    const { decision } = target.tick(0, [queued(200)], { pods: unready });
    expect(decision).toMatchObject({ to: 8, wanted: 8 });
    expect(decision.message).toContain('8 = ceil(4 replicas × 200 / 100), since no pod is ready');
    expect(decision.trace.find(({ step }) => step === 'metric')?.values).toMatchObject({ rule: 'current-size', currentReplicas: 4 });
  });

  it('asks for none as upstream does for a native object', () => {
    const target = new TestTarget(spec({ metrics, native: true, cooldown: { scaleUpMs: 0, scaleDownMs: 0 } }), 4);
    expect(target.tick(0, [queued(200), queued(200), queued(200)], { pods: unready }).decision.wanted).toBe(0);
  });

  it('goes by the ready ones as soon as there is one', () => {
    const target = new TestTarget(spec({ metrics: metrics.slice(0, 1) }), 4);
    const pods = unready.map((pod, index) => (index === 0 ? { ...pod, ready: 'True' as const } : pod));
    expect(target.tick(0, [queued(900)], { pods }).decision.wanted).toBe(9);
  });

  it('without any pod it grows and does not shrink', () => {
    const target = new TestTarget(spec({ metrics: metrics.slice(0, 1) }), 4);
    expect(target.tick(0, [queued(50)], { pods: [] }).decision).toMatchObject({ to: 4, wanted: null });
    expect(target.tick(15, [queued(200)], { pods: [] }).decision.to).toBe(8);
  });
});
