import { describe, expect, it } from 'vitest';
import type { ContainerUsage, MetricsView, PodUsage, SourceState } from '../../core/model/metrics-view.ts';
import { createInterner } from '../../core/model/interner.ts';
import { projectPod } from '../../core/model/pod.ts';
import { plainView, type PlainViewFacts } from '../../core/model/metrics-view.fixture.ts';
import { queryKey, type MetricQuery } from '../../core/model/metric-query.ts';
import { metricResult, type SampleOptions } from './samples.ts';

const now = Date.UTC(2026, 0, 1);
const cpu = { type: 'Resource' as const, resource: 'cpu', target: { type: 'Utilization' as const, averageUtilization: 80 } };
const healthy: SourceState = { healthy: true, lastSuccess: now };
const held = { reason: 'source-unavailable' as const, detail: 'held', since: now - 60_000 };
const down: SourceState = { healthy: false, reason: 'source-unavailable', detail: '503', since: now - 60_000, lastSuccess: now - 60_000 };

function pod(name: string, states: Readonly<Record<string, 'running' | 'waiting'>>) {
  return projectPod(
    {
      metadata: { name, namespace: 'shop' },
      spec: { containers: Object.keys(states).map((container) => ({ name: container })) },
      status: {
        phase: 'Running',
        containerStatuses: Object.entries(states).map(([container, state]) => ({ name: container, state: { [state]: {} } })),
      },
    },
    createInterner(),
  );
}

function view(source: SourceState, usages: readonly Partial<PodUsage>[], facts: Partial<PlainViewFacts> = {}): MetricsView {
  const pods = usages.map((usage) => ({ namespace: 'shop', name: 'a', timestamp: now - 5000, windowMs: 15_000, containers: [], ...usage }));
  return plainView({ at: now, source, pods, ...facts });
}

function options(overrides: Partial<SampleOptions>): SampleOptions {
  return {
    namespace: 'shop',
    selector: 'app=web',
    pods: [pod('a', { app: 'running' })],
    view: view(healthy, []),
    now,
    maxSampleAgeMs: 180_000,
    strict: true,
    ...overrides,
  };
}

const app: ContainerUsage = { name: 'app', cpuMilli: 100, memoryMilli: 1000 };

describe('metricResult', () => {
  it('takes usage as it is', () => {
    expect(metricResult(cpu, options({ view: view(healthy, [{ containers: [app] }]) }))).toEqual({
      kind: 'usage',
      samples: [{ pod: 'a', timestamp: now - 5000, windowMs: 15_000, containers: [{ name: 'app', value: 100n }] }],
      degraded: undefined,
    });
  });

  it.each<[string, Partial<SampleOptions>, object]>([
    [
      'a source that is down and has nothing is a failure',
      { view: view(down, []) },
      { kind: 'failure', reason: 'source-unavailable', since: now - 60_000 },
    ],
    [
      'its held answer is degraded',
      { view: view(down, [{ containers: [app] }], { usageDoubt: held }) },
      { kind: 'usage', degraded: { reason: 'source-unavailable' } },
    ],
    [
      'also for native objects',
      { strict: false, view: view(down, [{ containers: [app] }], { usageDoubt: held }) },
      { degraded: { reason: 'source-unavailable' } },
    ],
    [
      'a stale sample does not count',
      { view: view(healthy, [{ timestamp: now - 180_001, containers: [app] }]) },
      { kind: 'failure', reason: 'stale' },
    ],
    [
      'a clock that went back is flagged',
      { view: view(healthy, [{ containers: [app], clockSkew: true }]) },
      { degraded: { reason: 'clock-skew' } },
    ],
    [
      'a running container without a sample is flagged',
      { pods: [pod('a', { app: 'running', side: 'running' })], view: view(healthy, [{ containers: [app] }]) },
      { degraded: { reason: 'partial', detail: 'running containers without a sample: a/side' } },
    ],
    [
      'a crash loop freezes nothing',
      { pods: [pod('a', { app: 'running', side: 'waiting' })], view: view(healthy, [{ containers: [app] }]) },
      { degraded: undefined },
    ],
    [
      "native objects keep upstream's ways with parts",
      { strict: false, pods: [pod('a', { app: 'running', side: 'running' })], view: view(healthy, [{ containers: [app] }]) },
      { degraded: undefined },
    ],
    ['a healthy source without the pods has no samples', {}, { kind: 'usage', samples: [] }],
  ])('%s', (_, overrides, expected) => {
    expect(metricResult(cpu, options(overrides))).toMatchObject(expected);
  });
});

