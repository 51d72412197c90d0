import { afterAll, beforeAll, describe } from 'vitest';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { createPrometheusServer } from '../../../simulator/cluster/prometheus/index.ts';
import { prometheusContract } from './prometheus.ts';
import type { PrometheusWorld } from './prometheus.ts';
import { requestsTo } from './prometheus-request.ts';

/** Over real HTTP, as a client across a process border meets it; time moves only when something is published. */
describe('contract of the embedded Prometheus', () => {
  const clock = new VirtualClock();
  const server = createPrometheusServer({ clock });
  let shown: string | undefined = '';
  let world: PrometheusWorld | undefined;

  beforeAll(async () => {
    server.addTarget({
      job: 'contract',
      labels: { instance: 'target:80' },
      intervalMs: 1000,
      scrape: () => {
        if (shown === undefined) throw new Error('the target is down');
        return shown;
      },
    });
    const { url } = await server.listen();
    const show = async (text: string | undefined): Promise<void> => {
      shown = text;
      await clock.advance(1000);
    };
    world = {
      url,
      publish: show,
      breakTarget: () => show(undefined),
      request: requestsTo(url),
    };
  });
  afterAll(() => server.stop());

  prometheusContract(() => {
    if (world === undefined) throw new Error('the server is there inside tests only');
    return world;
  });
});
