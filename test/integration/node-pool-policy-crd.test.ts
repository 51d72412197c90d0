import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodePoolPolicyCrd } from '../../cluster-autoscaler/index.ts';
import { acceptedSpecs, refusedSpecs } from '../../cluster-autoscaler/policy-crd.fixture.ts';
import { ApiStatusError, type KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';

const { nodePoolPolicies } = resourceTypes;

let cluster: EmbeddedCluster;
let client: KubeClient;
let count = 0;

function named(spec: unknown): KubeObject {
  return { metadata: { name: `policy-${++count}` }, spec };
}

beforeAll(async () => {
  cluster = await startEmbeddedCluster({ clock: realClock, random: seededRandom('node-pool-policy-crd'), nodes: [] });
  client = cluster.client('test');
  await client.create(resourceTypes.customResourceDefinitions, nodePoolPolicyCrd());
  await cluster.settle();
});
afterAll(() => cluster.stop());

describe('the CRD of NodePoolPolicy on the embedded API server', () => {
  it.each(acceptedSpecs)('takes $name, and keeps it as it is', async ({ spec }) => {
    const stored = await client.create(nodePoolPolicies, named(spec));
    expect(stored.spec).toMatchObject(spec);
  });

  it('fills in the defaults', async () => {
    const groups = [{ name: 'a' }];
    expect((await client.create(nodePoolPolicies, named({ groups }))).spec).toEqual({ groups, mode: 'Auto' });
  });

  it.each(refusedSpecs)('refuses $name', async ({ spec, field, words }) => {
    const error: unknown = await client.create(nodePoolPolicies, named(spec)).catch((caught: unknown) => caught);
    if (!(error instanceof ApiStatusError)) throw new Error(`accepted, or something else failed: ${JSON.stringify(error)}`);
    const causes = error.status.details?.causes ?? [];
    expect(causes.find((each) => each.field === field)?.message, error.message).toMatch(words);
  });

  it('takes a status, and only by its subresource', async () => {
    const stored = await client.create(nodePoolPolicies, named({ groups: [{ name: 'a' }] }));
    const time = '2026-11-22T06:00:00Z';
    const status = {
      observedGeneration: 1,
      nodes: 2,
      minNodes: 0,
      maxNodes: 5,
      readyNodes: 2,
      unneededNodes: 1,
      groups: [
        {
          name: 'a',
          minSize: 0,
          maxSize: 5,
          targetSize: 2,
          ready: 2,
          health: 'Healthy',
          scaleUp: 'Backoff',
          backoff: { until: time, code: 'InsufficientInstanceCapacity', message: 'none' },
          lastScaleUpTime: time,
          unneeded: [{ node: 'n1', since: time, removableAt: time, reason: 'NotUnneededLongEnough' }],
          unneededCount: 1,
          kept: [{ reason: 'NotUnderutilized', nodes: 1, example: 'n0' }],
        },
      ],
      conditions: [{ type: 'Accepted', status: 'True', reason: 'PolicyAccepted', message: '', lastTransitionTime: time }],
      lastDecision: {
        group: 'a',
        from: 2,
        to: 2,
        reason: 'ScaleDownHeld',
        message: 'waits',
        at: time,
        holds: [{ by: 'stabilization', until: time, message: 'm' }],
      },
    };
    await client.replace(nodePoolPolicies, { ...stored, status });
    const key = { name: stored.metadata.name };
    expect((await client.get(nodePoolPolicies, key)).status).toBeUndefined();
    await client.patch(nodePoolPolicies, key, { type: 'merge', body: { status } }, { subresource: 'status' });
    expect((await client.get(nodePoolPolicies, key)).status).toEqual(status);
  });
});