describe('metricResult of queries', () => {
  const answered = (query: MetricQuery, values: readonly bigint[], doubt?: { reason: 'partial'; detail: string }) => {
    const series = values.map((milli, index) => ({ object: `p${index}`, labels: {}, milli, timestamp: now - 1000, windowMs: undefined }));
    const result = { known: true as const, series, at: now, source: 's', coverage: 1, doubt };
    return options({ view: plainView({ at: now, queries: new Map([[queryKey(query), result]]) }) });
  };
  const target = { type: 'AverageValue' as const, averageValue: 1000n };
  const external: MetricQuery = { kind: 'external', namespace: 'shop', metric: 'queue', metricSelector: 'q=a' };
  const spec = { type: 'External' as const, metric: 'queue', selector: 'q=a', target };

  it('gives all values of an External metric, with the doubt of the answer', () => {
    const doubt = { reason: 'partial' as const, detail: 'a part' };
    expect(metricResult(spec, answered(external, [1500n, 500n], doubt))).toEqual({
      kind: 'values',
      values: [1500n, 500n],
      degraded: doubt,
    });
  });

  it('asks for the pods of the scale, and takes 60 s for the window of a value without one', () => {
    const query: MetricQuery = { kind: 'pods', namespace: 'shop', selector: 'app=web', metric: 'qps', metricSelector: '' };
    expect(metricResult({ type: 'Pods', metric: 'qps', target }, answered(query, [7n]))).toMatchObject({
      kind: 'pod-values',
      values: [{ pod: 'p0', value: 7n, windowMs: 60_000 }],
    });
  });

  it('refuses several values of what must be one', () => {
    const query: MetricQuery = { kind: 'prometheus', namespace: 'shop', source: 'main', query: 'up', emptyMeans: 'unknown' };
    const prometheus = { type: 'Prometheus' as const, metric: 'up', source: 'main', query: 'up', emptyMeans: 'unknown' as const, target };
    expect(metricResult(prometheus, answered(query, [1n]))).toMatchObject({ kind: 'values', values: [1n] });
    expect(metricResult(prometheus, answered(query, [1n, 2n]))).toMatchObject({ kind: 'failure', reason: 'invalid' });
  });

  it('is a failure with the reason of the source when the value is not known', () => {
    expect(metricResult(spec, options({}))).toMatchObject({ kind: 'failure', reason: 'not-observed', since: now });
  });

  it('does not shrink on values of pods from before the last change of size', () => {
    const query: MetricQuery = { kind: 'pods', namespace: 'shop', selector: 'app=web', metric: 'qps', metricSelector: '' };
    const given = { ...answered(query, [7n]), sizedAt: now - 30_000 };
    expect(metricResult({ type: 'Pods', metric: 'qps', target }, given)).toMatchObject({ degraded: { reason: 'stale' } });
    expect(metricResult({ type: 'Pods', metric: 'qps', target }, { ...given, strict: false })).toMatchObject({ degraded: undefined });
  });

  it('does not shrink when more than a quarter of the pods are on nodes that were not scraped', () => {
    const gap = { reason: 'node-not-scraped' as const, detail: 'silent' };
    const onNode = (name: string) => ({ ...pod(name, { app: 'running' }), nodeName: 'node-b' });
    const pods = [pod('a', { app: 'running' }), pod('b', { app: 'running' }), onNode('c')];
    const usages = ['a', 'b'].map((name) => ({ name, containers: [app] }));
    const facts = { pods, view: view(healthy, usages, { gaps: new Map([['shop/c', gap]]) }) };
    expect(metricResult(cpu, options(facts))).toMatchObject({ degraded: { reason: 'node-not-scraped' } });
  });
});
