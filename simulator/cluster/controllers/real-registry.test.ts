import { afterEach, describe, expect, it } from 'vitest';
import { formatTime } from '../../../core/model/condition.ts';
import { type KubeObject, resourceTypes } from '../../../core/model/object.ts';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { createApiServer } from '../api-server/index.ts';
import type { Registry } from '../api-server/types.ts';
import { startScheduler } from '../scheduler/index.ts';
import { startControllers } from './index.ts';
import { conditionOf, type Job, type Pod, type PodDisruptionBudget, type StatefulSet } from './kinds.ts';
import { deployment, getDeployment, patchSpec, podSpec, readyNode } from './testing/harness.ts';
import { playKubelet } from './testing/memory-registry.ts';

interface Cluster {
  readonly registry: Registry;
  readonly clock: VirtualClock;
  readonly errors: unknown[];
  readonly settle: () => Promise<void>;
  readonly pods: () => Pod[];
}

let end: (() => void) | undefined;
afterEach(() => {
  end?.();
});

/** Controllers and scheduler on the API server's own storage: defaulting, validation, generation, grace and garbage collection are real. */
async function start(nodes = 3): Promise<Cluster> {
  const clock = new VirtualClock();
  let seed = 11;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const server = createApiServer({ clock, random });
  const { registry } = server;
  const errors: unknown[] = [];
  const onError = (...parts: unknown[]): void => void errors.push(parts);
  const patient = { gracePeriodMs: Number.POSITIVE_INFINITY, startupGracePeriodMs: Number.POSITIVE_INFINITY };
  const controllers = startControllers({ registry, clock, random, options: { onError, nodes: patient } });
  const scheduler = startScheduler({ registry, clock, random, options: { onError } });
  const stopKubelet = playKubelet(registry, clock);
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 6;) {
      await server.settle();
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = controllers.idle() && scheduler.idle() ? quiet + 1 : 0;
    }
  };
  clock.useSettle(settle);
  for (let index = 0; index < nodes; index++) {
    const node = readyNode(`n${index}`, { 'topology.kubernetes.io/zone': `z${index % 2}` });
    await registry.create(resourceTypes.nodes, {
      ...node,
      status: { ...(node.status as object), capacity: { cpu: '8', memory: '16Gi', pods: '110' } },
    });
  }
  end = () => {
    controllers.stop();
    scheduler.stop();
    stopKubelet();
    if (errors.length > 0)
      throw new AggregateError(errors, `failures: ${JSON.stringify(errors[0])} ${String((errors[0] as unknown[]).at(-1))}`);
  };
  return { registry, clock, errors, settle, pods: () => registry.list(resourceTypes.pods) as Pod[] };
}

const container = (image: string): object => ({ name: 'c', image, resources: { requests: { cpu: '100m', memory: '64Mi' } } });
const template = (image: string, app = 'web') => ({
  metadata: { labels: { app } },
  spec: { ...podSpec(image), containers: [container(image)] },
});

