import { describe, expect, it } from 'vitest';
import type { QueryResult } from '../../../core/model/metrics-view.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import {
  cpu,
  explanationOf,
  outage,
  pod,
  pods,
  policy,
  queue,
  queued,
  queueQuery,
  settings,
  snapshotOf,
  takenAt,
  usage,
  type Scene,
} from './scene.fixture.ts';
import { explainPolicy } from './explain-policy.ts';
import { read, verticalPolicy, type RequestsScene } from './requests-scene.fixture.ts';
import type { Explanation, RuleStep } from './explanation.ts';

const rule = (scene: Scene, name: RuleStep['rule']): RuleStep | undefined => explanationOf(scene).rules.find((each) => each.rule === name);
const scaledAt = (time: string) => ({ status: { lastScaleUpTime: time } });
const annotated = (annotations: object) => ({ metadata: { name: 'web', annotations } as never });
const hpa = policy({}, { kind: 'HorizontalPodAutoscaler', apiVersion: 'autoscaling/v2', metadata: { name: 'legacy' } });

describe('the rules', () => {
  it('another autoscaler on the target', () => {
    expect(rule({ replicas: 3, usage: usage(3, 150), others: [hpa] }, 'conflict')).toMatchObject({
      held: true,
      message: expect.stringContaining('HorizontalPolicy shop/web scales Deployment shop/web too'),
    });
    const idle = explanationOf({ replicas: 4, usage: usage(4, 80), others: [{ ...hpa, metadata: { ...hpa.metadata, name: 'zz' } }] });
    expect(idle.rules[0]).toMatchObject({ rule: 'conflict', held: false, message: expect.stringMatching(/^would hold a change: /) });
  });

  it('a cooldown with the time that is left, and one that does not matter', () => {
    const up = rule({ replicas: 3, usage: usage(3, 150), policy: policy({}, scaledAt('2026-11-22T05:59:00Z')) }, 'cooldown-up');
    expect(up).toMatchObject({ held: true, remainingSeconds: 120, until: '2026-11-22T06:02:00.000Z' });
    const panics = policy({ cooldown: { panicRatio: 1.5 } }, scaledAt('2026-11-22T05:59:00Z'));
    const panic = rule({ replicas: 3, usage: usage(3, 150), policy: panics }, 'cooldown-up');
    expect(panic).toMatchObject({ held: false, message: expect.stringContaining('above panicRatio 1.5: it does not wait') });
    const off = policy({ cooldown: { scaleUpSeconds: 0, scaleDownSeconds: 0 } });
    expect(rule({ replicas: 3, policy: off }, 'cooldown-down')).toMatchObject({ held: false, until: null, message: 'off' });
  });

  it('a pause by annotation, and one by mode', () => {
    const paused = policy({}, annotated({ 'concertina.dev/paused': 'out' }));
    const byAnnotation = { replicas: 3, usage: usage(3, 150), policy: paused };
    expect(rule(byAnnotation, 'pause')).toMatchObject({ held: true });
    expect(rule(byAnnotation, 'mode')).toMatchObject({ held: false });
    expect(rule({ replicas: 4, usage: usage(4, 80), policy: paused }, 'pause')).toMatchObject({
      held: false,
      message: 'annotation concertina.dev/paused=out',
    });
    for (const mode of ['DryRun', 'Paused'] as const) {
      const byMode = { replicas: 3, usage: usage(3, 150), policy: policy({ mode }) };
      expect([rule(byMode, 'pause')?.held, rule(byMode, 'mode')?.held]).toEqual([false, true]);
    }
    const parked = explanationOf({ ...byAnnotation, policy: policy({}, annotated({ 'concertina.dev/paused-replicas': '3' })) });
    expect(parked.result).toMatchObject({ reason: 'Paused', to: 3 });
    expect(parked.metrics).toMatchObject([{ name: 'cpu', measured: null, replicas: null, failure: null }]);
    expect([parked.wanted, parked.stabilization, parked.rate]).toEqual([null, null, null]);
  });

  it('missing data: what holds, what would, and what is too little to', () => {
    const held = { replicas: 4, usage: usage(1, 10) };
    expect(rule(held, 'missing-data')).toMatchObject({ held: true, message: expect.stringContaining('3 of 4 pods have no sample') });
    const growing = { replicas: 4, usage: usage(4, 150), queue: outage, policy: policy({ metrics: [cpu, queue] }) };
    expect(rule(growing, 'missing-data')).toMatchObject({ held: false, message: 'would hold a shrink (queue unknown)' });
    expect(rule({ replicas: 4, usage: usage(3, 80) }, 'missing-data')).toMatchObject({
      held: false,
      message: 'cpu: 1 of 4 pods have no sample, too few to hold a shrink',
    });
  });

  it('a fallback that waits, and how often its metric has failed', () => {
    const waiting = policy({ metrics: [queue], fallback: { failureThreshold: 3, replicas: 6 } });
    expect(rule({ replicas: 4, queue: outage, policy: waiting }, 'fallback')?.message).toBe(
      'CurrentReplicasIfHigher (6) after 3 failed evaluations in a row; External queue has failed 1 times in a row',
    );
    expect(rule({ replicas: 4, queue: queued(40), policy: waiting }, 'fallback')?.message).toMatch(/; no metric fails$/);
  });
});

