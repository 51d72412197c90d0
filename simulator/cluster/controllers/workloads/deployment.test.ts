import { afterEach, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../../core/model/object.ts';
import { conditionOf, isActive, type Pod } from '../kinds.ts';
import { deployment, getDeployment, type Harness, patchSpec, podSpec, replicaSets, startHarness } from '../testing/harness.ts';

let harness: Harness | undefined;
afterEach(() => {
  harness?.end();
  harness = undefined;
});

async function start(replicas: number, spec = {}, options = {}): Promise<Harness> {
  harness = startHarness(options);
  await harness.registry.create(resourceTypes.deployments, deployment(replicas, spec));
  await harness.settle();
  return harness;
}

const template = (image: string) => ({ metadata: { labels: { app: 'web' } }, spec: podSpec(image) });
const images = (of: Harness): string[] =>
  of
    .pods()
    .filter(isActive)
    .map((pod) => pod.spec.containers[0]?.image ?? '');

describe('Deployment', () => {
  it('creates a ReplicaSet per template and reports a complete rollout', async () => {
    const { registry } = await start(3);
    const [set] = replicaSets(registry);
    expect(set?.metadata.labels?.['pod-template-hash']).toBe(set?.metadata.name.replace('web-', ''));
    expect(set?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    const stored = getDeployment(registry);
    expect(stored.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(stored.status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      unavailableReplicas: 0,
    });
    expect(conditionOf(stored.status?.conditions, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(conditionOf(stored.status?.conditions, 'Progressing')).toMatchObject({
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${set?.metadata.name}" has successfully progressed.`,
    });
    expect(harness?.eventMessages('ScalingReplicaSet')).toEqual([`Scaled up replica set ${set?.metadata.name} from 0 to 3`]);
  });

  it('rolls a new template out within surge and unavailability', async () => {
    const { registry, settle } = await start(4, { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    const counts: number[] = [];
    const available: number[] = [];
    registry.watch(resourceTypes.pods, () => {
      const pods = (registry.list(resourceTypes.pods) as Pod[]).filter(isActive);
      counts.push(pods.length);
      available.push(pods.filter((pod) => conditionOf(pod.status?.conditions, 'Ready')?.status === 'True').length);
    });
    counts.length = 0;
    await patchSpec(registry, resourceTypes.deployments, 'web', { template: template('app:2') });
    await settle();
    expect(images(harness!)).toEqual(['app:2', 'app:2', 'app:2', 'app:2']);
    expect(Math.max(...counts)).toBe(5);
    expect(Math.min(...available)).toBeGreaterThanOrEqual(4);
    expect(getDeployment(registry).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(
      replicaSets(registry)
        .map((set) => set.spec.replicas ?? -1)
        .toSorted((a, b) => a - b),
    ).toEqual([0, 4]);
  });

  it('re-uses the old ReplicaSet for a rollback and gives it a new revision', async () => {
    const { registry, settle } = await start(2);
    const first = replicaSets(registry)[0]?.metadata.name;
    await patchSpec(registry, resourceTypes.deployments, 'web', { template: template('app:2') });
    await settle();
    await patchSpec(registry, resourceTypes.deployments, 'web', { template: template('app:1') });
    await settle();
    const sets = replicaSets(registry);
    expect(sets).toHaveLength(2);
    const again = sets.find((set) => set.metadata.name === first);
    expect(again?.spec.replicas).toBe(2);
    expect(again?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
  });

  it('keeps revisionHistoryLimit old ReplicaSets', async () => {
    const { registry, settle } = await start(1, { revisionHistoryLimit: 1 });
    for (const tag of ['2', '3', '4']) {
      await patchSpec(registry, resourceTypes.deployments, 'web', { template: template(`app:${tag}`) });
      await settle();
    }
    const left = replicaSets(registry)
      .map((set) => set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '')
      .sort();
    expect(left).toEqual(['3', '4']);
  });

  it('shares a resize in the middle of a rollout in proportion', async () => {
    const ready = (pod: Pod): boolean => pod.spec.containers[0]?.image === 'app:1';
    const rollout = { strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 2 } } };
    const { registry, settle } = await start(10, rollout, { ready });
    await patchSpec(registry, resourceTypes.deployments, 'web', { template: template('app:2') });
    await settle();
    const size = (image: string): number | undefined =>
      replicaSets(registry).find((set) => set.spec.template.spec.containers[0]?.image === image)?.spec.replicas;
    expect([size('app:1'), size('app:2')]).toEqual([8, 4]);
    await patchSpec(registry, resourceTypes.deployments, 'web', { replicas: 20 });
    await settle();
    // 22 in all: 8·22/12 = 14.67 and 4·22/12 = 7.33, the biggest set takes what rounding leaves.
    expect([size('app:1'), size('app:2')]).toEqual([15, 7]);
  });

  it('recreates: no new pod before the last old one is gone', async () => {
    const { registry, settle } = await start(3, { strategy: { type: 'Recreate' } }, { kubelet: true });
    let mixed = false;
    registry.watch(resourceTypes.pods, () => {
      const seen = new Set((registry.list(resourceTypes.pods) as Pod[]).map((pod) => pod.spec.containers[0]?.image));
      if (seen.size > 1) mixed = true;
    });
    await patchSpec(registry, resourceTypes.deployments, 'web', { template: template('app:2') });
    await settle();
    expect(images(harness!)).toEqual(['app:2', 'app:2', 'app:2']);
    expect(mixed).toBe(false);
  });

  it('holds a paused rollout but follows a resize', async () => {
    const { registry, settle } = await start(2);
    await patchSpec(registry, resourceTypes.deployments, 'web', { paused: true, template: template('app:2') });
    await settle();
    expect(images(harness!)).toEqual(['app:1', 'app:1']);
    expect(conditionOf(getDeployment(registry).status?.conditions, 'Progressing')?.reason).toBe('DeploymentPaused');
    await patchSpec(registry, resourceTypes.deployments, 'web', { replicas: 3 });
    await settle();
    expect(images(harness!)).toEqual(['app:1', 'app:1', 'app:1']);
    await patchSpec(registry, resourceTypes.deployments, 'web', { paused: false });
    await settle();
    expect(images(harness!)).toEqual(['app:2', 'app:2', 'app:2']);
  });

  it('reports a rollout without progress after the deadline, and recovers', async () => {
    let healthy = false;
    const { registry, advance, settle } = await start(1, { progressDeadlineSeconds: 60 }, { ready: () => healthy });
    await advance(59);
    expect(conditionOf(getDeployment(registry).status?.conditions, 'Progressing')?.status).toBe('True');
    await advance(3);
    expect(conditionOf(getDeployment(registry).status?.conditions, 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
    });
    healthy = true;
    const [pod] = harness!.pods();
    await registry.delete(resourceTypes.pods, 'default', pod?.metadata.name ?? '');
    await settle();
    expect(conditionOf(getDeployment(registry).status?.conditions, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
  });

  it('writes nothing when nothing changes', async () => {
    const { registry, advance } = await start(3);
    const before = registry.writes();
    await advance(3600);
    expect(registry.writes()).toBe(before);
  });

  it('follows a ReplicaSet of 2,000 pods without a write per pod', async () => {
    const { registry, advance } = await start(2000);
    await advance(10);
    expect(getDeployment(registry).status?.availableReplicas).toBe(2000);
    // 3 writes a pod (create, bind, run); statuses and events must be few beside that.
    expect(registry.writes()).toBeLessThan(2000 * 3 + 300);
  });
});
