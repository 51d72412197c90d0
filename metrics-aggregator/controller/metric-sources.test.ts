import { describe, expect, it } from 'vitest';
import type { KubeClient } from '../../core/kube/api.ts';
import { ApiStatusError } from '../../core/kube/status-error.ts';
import type { MetricQuery } from '../../core/model/metric-query.ts';
import type { SourceReport } from '../../core/model/metrics-view.ts';
import type { KubeObject } from '../../core/model/object.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { createMetricSources, type SourceBuilder } from './metric-sources.ts';
import { createSecretReader, type SourceSecrets } from './source-secrets.ts';

const spec = { url: 'https://prometheus.monitoring.svc', allowedNamespaces: { names: ['shop'] } };
const bearer = { auth: { bearer: { secretRef: { name: 'prometheus', key: 'token' } } } };
const query = (namespace: string): MetricQuery => ({ kind: 'prometheus', namespace, source: 'main', query: 'up', emptyMeans: 'unknown' });

/** A cluster with MetricSources and Secrets, and a builder that remembers what it was given. */
function setUp(
  options: { readonly limits?: { queriesPerMinute: number; queriesPerMinutePerNamespace: number }; readonly probe?: 'down' } = {},
) {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const objects = new Map<string, KubeObject>();
  const secrets = new Map<string, Record<string, string>>();
  const handlers = new Set<(change: { key: string; new: KubeObject | undefined }) => void>();
  const patches: { name: string; body: unknown }[] = [];
  const built: SourceSecrets[] = [];
  const closed: number[] = [];
  const problems: string[] = [];
  const client = {
    get: (_: unknown, { namespace, name }: { namespace?: string; name: string }) => {
      const data = secrets.get(`${namespace ?? ''}/${name}`);
      if (data === undefined) return Promise.reject(new ApiStatusError({ code: 404, reason: 'NotFound', message: 'not found' }));
      const encoded = Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
      return Promise.resolve({ metadata: { name }, data: encoded });
    },
    patch: (_: unknown, { name }: { name: string }, { body }: { body: unknown }) => {
      patches.push({ name, body });
      return Promise.resolve({});
    },
  } as unknown as KubeClient;
  const build: SourceBuilder = (name, _, read) => {
    const index = built.push(read) - 1;
    return {
      ok: true,
      built: {
        source: {
          name: `prometheus/${name}`,
          close: () => {
            closed.push(index);
            return Promise.resolve();
          },
        },
        limits: { concurrency: 7, timeoutMs: 3_000, queriesPerMinute: 1_000, queriesPerMinutePerNamespace: 100, ...options.limits },
        probe: () =>
          Promise.resolve(
            options.probe === 'down'
              ? { ok: false, reason: 'source-unavailable', detail: 'it refused the connection' }
              : { ok: true, version: '2.42.0' },
          ),
        heartbeat: () => Promise.resolve({ ok: true, newest: undefined }),
      },
    };
  };
  const sources = createMetricSources({
    mirror: {
      get: (key) => objects.get(key),
      hasSynced: () => true,
      onDelta: (handler) => {
        handlers.add(handler);
        for (const [key, object] of objects) handler({ key, new: object });
        return () => handlers.delete(handler);
      },
    },
    secrets: createSecretReader(client, 'concertina-system'),
    build,
    clock,
    client,
    onProblem: (name, problem) => problems.push(`${name}: ${problem}`),
  });
  const changes: string[] = [];
  sources.onChange((name) => changes.push(name));
  let generation = 0;
  const set = (given: object | undefined): Promise<void> => {
    const raw = given === undefined ? undefined : { metadata: { name: 'main', uid: 'u', generation: ++generation }, spec: given };
    if (raw === undefined) objects.delete('main');
    else objects.set('main', raw);
    for (const handler of handlers) handler({ key: 'main', new: raw });
    return sources.settled();
  };
  return { clock, sources, set, secrets, built, closed, problems, changes, patches };
}

const reportOf = (report: Partial<SourceReport>): SourceReport => ({
  name: 'prometheus/main',
  state: { healthy: true, lastSuccess: 0 },
  doubt: undefined,
  latencyMs: 12,
  queries: 0,
  circuit: 'closed',
  ...report,
});

