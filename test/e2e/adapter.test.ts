import { afterAll, beforeAll, expect, it } from 'vitest';
import { realClock } from '../../core/runtime/clock.ts';
import { adapterContract, type PublishedSeries } from '../contract/metrics/adapter.ts';
import { findCompanions } from './binaries/index.ts';
import { describeWithCompanions } from './companion-suite.ts';
import type { AggregatedServer } from './companions/aggregated-server.ts';
import { startMetricsAdapter } from './companions/metrics-adapter.ts';
import { startPrometheus, type Prometheus } from './companions/prometheus.ts';
import { expositionText, serveExposition, type ExpositionServer } from './exposition-server.ts';
import { startRealCluster, type RealCluster } from './real-cluster.ts';
import { createTeardown } from './teardown.ts';

const job = 'application';
const search = await findCompanions('metrics-adapter', 'prometheus');

describeWithCompanions(
  search,
  'a real metrics adapter over a real Prometheus',
  (companions) => {
    const teardown = createTeardown();
    let real: RealCluster;
    let exposition: ExpositionServer;
    let prometheus: Prometheus;
    let adapter: AggregatedServer;
    let published: readonly PublishedSeries[] = [];

    const publish = async (series: readonly PublishedSeries[]): Promise<void> => {
      published = [...published, ...series];
      exposition.show(expositionText(published));
      if (!(await prometheus.untilScraped(job))) throw new Error('Prometheus could not scrape what was published');
    };

    beforeAll(async () => {
      const file = await companions()['metrics-adapter'].file();
      exposition = await serveExposition();
      teardown.add(() => exposition.close());
      // At the same time as the cluster: its first scrape comes five seconds after its start.
      const starting = startPrometheus({
        file: await companions().prometheus.file(),
        targets: [{ job, port: exposition.port }],
      });
      teardown.add(async () => (await starting).stop());
      real = await startRealCluster({ audit: false });
      teardown.add(() => real.stop());
      prometheus = await starting;
      adapter = await startMetricsAdapter(real, {
        file,
        prometheusUrl: prometheus.url,
        rules: {
          custom: [
            {
              name: 'served_per_second',
              resource: 'pods',
              query: 'sum by ({{.Resource}}) (rate(served_total{ {{.Selector}} }[10s]))',
              windowSeconds: 10,
            },
          ],
          external: [{ name: 'backlog_per_worker', query: 'sum(jobs_waiting{ {{.Selector}} }) / sum(workers{ {{.Selector}} })' }],
        },
      });
      teardown.add(() => adapter.stop());
    });
    afterAll(() => teardown.run());

    adapterContract(() => ({ client: real.adminClient, clock: realClock, publish }));

    const get = (path: string): ReturnType<RealCluster['admin']['get']> => real.admin.get(path);
    const custom = '/apis/custom.metrics.k8s.io/v1beta2';
    const external = '/apis/external.metrics.k8s.io/v1beta1';

    it('a metric may have a query of its own', async () => {
      await publish([
        { name: 'jobs_waiting', labels: { namespace: 'default', queue: 'a' }, value: 30 },
        { name: 'jobs_waiting', labels: { namespace: 'default', queue: 'b' }, value: 12 },
        { name: 'workers', labels: { namespace: 'default' }, value: 8 },
      ]);
      expect((await get(`${external}/namespaces/default/backlog_per_worker`)).body).toMatchObject({
        items: [{ metricName: 'backlog_per_worker', metricLabels: {}, value: '5250m' }],
      });
      // With a rule it is a metric that exists, whatever Prometheus has.
      expect((await get(`${custom}/namespaces/default/pods/*/served_per_second`)).body).toMatchObject({ items: [] });
    });

    it('a Prometheus that is gone is a failure, and never an empty list', async () => {
      await prometheus.stop();
      for (const path of [`${custom}/namespaces/default/services/web/contract_qps`, `${external}/namespaces/default/jobs_waiting`]) {
        expect((await get(path)).body).toMatchObject({ kind: 'Status', code: 500, message: expect.stringContaining('unable to fetch') });
      }
      // The API itself is there: only its values are not.
      expect((await get(custom)).status).toBe(200);
    });
  },
  { aggregated: true },
);
