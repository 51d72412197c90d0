import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { formatSnapshot, parseSnapshot, type ClusterSnapshot, type SnapshotScale } from '../../core/model/snapshot.ts';
import { recommendFrom } from './recommend-from.ts';
import { recommendSettings } from './settings.ts';

const takenAt = Date.UTC(2026, 10, 22, 6);
const settings = recommendSettings.parse({});
type Snapshot = Omit<ClusterSnapshot, 'complete'>;

function pod(app: string, index: number): KubeObject {
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-11-22T05:00:00Z' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${app}-${index}`, namespace: 'shop', labels: { app }, creationTimestamp: '2026-11-22T05:00:00Z' },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }] },
    status: { phase: 'Running', startTime: '2026-11-22T05:00:00Z', conditions: [ready] },
  };
}

const usage = (app: string, index: number, cpu: number, timestamp = takenAt - 10_000) => ({
  namespace: 'shop',
  name: `${app}-${index}`,
  timestamp,
  windowMs: 15_000,
  containers: [{ name: 'c', cpuMilli: cpu, memoryMilli: 0 }],
});

function policy(name: string, spec: Readonly<Record<string, unknown>> = {}): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'HorizontalPolicy',
    metadata: { name, namespace: 'shop' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
      ...spec,
    },
  };
}

function scale(name: string, replicas: number, apiVersion = 'apps/v1'): SnapshotScale {
  const common = { apiVersion, kind: 'Deployment', namespace: 'shop', name, ok: true } as const;
  return { ...common, type: resourceTypes.deployments, specReplicas: replicas, statusReplicas: replicas, selector: `app=${name}` };
}

function snapshot(parts: Partial<Snapshot> = {}): Snapshot {
  return {
    kind: 'ConcertinaSnapshot',
    version: 1,
    takenAt,
    server: 'https://cluster',
    horizontalPolicies: [policy('web')],
    horizontalPodAutoscalers: [],
    scales: [scale('web', 2)],
    pods: [pod('web', 0), pod('web', 1)],
    nodes: [],
    metrics: { source: { healthy: true, lastSuccess: takenAt }, pods: [usage('web', 0, 90), usage('web', 1, 90)], nodes: [] },
    ...parts,
  };
}

const recommend = (parts: Partial<Snapshot> = {}) => recommendFrom(snapshot(parts), settings).map(({ decision }) => decision);

describe('recommendFrom', () => {
  it('decides as of the instant of the snapshot, whatever the time is now', () => {
    const [decision] = recommend();
    expect(decision).toMatchObject({ from: 2, to: 4, wanted: 4, at: takenAt });
    expect(decision?.message).toContain('next scale-up not before 06:03:00 (cooldown 3m)');
    expect(decision?.trace.map(({ step }) => step)).toContain('metric');
  });

  it('survives the way through a file', () => {
    const stored = parseSnapshot(formatSnapshot(snapshot()), 'x.json');
    expect(recommendFrom(stored, settings).map(({ decision }) => decision)).toEqual(recommend());
  });

  it('goes by the settings that are given, and by what status remembers', () => {
    const scaled = { ...policy('web'), status: { lastScaleUpTime: '2026-11-22T05:59:00Z' } };
    expect(recommend({ horizontalPolicies: [scaled] })[0]).toMatchObject({ to: 2, wanted: 4, holds: [{ by: 'cooldown' }] });
    const short = recommendSettings.parse({ cooldown: { scaleUp: '30s' } });
    expect(recommendFrom(snapshot({ horizontalPolicies: [scaled] }), short)[0]?.decision).toMatchObject({ to: 4 });
  });

  it('says which target could not be read, and which is not in the file', () => {
    const lost: SnapshotScale = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      ok: false,
      message: 'it is lost',
    };
    expect(recommend({ scales: [lost] })[0]).toMatchObject({
      reason: 'FailedGetScale',
      message: expect.stringContaining('it is lost') as unknown,
    });
    expect(recommend({ scales: [] })[0]?.message).toContain('the snapshot has no scale of Deployment shop/web');
  });

  it('tells kinds of one name in two groups apart', () => {
    const other = policy('other', { scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Deployment', name: 'web' }, mode: 'DryRun' });
    const decisions = recommend({
      horizontalPolicies: [policy('web'), other],
      scales: [scale('web', 2), scale('web', 7, 'example.com/v1')],
    });
    expect(decisions.map(({ subject, from }) => [subject.name, from])).toEqual([
      ['other', 7],
      ['web', 2],
    ]);
  });

  it('shrinks nothing on samples that are too old or missing', () => {
    const old = [usage('web', 0, 1, takenAt - 600_000), usage('web', 1, 1, takenAt - 600_000)];
    expect(recommend({ metrics: { source: { healthy: true, lastSuccess: takenAt }, pods: old, nodes: [] } })[0]).toMatchObject({
      to: 2,
      wanted: null,
    });
    const broken = {
      healthy: false,
      reason: 'source-broken',
      detail: 'metrics.k8s.io is away',
      since: takenAt - 1000,
      lastSuccess: undefined,
    } as const;
    const unknown = recommend({ metrics: { source: broken, pods: [], nodes: [] } })[0];
    expect(unknown).toMatchObject({ to: 2, wanted: null });
    expect(unknown?.message).toContain('metrics.k8s.io is away');
  });

  it('lists policies and native autoscalers in the order of their names, each with its own rules', () => {
    const hpa = { ...policy('api'), apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' };
    const decisions = recommend({
      horizontalPodAutoscalers: [hpa],
      horizontalPolicies: [policy('web'), policy('bad', { maxReplicas: 0 })],
      scales: [scale('web', 2), scale('api', 2)],
      pods: [pod('web', 0), pod('web', 1), pod('api', 0), pod('api', 1)],
      metrics: {
        source: { healthy: true, lastSuccess: takenAt },
        pods: [usage('web', 0, 90), usage('web', 1, 90), usage('api', 0, 90), usage('api', 1, 90)],
        nodes: [],
      },
    });
    expect(decisions.map(({ subject }) => `${subject.kind} ${subject.name}`)).toEqual([
      'HorizontalPodAutoscaler api',
      'HorizontalPolicy bad',
      'HorizontalPolicy web',
    ]);
    expect(decisions[0]?.message, 'upstream has no cooldown').not.toContain('cooldown');
    expect(decisions[1]).toMatchObject({
      reason: 'InvalidPolicy',
      message: expect.stringContaining('spec.maxReplicas: 0 is too small') as unknown,
    });
  });
});
