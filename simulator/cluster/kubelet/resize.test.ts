import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import type { FakeApi } from './testing/fake-client.ts';
import { boundPod, conditionOf, harness, statusOf } from './testing/harness.ts';

const node = { name: 'n1', cpu: '4', memory: '8Gi' };

interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/** What PATCH pods/resize does to the object. */
function resize(api: FakeApi, name: string, resources: Resources): void {
  api.change('pods', name, (pod) => {
    const spec = pod.spec as { containers: { resources: Resources }[] };
    const container = spec.containers[0]!;
    container.resources = {
      requests: { ...container.resources.requests, ...resources.requests },
      limits: { ...container.resources.limits, ...resources.limits },
    };
    return { ...pod, spec, metadata: { ...pod.metadata, generation: (pod.metadata.generation ?? 1) + 1 } } satisfies KubeObject;
  });
}

async function running(...pods: KubeObject[]): Promise<ReturnType<typeof harness>> {
  const setup = harness();
  await setup.fleet.addNode(node);
  await setup.fleet.start();
  for (const pod of pods) setup.api.put('pods', pod);
  await setup.clock.advance(2000);
  return setup;
}

describe('in-place resize', () => {
  it('is accepted, in progress, then done', async () => {
    const { clock, api, fleet, problems } = await running(boundPod('web', { cpu: '500m' }));
    resize(api, 'web', { requests: { cpu: '900m' } });
    await clock.advance(0);
    let status = statusOf(api, 'web');
    expect(status.observedGeneration).toBe(2);
    expect(conditionOf(status, 'PodResizeInProgress')).toMatchObject({ status: 'True', observedGeneration: 2 });
    expect(conditionOf(status, 'PodResizeInProgress')).not.toHaveProperty('reason');
    expect(status.containerStatuses[0]).toMatchObject({
      allocatedResources: { cpu: '900m' },
      resources: { requests: { cpu: '500m' } },
      state: { running: {} },
    });
    await clock.advance(1100);
    status = statusOf(api, 'web');
    expect(conditionOf(status, 'PodResizeInProgress')).toBeUndefined();
    expect(status.containerStatuses[0]).toMatchObject({ resources: { requests: { cpu: '900m' } }, restartCount: 0, ready: true });
    expect(problems).toEqual([]);
    await fleet.stop();
  });

  it('raises the ceiling only when it is done', async () => {
    const { clock, api, fleet } = await running(
      boundPod('web', { cpu: '100m', cpuLimit: '200m', annotations: { 'concertina.dev/sim-cpu': '1' } }),
    );
    expect(fleet.pod('default', 'web')?.containers[0]?.cpuMilli).toBe(200);
    resize(api, 'web', { limits: { cpu: '600m' } });
    await clock.advance(500);
    expect(fleet.pod('default', 'web')?.containers[0]?.cpuMilli).toBe(200);
    await clock.advance(1000);
    expect(fleet.pod('default', 'web')?.containers[0]?.cpuMilli).toBe(600);
    await fleet.stop();
  });

  it('is deferred beside other pods and done when they go', async () => {
    const { clock, api, fleet } = await running(boundPod('web', { cpu: '1' }), boundPod('other', { cpu: '2500m' }));
    resize(api, 'web', { requests: { cpu: '2' } });
    await clock.advance(5000);
    const status = statusOf(api, 'web');
    expect(conditionOf(status, 'PodResizePending')).toMatchObject({
      status: 'True',
      reason: 'Deferred',
      message: "Node didn't have enough resource: cpu, requested: 2000, used: 2500, capacity: 4000",
      observedGeneration: 2,
    });
    expect(status.containerStatuses[0]?.allocatedResources).toMatchObject({ cpu: '1' });
    expect(fleet.pod('default', 'web')?.resize).toBe('Deferred');
    api.remove('pods', 'other');
    await clock.advance(3000);
    expect(conditionOf(statusOf(api, 'web'), 'PodResizePending')).toBeUndefined();
    expect(statusOf(api, 'web').containerStatuses[0]?.resources.requests).toMatchObject({ cpu: '2' });
    await fleet.stop();
  });

  it('gives room to the higher priority first', async () => {
    const { clock, api, fleet } = await running(
      boundPod('low', { cpu: '1' }),
      boundPod('high', { cpu: '1', spec: { priority: 100 } }),
      boundPod('other', { cpu: '2' }),
    );
    resize(api, 'low', { requests: { cpu: '2' } });
    await clock.advance(1500);
    resize(api, 'high', { requests: { cpu: '3' } });
    await clock.advance(1500);
    api.remove('pods', 'other');
    await clock.advance(3000);
    expect(fleet.pod('default', 'high')?.resize).toBe('none');
    expect(fleet.pod('default', 'low')?.resize).toBe('Deferred');
    await fleet.stop();
  });

  it('is infeasible when the node could never hold it, and forgotten when taken back', async () => {
    const { clock, api, fleet } = await running(boundPod('web', { cpu: '1' }));
    resize(api, 'web', { requests: { cpu: '5' } });
    await clock.advance(500);
    expect(conditionOf(statusOf(api, 'web'), 'PodResizePending')).toMatchObject({
      reason: 'Infeasible',
      message: "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000",
    });
    resize(api, 'web', { requests: { cpu: '1' } });
    await clock.advance(500);
    expect(conditionOf(statusOf(api, 'web'), 'PodResizePending')).toBeUndefined();
    expect(statusOf(api, 'web').observedGeneration).toBe(3);
    await fleet.stop();
  });

  it('restarts the container where its resize policy says so', async () => {
    const pod = boundPod('web', {
      memoryLimit: '128Mi',
      container: { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] },
    });
    const { clock, api, fleet } = await running(pod);
    resize(api, 'web', { requests: { cpu: '200m' } });
    await clock.advance(2000);
    expect(statusOf(api, 'web').containerStatuses[0]?.restartCount).toBe(0);
    resize(api, 'web', { limits: { memory: '256Mi' } });
    await clock.advance(3000);
    expect(statusOf(api, 'web').containerStatuses[0]).toMatchObject({
      restartCount: 1,
      ready: true,
      resources: { limits: { memory: '256Mi' } },
    });
    await fleet.stop();
  });

  it('fails while memory in use is above the new limit, and succeeds when it has fallen', async () => {
    const pod = boundPod('web', { memoryLimit: '256Mi', annotations: { 'concertina.dev/sim-memory': 'step:0s=200Mi,60s=50Mi' } });
    const { clock, api, fleet } = await running(pod);
    resize(api, 'web', { limits: { memory: '100Mi' } });
    await clock.advance(3000);
    expect(conditionOf(statusOf(api, 'web'), 'PodResizeInProgress')).toMatchObject({
      reason: 'Error',
      message: 'attempting to set container "c" memory limit (104857600) below current usage (209715200)',
    });
    expect(fleet.pod('default', 'web')?.resize).toBe('Error');
    await clock.advance(75_000);
    expect(conditionOf(statusOf(api, 'web'), 'PodResizeInProgress')).toBeUndefined();
    expect(statusOf(api, 'web').containerStatuses[0]).toMatchObject({ restartCount: 0, resources: { limits: { memory: '100Mi' } } });
    await fleet.stop();
  });

  it('fails while a fault says so', async () => {
    const { clock, api, fleet } = await running(boundPod('web'));
    fleet.faults.failResize.add('default/web');
    resize(api, 'web', { requests: { cpu: '200m' } });
    await clock.advance(3000);
    expect(conditionOf(statusOf(api, 'web'), 'PodResizeInProgress')?.reason).toBe('Error');
    fleet.faults.failResize.clear();
    await clock.advance(11_000);
    expect(fleet.pod('default', 'web')?.resize).toBe('none');
    await fleet.stop();
  });
});
