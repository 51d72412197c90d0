import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../core/kube/test-support.ts';
import { metricSourceSpec } from '../../metric-source-schema.ts';
import { externalMetricQuery } from './external-metric.ts';
import { prometheusBuilder, prometheusSourceFromSpec } from './from-spec.ts';
import { limitsOf } from './source-limits.ts';

const environment = { clock: new VirtualClock() };
const none = { credentials: {}, tls: {} };

function problemOf(spec: object, secrets = none): string {
  const result = prometheusSourceFromSpec(
    'main',
    metricSourceSpec.parse({ url: 'https://prometheus.example', ...spec }),
    secrets,
    environment,
  );
  if (result.ok) throw new Error('it was taken');
  return result.problem;
}

describe('a source made of a MetricSource', () => {
  test('has the documented limits unless they are set', () => {
    expect(limitsOf({})).toEqual({
      timeoutMs: 10_000,
      maxConcurrent: 20,
      maxBytes: 16_777_216,
      maxSeries: 1000,
      maxPoints: 11_000,
      maxRangeSeconds: 86_400,
      queriesPerMinute: 12_000,
      queriesPerMinutePerNamespace: 600,
    });
    expect(limitsOf({ limits: { timeoutSeconds: 3, maxSeries: 5, maxBytes: undefined } })).toMatchObject({
      timeoutMs: 3000,
      maxSeries: 5,
      maxBytes: 16_777_216,
    });
  });

  test('answers queries and usage, and is built for the aggregator', async () => {
    const spec = metricSourceSpec.parse({ url: 'https://prometheus.example/base', limits: { maxConcurrent: 3 } });
    const result = prometheusBuilder(environment)('main', spec, none);
    if (!result.ok) throw new Error(result.problem);
    const { source, limits } = result.built;
    expect(source.name).toBe('prometheus/main');
    expect(limits).toEqual({ concurrency: 3, timeoutMs: 10_000, queriesPerMinute: 12_000, queriesPerMinutePerNamespace: 600 });
    expect(Object.keys(source)).toEqual(expect.arrayContaining(['ask', 'usage', 'close']));
    await source.close?.();
  });

  test.each<[object, string]>([
    [{ url: 'http://prometheus.example' }, 'begins with http://'],
    [{ templates: { nothing: 'x' } }, 'templates.nothing is not a query'],
    [{ auth: { bearer: { secretRef: { name: 'a', key: 'b' } } } }, 'the bearer token of auth.bearer could not be read'],
    [{ auth: { basic: { username: { name: 'a', key: 'b' }, password: { name: 'a', key: 'b' } } } }, 'auth.basic could not be read'],
    [{ auth: { clientCertificate: { secretName: 'a' } } }, 'auth.clientCertificate could not be read'],
    [{ auth: { headers: [{ name: 'X-A', secretRef: { name: 'a', key: 'b' } }] } }, 'the header X-A of auth.headers could not be read'],
    [{ tls: { ca: { name: 'a', key: 'b' } } }, 'the CA of tls.ca could not be read'],
    [{ tenancy: { tenant: 'a', tenantHeader: 'Host' } }, 'the header Host is set by the transport'],
  ])('%j cannot be used', (spec, problem) => {
    expect(problemOf(spec)).toContain(problem);
  });

  test('a credential that cannot be one is not told', () => {
    const problem = problemOf({ auth: { bearer: { secretRef: { name: 'a', key: 'b' } } } }, {
      credentials: { bearer: 'sec\nret' },
      tls: {},
    } as typeof none);
    expect(problem).toBe('the bearer token is empty or has characters that no token has');
  });
});

describe('metrics that a MetricSource declares for external.metrics.k8s.io', () => {
  const spec = metricSourceSpec.parse({ url: 'https://a.example', externalMetrics: [{ name: 'queue', query: 'sum(queue_length)' }] });

  test('get the selector and the namespace', () => {
    expect(externalMetricQuery(spec, { metric: 'queue', namespace: 'team', selector: 'queue in (a,b)' })).toEqual({
      ok: true,
      query: 'sum(queue_length{queue=~"a|b",namespace="team"})',
    });
  });

  test('what cannot be asked is a problem', () => {
    expect(externalMetricQuery(spec, { metric: 'other', namespace: 'team', selector: '' })).toMatchObject({ ok: false, unknown: true });
    expect(externalMetricQuery(spec, { metric: 'queue', namespace: 'team', selector: 'a>5' })).toMatchObject({ ok: false, unknown: false });
    expect(externalMetricQuery(spec, { metric: 'queue', namespace: 'team', selector: 'namespace=other' })).toMatchObject({
      ok: false,
      unknown: false,
    });
    expect(externalMetricQuery(spec, { metric: 'queue', namespace: '', selector: '' })).toMatchObject({ ok: false, unknown: false });
  });
});
