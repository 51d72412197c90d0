import { describe, expect, it } from 'vitest';
import { queryKey, type MetricQuery } from '../../core/model/metric-query.ts';
import type { MetricsView, PodUsage, ViewChange } from '../../core/model/metrics-view.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { defaultAggregatorConfig } from '../config.ts';
import type { MetricsSource, QueryAnswer, UsageAnswer } from '../sources/source.ts';
import { usageTableOf } from '../store/usage-table-builder.ts';
import { createMetricsAggregator, type AggregatorOptions } from './aggregator.ts';
import { fixedSources } from './source-directory.ts';

const start = Date.UTC(2026, 0, 1);

function setUp(
  sources: (clock: VirtualClock) => Partial<Record<string, Partial<MetricsSource>>>,
  options: Partial<AggregatorOptions> = {},
) {
  const clock = new VirtualClock(start);
  const errors: unknown[] = [];
  const usable = Object.entries({ 'metrics.k8s.io': { usage: () => Promise.resolve(ok()) }, ...sources(clock) });
  const aggregator = createMetricsAggregator({
    sources: fixedSources(usable.map(([name, source]) => ({ name, ...source }))),
    usageSource: 'metrics.k8s.io',
    clock,
    random: () => 0.5,
    config: defaultAggregatorConfig,
    cluster: { runningPods: () => 0 },
    onListenerError: (error) => errors.push(error),
    ...options,
  });
  const seen: { at: number; view: MetricsView; change: ViewChange }[] = [];
  aggregator.onView((view, change) => seen.push({ at: clock.now() - start, view, change }));
  return { clock, aggregator, errors, seen };
}

const usageOf = (name: string, timestamp: number, cpuMilli = 250): PodUsage => ({
  namespace: 'shop',
  name,
  timestamp,
  windowMs: 15_000,
  containers: [{ name: 'c', cpuMilli, memoryMilli: 1000 }],
});
const ok = (...pods: PodUsage[]): UsageAnswer => ({ ok: true, pods: usageTableOf(pods), nodes: [], rejected: [] });

const external = (metric: string): MetricQuery => ({ kind: 'external', namespace: 'shop', metric, metricSelector: '' });
const custom = (metric: string): MetricQuery => ({ kind: 'pods', namespace: 'shop', selector: 'a=b', metric, metricSelector: '' });
const value = (milli: bigint, timestamp: number): QueryAnswer => ({
  ok: true,
  series: [{ object: '', labels: {}, milli, timestamp, windowMs: undefined }],
  warnings: [],
  invalid: 0,
});