describe('on the API server’s registry', () => {
  it('a Deployment runs, rolls out, and its pods carry the zone of their node', async () => {
    const { registry, settle, pods } = await start();
    await registry.create(resourceTypes.deployments, deployment(6, { template: template('app:1') as never }));
    await settle();
    expect(getDeployment(registry).status).toMatchObject({ replicas: 6, availableReplicas: 6, updatedReplicas: 6 });
    expect(getDeployment(registry).status?.observedGeneration).toBe(getDeployment(registry).metadata.generation);
    expect(new Set(pods().map((pod) => pod.spec.nodeName)).size).toBe(3);
    expect(pods().every((pod) => pod.metadata.labels?.['topology.kubernetes.io/zone'] !== undefined)).toBe(true);
    await patchSpec(registry, resourceTypes.deployments, 'web', { template: template('app:2') });
    await settle();
    const images = new Set(pods().map((pod) => pod.spec.containers[0]?.image));
    expect(images).toEqual(new Set(['app:2']));
    expect(getDeployment(registry).status).toMatchObject({ replicas: 6, availableReplicas: 6, updatedReplicas: 6 });
    expect(conditionOf(getDeployment(registry).status?.conditions, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
    expect(registry.list(resourceTypes.replicaSets)).toHaveLength(2);
  });

  it('deleting a Deployment takes everything with it', async () => {
    const { registry, clock, pods } = await start();
    await registry.create(resourceTypes.deployments, deployment(3, { template: template('app:1') as never }));
    await clock.advance(1000);
    await registry.delete(resourceTypes.deployments, 'default', 'web');
    await clock.advance(60_000);
    expect(registry.list(resourceTypes.replicaSets)).toEqual([]);
    expect(pods()).toEqual([]);
  });

  it('a StatefulSet gets volumes and a Job gets done', async () => {
    const { registry, settle, pods } = await start();
    const claim: KubeObject = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    await registry.create(resourceTypes.statefulSets, {
      metadata: { name: 'db', namespace: 'default' },
      spec: {
        replicas: 2,
        serviceName: 'db',
        selector: { matchLabels: { app: 'db' } },
        template: template('db:1', 'db'),
        volumeClaimTemplates: [claim],
      },
    });
    await registry.create(resourceTypes.jobs, {
      metadata: { name: 'job', namespace: 'default' },
      spec: { completions: 1, template: { spec: { ...podSpec('job:1'), restartPolicy: 'Never' } } },
    });
    await settle();
    const set = registry.get(resourceTypes.statefulSets, 'default', 'db') as StatefulSet;
    expect(set.status).toMatchObject({ replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 2 });
    expect(registry.list(resourceTypes.persistentVolumes)).toHaveLength(2);
    const worker = pods().find((pod) => pod.metadata.name.startsWith('job-'));
    await registry.mutate(
      resourceTypes.pods,
      'default',
      worker?.metadata.name ?? '',
      (pod) => ({ ...pod, status: { ...(pod.status as object), phase: 'Succeeded' } }),
      { subresource: 'status' },
    );
    await settle();
    const job = registry.get(resourceTypes.jobs, 'default', 'job') as Job;
    expect(conditionOf(job.status?.conditions, 'Complete')?.status).toBe('True');
  });

  it('evictions are granted as far as the budget allows', async () => {
    const { registry, settle, pods } = await start();
    await registry.create(resourceTypes.deployments, deployment(3, { template: template('app:1') as never }));
    await registry.create(resourceTypes.podDisruptionBudgets, {
      metadata: { name: 'pdb', namespace: 'default' },
      spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
    });
    await settle();
    const budget = (): PodDisruptionBudget => registry.get(resourceTypes.podDisruptionBudgets, 'default', 'pdb') as PodDisruptionBudget;
    expect(budget().status).toMatchObject({ expectedPods: 3, currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1 });
    const evict = async (pod: Pod): Promise<string> => {
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod.metadata.name, namespace: 'default' } };
      try {
        await registry.create(resourceTypes.pods, eviction, { subresource: 'eviction' });
        return 'granted';
      } catch (error) {
        return String((error as { code?: number }).code);
      }
    };
    const [first, second] = pods();
    expect([await evict(first as Pod), await evict(second as Pod)]).toEqual(['granted', '429']);
    await settle();
    expect(budget().status).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 1 });
  });

  it('a pod that preempts gets the room of its victim', async () => {
    const { registry, clock, settle, pods } = await start(1);
    const big = (name: string, spec: object): KubeObject => ({
      metadata: { name, namespace: 'default' },
      spec: { ...podSpec(), containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '6' } } }], ...spec },
    });
    const scheduling = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 };
    await registry.create(resourceTypes.priorityClasses, scheduling);
    await registry.create(resourceTypes.pods, big('low', {}));
    await settle();
    await registry.create(resourceTypes.pods, big('high', { priorityClassName: 'high' }));
    await clock.advance(60_000);
    const [only] = pods();
    expect(pods()).toHaveLength(1);
    expect([only?.metadata.name, only?.spec.nodeName, only?.status?.nominatedNodeName]).toEqual(['high', 'n0', undefined]);
  });

  it('a node that reports NotReady is tainted, and the defaults of its pods hold them for five minutes', async () => {
    const { registry, clock, settle, pods } = await start(2);
    await registry.create(resourceTypes.deployments, deployment(2, { template: template('app:1') as never }));
    await settle();
    const conditions = [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', lastHeartbeatTime: formatTime(clock.now()) }];
    await registry.mutate(
      resourceTypes.nodes,
      undefined,
      'n0',
      (node) => ({ ...node, status: { ...(node.status as object), conditions } }),
      {
        subresource: 'status',
      },
    );
    await clock.advance(290_000);
    expect(pods().filter((pod) => pod.spec.nodeName === 'n0')).toHaveLength(1);
    await clock.advance(60_000);
    expect(pods().map((pod) => pod.spec.nodeName)).toEqual(['n1', 'n1']);
  });
});
