import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { createMetricsApi, fleetScrapes, type MetricsApi } from '../../simulator/index.ts';
import { reflectedObjects } from '../journeys/reflected-objects.ts';
import type { PlayedCluster } from './installed-cluster.ts';
import { registerAggregatedApi, serveHandler } from './metrics-api-server.ts';
import type { Teardown } from './teardown.ts';

/** The simulator's `metrics.k8s.io` through the aggregation layer of the real cluster: usage of the played pods, a second old at most. */
export async function servePlayedUsage({ real, fleet }: Pick<PlayedCluster, 'real' | 'fleet'>, teardown: Teardown): Promise<MetricsApi> {
  const mirror = await reflectedObjects(real.adminClient);
  teardown.add(() => mirror.stop());
  const metrics = createMetricsApi({
    clock: realClock,
    random: seededRandom(3),
    source: fleetScrapes(fleet),
    objects: mirror.objects,
    resolutionMs: 1000,
  });
  metrics.start();
  const server = await serveHandler(metrics.handler);
  teardown.add(() => server.close());
  teardown.add(async () => metrics.stop());
  const registered = await registerAggregatedApi(real.admin, { group: 'metrics.k8s.io', version: 'v1beta1', port: server.port });
  teardown.add(() => registered.unregister());
  return metrics;
}
