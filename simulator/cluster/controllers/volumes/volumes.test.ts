import { afterEach, describe, expect, it } from 'vitest';
import { type KubeObject, resourceTypes } from '../../../../core/model/object.ts';
import { type PersistentVolume, storageClasses, type VolumeClaim } from '../../scheduler/filters/volumes.ts';
import { startScheduler } from '../../scheduler/index.ts';
import { conditionOf, type Pod } from '../kinds.ts';
import { type Harness, podSpec, readyNode, startHarness } from '../testing/harness.ts';

let harness: Harness | undefined;
afterEach(() => {
  harness?.end();
  harness = undefined;
});

async function start(zones: Record<string, string>): Promise<Harness> {
  const of = startHarness({
    nodes: false,
    bind: false,
    options: { nodes: { gracePeriodMs: Number.POSITIVE_INFINITY } },
    beside: (registry, clock) => startScheduler({ registry, clock, random: () => 0 }),
  });
  harness = of;
  for (const [name, zone] of Object.entries(zones))
    await of.registry.create(resourceTypes.nodes, readyNode(name, { 'topology.kubernetes.io/zone': zone }));
  await of.settle();
  return of;
}

function claim(name: string, spec: object = {}): KubeObject {
  return {
    metadata: { name, namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
    status: { phase: 'Pending' },
  };
}

function user(name: string, claimName: string, spec: object = {}): KubeObject {
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName } }];
  return { metadata: { name, namespace: 'default' }, spec: { ...podSpec(), volumes, ...spec } };
}

const storedClaim = (of: Harness, name: string): VolumeClaim =>
  of.registry.get(resourceTypes.persistentVolumeClaims, 'default', name) as VolumeClaim;
const phase = (of: Harness, name: string): unknown => (storedClaim(of, name).status as { phase?: string } | undefined)?.phase;
const message = (of: Harness, name: string): string | undefined =>
  conditionOf(of.pods(name)[0]?.status?.conditions, 'PodScheduled')?.message;

describe('volumes', () => {
  it('wait for their first consumer, are made in its zone, and tie later pods to it', async () => {
    const of = await start({ a: 'z1', b: 'z2' });
    await of.registry.create(resourceTypes.persistentVolumeClaims, claim('data'));
    await of.settle();
    expect(phase(of, 'data')).toBe('Pending');
    await of.registry.create(resourceTypes.pods, user('first', 'data', { nodeSelector: { 'kubernetes.io/hostname': 'b' } }));
    await of.settle();
    expect(of.pods('first')[0]?.spec.nodeName).toBe('b');
    expect(phase(of, 'data')).toBe('Bound');
    await of.registry.create(resourceTypes.pods, user('second', 'data', { nodeSelector: { 'kubernetes.io/hostname': 'a' } }));
    await of.settle();
    expect(message(of, 'second')).toContain("1 node(s) didn't match PersistentVolume's node affinity");
    await of.registry.delete(resourceTypes.persistentVolumeClaims, 'default', 'data');
    await of.settle();
    expect(of.registry.list(resourceTypes.persistentVolumes)).toEqual([]);
  });

  it('are bound at once when the class says Immediate', async () => {
    const of = await start({ a: 'z1' });
    await of.registry.create(storageClasses, { metadata: { name: 'now' }, provisioner: 'x', volumeBindingMode: 'Immediate' });
    await of.registry.create(resourceTypes.persistentVolumeClaims, claim('data', { storageClassName: 'now' }));
    await of.settle();
    expect(phase(of, 'data')).toBe('Bound');
  });

  it('use an existing volume that fits before making one', async () => {
    const of = await start({ a: 'z1' });
    await of.registry.create(storageClasses, { metadata: { name: 'now' }, provisioner: 'x', volumeBindingMode: 'Immediate' });
    const volume = (storage: string) => ({ capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: 'now' });
    await of.registry.create(resourceTypes.persistentVolumes, { metadata: { name: 'small' }, spec: volume('500Mi') });
    await of.registry.create(resourceTypes.persistentVolumes, { metadata: { name: 'big' }, spec: volume('50Gi') });
    await of.registry.create(resourceTypes.persistentVolumes, { metadata: { name: 'right' }, spec: volume('2Gi') });
    await of.registry.create(resourceTypes.persistentVolumeClaims, claim('data', { storageClassName: 'now' }));
    await of.settle();
    expect(storedClaim(of, 'data').spec?.volumeName).toBe('right');
    expect((of.registry.get(resourceTypes.persistentVolumes, undefined, 'right') as PersistentVolume).spec?.claimRef?.name).toBe('data');
  });

  it('hold a pod back while the claim is missing, and let it go when it comes', async () => {
    const of = await start({ a: 'z1' });
    await of.registry.create(resourceTypes.pods, user('p', 'data'));
    await of.settle();
    expect(message(of, 'p')).toBe('0/1 nodes are available: persistentvolumeclaim "data" not found.');
    await of.registry.create(resourceTypes.persistentVolumeClaims, claim('data'));
    await of.advance(2);
    expect(of.pods('p')[0]?.spec.nodeName).toBe('a');
  });

  it('with ReadWriteOncePod serve one pod at a time', async () => {
    const of = await start({ a: 'z1' });
    await of.registry.create(resourceTypes.persistentVolumeClaims, claim('data', { accessModes: ['ReadWriteOncePod'] }));
    await of.registry.create(resourceTypes.pods, user('one', 'data'));
    await of.registry.create(resourceTypes.pods, user('two', 'data'));
    await of.settle();
    const placed = (of.registry.list(resourceTypes.pods) as Pod[]).filter((pod) => pod.spec.nodeName !== undefined);
    expect(placed.map((pod) => pod.metadata.name)).toEqual(['one']);
    expect(message(of, 'two')).toContain('ReadWriteOncePod access mode already in-use by another pod');
    await of.registry.delete(resourceTypes.pods, 'default', 'one');
    await of.advance(15);
    expect(of.pods('two')[0]?.spec.nodeName).toBe('a');
  });
});