describe('MetricSources', () => {
  it('are sources as soon as they are set up, with their own limits', async () => {
    const { sources, set, changes } = setUp();
    sources.start();
    expect(sources.get('prometheus/main')).toMatchObject({ ok: false, reason: 'source-absent' });
    await set(spec);
    expect(sources.get('prometheus/main')).toMatchObject({ ok: true, limits: { concurrency: 7, timeoutMs: 3_000 } });
    expect(sources.names()).toEqual(['prometheus/main']);
    expect(changes.at(-1)).toBe('prometheus/main');
    sources.stop();
  });

  it('that are wrong are refused with path and value, and so are their queries', async () => {
    const { sources, set, problems } = setUp();
    sources.start();
    await set({ ...spec, url: 'http://prometheus.monitoring.svc' });
    expect(sources.get('prometheus/main')).toMatchObject({
      ok: false,
      reason: 'refused',
      detail:
        'MetricSource main cannot be used: spec.url: "http://prometheus.monitoring.svc" begins with http://; use https:// or set spec.plainHttp to true',
    });
    expect(problems).toHaveLength(1);
    sources.stop();
  });

  it('get their credentials from Secrets of the program’s own namespace, and new ones within a minute of a rotation', async () => {
    const { clock, sources, set, secrets, built, closed } = setUp();
    secrets.set('concertina-system/prometheus', { token: 'first\n' });
    secrets.set('shop/prometheus', { token: 'of a tenant' });
    sources.start();
    await set({ ...spec, ...bearer });
    expect(built.at(-1)?.credentials.bearer).toBe('first');
    await clock.advance(60_000);
    await sources.settled();
    expect(built).toHaveLength(1);
    secrets.set('concertina-system/prometheus', { token: 'second' });
    await clock.advance(60_000);
    await sources.settled();
    expect(built.map(({ credentials }) => credentials.bearer)).toEqual(['first', 'second']);
    expect(closed).toEqual([0]);
    sources.stop();
  });

  it('say which Secret is missing; one that goes away later takes nothing away', async () => {
    const { clock, sources, set, secrets, problems } = setUp();
    sources.start();
    await set({ ...spec, ...bearer });
    const detail = 'MetricSource main cannot be used: there is no Secret concertina-system/prometheus; create it with the key token';
    expect(sources.get('prometheus/main')).toMatchObject({ ok: false, reason: 'refused', detail });
    secrets.set('concertina-system/prometheus', { token: 'there' });
    await clock.advance(60_000);
    await sources.settled();
    expect(sources.get('prometheus/main').ok).toBe(true);
    secrets.delete('concertina-system/prometheus');
    await clock.advance(60_000);
    await sources.settled();
    expect(sources.get('prometheus/main').ok).toBe(true);
    expect(problems.at(-1)).toContain('the credentials from before are still used');
    sources.stop();
  });

  it('are closed when they change or go', async () => {
    const { sources, set, closed } = setUp();
    sources.start();
    await set(spec);
    await set({ ...spec, limits: { maxConcurrent: 3 } });
    expect(closed).toEqual([0]);
    await set(undefined);
    expect(closed).toEqual([0, 1]);
    expect(sources.get('prometheus/main')).toMatchObject({ ok: false, reason: 'source-absent' });
    sources.stop();
  });
});

describe('who may ask a MetricSource', () => {
  it('is a namespace that it allows', async () => {
    const { sources, set } = setUp();
    sources.start();
    await set(spec);
    const entry = sources.get('prometheus/main');
    if (!entry.ok) throw new Error(entry.detail);
    expect(entry.admit?.(query('shop'))).toBeUndefined();
    expect(entry.admit?.(query('other'))).toMatchObject({
      reason: 'refused',
      detail: expect.stringContaining('namespace other') as string,
    });
    await set({ url: spec.url });
    const closed = sources.get('prometheus/main');
    expect(closed.ok && closed.admit?.(query('shop'))).toMatchObject({ reason: 'refused' });
    sources.stop();
  });

  it('may ask so many queries a minute, and all together so many', async () => {
    const { clock, sources, set } = setUp({ limits: { queriesPerMinute: 5, queriesPerMinutePerNamespace: 3 } });
    sources.start();
    await set({ url: spec.url, allowedNamespaces: { all: true } });
    const entry = sources.get('prometheus/main');
    if (!entry.ok) throw new Error(entry.detail);
    const admitted = (namespace: string, count: number): number =>
      Array.from({ length: count }).filter(() => entry.admit?.(query(namespace)) === undefined).length;
    expect(admitted('a', 10), 'the budget of a namespace').toBe(3);
    expect(admitted('b', 10), 'what is left of the whole').toBe(2);
    await clock.advance(20_000);
    expect(admitted('a', 10), 'a third of a minute later').toBe(1);
    expect(entry.admit?.(query('a'))).toMatchObject({
      reason: 'source-unavailable',
      detail: expect.stringContaining('3 queries a minute') as string,
    });
    sources.stop();
  });
});

describe('the status of a MetricSource', () => {
  it('says what policies meet, is written when that changes and not otherwise', async () => {
    const { sources, set, patches } = setUp();
    sources.start();
    await set(spec);
    await sources.report([reportOf({})]);
    expect(patches.at(-1)?.body).toMatchObject({
      status: {
        observedGeneration: 1,
        version: '2.42.0',
        queries: 0,
        conditions: [{ type: 'Ready', status: 'True', reason: 'Reachable' }],
      },
    });
    await sources.report([reportOf({ queries: 4 })]);
    expect(patches.at(-1)?.body).toMatchObject({ status: { queries: 4, conditions: [{ status: 'True', reason: 'Answering' }] } });
    await sources.report([reportOf({ queries: 4, latencyMs: 900 })]);
    expect(patches).toHaveLength(2);
    const state = { healthy: false, reason: 'source-unavailable', detail: 'it answered 503', since: 0, lastSuccess: 0 } as const;
    await sources.report([reportOf({ queries: 4, state })]);
    expect(patches.at(-1)?.body).toMatchObject({
      status: { conditions: [{ status: 'False', reason: 'SourceUnavailable', message: 'it answered 503' }] },
    });
    sources.stop();
  });

  it('says what a probe found while no policy asks', async () => {
    const { sources, set, patches } = setUp({ probe: 'down' });
    sources.start();
    await set(spec);
    await sources.report([]);
    expect(patches.at(-1)?.body).toMatchObject({ status: { conditions: [{ status: 'False', message: 'it refused the connection' }] } });
    sources.stop();
  });
});
