import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExplanationReport } from '../../cli/compose/explain/explanation.ts';
import type { RecommendationReport } from '../../cli/compose/explain/recommendation-report.ts';
import type { RequestsExplanation } from '../../cli/compose/explain/requests-explanation.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import type { EmbeddedCluster } from '../../simulator/index.ts';
import { verticalPodAutoscalerCheckpointCrd, verticalPodAutoscalerCrd } from '../e2e/vpa/vertical-pod-autoscaler-crd.ts';
import { setCpuLoad } from '../journeys/cpu-load.ts';
import { deployment, policy } from '../journeys/journey-cluster.ts';
import {
  controlCharacter,
  install,
  recordWrites,
  startProgram,
  startSmallCluster,
  untilMeasured,
  type Outcome,
  type Program,
} from './doctor-support.ts';

let program: Program;
let cluster: EmbeddedCluster;
let client: KubeClient;
let config: string;
let saved: string;
let written: readonly string[] = [];
const key = { namespace: 'shop', name: 'web' };

function sizing(kind: 'VerticalPolicy' | 'VerticalPodAutoscaler', name: string, spec: object = {}): KubeObject {
  return {
    apiVersion: kind === 'VerticalPolicy' ? 'concertina.dev/v1alpha1' : 'autoscaling.k8s.io/v1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, ...spec },
  };
}

