import { describe, expect, it } from 'vitest';
import { FakeCluster } from '../../hpa/controller/cluster.fixture.ts';

// Side by side with kube-controller-manager: the slot of a metric that failed was written as {}, which the API server stores as {"type":""}, since the type is no
// optional field. To the next evaluation that looked like a change, and every change of status was written a second time.
describe('the status of an adopted HPA with a metric that fails', () => {
  it('has the slot as the API server stores it', async () => {
    const cluster = new FakeCluster();
    cluster.addTarget('web', 2);
    cluster.load.set('web', 500);
    const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
    const missing = {
      type: 'External',
      external: { metric: { name: 'nobody_has_this' }, target: { type: 'AverageValue', averageValue: '10' } },
    };
    cluster.setHpa('web', { metrics: [missing, cpu] });
    const controller = cluster.controller({ adoptHpas: true });
    controller.start();
    await cluster.clock.advance(1_000);
    const status = cluster.nativeHpas.get('shop/web')?.status as { readonly currentMetrics?: readonly object[] } | undefined;
    expect(status?.currentMetrics?.[0]).toEqual({ type: '' });
    expect(status?.currentMetrics?.[1]).toMatchObject({ type: 'Resource' });
    await controller.stop();
  });
});
