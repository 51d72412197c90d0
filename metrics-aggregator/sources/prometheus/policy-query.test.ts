import { describe, expect, test } from 'vitest';
import type { PrometheusQuery } from '../../../core/model/metric-query.ts';
import { eventually } from '../../../core/kube/test-support.ts';
import type { QueryAnswer } from '../source.ts';
import { json, success, testRigs, vector, type FakeHandler, type Rig } from './test-support.ts';

const make = testRigs();

const query: PrometheusQuery = { kind: 'prometheus', namespace: 'team', source: 'main', query: 'sum(rate(x[5m]))', emptyMeans: 'unknown' };

function ask({ prometheus }: Rig, more: Partial<PrometheusQuery> = {}, signal = new AbortController().signal): Promise<QueryAnswer> {
  return prometheus.source.ask?.({ ...query, ...more }, signal) ?? Promise.reject(new Error('it does not answer'));
}

async function answered(
  handler: FakeHandler,
  more: Partial<PrometheusQuery> = {},
  spec: Parameters<typeof make>[1] = {},
): Promise<QueryAnswer> {
  return ask(await make(handler, spec), more);
}

const answer =
  (body: unknown): FakeHandler =>
  (_, response) =>
    json(response, 200, body);

describe('what is asked', () => {
  test('the confined query, by POST, with a timeout a little shorter than ours', async () => {
    const made = await make(answer(success('vector', vector([{}, '5']))));
    await ask(made);
    expect(made.server.requests[0]).toMatchObject({ method: 'POST' });
    expect(made.server.requests[0]?.url.pathname).toBe('/api/v1/query');
    expect([...made.form()]).toEqual([
      ['query', 'sum(rate(x{namespace="team"}[5m]))'],
      ['timeout', '9800ms'],
      ['limit', '1001'],
    ]);
  });

  test('the label of the tenancy is used', async () => {
    const made = await make(answer(success('vector', [])), { tenancy: { namespaceLabel: 'ns' } });
    await ask(made);
    expect(made.form().get('query')).toBe('sum(rate(x{ns="team"}[5m]))');
  });

  test.each([
    ['x{namespace="other"}', /is refused: .*sees its own namespace only/],
    ['sum(', /is refused: the query is not PromQL/],
    ['x[2d]', /is refused: .*more than the 86400 s/],
    ['x @ 5', /is refused: .*s away/],
    ['x[5m]', /gives a range of samples/],
    ['"x"', /gives a text/],
  ])('%s is not asked at all', async (text, detail) => {
    const made = await make(answer({}));
    expect(await ask(made, { query: text })).toMatchObject({ ok: false, detail: expect.stringMatching(detail) as string });
    expect(made.server.requests).toHaveLength(0);
  });

  test('nor is a query without a namespace, or of another source', async () => {
    const made = await make(answer({}));
    expect(await ask(made, { namespace: '' })).toMatchObject({ ok: false, reason: 'refused' });
    expect(await ask(made, { source: 'second' })).toMatchObject({ ok: false, reason: 'refused' });
    expect(made.server.requests).toHaveLength(0);
  });

  test('a time after @ is judged by the clock, each time', async () => {
    const made = await make(answer(success('vector', vector([{}, '5']))));
    const at = made.clock.now() / 1000 - 80_000;
    expect(await ask(made, { query: `x @ ${at}` })).toMatchObject({ ok: true });
    await made.clock.advance(10_000_000);
    expect(await ask(made, { query: `x @ ${at}` })).toMatchObject({ ok: false, reason: 'refused' });
  });
});

