import type { KubeClient } from '../../core/kube/index.ts';
import type { Clock } from '../../core/model/clock.ts';

/** A difference this small is the second that HTTP dates are cut to, and the way of the answer. */
const negligibleMs = 2_000;

/**
 * The clock, moved to where the API server's stands: the age of samples and the end of cooldowns are the cluster's, and a laptop may be minutes off. A
 * server that sends no Date is taken to agree.
 */
export async function clusterClock(client: KubeClient, clock: Clock): Promise<{ readonly clock: Clock; readonly skewMs: number }> {
  const { headers } = await client.raw({ method: 'GET', path: '/version' });
  const server = Date.parse(headers['date'] ?? '');
  const skewMs = Number.isNaN(server) ? 0 : server - clock.now();
  if (Math.abs(skewMs) < negligibleMs) return { clock, skewMs: 0 };
  return {
    skewMs,
    clock: { now: () => clock.now() + skewMs, monotonic: () => clock.monotonic(), setTimeout: (fn, ms) => clock.setTimeout(fn, ms) },
  };
}
