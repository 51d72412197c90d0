import { describe, expect, it } from 'vitest';
import { ConcertinaError } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import { podsOfTable } from '../../store/usage-table-builder.ts';
import { createUsageStore } from '../../store/usage-store.ts';
import type { MetricsSource, UsageAnswer } from '../source.ts';
import { createMetricsServerSource } from './metrics-server-source.ts';

type Answer = string | Error | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> };

/** A client of which only `raw` is called. */
function clientOf(answer: (path: string) => Answer): KubeClient {
  const raw: KubeClient['raw'] = ({ path }) => {
    const given = answer(path);
    if (given instanceof Error) return Promise.reject(given);
    const { status, body, headers = {} } = typeof given === 'string' ? { status: 200, body: given } : given;
    return Promise.resolve({ status, headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(body) });
  };
  return { server: 'http://test', raw } as Partial<KubeClient> as KubeClient;
}

/** The answer with its table as objects. */
async function readable(answer: UsageAnswer) {
  return answer.ok ? { ...answer, pods: [...podsOfTable(answer.pods)] } : answer;
}

const usageOf = async (source: MetricsSource) => readable(await source.usage!(new AbortController().signal));
const fetchFrom = (answer: (path: string) => Answer) => usageOf(createMetricsServerSource(clientOf(answer), { timeoutMs: 1000 }));

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

const status = (code: number, message: string) => ({
  status: code,
  body: JSON.stringify({ kind: 'Status', status: 'Failure', code, message }),
});

async function containersOf(...containers: unknown[]) {
  const answer = await fetchFrom(only(podItem(containers)));
  if (!answer.ok) throw new Error(answer.detail);
  return answer.pods[0]?.containers ?? [];
}

