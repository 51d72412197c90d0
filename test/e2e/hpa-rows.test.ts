import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../core/runtime/clock.ts';
import { createAdapterApi } from '../../simulator/cluster/adapter-api/index.ts';
import { hpaRows, hpaRowTests, type RowsCluster } from '../journeys/hpa-rows.ts';
import { kubectl } from './installed-cluster.ts';
import { startRealJourneyCluster } from './journey-cluster.ts';
import { registerAggregatedApi, serveHandler } from './metrics-api-server.ts';
import { isForeignCluster, type RealCluster } from './real-cluster.ts';
import { createTeardown } from './teardown.ts';

/** So many times as fast as the checklist: a window of a minute takes 4 s. */
const compression = 15;

// Windows are compressed, cooldowns are short by flag; all rows run at the same time, one program scales all of them. The sizes are read out of the audit log.
describe.skipIf(isForeignCluster())('HPA rows of the checklist on the real control plane', { concurrent: true }, () => {
  const teardown = createTeardown();
  let real: RealCluster;
  let cluster: RowsCluster;

  beforeAll(async () => {
    const started = await startRealJourneyCluster();
    teardown.add(() => started.stop());
    ({ real } = started);
    const adapter = createAdapterApi({ clock: realClock, objects: { get: () => undefined, list: () => [] } });
    for (const { groupVersion, handler } of adapter.groups) {
      const [group = '', version = ''] = groupVersion.split('/');
      if (group !== 'external.metrics.k8s.io') continue;
      const server = await serveHandler(handler);
      teardown.add(() => server.close());
      const registered = await registerAggregatedApi(real.admin, { group, version, port: server.port });
      teardown.add(() => registered.unregister());
    }
    cluster = { ...started.cluster, adapter, window: (seconds) => (seconds * 1000) / compression };
    const controller = await cluster.startController();
    teardown.add(() => controller.stop());
  });
  afterAll(() => teardown.run());

  // The rest of what they promise is in test/integration/examples.test.ts.
  it.each(['mesh-request-rate', 'queue-to-zero', 'latency', 'schedule'])('takes deploy/examples/%s.yaml as it is', async (name) => {
    const file = fileURLToPath(new URL(`../../deploy/examples/${name}.yaml`, import.meta.url));
    const answer = await kubectl(real, 'apply', '--dry-run=server', '-f', file);
    expect(answer).toMatch(/^horizontalpolicy\.concertina\.dev\/\w+ created/mu);
  });

  hpaRowTests(
    hpaRows.filter(({ real }) => real === true),
    () => cluster,
  );
});
