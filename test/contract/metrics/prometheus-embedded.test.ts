import { afterAll, beforeAll, describe } from 'vitest';
import { request } from 'undici';
import { VirtualClock } from '../../../core/runtime/clock.ts';
import { createPrometheusServer } from '../../../simulator/cluster/prometheus/index.ts';
import { prometheusContract } from './prometheus.ts';
import type { PrometheusWorld } from './prometheus.ts';

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
      request: async (path, { method = 'GET', headers = {}, body } = {}) => {
        const answer = await request(`${url}${path}`, {
          method: method as 'GET',
          headers: { ...headers },
          ...(body === undefined ? {} : { body }),
        });
        const received = Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]);
        return {
          status: answer.statusCode,
          headers: Object.fromEntries(received) as Record<string, string | undefined>,
          body: Buffer.from(await answer.body.arrayBuffer()),
        };
      },
    };
  });
  afterAll(() => server.stop());

  prometheusContract(() => {
    if (world === undefined) throw new Error('the server is there inside tests only');
    return world;
  });
});
