import { describe, expect, it } from 'vitest';
import type { ContainerUsage, MetricsView, PodUsage, SourceState } from '../../core/model/metrics-view.ts';
import { createInterner } from '../../core/model/interner.ts';
import { projectPod } from '../../core/model/pod.ts';
import { metricResult, type SampleOptions } from './samples.ts';

const now = Date.UTC(2026, 0, 1);
const cpu = { type: 'Resource' as const, resource: 'cpu', target: { type: 'Utilization' as const, averageUtilization: 80 } };
const healthy: SourceState = { healthy: true, lastSuccess: now };
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

function view(source: SourceState, usages: readonly Partial<PodUsage>[]): MetricsView {
  const all = usages.map((usage) => ({ namespace: 'shop', name: 'a', timestamp: now - 5000, windowMs: 15_000, containers: [], ...usage }));
  return {
    at: now,
    sequence: 1,
    resourceSource: source,
    podUsage: (_, name) => all.find((each) => each.name === name),
    nodeUsage: () => undefined,
    podCount: all.length,
    pods: () => all.values(),
    nodes: () => [].values(),
  };
}

function options(overrides: Partial<SampleOptions>): SampleOptions {
  return {
    namespace: 'shop',
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
      { view: view(down, [{ containers: [app] }]) },
      { kind: 'usage', degraded: { reason: 'source-unavailable' } },
    ],
    [
      'also for native objects',
      { strict: false, view: view(down, [{ containers: [app] }]) },
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
