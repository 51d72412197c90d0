import { request } from 'undici';
import type { PrometheusWorld } from './prometheus.ts';

/** Requests to a Prometheus at `url`, as the contract makes them: nothing is decompressed, and repeated headers are joined. */
export function requestsTo(url: string): PrometheusWorld['request'] {
  return async (path, { method = 'GET', headers = {}, body } = {}) => {
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
  };
}