describe('values', () => {
  const values = { ok: true, warnings: [], invalid: 0 };
  const sample = { object: '', labels: {}, timestamp: 1_700_000_000_500, windowMs: undefined };

  test('a vector of one', async () => {
    expect(await answered(answer(success('vector', vector([{ a: 'b' }, '0.1']))))).toEqual({
      ...values,
      series: [{ ...sample, labels: { a: 'b' }, milli: 100n }],
    });
  });

  test('exact at any size', async () => {
    expect(await answered(answer(success('vector', vector([{}, '1e18']))))).toEqual({
      ...values,
      series: [{ ...sample, milli: 10n ** 21n }],
    });
  });

  test('a scalar', async () => {
    expect(await answered(answer(success('scalar', [1_700_000_000.5, '-2.5'])))).toEqual({
      ...values,
      series: [{ ...sample, milli: -2500n }],
    });
  });

  test('nothing', async () => {
    expect(await answered(answer(success('vector', [])))).toEqual({ ...values, series: [] });
  });

  test.each(['NaN', '+Inf', '-Inf', 'soon'])('%s is no value', async (text) => {
    expect(await answered(answer(success('vector', vector([{}, text]))))).toEqual({ ...values, series: [], invalid: 1 });
  });

  test('several series are not one number', async () => {
    const body = success('vector', vector([{ a: '1' }, '1'], [{ a: '2' }, '2'], [{ a: '3' }, '3']));
    expect(await answered(answer(body))).toEqual({
      ok: false,
      reason: 'invalid',
      detail:
        'the query "sum(rate(x[5m]))" of namespace team gives 3 series, but a policy needs one number: aggregate with sum(), avg() or max()',
    });
  });

  test('more series than permitted are not even counted', async () => {
    const body = success('vector', vector(...Array.from({ length: 30 }, (_, index) => [{ a: String(index) }, '1'] as const)));
    const result = await answered(answer(body), {}, { limits: { maxSeries: 10 } });
    expect(result).toMatchObject({
      ok: false,
      reason: 'refused',
      detail: expect.stringContaining('more than 10 series: select less') as string,
    });
  });

  test('a native histogram is not one number', async () => {
    const body = success('vector', [{ metric: {}, histogram: [1_700_000_000, { count: '5', sum: '7', buckets: [] }] }]);
    expect(await answered(answer(body))).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: expect.stringContaining('native histogram') as string,
    });
  });

  test.each(['matrix', 'string'])('a %s is not one number', async (resultType) => {
    expect(await answered(answer(success(resultType, resultType === 'matrix' ? [{ metric: {}, values: [] }] : [1, 'x'])))).toMatchObject({
      ok: false,
      reason: 'invalid',
    });
  });

  test('warnings are kept, cleaned and cut; infos are not', async () => {
    const warnings = ['one store\u0007 is\ndown \u202e', 'x'.repeat(500), 3, 'c', 'd', 'e', 'f'];
    const result = await answered(answer(success('vector', vector([{}, '1']), { warnings, infos: ['metric might not be a counter'] })));
    if (!result.ok) throw new Error(result.detail);
    expect(result.warnings).toEqual(['one store is down', `${'x'.repeat(199)}…`, 'c', 'd', 'and 2 more warnings']);
    expect(result.series).toHaveLength(1);
  });

  test('a partial answer of VictoriaMetrics is one', async () => {
    const result = await answered(answer(success('vector', vector([{}, '1']), { isPartial: true })), {}, { type: 'VictoriaMetrics' });
    expect(result).toMatchObject({ ok: true, warnings: ['the answer is partial: some storage nodes did not answer'] });
  });
});

