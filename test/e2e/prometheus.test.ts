import { afterAll, beforeAll } from 'vitest';
import { prometheusContract, type PrometheusWorld } from '../contract/metrics/prometheus.ts';
import { requestsTo } from '../contract/metrics/prometheus-request.ts';
import { findCompanions } from './binaries/index.ts';
import { describeWithCompanions } from './companion-suite.ts';
import { startPrometheus } from './companions/prometheus.ts';
import { serveExposition } from './exposition-server.ts';
import { createTeardown } from './teardown.ts';

const job = 'contract';
const search = await findCompanions('prometheus');

describeWithCompanions(search, 'contract of the real Prometheus', (companions) => {
  const teardown = createTeardown();
  let world: PrometheusWorld | undefined;

  beforeAll(async () => {
    const target = await serveExposition();
    teardown.add(() => target.close());
    const prometheus = await startPrometheus({
      file: await companions().prometheus.file(),
      // As Prometheus does when nothing is said.
      targets: [{ job, port: target.port, honorTimestamps: true, honorLabels: false }],
    });
    teardown.add(() => prometheus.stop());
    const show = async (text: string | undefined): Promise<void> => {
      target.show(text);
      await prometheus.untilScraped(job);
    };
    world = {
      url: prometheus.url,
      publish: show,
      breakTarget: () => show(undefined),
      request: requestsTo(prometheus.url),
    };
  });
  afterAll(() => teardown.run());

  prometheusContract(() => {
    if (world === undefined) throw new Error('the server is there inside tests only');
    return world;
  });
});