describe('the metrics', () => {
  it('have what was measured of each pod', () => {
    const [first, second, third] = usage(3, 80);
    const measured = [
      { ...third!, containers: [{ name: 'c', cpuMilli: 120, memoryMilli: undefined }] },
      { ...second!, containers: [{ name: 'c', cpuMilli: undefined, memoryMilli: undefined }] },
      { ...first!, timestamp: takenAt - 30_000 },
    ];
    const scene: Scene = { replicas: 3, usage: measured };
    expect(explanationOf(scene).metrics[0]).toMatchObject({
      samples: [
        { pod: 'web-0', valueMilli: '80', ageSeconds: 30 },
        { pod: 'web-1', valueMilli: null, ageSeconds: 10 },
        { pod: 'web-2', valueMilli: '120', ageSeconds: 10 },
      ],
      spread: { least: '80m', greatest: '120m', pod: 'web-2' },
    });
    expect(explanationOf({ replicas: 2, usage: usage(2, 80) }).metrics[0]?.spread).toBeNull();
  });

  it('of one container have what was measured of that', () => {
    const target = { type: 'AverageValue', averageValue: '100m' };
    const metric = { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'c', target } };
    const [only] = usage(1, 80);
    const measured = { ...only!, containers: [...only!.containers, { name: 'sidecar', cpuMilli: 500, memoryMilli: 1 }] };
    const { metrics } = explanationOf({ replicas: 1, usage: [measured], policy: policy({ metrics: [metric, cpu] }) });
    expect(metrics.map(({ samples }) => samples[0]?.valueMilli)).toEqual(['80', '580']);
  });
});

describe('the pods', () => {
  const groups = (scene: Scene): NonNullable<Explanation['pods']>['groups'] => explanationOf(scene).pods?.groups ?? [];

  it('says why each is not ready', () => {
    const ready = (status: string, at: string) => [{ type: 'Ready', status, lastTransitionTime: at }];
    const young = '2026-11-22T05:59:00Z';
    const [group] = groups({
      replicas: 5,
      usage: usage(5, 80),
      pods: [
        pod('web-0'),
        pod('web-1', { status: { phase: 'Pending' } }),
        pod('web-2', { status: { startTime: young, conditions: ready('False', young) } }),
        pod('web-3', { status: { startTime: young, conditions: ready('True', '2026-11-22T05:59:50Z') } }),
        pod('web-4', { status: { conditions: [] } }),
      ],
    });
    expect(group?.ready).toEqual(['web-0']);
    expect(group?.unready).toEqual([
      { name: 'web-1', why: 'Pending' },
      { name: 'web-2', why: 'started 1m ago and is not ready' },
      { name: 'web-3', why: 'started 1m ago; its sample begins before it was ready' },
      { name: 'web-4', why: 'has no Ready condition yet' },
    ]);
  });

  it('says why each has no sample', () => {
    const silent = snapshotOf({ replicas: 3 }).metrics;
    const scene: Scene = {
      replicas: 4,
      pods: [
        pod('web-0'),
        pod('web-1'),
        pod('web-2', { status: { startTime: '2026-11-22T05:59:50Z' } }),
        { ...pod('web-3'), spec: { nodeName: 'node-b', containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }] } },
      ],
      parts: {
        metrics: {
          ...silent,
          pods: [...usage(1, 80), { ...usage(2, 80)[1]!, containers: [{ name: 'c', cpuMilli: undefined, memoryMilli: 5 }] }],
          unscrapedNodes: [{ name: 'node-b', since: takenAt - 60_000, pods: 7 }],
        },
      },
    };
    expect(groups(scene)[0]?.missing).toEqual([
      { name: 'web-1', reason: 'partial', why: 'its sample has no cpu of every container' },
      { name: 'web-2', reason: 'starting', why: 'it started 10 s ago; a first sample takes two scrapes' },
      { name: 'web-3', reason: 'node-not-scraped', why: 'none of the 7 pods of node node-b has a sample; check its kubelet' },
    ]);
  });

  it('says it once for metrics whose pods play the same parts', () => {
    const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } };
    const measured = usage(3, 80).map((each) => ({ ...each, containers: [{ name: 'c', cpuMilli: 80, memoryMilli: 5 }] }));
    const scene: Scene = { replicas: 3, usage: measured, policy: policy({ metrics: [cpu, memory] }) };
    expect(groups(scene).map(({ metrics, ready }) => [metrics, ready.length])).toEqual([[['cpu', 'memory'], 3]]);
    expect(explanationOf(scene).sources.map(({ metrics }) => metrics)).toEqual([['cpu', 'memory']]);
  });

  it('knows no owners in a snapshot that has none', () => {
    const scene: Scene = { replicas: 2, usage: usage(2, 80), parts: { replicaSets: undefined } };
    expect(explanationOf(scene).pods).toMatchObject({ counted: 2, foreign: [], note: expect.stringContaining('not known here') });
    expect(explanationOf({ ...scene, policy: policy({ podSelection: 'ByLabels' }) }).pods?.note).toBeNull();
  });

  it('leaves out what others own', () => {
    const stray = pod('stray', { metadata: { ownerReferences: [] } });
    expect(explanationOf({ replicas: 2, usage: usage(2, 80), pods: [...pods(2), stray] }).pods).toMatchObject({
      matched: 3,
      counted: 2,
      foreign: ['stray'],
      note: expect.stringContaining('belong to others (nobody)'),
    });
  });
});

