import { describe, expect, it } from 'vitest';
import { queryKey, type MetricQuery } from '../../core/model/metric-query.ts';
import { plainView } from '../../core/model/metrics-view.fixture.ts';
import { FakeCluster } from '../../hpa/controller/cluster.fixture.ts';

// Side by side with kube-controller-manager: status.currentMetrics named a metric without its selector, so that two metrics of one name looked alike.
describe('the selector of a metric', () => {
  it.each(['HorizontalPolicy', 'HorizontalPodAutoscaler'])(
    'stands in the status of a %s as in its spec, and is not written again and again',
    async (kind) => {
      const cluster = new FakeCluster();
      cluster.addTarget('web', 2);
      const query: MetricQuery = { kind: 'external', namespace: 'shop', metric: 'waiting', metricSelector: 'queue in (a,b),urgent=yes' };
      const selector = { matchLabels: { urgent: 'yes' }, matchExpressions: [{ key: 'queue', operator: 'In', values: ['a', 'b'] }] };
      const series = [{ object: '', labels: {}, milli: 20_000n, timestamp: cluster.clock.now(), windowMs: undefined }];
      cluster.metrics = () => {
        const at = cluster.clock.now();
        const known = { known: true as const, series, at, source: 'external.metrics.k8s.io', coverage: 1, doubt: undefined };
        return plainView({ at, queries: new Map([[queryKey(query), known]]) });
      };
      const external = { metric: { name: 'waiting', selector }, target: { type: 'AverageValue', averageValue: '10' } };
      const spec = { metrics: [{ type: 'External', external }] };
      if (kind === 'HorizontalPolicy') cluster.setPolicy('web', spec);
      else cluster.setHpa('web', spec);
      const controller = cluster.controller({ adoptHpas: true });
      controller.start();
      await cluster.clock.advance(1_000);
      const objects = kind === 'HorizontalPolicy' ? cluster.policies : cluster.nativeHpas;
      expect(objects.get('shop/web')?.status).toMatchObject({
        currentMetrics: [{ type: 'External', external: { metric: { name: 'waiting', selector }, current: { averageValue: '10' } } }],
      });
      const written = cluster.statusPatches.length;
      await cluster.clock.advance(60_000);
      expect(cluster.statusPatches.length).toBe(written);
      await controller.stop();
    },
  );
});
