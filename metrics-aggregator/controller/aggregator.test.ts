import { describe, expect, it } from 'vitest';
import type { MetricsView, PodUsage } from '../../core/model/metrics-view.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { defaultAggregatorConfig } from '../config.ts';
import type { ResourceMetricsSource, SourceAnswer } from '../sources/source.ts';
import { createMetricsAggregator } from './aggregator.ts';

function setUp(answers: (signal: AbortSignal, clock: VirtualClock) => Promise<SourceAnswer>, runningPods = 1) {
  const clock = new VirtualClock();
  const source: ResourceMetricsSource = { name: 'metrics.k8s.io', fetch: (signal) => answers(signal, clock) };
  const errors: unknown[] = [];
  const aggregator = createMetricsAggregator({
    source,
    clock,
    config: defaultAggregatorConfig,
    runningPods: () => runningPods,
    onListenerError: (error) => errors.push(error),
  });
  return { clock, aggregator, errors };
}

const usage = (timestamp: number): PodUsage => ({
  namespace: 'shop',
  name: 'web-1',
  timestamp,
  windowMs: 15_000,
  containers: [{ name: 'c', cpuMilli: 250, memoryMilli: 1 }],
});
const ok = (...pods: PodUsage[]): SourceAnswer => ({ ok: true, usage: { pods, nodes: [], rejected: [] } });

describe('the metrics aggregator', () => {
  it('knows nothing before the first poll, and says so', () => {
    const { aggregator } = setUp(() => Promise.resolve(ok()));
    expect(aggregator.view().resourceSource).toMatchObject({ healthy: false, reason: 'not-observed' });
  });

  it('publishes one view a poll, each with a higher sequence, and none changes afterwards', async () => {
    const { clock, aggregator } = setUp((_, time) => Promise.resolve(ok(usage(time.now()))));
    const views: MetricsView[] = [];
    aggregator.onView((view) => views.push(view));
    aggregator.start();
    await clock.advance(30_000);
    expect(views.map((view) => view.sequence)).toEqual([1, 2, 3]);
    expect(views.map((view) => view.podUsage('shop', 'web-1')?.timestamp)).toEqual(views.map((view) => view.at));
    aggregator.stop();
    await clock.advance(60_000);
    expect(views).toHaveLength(3);
  });

  it('gives up a source that hangs at the deadline, even one that ignores its signal, and polls on', async () => {
    const { clock, aggregator } = setUp(() => new Promise(() => {}));
    aggregator.start();
    await clock.advance(10_000);
    expect(aggregator.view().resourceSource).toMatchObject({
      healthy: false,
      reason: 'source-unavailable',
      detail: 'metrics.k8s.io did not answer within 10 s',
    });
    const first = aggregator.view().sequence;
    await clock.advance(15_000);
    expect(aggregator.view().sequence).toBe(first + 1);
  });

  it('turns a source that throws into an unavailable one', async () => {
    const { clock, aggregator } = setUp(() => Promise.reject(new Error('boom')));
    aggregator.start();
    await clock.advance(0);
    expect(aggregator.view().resourceSource).toMatchObject({
      healthy: false,
      reason: 'source-unavailable',
      detail: 'metrics.k8s.io: boom',
    });
  });

  it('never reads an empty answer as an idle cluster while pods run', async () => {
    const answers = [ok(usage(Date.UTC(2026, 0, 1))), ok()];
    const { clock, aggregator } = setUp(() => Promise.resolve(answers.shift() ?? ok()), 7);
    aggregator.start();
    await clock.advance(0);
    expect(aggregator.view().resourceSource.healthy).toBe(true);
    await clock.advance(15_000);
    expect(aggregator.view().resourceSource).toMatchObject({ healthy: false, reason: 'source-broken' });
  });

  it('drops a sample that has grown too old, although the source still lists it', async () => {
    const stuck = usage(Date.UTC(2026, 0, 1));
    const { clock, aggregator } = setUp(() => Promise.resolve(ok(stuck)));
    aggregator.start();
    await clock.advance(180_000);
    expect(aggregator.view().podUsage('shop', 'web-1')).toBeDefined();
    await clock.advance(15_000);
    expect(aggregator.view().podUsage('shop', 'web-1')).toBeUndefined();
    expect(aggregator.view().resourceSource.healthy).toBe(true);
  });

  it('reports a listener that throws and still tells the others', async () => {
    const { clock, aggregator, errors } = setUp(() => Promise.resolve(ok(usage(0))));
    let told = 0;
    aggregator.onView(() => {
      throw new Error('listener');
    });
    aggregator.onView(() => told++);
    aggregator.start();
    await clock.advance(0);
    expect(told).toBe(1);
    expect(errors).toHaveLength(1);
  });

  it('shares one poll between calls that come while it is under way', async () => {
    let asked = 0;
    const { aggregator } = setUp(() => {
      asked++;
      return Promise.resolve(ok(usage(0)));
    });
    const [a, b] = await Promise.all([aggregator.refresh(), aggregator.refresh()]);
    expect(a).toBe(b);
    expect(asked).toBe(1);
  });
});
