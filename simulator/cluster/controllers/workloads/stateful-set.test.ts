import { afterEach, describe, expect, it } from 'vitest';
import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import type { Pod, StatefulSet } from '../kinds.ts';
import { type Harness, patchSpec, podSpec, startHarness } from '../testing/harness.ts';
import { controllerRevisions, revisionHashLabel } from './revisions.ts';

let harness: Harness | undefined;
afterEach(() => {
  harness?.end();
  harness = undefined;
});

const template = (image: string) => ({ metadata: { labels: { app: 'db' } }, spec: podSpec(image) });

async function start(replicas: number, spec: object = {}, options = {}): Promise<Harness> {
  harness = startHarness(options);
  const set: KubeObject = {
    metadata: { name: 'db', namespace: 'default' },
    spec: { replicas, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: template('db:1'), ...spec },
  };
  await harness.registry.create(resourceTypes.statefulSets, set);
  await harness.settle();
  return harness;
}

const names = (of: Harness): string[] =>
  of
    .pods()
    .map((pod) => pod.metadata.name)
    .sort();
const image = (of: Harness, name: string): string | undefined => of.pods(name)[0]?.spec.containers[0]?.image;
const stored = (of: Harness): StatefulSet => of.registry.get(resourceTypes.statefulSets, 'default', 'db') as StatefulSet;

describe('StatefulSet', () => {
  it('creates ordinals one after the other, each when the one before is ready', async () => {
    const slow = new Set(['db-1']);
    const of = await start(3, {}, { ready: (pod: Pod) => !slow.has(pod.metadata.name) });
    expect(names(of)).toEqual(['db-0', 'db-1']);
    expect(stored(of).status).toMatchObject({ replicas: 2, readyReplicas: 1 });
    slow.clear();
    await of.registry.delete(resourceTypes.pods, 'default', 'db-1');
    await of.settle();
    expect(names(of)).toEqual(['db-0', 'db-1', 'db-2']);
    const [pod] = of.pods('db-2');
    expect(pod?.spec).toMatchObject({ hostname: 'db-2', subdomain: 'db' });
    expect(pod?.metadata.labels).toMatchObject({ 'statefulset.kubernetes.io/pod-name': 'db-2', 'apps.kubernetes.io/pod-index': '2' });
    expect(stored(of).status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
    });
    expect(of.eventMessages('SuccessfulCreate')).toContain('create Pod db-0 in StatefulSet db successful');
  });

  it('creates all at once when Parallel', async () => {
    const of = await start(3, { podManagementPolicy: 'Parallel' }, { ready: () => false });
    expect(names(of)).toEqual(['db-0', 'db-1', 'db-2']);
  });

  it('scales down from the highest ordinal', async () => {
    const of = await start(4);
    const gone: string[] = [];
    of.registry.watch(resourceTypes.pods, (event) => {
      if (event.type === 'DELETED') gone.push(event.object.metadata.name);
    });
    await patchSpec(of.registry, resourceTypes.statefulSets, 'db', { replicas: 1 });
    await of.settle();
    expect(gone).toEqual(['db-3', 'db-2', 'db-1']);
  });

  it('rolls out from the highest ordinal down to the partition, and keeps the lower ones at their revision', async () => {
    const of = await start(3, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } });
    await patchSpec(of.registry, resourceTypes.statefulSets, 'db', { template: template('db:2') });
    await of.settle();
    expect(['db-0', 'db-1', 'db-2'].map((name) => image(of, name))).toEqual(['db:1', 'db:2', 'db:2']);
    await of.registry.delete(resourceTypes.pods, 'default', 'db-0');
    await of.settle();
    expect(image(of, 'db-0')).toBe('db:1');
    const { currentRevision, updateRevision } = stored(of).status ?? {};
    expect(currentRevision).not.toBe(updateRevision);
    expect(of.pods('db-2')[0]?.metadata.labels?.[revisionHashLabel]).toBe(updateRevision);
    await patchSpec(of.registry, resourceTypes.statefulSets, 'db', {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    });
    await of.settle();
    expect(image(of, 'db-0')).toBe('db:2');
    expect(stored(of).status).toMatchObject({ currentRevision: updateRevision, updatedReplicas: 3, currentReplicas: 3 });
    expect(of.registry.list(controllerRevisions)).toHaveLength(2);
  });

  it('stops a rollout at a pod that does not become ready', async () => {
    const of = await start(3, {}, { ready: (pod: Pod) => pod.spec.containers[0]?.image === 'db:1' });
    await patchSpec(of.registry, resourceTypes.statefulSets, 'db', { template: template('db:2') });
    await of.settle();
    expect(['db-0', 'db-1', 'db-2'].map((name) => image(of, name))).toEqual(['db:1', 'db:1', 'db:2']);
  });

  it('gives each pod its own claims, which outlive it', async () => {
    const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
    const of = await start(2, { volumeClaimTemplates: [claim] });
    const claims = (): string[] => of.registry.list(resourceTypes.persistentVolumeClaims).map(({ metadata }) => metadata.name);
    expect(claims()).toEqual(['data-db-0', 'data-db-1']);
    expect(of.pods('db-1')[0]?.spec.volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } }]);
    await patchSpec(of.registry, resourceTypes.statefulSets, 'db', { replicas: 0 });
    await of.settle();
    expect(names(of)).toEqual([]);
    expect(claims()).toEqual(['data-db-0', 'data-db-1']);
  });

  it('replaces a pod that failed, under the same name', async () => {
    const of = await start(1);
    const before = of.pods('db-0')[0]?.metadata.uid;
    await of.registry.mutate(resourceTypes.pods, 'default', 'db-0', (pod) => ({ ...pod, status: { phase: 'Failed' } }), {
      subresource: 'status',
    });
    await of.settle();
    expect(of.pods('db-0')[0]?.metadata.uid).not.toBe(before);
    expect(of.pods('db-0')[0]?.status?.phase).toBe('Running');
  });
});