describe('the sources', () => {
  it('says what is doubted, since and until when', () => {
    const doubt = { reason: 'source-changed', detail: 'another server answers', since: takenAt - 30_000, until: takenAt + 30_000 } as const;
    const answer: QueryResult = { ...(queued(20) as Extract<QueryResult, { known: true }>), coverage: 0.5, doubt };
    const { sources, metrics } = explanationOf({ replicas: 4, queue: answer, policy: policy({ metrics: [queue] }) });
    const part = {
      reason: 'source-changed',
      detail: 'another server answers',
      since: '2026-11-22T05:59:30.000Z',
      until: '2026-11-22T06:00:30.000Z',
    };
    expect(sources[0]).toMatchObject({ known: true, value: '20', valueMilli: '20000', coverage: 0.5, doubt: part });
    expect(metrics[0]?.doubt).toEqual(part);
  });

  it('asks once what several metrics want to know', () => {
    const other = { ...queue, external: { ...queue.external, target: { type: 'Value', value: '50' } } };
    const { sources } = explanationOf({ replicas: 4, queue: queued(40), policy: policy({ metrics: [queue, other] }) });
    expect(sources.map(({ metrics }) => metrics)).toEqual([['queue', 'queue']]);
  });

  it('says of a snapshot of an older version nothing that it does not know', () => {
    const scene: Scene = { replicas: 4, usage: usage(4, 80), queue: queued(40), policy: policy({ metrics: [cpu, queue] }) };
    const { source, pods: measured, nodes } = snapshotOf(scene).metrics;
    const old = {
      metrics: { source, pods: measured, nodes, queries: [{ query: queueQuery, result: queued(40) }] },
      replicaSets: undefined,
    };
    const { sources } = explanationOf({ ...scene, parts: old });
    expect(sources.map(({ source: name, request, latencyMs, known }) => [name, request, latencyMs, known])).toEqual([
      ['metrics.k8s.io', null, null, true],
      ['external.metrics.k8s.io', null, null, true],
    ]);
  });

  it('has none for a resource that nobody measures', () => {
    const gpu = { type: 'Resource', resource: { name: 'nvidia.com~1gpu', target: { type: 'AverageValue', averageValue: '1' } } };
    expect(explanationOf({ replicas: 4, policy: policy({ metrics: [gpu] }) }).sources).toEqual([]);
  });
});

describe('where a policy of requests moves what is measured against', () => {
  const explained = (scene: RequestsScene): Explanation => {
    const { outlook, snapshot, reading } = read(scene);
    return explainPolicy(outlook.horizontal[0]!, { snapshot, reading, settings });
  };
  const horizontal = [policy({ metrics: [cpu] })];

  it('says that utilization is measured against the pod template', () => {
    const { rebase, metrics } = explained({ horizontal });
    expect(rebase).toContain('VerticalPolicy/web moves the cpu requests of the pods');
    expect(metrics[0]).toMatchObject({ measured: '180 % of request' });
  });

  it('says nothing where the policy yields, or an autoscaler is somebody else’s', () => {
    expect(explained({ horizontal, policies: [verticalPolicy({ horizontalPolicies: 'Yield' })] }).rebase).toBeNull();
    const hpa: KubeObject = { ...policy({ metrics: [cpu] }), apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' };
    expect(explained({ horizontal: [hpa] }).rebase).toBeNull();
    expect(explained({ horizontal: [hpa], adopt: ['hpa'] }).rebase).not.toBeNull();
  });

  it('goes by a native VPA only where that is adopted', () => {
    const vpa = verticalPolicy({}, { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler' });
    expect(explained({ horizontal, policies: [vpa] }).rebase).toBeNull();
    expect(explained({ horizontal, policies: [vpa], adopt: ['vpa'] }).rebase).not.toBeNull();
  });
});
