import { describe, expect, it } from 'vitest';
import type { RequestReference } from '../../core/model/intent.ts';
import { FakeCluster } from './cluster.fixture.ts';
import type { HpaController } from './controller.ts';

const period = 16_000;
const target = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' };

const reference: RequestReference = {
  policy: { apiVersion: 'concertina.dev/v1alpha1', kind: 'VerticalPolicy', namespace: 'shop', name: 'web' },
  resources: ['cpu', 'memory'],
  template: new Map([['app', { cpu: 1000, memory: 1_073_741_824_000 }]]),
};

async function started(cluster: FakeCluster): Promise<HpaController> {
  const controller = cluster.controller();
  controller.start();
  await cluster.clock.advance(0);
  return controller;
}

function percent(averageUtilization: number, resource = 'cpu') {
  return { type: 'Resource', resource: { name: resource, target: { type: 'Utilization', averageUtilization } } };
}

describe('a target whose requests are moved by a requests policy', () => {
  it('keeps its replicas when the pods are resized', async () => {
    const cluster = new FakeCluster();
    const web = cluster.addTarget('web', 3);
    cluster.setPolicy('web', { metrics: [percent(50)] });
    cluster.load.set('web', 500);
    cluster.references.set('web', reference);
    const controller = await started(cluster);
    expect(web.replicas).toBe(3);
    for (const request of ['2', '400m', '50m']) {
      cluster.cpuRequest = request;
      await cluster.clock.advance(40 * period);
      expect(web.replicas, `with ${request}`).toBe(3);
    }
    const [decision] = controller.decisions();
    expect(decision?.trace.find(({ step }) => step === 'rebase')?.message).toBe(
      'VerticalPolicy/web moves the cpu requests of the pods: utilization is measured against those of the pod template (app cpu 1), so that a resize changes nothing',
    );
    await controller.stop();
  });

  it('would not without it', async () => {
    const cluster = new FakeCluster();
    const web = cluster.addTarget('web', 3);
    cluster.setPolicy('web', { metrics: [percent(50)] });
    cluster.load.set('web', 500);
    const controller = await started(cluster);
    cluster.cpuRequest = '400m';
    await cluster.clock.advance(2 * period);
    expect(web.replicas).toBeGreaterThan(3);
    await controller.stop();
  });

  it('follows the load as before', async () => {
    const cluster = new FakeCluster();
    const web = cluster.addTarget('web', 3);
    cluster.setPolicy('web', { metrics: [percent(50)] });
    cluster.load.set('web', 1000);
    cluster.cpuRequest = '4';
    cluster.references.set('web', reference);
    const controller = await started(cluster);
    expect(web.replicas).toBe(6);
    await controller.stop();
  });

  it.each<[string, RequestReference]>([
    ['is not known', { ...reference, template: undefined }],
    ['asks for no cpu', { ...reference, template: new Map([['app', { memory: 1 }]]) }],
  ])('is held, not shrunk, when the template %s', async (_, given) => {
    const cluster = new FakeCluster();
    const web = cluster.addTarget('web', 3);
    cluster.setPolicy('web', { metrics: [percent(50)] });
    cluster.load.set('web', 10);
    cluster.references.set('web', given);
    const controller = await started(cluster);
    await cluster.clock.advance(40 * period);
    expect(web.replicas).toBe(3);
    expect(cluster.condition('web', 'ScalingActive')).toBe('False/FailedGetResourceMetric');
    await controller.stop();
  });

  it('is nothing to a policy that goes by another resource, or by absolute values', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 3);
    const absolute = { type: 'Resource', resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '500m' } } };
    cluster.setPolicy('web', { metrics: [absolute, percent(50, 'memory')] });
    cluster.load.set('web', 500);
    cluster.references.set('web', { ...reference, resources: ['cpu'] });
    const controller = await started(cluster);
    expect(controller.decisions()[0]?.trace.map(({ step }) => step)).not.toContain('rebase');
    await controller.stop();
  });

  it('is looked at again at once when a claim comes or goes', async () => {
    const cluster = new FakeCluster();
    const web = cluster.addTarget('web', 3);
    cluster.setPolicy('web', { metrics: [percent(50)] });
    cluster.load.set('web', 1000);
    cluster.cpuRequest = '2';
    const controller = await started(cluster);
    expect(web.replicas).toBe(3);
    cluster.references.set('web', reference);
    controller.touchTarget(target);
    await cluster.clock.advance(10);
    expect(web.replicas).toBe(6);
    await controller.stop();
  });
});

describe('claims', () => {
  it('name policies and, as foreign, native HPAs that go by a utilization', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 3);
    cluster.setPolicy('web', { metrics: [percent(50)] });
    cluster.setPolicy('dry', { mode: 'DryRun', metrics: [percent(50)] });
    cluster.setHpa('api', { metrics: [percent(70, 'memory')] });
    cluster.setHpa('queue', {
      metrics: [{ type: 'External', external: { metric: { name: 'q' }, target: { type: 'Value', value: '1' } } }],
    });
    const controller = await started(cluster);
    expect(controller.claims().map(({ policy, measures, foreign }) => [policy.name, measures, foreign])).toEqual([
      ['web', 'cpu', undefined],
      ['api', 'memory', true],
    ]);
    await controller.stop();
  });
});
