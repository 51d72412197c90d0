import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { createAggregatorMetrics, maxSources, newestSample } from './metrics.ts';
import { podUsage, start, usageOf } from './test-support.ts';

function make() {
  const registry = new Registry();
  const clock = new VirtualClock(start);
  return { registry, clock, metrics: createAggregatorMetrics(registry, clock) };
}

const usage = { source: 'metrics.k8s.io', newest: start - 20_000, expected: 8, measured: 6, unscrapedNodes: 1 };

describe('createAggregatorMetrics', () => {
  it('writes this text', async () => {
    const { registry, metrics } = make();
    metrics.observeUsage(usage);
    metrics.observeSample('prometheus/main', start - 4_500);
    metrics.observeSample('prometheus/main', start - 9_000);
    metrics.observeAnswer({ source: 'metrics.k8s.io', outcome: 'ok', seconds: 0.02 });
    metrics.observeAnswer({ source: 'prometheus/main', outcome: 'source-unavailable', seconds: 10 });
    metrics.observeAnswer({ source: 'prometheus/main', outcome: 'ok', seconds: 0.3 });
    metrics.setQueries('prometheus/main', 120);
    metrics.setBreaker('prometheus/main', 'half-open');
    metrics.setDoubt('metrics.k8s.io', true);
    metrics.observeDecisionLag(17);
    await expect(await registry.metrics()).toMatchFileSnapshot('metrics.snapshot.txt');
  });

  it('tells ages as they are when they are read', async () => {
    const { registry, clock, metrics } = make();
    metrics.observeUsage(usage);
    expect(await registry.metrics()).toContain('concertina_metrics_sample_age_seconds{source="metrics.k8s.io"} 20\n');
    await clock.advance(60_000);
    expect(await registry.metrics()).toContain('concertina_metrics_sample_age_seconds{source="metrics.k8s.io"} 80\n');
  });

  it('is not deceived by a sample of the future', async () => {
    const { registry, clock, metrics } = make();
    metrics.observeUsage({ ...usage, newest: start + 3_600_000 });
    await clock.advance(60_000);
    metrics.observeUsage({ ...usage, newest: start });
    expect(await registry.metrics()).toContain('concertina_metrics_sample_age_seconds{source="metrics.k8s.io"} 60\n');
  });

  it('has no share of no pods, and no age of no sample', async () => {
    const { registry, metrics } = make();
    metrics.observeUsage(usage);
    expect(await registry.metrics()).toContain('concertina_metrics_coverage_ratio{source="metrics.k8s.io"} 0.75\n');
    metrics.observeUsage({ ...usage, expected: 0, measured: 0 });
    expect(await registry.metrics()).not.toContain('coverage_ratio{');
    const { registry: other, metrics: empty } = make();
    empty.observeUsage({ ...usage, newest: undefined });
    expect(await other.metrics()).not.toContain('sample_age_seconds{');
  });

  it('forgets a source that is no more', async () => {
    const { registry, metrics } = make();
    metrics.observeUsage({ ...usage, source: 'prometheus/gone' });
    metrics.observeAnswer({ source: 'prometheus/gone', outcome: 'stale', seconds: 1 });
    metrics.setQueries('prometheus/gone', 1);
    metrics.setBreaker('prometheus/gone', 'open');
    metrics.setDoubt('prometheus/gone', false);
    metrics.forgetSource('prometheus/gone');
    const text = await registry.metrics();
    expect(text).not.toContain('prometheus/gone');
    expect(text).toContain('concertina_metrics_source_errors_total{reason="stale"} 1');
  });

  it('has a bounded number of series, whatever sources are named', async () => {
    const { registry, metrics } = make();
    for (let index = 0; index < 500; index++) {
      const source = `prometheus/s${index}`;
      metrics.observeUsage({ ...usage, source });
      metrics.observeAnswer({ source, outcome: 'ok', seconds: 0.1 });
      metrics.setBreaker(source, 'closed');
    }
    const text = await registry.metrics();
    const sources = new Set([...text.matchAll(/source="([^"]*)"/g)].map((match) => match[1]));
    expect([sources.size, sources.has('other')]).toEqual([maxSources + 1, true]);
    expect(text).toContain(`concertina_metrics_source_answers_total{source="other",outcome="ok"} ${500 - maxSources}`);
    metrics.forgetSource('prometheus/s499');
    expect(await registry.metrics()).toContain('source="other"');
  });
});

describe('newestSample', () => {
  it('is that of the nodes, else of the pods, else there is none', () => {
    const node = { windowMs: 1, cpuMilli: 1, memoryMilli: 1 };
    const nodes = [
      { name: 'a', timestamp: 5, ...node },
      { name: 'b', timestamp: 7, ...node },
      { name: 'c', timestamp: 6, ...node },
    ];
    const pods = [podUsage('a', { timestamp: 3 }), podUsage('b', { timestamp: 9 }), podUsage('c', { timestamp: 4 })];
    expect(newestSample(usageOf(pods, nodes))).toBe(7);
    expect(newestSample(usageOf(pods))).toBe(9);
    expect(newestSample(usageOf([]))).toBeUndefined();
  });
});