describe('the metrics.k8s.io source', () => {
  it('reads what Metrics Server writes: nano-cores, Ki, a window as Go duration', async () => {
    const answer = await fetchFrom(only(podItem([{ name: 'c', usage: { cpu: '99990007n', memory: '30Mi' } }])));
    expect(answer).toEqual({
      ok: true,
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
    });
  });

  it('reads milli-values for memory, as prometheus-adapter writes them', async () => {
    expect(await containersOf({ name: 'c', usage: { cpu: '5u', memory: '62131814400m' } })).toEqual([
      { name: 'c', cpuMilli: 1, memoryMilli: 62_131_814_400 },
    ]);
  });

  it('reads every suffix and the exponent forms', async () => {
    const amounts = [
      '0',
      '1',
      '1500000n',
      '1500u',
      '7m',
      '2',
      '3k',
      '1M',
      '1.5',
      '1e3',
      '1E3',
      '123456Ki',
      '30Mi',
      '1.5Gi',
      '2Gi',
      '1Ti',
      '1E',
    ];
    const read = await containersOf(...amounts.map((memory) => ({ name: 'c', usage: { cpu: '1', memory } })));
    expect(read.map(({ memoryMilli }) => memoryMilli)).toEqual([
      0, 1000, 2, 2, 7, 2000, 3_000_000, 1e9, 1500, 1_000_000, 1_000_000, 126_418_944_000, 31_457_280_000, 1_610_612_736_000,
      2_147_483_648_000, 1_099_511_627_776_000, 1e21,
    ]);
  });

  it.each([
    ['15s', 15_000],
    ['15.03s', 15_030],
    ['1m0s', 60_000],
    ['10.5s', 10_500],
    ['500ms', 500],
    ['1h2m3s', 3_723_000],
    ['5m0s', 300_000],
  ])('reads a window of %s', async (window, windowMs) => {
    expect(await fetchFrom(only(podItem([], { window })))).toMatchObject({ pods: [{ windowMs }] });
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

  it('does not count digits for ever', async () => {
    const endless = '9'.repeat(1_000_000);
    expect(await containersOf({ name: 'c', usage: { cpu: endless, memory: '1' } })).toEqual([
      { name: 'c', cpuMilli: undefined, memoryMilli: 1000 },
    ]);
  });

  it('names an entry that it cannot use and keeps the others', async () => {
    const answer = await fetchFrom(only(podItem([], { window: '10' + 'x' }), podItem([]), podItem([], { timestamp: 'never' })));
    expect(answer).toMatchObject({ ok: true, pods: [{ name: 'web-1' }] });
    expect(answer.ok && answer.rejected).toEqual([
      'PodMetrics web-1: window "10x" is not a duration',
      'PodMetrics web-1: timestamp "never" is not a time',
    ]);
  });

  it('writes at most twenty sentences, short and clean, the one about nodes among them', async () => {
    const items = Array.from({ length: 30 }, () =>
      podItem([], { metadata: { name: `\u001b[2J${'x'.repeat(9_999)}`, namespace: 'a' }, window: 7 }),
    );
    const answer = await fetchFrom((path) => (path.endsWith('/nodes') ? '?' : list(...items)));
    const rejected = answer.ok ? answer.rejected : [];
    expect(rejected).toHaveLength(20);
    expect(rejected[0]).toMatch(/^PodMetrics \?\[2Jx+: window 7 is not a duration$/);
    expect(Math.max(...rejected.map(({ length }) => length))).toBeLessThan(300);
    expect(rejected[19]).toBe('node usage: the answer of /apis/metrics.k8s.io/v1beta1/nodes is not a list (1 bytes)');
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

  it.each([list(), list().replace('[]', 'null'), '{"items":[ ],"kind":"PodMetricsList"}'])(
    'takes %s for a list of nothing',
    async (body) => {
      expect(await fetchFrom(() => body)).toEqual({ ok: true, pods: [], nodes: [], rejected: [] });
    },
  );

  it('tells nobody serving the group, in plain text, from a server that fails', async () => {
    const plain = { status: 404, body: '404 page not found\n', headers: { 'content-type': 'text/plain; charset=utf-8' } };
    expect(await fetchFrom(() => plain)).toMatchObject({ ok: false, reason: 'source-absent', transient: false });
    const down = await fetchFrom(() => status(503, 'the server is currently unable to handle the request'));
    expect(down).toMatchObject({ ok: false, reason: 'source-unavailable', transient: true });
    expect(!down.ok && down.detail).toMatch(/^metrics\.k8s\.io answered 503: .*currently unable/);
    expect(await fetchFrom(() => status(403, 'no'))).toMatchObject({ ok: false, reason: 'source-unavailable', transient: false });
    expect(await fetchFrom(() => new ConcertinaError('API_UNREACHABLE', 'refused'))).toMatchObject({
      ok: false,
      reason: 'source-unavailable',
      transient: true,
    });
  });

  it('does not call a time-out or refused credentials worth another try at once', async () => {
    const late = new ConcertinaError('API_UNREACHABLE', 'did not finish', { details: { reason: 'timeout' } });
    expect(await fetchFrom(() => late)).toMatchObject({ reason: 'source-unavailable', transient: false });
    const expired = await fetchFrom(() => new ConcertinaError('CREDENTIALS_EXPIRED', 'no'));
    expect(expired).toMatchObject({ reason: 'source-unavailable', transient: false });
    expect(!expired.ok && expired.detail).toContain('refused the request (401)');
  });

  it.each([
    [429, '7', 7_000],
    [503, '1', 1_000],
    [503, 'Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    [500, '7', undefined],
  ])('heeds Retry-After of a %d: %s', async (code, retryAfter, expected) => {
    const answer = await fetchFrom(() => ({ ...status(code, 'later'), headers: { 'retry-after': retryAfter } }));
    expect(!answer.ok && answer.retryAfterMs).toBe(expected);
  });

  it('keeps pod usage when only the node list fails, and says so', async () => {
    const answer = await fetchFrom((path) => (path.endsWith('/nodes') ? new Error('boom') : list(podItem([]))));
    expect(answer).toMatchObject({
      ok: true,
      pods: [{ name: 'web-1' }],
      nodes: [],
      rejected: ['node usage: metrics.k8s.io did not answer: boom'],
    });
  });

  it('reads nodes', async () => {
    const node = { metadata: { name: 'n1' }, timestamp: '2026-11-22T06:07:13Z', window: '10s', usage: { cpu: '1250m', memory: '4Gi' } };
    const answer = await fetchFrom((path) => (path.endsWith('/nodes') ? list(node) : list()));
    const timestamp = Date.UTC(2026, 10, 22, 6, 7, 13);
    expect(answer).toMatchObject({ nodes: [{ name: 'n1', timestamp, windowMs: 10_000, cpuMilli: 1250, memoryMilli: 4_294_967_296_000 }] });
  });

  it('rejects when the signal aborts', async () => {
    const controller = new AbortController();
    controller.abort(new Error('stopped'));
    const source = createMetricsServerSource(
      clientOf(() => new Error('aborted')),
      { timeoutMs: 1 },
    );
    await expect(source.usage!(controller.signal)).rejects.toThrow('aborted');
  });

  it('shares the strings of the answer before, whatever came and went in between', async () => {
    const named = (name: string) => podItem([{ name: 'c', usage: { cpu: '1', memory: '1Gi' } }], { metadata: { name, namespace: 'shop' } });
    const names = Array.from({ length: 100 }, (_, index) => `pod-${String(index).padStart(3, '0')}`);
    const bodies = [names, [...names.slice(0, 20), 'pod-020-new', ...names.slice(50)], names.toReversed()].map((each) =>
      list(...each.map(named)),
    );
    const source = createMetricsServerSource(
      clientOf((path) => (path.endsWith('/pods') ? (bodies.shift() ?? '') : list())),
      { timeoutMs: 1 },
    );
    for (const expected of [100, 71, 100]) {
      const answer = await source.usage!(new AbortController().signal);
      expect(answer.ok && new Set(answer.pods.names).size).toBe(expected);
    }
  });
});

describe('the metrics.k8s.io source with the store', () => {
  const at = Date.UTC(2026, 10, 22, 6, 7, 13);
  const usage = (cpu: string) => ({ cpu, memory: '30Mi' });
  const time = (seconds: number) => ({ timestamp: new Date(at + seconds * 1000).toISOString().replace('.000Z', 'Z') });

  async function poll(...items: unknown[][]) {
    const bodies = items.map((each) => list(...each));
    const source = createMetricsServerSource(
      clientOf((path) => (path.endsWith('/pods') ? (bodies.shift() ?? '') : list())),
      { timeoutMs: 1 },
    );
    const store = createUsageStore();
    const reports = [];
    for (let turn = 0; turn < items.length; turn++) {
      const answer = await source.usage!(new AbortController().signal);
      if (!answer.ok) throw new Error(answer.detail);
      reports.push(await store.ingest(answer, at));
    }
    return { reports, usage: store.snapshot({ at, maxAgeMs: 60_000 }).podUsage('shop', 'web-1') };
  }

  it('takes an identical timestamp for no new sample', async () => {
    const { reports, usage: seen } = await poll(
      [podItem([{ name: 'c', usage: usage('50m') }])],
      [podItem([{ name: 'c', usage: usage('70m') }])],
    );
    expect([reports[1]?.fresh, seen?.containers[0]?.cpuMilli]).toEqual([0, 50]);
  });

  it('keeps the later sample when the timestamp goes backwards', async () => {
    const { reports, usage: seen } = await poll(
      [podItem([{ name: 'c', usage: usage('50m') }], time(10))],
      [podItem([{ name: 'c', usage: usage('70m') }], time(5))],
    );
    expect([reports[1]?.backwards, seen?.containers[0]?.cpuMilli, seen?.clockSkew]).toEqual([1, 50, true]);
  });

  it('shows a container that is missing inside a listed pod as absent', async () => {
    const { usage: seen } = await poll(
      [
        podItem([
          { name: 'c', usage: usage('50m') },
          { name: 'side', usage: usage('1m') },
        ]),
      ],
      [podItem([{ name: 'side', usage: usage('2m') }], time(10))],
    );
    expect(seen?.containers.map(({ name, cpuMilli }) => [name, cpuMilli])).toEqual([['side', 2]]);
  });

  it('takes the zeros with which prometheus-adapter fills gaps for unknown', async () => {
    const { reports, usage: seen } = await poll([
      podItem([
        { name: 'c', usage: { cpu: '0', memory: '0' } },
        { name: 'd', usage: { cpu: '0', memory: '1Mi' } },
      ]),
    ]);
    expect(seen?.containers.map(({ cpuMilli, memoryMilli }) => [cpuMilli, memoryMilli])).toEqual([
      [undefined, undefined],
      [0, 1_048_576_000],
    ]);
    expect(reports[0]?.implausible).toHaveLength(1);
  });
});
