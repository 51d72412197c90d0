import { describe, expect, it } from 'vitest';
import { queueMetric, queued, spec, usage } from './builders.fixture.ts';
import { TestTarget } from './target.fixture.ts';

describe('panicRatio', () => {
  const panicky = spec({ panicRatio: 2 });

  it.each([
    ['at the ratio growth waits', 1600, 4],
    ['above it growth does not', 1620, 8],
  ])('%s', (_, milli, to) => {
    const target = new TestTarget(panicky, 4);
    expect(target.tick(0, [milli], { history: { lastScaleUp: target.now - 1000 } }).decision.to).toBe(to);
  });

  it('is said in the trace', () => {
    const target = new TestTarget(panicky, 4);
    const { decision } = target.tick(0, [2400], { history: { lastScaleUp: target.now - 20_000 } });
    expect(decision.trace.find(({ step }) => step === 'cooldown')?.message).toBe(
      'Scaled at 12:00:00, but cpu 240 % of request, target 80 % is 3 times the target, above panicRatio 2: it does not wait for the cooldown',
    );
  });

  it('is off by default', () => {
    const target = new TestTarget(spec(), 4);
    expect(target.tick(0, [9000], { history: { lastScaleUp: target.now } }).decision.to).toBe(4);
  });

  it('does not hurry a shrink', () => {
    const target = new TestTarget(panicky, 4);
    expect(target.tick(0, [1], { history: { lastScaleUp: target.now } }).decision.to).toBe(4);
  });

  it('goes by the metric that asks for most', () => {
    const both = new TestTarget({ ...panicky, metrics: [...panicky.metrics, queueMetric] }, 4);
    // cpu at 2.5 times its target asks for 10, the queue at 1.5 times asks for 6.
    expect(both.tick(0, [2000, queued(60)], { history: { lastScaleUp: both.now } }).decision.to).toBe(8);
    const calm = new TestTarget({ ...panicky, metrics: [...panicky.metrics, queueMetric] }, 4);
    expect(calm.tick(0, [900, queued(60)], { history: { lastScaleUp: calm.now } }).decision.to).toBe(4);
  });

  it('does not trust data of which a part is missing', () => {
    const target = new TestTarget(panicky, 4);
    const { pods } = target.input([0]);
    const held = { ...usage(pods, 2400), degraded: { reason: 'source-unavailable' as const, detail: '503' } } as ReturnType<typeof usage>;
    expect(target.tick(0, [held], { history: { lastScaleUp: target.now } }).decision.to).toBe(4);
  });
});
