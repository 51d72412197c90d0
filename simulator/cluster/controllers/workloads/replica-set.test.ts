import { afterEach, describe, expect, it } from 'vitest';
import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import { conditionOf, controllerOf, isActive, type Pod, type ReplicaSet } from '../kinds.ts';
import { rankForDeletion } from '../runtime/pod-ranking.ts';
import { type Harness, patchSpec, podSpec, startHarness } from '../testing/harness.ts';

let harness: Harness | undefined;
afterEach(() => {
  harness?.stop();
  harness = undefined;
});

function replicaSet(replicas: number, spec: object = {}): KubeObject {
  return {
    metadata: { name: 'rs', namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } }, spec: podSpec() }, ...spec },
  };
}

async function start(replicas: number, spec: object = {}, options = {}): Promise<Harness> {
  harness = startHarness(options);
  await harness.registry.create(resourceTypes.replicaSets, replicaSet(replicas, spec));
  await harness.settle();
  return harness;
}

const stored = (of: Harness): ReplicaSet => of.registry.get(resourceTypes.replicaSets, 'default', 'rs') as ReplicaSet;

describe('ReplicaSet', () => {
  it('creates its pods, names them after itself, owns them and counts them', async () => {
    const { pods, eventMessages } = await start(3);
    expect(pods('rs-')).toHaveLength(3);
    expect(pods().every((pod) => controllerOf(pod)?.name === 'rs')).toBe(true);
    expect(stored(harness!).status).toMatchObject({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      terminatingReplicas: 0,
      observedGeneration: 1,
    });
    expect(eventMessages('SuccessfulCreate').sort()).toEqual(
      pods()
        .map((pod) => `Created pod: ${pod.metadata.name}`)
        .sort(),
    );
  });

  it('replaces pods that were deleted or failed', async () => {
    const { registry, pods, settle } = await start(2);
    const [first, second] = pods();
    await registry.delete(resourceTypes.pods, 'default', first!.metadata.name);
    await registry.mutate(resourceTypes.pods, 'default', second!.metadata.name, (pod) => ({ ...pod, status: { phase: 'Failed' } }), {
      subresource: 'status',
    });
    await settle();
    const alive = pods().filter(isActive);
    expect(alive).toHaveLength(2);
    expect(alive.map((pod) => pod.metadata.name)).not.toContain(second!.metadata.name);
  });

  it('adopts matching pods and releases those that no longer match', async () => {
    harness = startHarness();
    const { registry, pods, settle } = harness;
    await registry.create(resourceTypes.pods, { metadata: { name: 'stray', namespace: 'default', labels: { app: 'a' } }, spec: podSpec() });
    await registry.create(resourceTypes.replicaSets, replicaSet(2));
    await settle();
    expect(pods()).toHaveLength(2);
    expect(controllerOf(pods('stray')[0]!)?.name).toBe('rs');
    await registry.mutate(resourceTypes.pods, 'default', 'stray', (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, labels: { app: 'b' } },
    }));
    await settle();
    expect(controllerOf(pods('stray')[0]!)).toBeUndefined();
    expect(pods('rs-')).toHaveLength(2);
  });

  it('counts a pod as available only after minReadySeconds', async () => {
    const { advance } = await start(1, { minReadySeconds: 30 });
    expect(stored(harness!).status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
    await advance(31);
    expect(stored(harness!).status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
  });

  it('asks once, not a thousand times, when creates are refused; says so; and recovers', async () => {
    harness = startHarness();
    const { registry, pods, settle, advance, eventMessages, errors } = harness;
    registry.failCreates(resourceTypes.pods, 3);
    await registry.create(resourceTypes.replicaSets, replicaSet(1000));
    await settle();
    expect(pods()).toHaveLength(0);
    expect(conditionOf(stored(harness).status?.conditions, 'ReplicaFailure')).toMatchObject({ status: 'True', reason: 'FailedCreate' });
    expect(eventMessages('FailedCreate')).toEqual(['Error creating: exceeded quota']);
    await advance(20);
    expect(errors).toHaveLength(3);
    expect(pods()).toHaveLength(1000);
    expect(stored(harness).status?.conditions).toEqual([]);
  });

  it('continues a cluster that exists: a second start changes nothing', async () => {
    const first = await start(3);
    const names = first.pods().map((pod) => pod.metadata.name);
    const { startControllers } = await import('../index.ts');
    const again = startControllers({ registry: first.registry, clock: first.clock, random: () => 0.5 });
    await first.settle();
    expect(first.pods().map((pod) => pod.metadata.name)).toEqual(names);
    again.stop();
  });

  it('scales down by the order of upstream', async () => {
    const { registry, pods, settle } = await start(4);
    const keep = pods()[1]!.metadata.name;
    const cheap = pods()[3]!.metadata.name;
    await registry.mutate(resourceTypes.pods, 'default', cheap, (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } },
    }));
    await registry.mutate(resourceTypes.pods, 'default', keep, (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, annotations: { 'controller.kubernetes.io/pod-deletion-cost': '100' } },
    }));
    await patchSpec(registry, resourceTypes.replicaSets, 'rs', { replicas: 3 });
    await settle();
    expect(pods().map((pod) => pod.metadata.name)).not.toContain(cheap);
    await patchSpec(registry, resourceTypes.replicaSets, 'rs', { replicas: 1 });
    await settle();
    expect(pods().map((pod) => pod.metadata.name)).toEqual([keep]);
  });
});

describe('order of deletion', () => {
  const now = Date.UTC(2026, 0, 2);
  const pod = (name: string, fields: { node?: string; phase?: string; readyAgo?: number; restarts?: number; ago?: number }): Pod => {
    const { node = 'n', phase = 'Running', readyAgo, restarts = 0, ago = 5000 } = fields;
    const at = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
    const ready = readyAgo === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: at(readyAgo) }];
    return {
      metadata: { name, uid: name, creationTimestamp: at(ago) },
      spec: { containers: [], ...(node === '' ? {} : { nodeName: node }) },
      status: { phase, conditions: ready, containerStatuses: [{ name: 'c', restartCount: restarts }] },
    };
  };
  const order = (pods: Pod[], doubled = new Map<string, number>()): string[] =>
    rankForDeletion(pods, doubled, now).map(({ metadata }) => metadata.name);

  it('is unassigned, pending, not ready, doubled up, younger in readiness, more restarts, younger', () => {
    const pods = [
      pod('old', { readyAgo: 4000 }),
      pod('restarted', { restarts: 3 }),
      pod('unready', {}),
      pod('fresh', { readyAgo: 10 }),
      pod('crowded', { readyAgo: 4000, node: 'full' }),
      pod('pending', { phase: 'Pending' }),
      pod('unassigned', { node: '', phase: 'Pending' }),
    ];
    expect(
      order(
        pods,
        new Map([
          ['full', 3],
          ['n', 1],
        ]),
      ),
    ).toEqual(['unassigned', 'pending', 'restarted', 'unready', 'crowded', 'fresh', 'old']);
  });

  it('takes ages within one power of two as equal and goes by uid then', () => {
    expect(order([pod('b', { readyAgo: 3000 }), pod('a', { readyAgo: 3100 })])).toEqual(['a', 'b']);
    expect(order([pod('b', { readyAgo: 100 }), pod('a', { readyAgo: 3100 })])).toEqual(['b', 'a']);
  });
});
