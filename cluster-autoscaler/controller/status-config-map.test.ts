import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FakeCluster } from './cluster.fixture.ts';
import { counts, groupReport, loopReport } from './loop-report.fixture.ts';
import { createStatusConfigMap, goTime, initializingYaml, statusYaml, transitionsAfter } from './status-config-map.ts';

const at = Date.UTC(2026, 8, 15, 4, 5, 52, 354);

describe('goTime', () => {
  it('prints a time as Go does: no trailing zeros of a fraction', () => {
    expect(goTime(at)).toBe('2026-09-15 04:05:52.354 +0000 UTC');
    expect(goTime(at - 54)).toBe('2026-09-15 04:05:52.3 +0000 UTC');
    expect(goTime(Date.UTC(2026, 8, 15, 4, 0, 0))).toBe('2026-09-15 04:00:00 +0000 UTC');
  });
});

describe('statusYaml', () => {
  const failure = { class: 'out-of-resources', code: 'InsufficientInstanceCapacity', message: 'no m5.large in eu-1a' } as const;
  const report = loopReport(at, {
    counts: counts({ registered: 3, ready: 2, unready: 1, resourceUnready: 1, unregistered: 1 }),
    groups: [
      groupReport('general', {
        targetSize: 4,
        minSize: 1,
        counts: counts({ registered: 3, ready: 2, beingDeleted: 1 }),
        scaleUp: 'backoff',
        backoff: { until: at + 300_000, failure },
      }),
      groupReport('gpu', { scaleUp: 'in-progress', candidates: ['n1'] }),
    ],
  });

  it('has the fields, the order and the spelling of upstream', () => {
    expect(statusYaml(report, transitionsAfter(new Map(), report))).toBe(`autoscalerStatus: Running
clusterWide:
  health:
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    nodeCounts:
      longUnregistered: 0
      registered:
        notStarted: 0
        ready: 2
        total: 3
        unready:
          resourceUnready: 1
          total: 1
      unregistered: 1
    status: Healthy
  scaleDown:
    candidates: 1
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    status: CandidatesPresent
  scaleUp:
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    status: InProgress
nodeGroups:
- health:
    cloudProviderTarget: 4
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    maxSize: 10
    minSize: 1
    nodeCounts:
      longUnregistered: 0
      registered:
        beingDeleted: 1
        notStarted: 0
        ready: 2
        total: 3
        unready:
          resourceUnready: 0
          total: 0
      unregistered: 0
    status: Healthy
  name: general
  scaleDown:
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    status: NoCandidates
  scaleUp:
    backoffInfo:
      errorCode: InsufficientInstanceCapacity
      errorMessage: no m5.large in eu-1a
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    status: Backoff
- health:
    cloudProviderTarget: 0
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    maxSize: 10
    minSize: 0
    nodeCounts:
      longUnregistered: 0
      registered:
        notStarted: 0
        ready: 0
        total: 0
        unready:
          resourceUnready: 0
          total: 0
      unregistered: 0
    status: Healthy
  name: gpu
  scaleDown:
    candidates: 1
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    status: CandidatesPresent
  scaleUp:
    backoffInfo: {}
    lastProbeTime: "2026-09-15T04:05:52Z"
    lastTransitionTime: "2026-09-15T04:05:52Z"
    status: InProgress
time: 2026-09-15 04:05:52.354 +0000 UTC
`);
  });

  it('keeps the time of a condition until it is another one, and forgets groups that are no more', () => {
    const first = transitionsAfter(new Map(), report);
    const later = loopReport(at + 60_000, { groups: [groupReport('general', { scaleUp: 'backoff' })] });
    const second = transitionsAfter(first, later);
    expect(second.get('group/general/scaleUp')).toEqual({ status: 'Backoff', since: at });
    expect(second.get('clusterWide/scaleUp')).toEqual({ status: 'NoActivity', since: at + 60_000 });
    expect([...second.keys()].some((name) => name.includes('gpu'))).toBe(false);
  });

  it('keeps below a megabyte: groups in trouble stay, those without news go', () => {
    const groups = Array.from({ length: 2_000 }, (_, index) => groupReport(`group-${String(index).padStart(4, '0')}`));
    const unhealthy = groupReport('the-last-one', { health: 'unhealthy' });
    const large = loopReport(at, { groups: [...groups, unhealthy] });
    const text = statusYaml(large, transitionsAfter(new Map(), large));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_000_000);
    expect(Buffer.byteLength(text)).toBeGreaterThan(990_000);
    const names = [...text.matchAll(/^  name: (.*)$/gm)].map(([, name]) => name);
    expect(names.slice(0, 2)).toEqual(['the-last-one', 'group-0000']);
    expect(names.length).toBeLessThan(groups.length);
  });

  it('says that it begins before the first loop', () => {
    expect(parse(initializingYaml(at))).toEqual({
      autoscalerStatus: 'Initializing',
      clusterWide: {},
      time: '2026-09-15 04:05:52.354 +0000 UTC',
    });
  });
});

describe('createStatusConfigMap', () => {
  it('makes the ConfigMap, then keeps to it, and gives back what was remembered', async () => {
    const cluster = new FakeCluster();
    const map = createStatusConfigMap({ client: cluster.client(), namespace: 'kube-system', name: 'cluster-autoscaler-status' });
    expect(await map.readMemory()).toBeUndefined();
    await map.write({ status: 'first', memory: '{"a":1}', at });
    await map.write({ status: 'second', at: at + 1_000 });
    const stored = cluster.configMaps.get('kube-system/cluster-autoscaler-status');
    expect(stored?.metadata.annotations).toEqual({ 'cluster-autoscaler.kubernetes.io/last-updated': '2026-09-15 04:05:53.354 +0000 UTC' });
    expect(stored?.['data']).toEqual({ status: 'second', 'concertina.memory': '{"a":1}' });
    expect(await map.readMemory()).toBe('{"a":1}');
    expect(map.reference()).toMatchObject({
      kind: 'ConfigMap',
      namespace: 'kube-system',
      name: 'cluster-autoscaler-status',
      uid: 'uid-cluster-autoscaler-status',
    });
  });
});
