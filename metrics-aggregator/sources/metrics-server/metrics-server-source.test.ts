import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import { createMetricsServerSource } from './metrics-server-source.ts';

type Answer = string | Error | { readonly status: number; readonly body: string };

/** A client of which only `raw` is called. */
function clientOf(answer: (path: string) => Answer): KubeClient {
  const raw: KubeClient['raw'] = ({ path }) => {
    const given = answer(path);
    if (given instanceof Error) return Promise.reject(given);
    const { status, body } = typeof given === 'string' ? { status: 200, body: given } : given;
    return Promise.resolve({ status, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) });
  };
  return { server: 'http://test', raw } as Partial<KubeClient> as KubeClient;
}

const fetchFrom = (answer: (path: string) => Answer) =>
  createMetricsServerSource(clientOf(answer), { timeoutMs: 1000 }).fetch(new AbortController().signal);

const podItem = (containers: unknown[], extra: object = {}) => ({
  metadata: { name: 'web-1', namespace: 'shop', creationTimestamp: '2026-11-22T06:07:14Z' },
  timestamp: '2026-11-22T06:07:13Z',
  window: '9.98s',
  containers,
  ...extra,
});
const list = (...items: unknown[]) => JSON.stringify({ kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items });
const only =
  (...items: unknown[]) =>
  (path: string) =>
    path.endsWith('/pods') ? list(...items) : list();

async function containersOf(...containers: unknown[]) {
  const answer = await fetchFrom(only(podItem(containers)));
  return answer.ok ? answer.usage.pods[0]?.containers : answer;
}

describe('the metrics.k8s.io source', () => {
  it('reads what Metrics Server writes: nano-cores, Ki, a window as Go duration', async () => {
    const answer = await fetchFrom(only(podItem([{ name: 'c', usage: { cpu: '99990007n', memory: '30Mi' } }])));
    expect(answer).toEqual({
      ok: true,
      usage: {
        pods: [
          {
            namespace: 'shop',
            name: 'web-1',
            timestamp: Date.UTC(2026, 10, 22, 6, 7, 13),
            windowMs: 9980,
            containers: [{ name: 'c', cpuMilli: 100, memoryMilli: 30 * 1024 * 1024 * 1000 }],
          },
        ],
        nodes: [],
        rejected: [],
      },
    });
  });

  it('reads milli-values for memory, as prometheus-adapter writes them', async () => {
    expect(await containersOf({ name: 'c', usage: { cpu: '5u', memory: '62131814400m' } })).toEqual([
      { name: 'c', cpuMilli: 1, memoryMilli: 62_131_814_400 },
    ]);
  });

  it('leaves a resource that is absent, negative or unreadable unknown', async () => {
    expect(
      await containersOf({ name: 'a', usage: { cpu: '1' } }, { name: 'b', usage: { cpu: '-1', memory: 'NaN' } }, { name: 'c' }),
    ).toEqual([
      { name: 'a', cpuMilli: 1000, memoryMilli: undefined },
      { name: 'b', cpuMilli: undefined, memoryMilli: undefined },
      { name: 'c', cpuMilli: undefined, memoryMilli: undefined },
    ]);
  });

  it('names an entry that it cannot use and keeps the others', async () => {
    const answer = await fetchFrom(only(podItem([], { window: '10' + 'x' }), podItem([]), podItem([], { timestamp: 'never' })));
    expect(answer).toMatchObject({ ok: true, usage: { pods: [{ name: 'web-1' }] } });
    expect(answer.ok && answer.usage.rejected).toEqual([
      'PodMetrics web-1: window "10x" is not a duration',
      'PodMetrics web-1: timestamp "never" is not a time',
    ]);
  });

  it('calls an answer that is cut short partial, never a shorter list', async () => {
    const answer = await fetchFrom((path) => (path.endsWith('/pods') ? list(podItem([]), podItem([])).slice(0, -2) : list()));
    expect(answer).toEqual({
      ok: false,
      reason: 'partial',
      detail: 'the answer of /apis/metrics.k8s.io/v1beta1/pods is cut short after 2 items',
    });
  });

  it('calls HTML invalid', async () => {
    expect(await fetchFrom(() => '<html>sign in</html>')).toMatchObject({ ok: false, reason: 'invalid' });
  });

  it('tells nobody serving the group from a server that fails', async () => {
    const status = (code: number, message: string) => ({
      status: code,
      body: JSON.stringify({ kind: 'Status', status: 'Failure', code, message }),
    });
    expect(await fetchFrom(() => ({ status: 404, body: '404 page not found\n' }))).toMatchObject({ ok: false, reason: 'source-absent' });
    const down = await fetchFrom(() => status(503, 'the server is currently unable to handle the request'));
    expect(down).toMatchObject({ ok: false, reason: 'source-unavailable' });
    expect(!down.ok && down.detail).toMatch(/^metrics\.k8s\.io answered 503: .*currently unable/);
    expect(await fetchFrom(() => status(403, 'no'))).toMatchObject({ ok: false, reason: 'source-unavailable' });
    expect(await fetchFrom(() => new ConcertinaError('API_UNREACHABLE', 'refused'))).toMatchObject({
      ok: false,
      reason: 'source-unavailable',
    });
  });

  it('keeps pod usage when only the node list fails, and says so', async () => {
    const answer = await fetchFrom((path) => (path.endsWith('/nodes') ? new Error('boom') : list(podItem([]))));
    expect(answer).toMatchObject({
      ok: true,
      usage: { pods: [{ name: 'web-1' }], nodes: [], rejected: ['node usage: metrics.k8s.io did not answer: boom'] },
    });
  });
});