function seconds(ageMs: number): string {
  return new Date(Math.floor((realClock.now() - ageMs) / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** A day at some 350m CPU and 230Mi memory. */
function checkpoint(): KubeObject {
  return {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'VerticalPolicyCheckpoint',
    metadata: { name: 'web-web', namespace: 'shop' },
    spec: { vpaObjectName: 'web', containerName: 'web' },
    status: {
      version: 'v3',
      lastUpdateTime: seconds(60_000),
      firstSampleStart: seconds(86_400_000),
      lastSampleStart: seconds(90_000),
      totalSamplesCount: 1_440,
      cpuHistogram: { referenceTimestamp: seconds(20_000_000), bucketWeights: { 20: 10_000 }, totalWeight: 1_000 },
      memoryHistogram: { referenceTimestamp: seconds(0), bucketWeights: { 15: 10_000 }, totalWeight: 2 },
    },
  };
}

beforeAll(async () => {
  program = await startProgram();
  saved = program.file('cluster.json');
  cluster = await startSmallCluster('vertical-explain');
  client = cluster.client('test');
  config = await program.kubeconfig('admin', await cluster.listen());
  await install(client);
  for (const crd of [verticalPodAutoscalerCrd(), verticalPodAutoscalerCheckpointCrd()]) {
    await client.create(resourceTypes.customResourceDefinitions, crd);
  }
  await client.create(resourceTypes.namespaces, { metadata: { name: 'shop' } });
  await client.create(resourceTypes.deployments, deployment('shop', 3));
  setCpuLoad(cluster.workload, { namespace: 'shop', milli: 300, memory: 2 ** 25 });
  const resourcePolicy = { containerPolicies: [{ containerName: '*', maxAllowed: { cpu: '400m' } }] };
  await client.create(resourceTypes.verticalPolicies, sizing('VerticalPolicy', 'web', { resourcePolicy }));
  await client.create(resourceTypes.verticalPolicyCheckpoints, checkpoint());
  await client.create(
    resourceTypes.verticalPodAutoscalers,
    sizing('VerticalPodAutoscaler', 'api', { updatePolicy: { updateMode: 'Off' } }),
  );
  await client.create(resourceTypes.horizontalPolicies, policy('shop'));
  await untilMeasured(client, 3);
  // Only now: it would refuse the pods.
  await client.create(resourceTypes.limitRanges, {
    metadata: { name: 'bounds', namespace: 'shop' },
    spec: { limits: [{ type: 'Container', min: { memory: '300Mi' } }] },
  });
  written = recordWrites(cluster);
});
afterAll(async () => {
  await cluster.stop();
  await program.remove();
});

const run = (...words: string[]): Promise<Outcome> => program.run([...words, '--kubeconfig', config]);

async function recommended(...words: string[]): Promise<RecommendationReport> {
  const { stdout, stderr, code } = await run('recommend', '-n', 'shop', '-o', 'json', ...words);
  expect([code, stderr], stdout).toEqual([0, '']);
  return JSON.parse(stdout) as RecommendationReport;
}

async function explained(...words: string[]): Promise<{ readonly report: ExplanationReport; readonly first: RequestsExplanation }> {
  const { stdout, stderr, code } = await run('explain', ...words, '-n', 'shop', '-o', 'json');
  expect([code, stderr], stdout).toEqual([0, '']);
  const report = JSON.parse(stdout) as ExplanationReport;
  return { report, first: report.requests[0]! };
}

async function setStatus(status: object): Promise<void> {
  await client.patch(resourceTypes.verticalPolicies, key, { type: 'merge', body: { status } }, { subresource: 'status' });
}

describe('concertina recommend', () => {
  it('has rows of requests in the same table, and what they add up to', async () => {
    const { stdout, code, stderr } = await run('recommend', '-n', 'shop');
    expect([code, stderr]).toEqual([0, '']);
    const rows = stdout.split('\n');
    expect(rows[0]).toMatch(/^NAMESPACE +POLICY +TARGET +NOW +SET +WANTED +METRIC +LIMITED +HELD +AGE +WHY$/);
    expect(rows.find((row) => row.includes('hpol/web'))).toMatch(/Deployment\/web +3 /);
    expect(rows.find((row) => row.includes('web cpu'))).toMatch(
      /^shop +vpol\/web +Deployment\/web web cpu +100m +400m +400m +p90 \d+m \+15% +max-allowed +- +\d+s +Container web: cpu 100m becomes 400m: 1 pod would be resized in place/,
    );
    expect(rows.find((row) => row.includes('web memory'))).toMatch(/ 64Mi +300Mi +300Mi +\d+ peaks p90 [\d.]+Mi \+15% +limitRangeMin/);
    expect(rows.find((row) => row.includes('vpa/api'))).toMatch(/Deployment\/api +- +- +\? .*target-unavailable/);
    expect(stdout).toMatch(/\n\nrequests: cpu 300m → 1.2, memory 192Mi → 900Mi over 3 pods\n$/);
    expect((await run('recommend', '-n', 'shop', '-o', 'wide')).stdout).toMatch(/ CONFIDENCE +COVERAGE +APPLY /);
    expect((await run('recommend', '-n', 'shop', '-o', 'trace')).stdout).toContain('  percentile: percentile 0.9 of usage is ');
  });

  it('has all of it as JSON and CSV', async () => {
    const { items, requests } = await recommended();
    expect(items.map(({ subject, dimension }) => [subject.kind, subject.name, dimension])).toEqual([
      ['VerticalPodAutoscaler', 'api', undefined],
      ['HorizontalPolicy', 'web', undefined],
      ['VerticalPolicy', 'web', 'requests/cpu/web'],
      ['VerticalPolicy', 'web', 'requests/memory/web'],
    ]);
    expect(items[2]).toMatchObject({
      from: 100,
      to: 400,
      mode: 'Auto',
      vertical: {
        source: 'computed',
        actuation: 'InPlaceOrRecreate',
        evidence: { samples: 1_443 },
        apply: { methods: { resize: 1 }, pods: 3 },
      },
    });
    expect(requests).toMatchObject({ pods: 3, cpu: { from: 300, to: 1_200 } });
    const csv = (await run('recommend', '-n', 'shop', '-o', 'csv')).stdout.trimEnd().split('\r\n');
    expect(csv).toHaveLength(5);
    expect(csv[3]).toMatch(/,requests\/cpu\/web,web,\d+,\d+,\d+,0\.9,0\.15,1,[\d.]+,1443,resize 1 of 3,,$/);
  });

  it('ends with 3 where requests would change or are held', async () => {
    const change = await run('recommend', '-n', 'shop', '--fail-on', 'change,held', '-o', 'csv');
    expect(change.code).toBe(3);
    expect(change.stderr).toContain('--fail-on change: HorizontalPolicy shop/web would go');
    expect(change.stderr).toContain('--fail-on held: VerticalPodAutoscaler shop/api is held by target-unavailable');
  });

  it('measures utilization against the template, because the requests are moved', async () => {
    const { items } = await recommended();
    const horizontal = items.find(({ subject }) => subject.kind === 'HorizontalPolicy');
    expect(horizontal?.trace.find(({ step }) => step === 'rebase')?.message).toContain('VerticalPolicy/web moves the cpu requests');
  });
});

describe('concertina explain', () => {
  it('explains what scales and what sizes a workload', async () => {
    const { report, first } = await explained('deployment/web');
    expect(report.explanations.map(({ policy: { kind } }) => kind)).toEqual(['HorizontalPolicy']);
    expect(report.explanations[0]?.rebase).toContain('VerticalPolicy/web moves');
    expect(report.requests.map(({ policy: { kind } }) => kind)).toEqual(['VerticalPolicy']);
    expect(first.target).toMatchObject({ kind: 'Deployment', name: 'web', replicas: 3, matched: 3, problem: null });
    expect(first.data).toMatchObject({
      source: 'metrics.k8s.io',
      counted: true,
      sampledPods: 3,
      containers: [{ container: 'web', samples: 1_443, coverage: expect.closeTo(1, 2), checkpoint: { name: 'web-web', problem: null } }],
    });
    expect(first.estimates.map(({ resource, margin, confidence }) => [resource, margin, confidence])).toEqual([
      ['cpu', 0.15, 1],
      ['memory', 0.15, 1],
    ]);
    expect(first.clamps[0]).toMatchObject({ resource: 'cpu', by: 'max-allowed', to: 400 });
    expect(first.nodes).toMatchObject({ count: 1, cpu: 16_000 });
    expect(first.horizontal).toMatchObject({ rule: 'Rebase', claims: [{ policy: 'HorizontalPolicy shop/web', measures: 'cpu' }] });
    expect(first.adaptations).toMatchObject([{ clamps: [{ by: 'limitRangeMin', resource: 'memory' }] }]);
    expect(first.updates?.groups.map(({ verdict, pods }) => [verdict, pods.length])).toEqual([
      ['resize', 1],
      ['disruption-tolerance', 2],
    ]);
    expect(first.apply).toMatchObject({ updateMode: 'Auto', actuation: 'InPlaceOrRecreate', methods: { resize: 1 } });
    expect(first.stored.differences[0]).toContain('no recommendation is stored');
  });

  it('prints numbered steps without a control character', async () => {
    const { stdout, stderr, code } = await run('explain', 'vpol/web', '-n', 'shop');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^VerticalPolicy shop\/web sizes Deployment\/web\n {2}Container web: cpu 100m becomes 400m: /);
    expect(stdout.match(/^\d+\. .+$/gm)).toEqual([
      '1. Target and pods',
      '2. Data',
      '3. Percentiles, margins and bounds',
      '4. Clamps',
      '5. Horizontal policies',
      '6. Recommendation',
      '7. What becomes of it in the pods',
      '8. Updates',
      '9. Apply mode',
      '10. Result',
      '11. What is stored in status',
    ]);
    expect(stdout).not.toMatch(controlCharacter);
  });

  it('goes by what is stored where something is, and says what blocks it', async () => {
    const amounts = { cpu: '200m', memory: '310Mi' };
    const conditions = [
      { type: 'RecommendationProvided', status: 'True', reason: 'RecommendationProvided', message: 'm', lastTransitionTime: seconds(0) },
    ];
    const containerRecommendations = [{ containerName: 'web', target: amounts, lowerBound: amounts, upperBound: amounts }];
    await setStatus({ conditions, recommendation: { containerRecommendations }, lastScaleUpTime: seconds(0) });
    try {
      const { first } = await explained('vpol/web');
      expect(first.recommendation).toMatchObject({ acts: 'stored', containers: [{ resource: 'cpu', stored: 200, computed: 400 }, {}] });
      expect(first.apply?.blocked[0]).toMatchObject({ by: 'cooldown' });
      expect(first.updates?.cooldowns[0]?.remainingSeconds).toBeGreaterThan(60);
      expect(first.results[0]).toMatchObject({ from: 100, to: 100, wanted: 200, holds: [{ by: 'cooldown' }] });
      const { stdout } = await run('explain', 'vpol/web', '-n', 'shop');
      expect(stdout).toContain('DIFFERS: cpu of container web: 200m is stored, 400m would be recommended from what is known here');
    } finally {
      await setStatus({ conditions: null, recommendation: null, lastScaleUpTime: null });
    }
  });

  it('explains an unmodified VerticalPodAutoscaler', async () => {
    const { first } = await explained('vpa/api');
    expect(first.policy).toMatchObject({ kind: 'VerticalPodAutoscaler', native: true });
    expect(first.target.problem).toContain('Deployment shop/api, which does not exist');
    expect(first.apply).toMatchObject({ updateMode: 'Off', note: expect.stringContaining('--adopt=vpa') });
    expect((await explained('vpa/api', '--adopt', 'vpa')).first.apply?.note).toBeNull();
  });

  it('tells the same from a snapshot, with budgets and ReplicaSets in it', async () => {
    await client.create(resourceTypes.podDisruptionBudgets, {
      metadata: { name: 'web', namespace: 'shop' },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
    } as KubeObject);
    const taken = await run('snapshot', '-o', saved);
    expect([taken.code, taken.stderr]).toEqual([0, expect.stringMatching(/cluster\.json: 3 policies, 3 pods, 1 nodes, \d+ bytes\n$/)]);
    const { vertical } = JSON.parse(await readFile(saved, 'utf8')) as {
      vertical: { workloads: { kind: string }[]; podDisruptionBudgets: unknown[] };
    };
    expect(vertical.podDisruptionBudgets).toHaveLength(1);
    expect(new Set(vertical.workloads.map(({ kind }) => kind))).toEqual(new Set(['Deployment', 'ReplicaSet']));
    const fromFile = (...words: string[]): Promise<Outcome> => program.run(['explain', 'vpol/web', '--snapshot', saved, ...words]);
    const [json, again] = [await fromFile('-o', 'json'), await fromFile('-o', 'json')];
    expect(json).toEqual(again);
    const [first] = (JSON.parse(json.stdout) as ExplanationReport).requests;
    expect(first?.updates?.budgets).toMatchObject([{ name: 'web' }]);
    const live = (await explained('vpol/web')).first;
    const told = (explanation: RequestsExplanation | undefined) => [
      explanation?.results.map(({ dimension, from, to }) => [dimension, from, to]),
      explanation?.clamps.map(({ by, to }) => [by, to]),
      explanation?.updates?.groups.map(({ verdict, pods }) => [verdict, pods]),
    ];
    expect(told(first)).toEqual(told(live));
  });
});

it('none of it writes anything', () => {
  expect(written).toEqual([]);
});
