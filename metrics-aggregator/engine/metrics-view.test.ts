import { describe, expect, it } from 'vitest';
import { createInterner } from '../../core/model/interner.ts';
import type { PodUsage } from '../../core/model/metrics-view.ts';
import { formatTime } from '../../core/model/condition.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import { plainUsageSnapshot } from '../store/plain-snapshot.ts';
import { createMetricsView, type MetricsViewInput } from './metrics-view.ts';
import { countNodeGaps } from './node-gaps.ts';

const at = Date.UTC(2026, 0, 1, 12);
const interner = createInterner();

function pod(name: string, nodeName: string, ageMs = 3_600_000, containers: readonly string[] = ['app']): PodRecord {
  return projectPod(
    {
      metadata: { name, namespace: 'shop' },
      spec: { nodeName, containers: containers.map((each) => ({ name: each })) },
      status: {
        phase: 'Running',
        startTime: formatTime(at - ageMs),
        containerStatuses: containers.map((each) => ({ name: each, state: { running: {} } })),
      },
    },
    interner,
  );
}

const usage = (name: string, cpuMilli: number | 'none' = 100): PodUsage => ({
  namespace: 'shop',
  name,
  timestamp: at - 5000,
  windowMs: 15_000,
  containers: [{ name: 'app', cpuMilli: cpuMilli === 'none' ? undefined : cpuMilli, memoryMilli: 1000 }],
});

function view(pods: readonly PodUsage[], facts: Partial<MetricsViewInput> = {}) {
  return createMetricsView({
    at,
    sequence: 1,
    usage: plainUsageSnapshot(pods, []),
    usageSource: 'metrics.k8s.io',
    resourceSource: { healthy: true, lastSuccess: at },
    usageDoubt: undefined,
    unscrapedNodes: new Map(),
    startGraceMs: 60_000,
    queries: new Map(),
    sources: [],
    ...facts,
  });
}

describe('why a pod has no usage', () => {
  it('is nothing for one that has', () => {
    expect(view([usage('a')]).podGap(pod('a', 'n1'))).toBeUndefined();
  });

  it.each<[string, PodRecord, Partial<MetricsViewInput>, string]>([
    ['its start', pod('b', 'n1', 20_000), {}, 'starting'],
    ['its node', pod('b', 'n2'), { unscrapedNodes: new Map([['n2', { since: at, pods: 3 }]]) }, 'node-not-scraped'],
    ['itself', pod('b', 'n1'), {}, 'missing'],
    [
      'the source',
      pod('b', 'n1'),
      { resourceSource: { healthy: false, reason: 'source-unavailable', detail: '503', since: at, lastSuccess: undefined } },
      'source-unavailable',
    ],
  ])('is %s', (_, record, facts, reason) => {
    expect(view([usage('a')], facts).podGap(record)?.reason).toBe(reason);
  });
});

describe('containerSample', () => {
  it('is a value with timestamp, window, source and coverage', () => {
    expect(view([usage('a')]).containerSample(pod('a', 'n1', 3_600_000, ['app', 'side']), 'app', 'cpu')).toEqual({
      known: true,
      milli: 100,
      timestamp: at - 5000,
      windowMs: 15_000,
      source: 'metrics.k8s.io',
      coverage: 0.5,
    });
  });

  it('is unknown with a reason for a container that is missing, a value that cannot be used, a pod that is not listed', () => {
    const made = view([usage('a'), usage('b', 'none')]);
    expect(made.containerSample(pod('a', 'n1'), 'side', 'cpu')).toMatchObject({ known: false, reason: 'partial' });
    expect(made.containerSample(pod('b', 'n1'), 'app', 'cpu')).toMatchObject({ known: false, reason: 'invalid' });
    expect(made.containerSample(pod('c', 'n1'), 'app', 'cpu')).toMatchObject({ known: false, reason: 'missing' });
  });
});

describe('countNodeGaps', () => {
  const gaps = (pods: readonly PodRecord[], measured: readonly string[]) => {
    const snapshot = plainUsageSnapshot(
      measured.map((name) => usage(name)),
      [],
    );
    const count = countNodeGaps({ usage: snapshot, previous: new Map(), now: at, startGraceMs: 60_000 });
    for (const each of pods) count.add(each);
    return count.finish();
  };

  it('tells a node that was not scraped from a pod that starts and from one that restarts', () => {
    const pods = [pod('a', 'n1'), pod('b', 'n1'), pod('c', 'n2'), pod('d', 'n2'), pod('young', 'n1', 10_000)];
    expect(gaps(pods, ['a', 'b'])).toEqual({ unscraped: new Map([['n2', { since: at, pods: 2 }]]), expected: 4, measured: 2 });
    expect(gaps(pods, ['a', 'c']).unscraped.size).toBe(0);
  });

  it('says nothing about a node with one pod', () => {
    expect(gaps([pod('a', 'n1'), pod('b', 'n1'), pod('c', 'n2')], ['a', 'b']).unscraped.size).toBe(0);
  });
});