describe('failures', () => {
  const error =
    (status: number, errorType: string, message: string, headers: Record<string, string> = {}): FakeHandler =>
    (_, response) =>
      json(response, status, { status: 'error', errorType, error: message }, headers);

  test('400 is a bad query, and says why in words of Prometheus', async () => {
    expect(await answered(error(400, 'bad_data', `parse error:\n unexpected ${'x'.repeat(500)}`))).toMatchObject({
      ok: false,
      reason: 'refused',
      detail: expect.stringMatching(/^MetricSource main refused the query \(400\): bad_data: parse error: unexpected x+…$/) as string,
    });
  });

  test('422 may be the data’s fault', async () => {
    expect(await answered(error(422, 'execution', 'found duplicate series for the match group'))).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: expect.stringContaining('found duplicate series') as string,
    });
  });

  test('422 over a limit is the query’s', async () => {
    expect(
      await answered(error(422, 'execution', 'query processing would load too many samples into memory in query execution')),
    ).toMatchObject({ ok: false, reason: 'refused', limit: 'samples' });
  });

  test('503 passes by itself', async () => {
    const result = await answered(error(503, 'timeout', 'query timed out in expression evaluation', { 'retry-after': '3' }));
    expect(result).toMatchObject({ ok: false, reason: 'source-unavailable', transient: true, retryAfterMs: 3000 });
  });

  test.each([500, 502, 504, 499, 408])('%i passes by itself', async (status) => {
    expect(await answered(error(status, 'internal', 'x'))).toMatchObject({ ok: false, reason: 'source-unavailable', transient: true });
  });

  test('429 with a time to wait', async () => {
    const result = await answered((_, response) => {
      response.writeHead(429, { 'retry-after': '12', 'content-type': 'text/plain' }).end('secret');
    });
    expect(result).toMatchObject({ ok: false, reason: 'source-unavailable', retryAfterMs: 12_000 });
    expect(JSON.stringify(result)).not.toContain('secret');
    expect(result).not.toHaveProperty('transient');
  });

  test('404 with HTML is another server', async () => {
    const result = await answered((_, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>secret</h1>');
    });
    expect(result).toMatchObject({
      ok: false,
      reason: 'source-absent',
      detail: 'MetricSource main does not know /api/v1/query (404): check url of the MetricSource, and its path',
    });
  });

  test.each([401, 403])('%i is our credentials', async (status) => {
    expect(await answered(error(status, 'forbidden', 'secret'))).toMatchObject({
      ok: false,
      reason: 'refused',
      detail: `MetricSource main refused our credentials (${status}): check auth of MetricSource main`,
    });
  });

  test('a redirect', async () => {
    const result = await answered((_, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    });
    expect(result).toMatchObject({
      ok: false,
      reason: 'source-unavailable',
      detail: expect.stringContaining('a redirect, which is never followed') as string,
    });
  });

  test('HTML with a 200', async () => {
    const result = await answered((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');
    });
    expect(result).toMatchObject({ ok: false, reason: 'invalid', detail: expect.stringContaining('something else than JSON') as string });
  });

  test('a huge body', async () => {
    const result = await answered(answer(success('vector', vector([{ a: 'x'.repeat(5000) }, '1']))), {}, { limits: { maxBytes: 2000 } });
    expect(result).toMatchObject({ ok: false, reason: 'partial', detail: expect.stringContaining('more than 2000 bytes') as string });
  });

  test('JSON that is cut short', async () => {
    const text = JSON.stringify(success('vector', vector([{}, '1'])));
    for (const length of [text.length - 1, text.length - 10, 40, 1]) {
      const result = await answered((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(text.slice(0, length));
      });
      expect(result).toMatchObject({ ok: false, reason: 'partial', transient: true });
    }
  });

  test.each([
    [{}],
    [[]],
    [{ status: 'success' }],
    [{ status: 'success', data: { resultType: 'vector', result: [5] } }],
    [{ status: 'success', data: { resultType: 'streams', result: [] } }],
    [{ status: 'success', data: { resultType: 'vector', result: [{ metric: { a: 5 }, value: [1, '1'] }] } }],
    [{ status: 'success', data: { resultType: 'scalar', result: [1] } }],
    [{ status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [1, 1] }] } }],
  ])('another envelope: %j', async (body) => {
    expect(await answered(answer(body))).toMatchObject({
      ok: false,
      reason: 'invalid',
      detail: expect.stringContaining('is not one of the Prometheus API') as string,
    });
  });

  test('an error in a 200', async () => {
    expect(await answered(error(200, 'internal', 'x'))).toMatchObject({ ok: false, reason: 'source-unavailable' });
  });

  test('a status that the API does not have', async () => {
    expect(await answered(error(418, 'x', 'y'))).toMatchObject({ ok: false, reason: 'invalid' });
    expect(await answered((_, response) => void response.writeHead(204).end())).toMatchObject({ ok: false, reason: 'invalid' });
  });

  test('a slow server', async () => {
    const made = await make(() => undefined, { limits: { timeoutSeconds: 2 } });
    const pending = ask(made);
    await eventually(() => made.server.requests.length === 1);
    await made.clock.advance(2000);
    expect(await pending).toMatchObject({
      ok: false,
      reason: 'source-unavailable',
      transient: true,
      detail: 'MetricSource main did not finish answering /api/v1/query within 2 s',
    });
  });

  test('nobody there, and an address that is refused', async () => {
    expect(await answered(answer({}), {}, { url: 'http://127.0.0.1:1' })).toMatchObject({
      ok: false,
      reason: 'source-unavailable',
      transient: true,
    });
    expect(await answered(answer({}), {}, { network: {} })).toMatchObject({
      ok: false,
      reason: 'refused',
      detail: expect.stringContaining('is loopback; network.allowLoopback permits it') as string,
    });
  });
});

describe('the servers that speak the same', () => {
  const fieldsOf = async (spec: Parameters<typeof make>[1]): Promise<{ fields: Record<string, string>; made: Rig }> => {
    const made = await make(answer(success('vector', [])), spec);
    await ask(made);
    return { fields: Object.fromEntries([...made.form()].filter(([name]) => !['query', 'timeout'].includes(name))), made };
  };

  test('Prometheus looks back as it is set', async () => {
    expect((await fieldsOf({ options: { lookbackSeconds: 60 } })).fields).toEqual({ limit: '1001', lookback_delta: '60s' });
  });

  test('Thanos merges replicas and does not answer in part, unless told', async () => {
    expect((await fieldsOf({ type: 'Thanos' })).fields).toEqual({ dedup: 'true', partial_response: 'false' });
    expect(
      (await fieldsOf({ type: 'Thanos', options: { deduplicate: false, partialResponse: true, lookbackSeconds: 60 } })).fields,
    ).toEqual({ dedup: 'false', partial_response: 'true', lookback_delta: '60s' });
  });

  test('Mimir gets its tenant in a header', async () => {
    const { fields, made } = await fieldsOf({ type: 'Mimir', tenancy: { tenant: 'team-a' } });
    expect(fields).toEqual({});
    expect(made.server.requests[0]?.headers['x-scope-orgid']).toBe('team-a');
    const other = await fieldsOf({ type: 'Mimir', tenancy: { tenant: 'b', tenantHeader: 'X-Tenant' } });
    expect(other.made.server.requests[0]?.headers['x-tenant']).toBe('b');
  });

  test('VictoriaMetrics: no cache, no limit, and the tenant’s label once more outside of the query', async () => {
    expect((await fieldsOf({ type: 'VictoriaMetrics' })).fields).toEqual({ nocache: '1', extra_label: 'namespace=team' });
    expect((await fieldsOf({ type: 'VictoriaMetrics', options: { lookbackSeconds: 60 } })).fields).toEqual({
      nocache: '1',
      extra_label: 'namespace=team',
      step: '60s',
    });
  });
});
