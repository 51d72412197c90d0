import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiStatusError, type KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { verticalPolicyCheckpointCrd } from '../../vpa/checkpoint-crd.ts';
import { acceptedSpecs, refusedSpecs } from '../../vpa/policy-crd.fixture.ts';
import { verticalPolicyCrd } from '../../vpa/policy-crd.ts';
import { fromVpa, recommendationOf } from '../../vpa/policy.ts';
import { verticalPodAutoscalerCheckpointCrd, verticalPodAutoscalerCrd } from '../e2e/vpa/vertical-pod-autoscaler-crd.ts';

const { verticalPolicies, verticalPolicyCheckpoints, verticalPodAutoscalers, verticalPodAutoscalerCheckpoints } = resourceTypes;
const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

let cluster: EmbeddedCluster;
let client: KubeClient;
let count = 0;

function named(spec: unknown): KubeObject {
  return { metadata: { name: `object-${++count}`, namespace: 'default' }, spec };
}

beforeAll(async () => {
  cluster = await startEmbeddedCluster({ clock: realClock, random: seededRandom('vertical-policy-crd'), nodes: [] });
  client = cluster.client('test');
  const crds = [verticalPolicyCrd(), verticalPolicyCheckpointCrd(), verticalPodAutoscalerCrd(), verticalPodAutoscalerCheckpointCrd()];
  for (const crd of crds) await client.create(resourceTypes.customResourceDefinitions, crd);
  await cluster.settle();
});
afterAll(() => cluster.stop());

describe('the CRD of VerticalPolicy on the embedded API server', () => {
  it.each(acceptedSpecs)('takes $name, and keeps it as it is', async ({ spec }) => {
    const stored = await client.create(verticalPolicies, named(spec));
    expect(stored.spec).toMatchObject(spec);
  });

  it('fills in the defaults', async () => {
    const stored = await client.create(verticalPolicies, named({ targetRef }));
    expect(stored.spec).toEqual({
      targetRef,
      updatePolicy: { updateMode: 'Auto', singleReplica: 'Never' },
      mode: 'Auto',
      horizontalPolicies: 'Rebase',
      injectedContainers: 'Ignore',
    });
    const partly = await client.create(verticalPolicies, named({ targetRef, updatePolicy: { minReplicas: 3 } }));
    expect(partly.spec).toMatchObject({ updatePolicy: { updateMode: 'Auto', minReplicas: 3, singleReplica: 'Never' } });
  });

  it.each(refusedSpecs)('refuses $name', async ({ spec, field, words }) => {
    const error: unknown = await client.create(verticalPolicies, named(spec)).catch((caught: unknown) => caught);
    if (!(error instanceof ApiStatusError)) throw new Error(`accepted, or something else failed: ${JSON.stringify(error)}`);
    const causes = error.status.details?.causes ?? [];
    expect(causes.find((each) => each.field === field)?.message, error.message).toMatch(words);
  });

  it('takes a status, and only by its subresource', async () => {
    const stored = await client.create(verticalPolicies, named({ targetRef }));
    const status = {
      observedGeneration: 1,
      podCount: 3,
      lastScaleUpTime: '2026-11-01T00:00:00Z',
      conditions: [
        {
          type: 'RecommendationProvided',
          status: 'True',
          reason: '',
          message: '',
          lastTransitionTime: '2026-11-01T00:00:00Z',
          observedGeneration: 1,
        },
      ],
      recommendation: {
        containerRecommendations: [
          {
            containerName: 'app',
            target: { cpu: '25m', memory: '262144k' },
            lowerBound: { cpu: '25m' },
            upperBound: { cpu: '1e5' },
            uncappedTarget: { cpu: '10m' },
            evidence: {
              samples: 60,
              firstSampleTime: '2026-11-01T00:00:00Z',
              confidence: 0.04,
              coverage: 1,
              cpu: { lowerBoundPercentile: 0.5, targetPercentile: 0.9, upperBoundPercentile: 0.95, margin: 0.15 },
              clamps: ['cpu raised to the pod minimum 25m'],
            },
          },
        ],
      },
      lastDecision: {
        reason: 'CoolingDown',
        message: 'waits',
        at: '2026-11-01T00:00:00Z',
        holds: [{ by: 'scale-up-cooldown', message: 'until then' }],
      },
    };
    await client.replace(verticalPolicies, { ...stored, status });
    const key = { namespace: 'default', name: stored.metadata.name };
    const before = await client.get(verticalPolicies, key);
    expect(before.status).toBeUndefined();
    await client.patch(verticalPolicies, key, { type: 'merge', body: { status } }, { subresource: 'status' });
    const after = await client.get(verticalPolicies, key);
    expect(after.status).toEqual(status);
    expect(recommendationOf(after)?.containers[0]?.target).toEqual({ cpu: 25, memory: 262_144_000 });
  });
});

/** As a recommender writes it. */
const checkpoint = {
  spec: { vpaObjectName: 'web', containerName: 'app' },
  status: {
    version: 'v3',
    lastUpdateTime: '2026-11-01T00:00:00Z',
    firstSampleStart: '2026-10-31T00:00:00Z',
    lastSampleStart: null,
    totalSamplesCount: 12,
    cpuHistogram: { referenceTimestamp: '2026-11-01T00:00:00Z', bucketWeights: { 0: 10_000, 12: 1 }, totalWeight: 1.25 },
    memoryHistogram: { referenceTimestamp: null },
  },
};

describe('checkpoints on the embedded API server', () => {
  it.each([
    ['VerticalPolicyCheckpoint', verticalPolicyCheckpoints],
    ['VerticalPodAutoscalerCheckpoint', verticalPodAutoscalerCheckpoints],
  ])('%s: spec and status are written at once, nulls and all', async (_, type) => {
    const metadata = { name: 'web-app', namespace: 'default' };
    const stored = await client.create(type, { metadata, ...checkpoint });
    expect(stored.status).toEqual(checkpoint.status);
    const patched = await client.patch(type, metadata, {
      type: 'json',
      body: [{ op: 'replace', path: '/status', value: { version: 'v3' } }],
    });
    expect(patched.status).toEqual({ version: 'v3' });
  });
});

describe('the stand-in for VerticalPodAutoscalers on the embedded API server', () => {
  it('takes what users have, with every field, and a status', async () => {
    const vpa = acceptedSpecs.find(({ name }) => name === 'a VerticalPodAutoscaler');
    const stored = await client.create(verticalPodAutoscalers, named(vpa?.spec));
    expect(stored.spec).toEqual(vpa?.spec);
    expect(fromVpa(stored)).toMatchObject({ ok: true, policy: { native: true, actuation: 'Recreate', minReplicas: 3 } });
    const status = { conditions: [{ type: 'RecommendationProvided', status: 'True' }], recommendation: { containerRecommendations: [] } };
    const key = { namespace: 'default', name: stored.metadata.name };
    const written = await client.patch(verticalPodAutoscalers, key, { type: 'merge', body: { status } }, { subresource: 'status' });
    expect(written.status).toEqual(status);
    expect(recommendationOf(written)).toEqual({ containers: [] });
  });

  it('is a plain one: nothing is filled in, a target is required', async () => {
    expect((await client.create(verticalPodAutoscalers, named({ targetRef }))).spec).toEqual({ targetRef });
    await expect(client.create(verticalPodAutoscalers, named({}))).rejects.toThrow(/spec.targetRef: Required value/);
  });
});