describe('usage in the aggregator', () => {
  it('is unknown before the first poll, and the view says so', () => {
    const { aggregator } = setUp(() => ({}));
    expect(aggregator.view().resourceSource).toMatchObject({ healthy: false, reason: 'not-observed' });
    expect(aggregator.view().query(external('q'))).toMatchObject({ known: false, reason: 'not-observed' });
  });

  it('is published once a poll, each time with a higher sequence, and no view changes afterwards', async () => {
    const { clock, aggregator, seen } = setUp((time) => ({
      'metrics.k8s.io': { usage: () => Promise.resolve(ok(usageOf('web-1', time.now()))) },
    }));
    aggregator.start();
    await clock.advance(30_000);
    expect(seen.map(({ view }) => view.sequence)).toEqual([1, 2, 3]);
    expect(seen.map(({ view }) => view.podUsage('shop', 'web-1')?.timestamp)).toEqual(seen.map(({ view }) => view.at));
    aggregator.stop();
    await clock.advance(60_000);
    expect(seen).toHaveLength(3);
  });

  it('goes on after a source that hangs, which is given up at the deadline', async () => {
    const { clock, aggregator } = setUp(() => ({ 'metrics.k8s.io': { usage: () => new Promise(() => {}) } }));
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

  it('is unavailable when the source throws', async () => {
    const { clock, aggregator } = setUp(() => ({ 'metrics.k8s.io': { usage: () => Promise.reject(new Error('boom')) } }));
    aggregator.start();
    await clock.advance(0);
    expect(aggregator.view().resourceSource).toMatchObject({ healthy: false, detail: 'metrics.k8s.io: boom' });
  });

  it('is never read as an idle cluster when the answer is empty while pods run; what was known is good for growth only', async () => {
    const answers = [ok(usageOf('web-1', start)), ok()];
    const { clock, aggregator } = setUp(() => ({ 'metrics.k8s.io': { usage: () => Promise.resolve(answers.shift() ?? ok()) } }), {
      cluster: { runningPods: () => 7 },
    });
    aggregator.start();
    await clock.advance(0);
    expect(aggregator.view().resourceSource.healthy).toBe(true);
    await clock.advance(15_000);
    expect(aggregator.view().resourceSource).toMatchObject({ healthy: false, reason: 'source-broken' });
    expect(aggregator.view().usageDoubt).toMatchObject({ reason: 'source-broken' });
    expect(aggregator.view().podUsage('shop', 'web-1')).toBeDefined();
  });

  it('does not exist any more when it has grown too old, although the source still lists it', async () => {
    const { clock, aggregator } = setUp(() => ({ 'metrics.k8s.io': { usage: () => Promise.resolve(ok(usageOf('web-1', start))) } }));
    aggregator.start();
    await clock.advance(180_000);
    expect(aggregator.view().podUsage('shop', 'web-1')).toBeDefined();
    await clock.advance(15_000);
    expect(aggregator.view().podUsage('shop', 'web-1')).toBeUndefined();
    expect(aggregator.view().resourceSource.healthy).toBe(true);
  });

  it('is doubted when all busy workloads report nothing at once, and believed again when they are back', async () => {
    let cpu = 300;
    const pods = (at: number) => ['web-1', 'db-1', 'api-1'].map((name) => usageOf(name, at, cpu));
    const { clock, aggregator } = setUp((time) => ({ 'metrics.k8s.io': { usage: () => Promise.resolve(ok(...pods(time.now()))) } }));
    aggregator.start();
    await clock.advance(15_000);
    expect(aggregator.view().usageDoubt).toBeUndefined();
    cpu = 0;
    await clock.advance(15_000);
    expect(aggregator.view().usageDoubt).toMatchObject({ reason: 'outage', since: start + 30_000 });
    cpu = 280;
    await clock.advance(15_000);
    expect(aggregator.view().usageDoubt).toBeUndefined();
  });

  it('is doubted while another server answers for the group', async () => {
    let owner = 'kube-system/metrics-server:443';
    const { clock, aggregator } = setUp(
      (time) => ({ 'metrics.k8s.io': { usage: () => Promise.resolve(ok(usageOf('web-1', time.now()))) } }),
      {
        owners: (groups) => Promise.resolve(new Map(groups.map((group) => [group, owner]))),
      },
    );
    aggregator.start();
    await clock.advance(15_000);
    expect(aggregator.view().usageDoubt).toBeUndefined();
    owner = 'monitoring/prometheus-adapter:443';
    await clock.advance(15_000);
    expect(aggregator.view().usageDoubt).toMatchObject({
      reason: 'source-changed',
      detail: expect.stringContaining('monitoring/prometheus-adapter:443') as string,
    });
    owner = 'kube-system/metrics-server:443';
    await clock.advance(15_000);
    expect(aggregator.view().usageDoubt).toBeUndefined();
  });

  it('shows each observation as fresh in one view only', async () => {
    let polls = 0;
    const { clock, aggregator, seen } = setUp(() => ({
      'metrics.k8s.io': { usage: () => Promise.resolve(ok(usageOf('web-1', polls++ < 2 ? start : start + 15_000))) },
    }));
    aggregator.start();
    await clock.advance(45_000);
    const fresh = seen.map(({ view }) => {
      let count = 0;
      view.eachFresh(() => count++);
      return count;
    });
    expect(fresh).toEqual([1, 0, 1, 0]);
  });
});

describe('queries in the aggregator', () => {
  it('are asked once a tick however many want the same, and at once when they are new', async () => {
    const asked: number[] = [];
    const { clock, aggregator, seen } = setUp((time) => ({
      'external.metrics.k8s.io': {
        ask: () => {
          asked.push(time.now() - start);
          return Promise.resolve(value(5n, time.now()));
        },
      },
    }));
    aggregator.start();
    await clock.advance(4_000);
    for (const subject of ['a', 'b', 'c']) aggregator.demand(subject, [external('q')]);
    await clock.advance(30_000);
    expect(asked).toEqual([4_000, 15_000, 30_000]);
    const answered = seen.filter(({ change }) => change.queries.has(queryKey(external('q'))));
    expect(answered.map(({ at }) => at)).toEqual([4_025, 15_025, 30_025].map((at) => expect.closeTo(at, -2) as number));
    expect(aggregator.view().query(external('q'))).toMatchObject({ known: true, series: [{ milli: 5n }] });
    aggregator.demand('a', []);
    aggregator.demand('b', []);
    await clock.advance(15_000);
    expect(asked).toHaveLength(4);
    aggregator.demand('c', []);
    await clock.advance(15_000);
    expect(asked).toHaveLength(4);
    expect(aggregator.view().query(external('q'))).toMatchObject({ known: false, reason: 'not-observed' });
  });

  it('of a source that hangs delay no other source, and fail at their own deadline', async () => {
    const { clock, aggregator, seen } = setUp((time) => ({
      'metrics.k8s.io': { usage: () => Promise.resolve(ok(usageOf('web-1', time.now()))) },
      'external.metrics.k8s.io': { ask: () => new Promise(() => {}) },
      'custom.metrics.k8s.io': { ask: () => Promise.resolve(value(7n, time.now())) },
    }));
    aggregator.demand('a', [external('slow'), custom('fast')]);
    aggregator.start();
    await clock.advance(1_000);
    expect(aggregator.view().podUsage('shop', 'web-1')).toBeDefined();
    expect(aggregator.view().query(custom('fast'))).toMatchObject({ known: true });
    expect(aggregator.view().query(external('slow'))).toMatchObject({ known: false, reason: 'not-observed' });
    await clock.advance(10_000);
    expect(aggregator.view().query(external('slow'))).toMatchObject({ known: false, reason: 'source-unavailable' });
    // The next tick of the others comes on time.
    await clock.advance(5_000);
    expect(seen.filter(({ change }) => change.usage).map(({ at }) => at)).toEqual([0, 15_000]);
    expect(seen.filter(({ change }) => change.queries.has(queryKey(custom('fast')))).length).toBe(2);
  });

  it('keep their history, with what was unknown as NaN', async () => {
    let down = false;
    const { clock, aggregator } = setUp((time) => ({
      'external.metrics.k8s.io': {
        ask: () => Promise.resolve(down ? { ok: false, reason: 'missing', detail: 'gone' } : value(5_000n, time.now())),
      },
    }));
    aggregator.demand('a', [external('q')]);
    aggregator.start();
    await clock.advance(15_000);
    const before = aggregator.view();
    down = true;
    await clock.advance(15_000);
    expect([...(aggregator.view().queryHistory(external('q'))?.values ?? [])]).toEqual([5, 5, Number.NaN]);
    expect([...(before.queryHistory(external('q'))?.values ?? [])], 'as of that view').toEqual([5, 5]);
  });

  it('that fall to nothing together are doubted, in no view of that tick acted on before', async () => {
    const names = ['q', 'r', 's', 't'];
    let milli = 9n;
    const { clock, aggregator, seen } = setUp((time) => ({
      'external.metrics.k8s.io': {
        // One after the other, so that views come in the middle of the tick.
        ask: async (query) => {
          const index = names.indexOf(query.kind === 'external' ? query.metric : '');
          await new Promise<void>((resolve) => time.setTimeout(resolve, 1_000 * (index + 1)));
          return value(milli, time.now());
        },
      },
    }));
    aggregator.demand('a', names.map(external));
    aggregator.start();
    await clock.advance(14_000);
    milli = 0n;
    seen.length = 0;
    await clock.advance(10_000);
    const zeros = seen
      .flatMap(({ view }) => names.map((name) => view.query(external(name))))
      .filter((each) => each.known && each.series[0]?.milli === 0n);
    expect(zeros.length).toBeGreaterThan(4);
    expect(zeros.every((each) => each.known && each.doubt?.reason === 'outage')).toBe(true);
    expect(
      aggregator
        .view()
        .sources()
        .find(({ name }) => name === 'external.metrics.k8s.io')?.doubt,
    ).toMatchObject({ reason: 'outage' });
  });

  it('of a source that nobody declared are unknown, with the reason of the directory', async () => {
    const { clock, aggregator } = setUp(() => ({}));
    aggregator.demand('a', [{ kind: 'prometheus', namespace: 'shop', source: 'main', query: 'up', emptyMeans: 'unknown' }]);
    aggregator.start();
    await clock.advance(1_000);
    expect(
      aggregator.view().query({ kind: 'prometheus', namespace: 'shop', source: 'main', query: 'up', emptyMeans: 'unknown' }),
    ).toMatchObject({
      known: false,
      reason: 'source-absent',
    });
  });
});

describe('listeners and refreshes', () => {
  it('a listener that throws is reported and the others are still told', async () => {
    const { clock, aggregator, errors } = setUp(() => ({}));
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

  it('calls that come while a refresh is under way share it', async () => {
    let asked = 0;
    const { aggregator } = setUp(() => ({
      'metrics.k8s.io': {
        usage: () => {
          asked++;
          return Promise.resolve(ok(usageOf('web-1', start)));
        },
      },
    }));
    const [a, b] = await Promise.all([aggregator.refresh(), aggregator.refresh()]);
    expect(a).toBe(b);
    expect(asked).toBe(1);
  });

  it('a refresh answers when the queries are answered too', async () => {
    const { aggregator } = setUp((time) => ({ 'external.metrics.k8s.io': { ask: () => Promise.resolve(value(5n, time.now())) } }));
    aggregator.demand('once', [external('q')]);
    expect((await aggregator.refresh()).query(external('q'))).toMatchObject({ known: true });
  });
});
