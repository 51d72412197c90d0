import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';

export interface PrometheusAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface PrometheusRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A Prometheus with one target, whose text the contract sets. The target's labels are `job` and `instance`; timestamps of the text count. */
export interface PrometheusWorld {
  readonly url: string;
  /** One raw request; bodies are not decompressed. */
  request(path: string, init?: PrometheusRequest): Promise<PrometheusAnswer>;
  /** What the target shows from now on; resolves when it has been scraped since. */
  publish(text: string): Promise<void>;
  /** The target does not answer until the next `publish`; resolves when the server has noticed. */
  breakTarget(): Promise<void>;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [time: number, value: string];
  readonly values?: readonly (readonly [time: number, value: string])[];
}

interface Envelope {
  readonly status: 'success' | 'error';
  readonly data?: unknown;
  readonly errorType?: string;
  readonly error?: string;
}

type Parameters = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

function encoded(parameters: Parameters): string {
  return new URLSearchParams(parameters as Record<string, string>).toString();
}

/** What the suite relies on of a Prometheus, version 2.42 and its likes. The real one is the truth; the embedded one is tested by the same lines. */
export function prometheusContract(world: () => PrometheusWorld): void {
  const client = createClient(world);
  describe('answers', () => {
    answers(world, client);
  });
  describe('errors', () => {
    errors(client);
  });
  describe('parameters', () => {
    parameters(world, client);
  });
  describe('ranges', () => {
    ranges(client);
  });
  describe('scrapes and staleness', () => {
    staleness(world, client);
  });
  describe('rates', () => {
    rates(world, client);
  });
  describe('aggregation and matching', () => {
    matching(world, client);
  });
  describe('histograms', () => {
    histograms(world, client);
  });
  describe('series and labels', () => {
    catalogue(world, client);
  });
}

interface Client {
  json(path: string, parameters?: Parameters): Promise<{ readonly status: number; readonly envelope: Envelope }>;
  /** The result of an instant query that must succeed. */
  query(query: string, time?: string): Promise<readonly Series[]>;
  scalar(query: string): Promise<string>;
  /** Metric and value of each series, without the target's labels. */
  values(query: string, time?: string): Promise<readonly (readonly [labels: Readonly<Record<string, string>>, value: string])[]>;
}

function createClient(world: () => PrometheusWorld): Client {
  const json: Client['json'] = async (path, given = {}) => {
    const answer = await world().request(`/api/v1/${path}?${encoded(given)}`);
    expect(answer.headers['content-type']).toBe('application/json');
    return { status: answer.status, envelope: JSON.parse(answer.body.toString()) as Envelope };
  };
  const result = async (query: string, time?: string): Promise<unknown> => {
    const { status, envelope } = await json('query', time === undefined ? { query } : { query, time });
    if (status !== 200) expect.fail(`${query}: ${status} ${envelope.error ?? ''}`);
    return (envelope.data as { readonly result: unknown }).result;
  };
  const query: Client['query'] = async (text, time) => (await result(text, time)) as readonly Series[];
  return {
    json,
    query,
    scalar: async (text) => ((await result(text)) as readonly [number, string])[1],
    values: async (text, time) =>
      (await query(text, time)).map(({ metric, value }) => {
        const { job: _job, instance: _instance, ...labels } = metric;
        return [labels, value?.[1] ?? ''] as const;
      }),
  };
}

function answers(world: () => PrometheusWorld, client: Client): void {
  beforeAll(() =>
    world().publish(
      [
        'fmt{kind="plain"} 1.5',
        'fmt{kind="nan"} NaN',
        'fmt{kind="inf"} +Inf',
        'fmt{kind="ninf"} -Inf',
        'fmt{kind="large"} 1e21',
        'fmt{kind="almost large"} 123456789012345680000',
        'fmt{kind="small"} 1e-7',
        'fmt{kind="smallest"} 5e-324',
        'fmt{kind="zero"} -0',
        'fmt{kind="text",l="q\\"uo\\\\te\\nnl ü",empty=""} 1',
        '',
      ].join('\n'),
    ),
  );

  it('says that it is ready and healthy', async () => {
    const ready = await world().request('/-/ready');
    expect([ready.status, ready.headers['content-type'], ready.body.toString()]).toEqual([
      200,
      'text/plain; charset=utf-8',
      'Prometheus Server is Ready.\n',
    ]);
    expect((await world().request('/-/healthy')).body.toString()).toBe('Prometheus Server is Healthy.\n');
  });

  it('names its version', async () => {
    const { envelope } = await client.json('status/buildinfo');
    expect(envelope).toMatchObject({
      status: 'success',
      data: { version: expect.stringMatching(/^2\.\d+/), goVersion: expect.any(String) },
    });
  });

  it('writes floats with as many places as they need, and an exponent at the far ends', async () => {
    expect(Object.fromEntries((await client.values('fmt')).map(([{ kind = '' }, value]) => [kind, value]))).toEqual({
      plain: '1.5',
      nan: 'NaN',
      inf: '+Inf',
      ninf: '-Inf',
      large: '1e+21',
      'almost large': '123456789012345680000',
      small: '1e-07',
      smallest: '5e-324',
      zero: '-0',
      text: '1',
    });
  });

  it('gives labels as they are, without the empty ones', async () => {
    const [series] = await client.query('fmt{kind="text"}');
    expect(series?.metric).toMatchObject({ __name__: 'fmt', kind: 'text', l: 'q"uo\\te\nnl ü' });
    expect(series?.metric).not.toHaveProperty('empty');
  });

  it('gives vectors, matrices, scalars and strings with their times', async () => {
    const at = async (query: string): Promise<string> =>
      (await world().request(`/api/v1/query?${encoded({ query, time: '1000.5' })}`)).body.toString();
    expect(await at('1')).toBe('{"status":"success","data":{"resultType":"scalar","result":[1000.5,"1"]}}');
    expect(await at('"a"')).toBe('{"status":"success","data":{"resultType":"string","result":[1000.5,"a"]}}');
    expect(await at('vector(1)')).toBe(
      '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1000.500,"1"]}]}}',
    );
    expect(await at('vector(1)[2s:1s]')).toBe(
      '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[999,"1"],[1000,"1"]]}]}}',
    );
    expect(await at('fmt')).toBe('{"status":"success","data":{"resultType":"vector","result":[]}}');
  });

  it('answers at the present when no time is named', async () => {
    const [before, now] = [Number(await client.scalar('time()')), Number(await client.scalar('time()'))];
    expect(now).toBeGreaterThanOrEqual(before);
    expect(before).toBeGreaterThan(1_600_000_000);
  });

  it('compresses for those who ask for it', async () => {
    const answer = await world().request('/api/v1/query?query=1&time=5', { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(answer.body).toString())).toMatchObject({ status: 'success' });
  });
}

type Refusal = readonly [path: string, parameters: Record<string, string>, status: number, errorType: string, error: string];

const range = { query: '1', start: '0', end: '10', step: '1' };

const refusals: readonly Refusal[] = [
  ['query', {}, 400, 'bad_data', 'invalid parameter "query": 1:1: parse error: no expression found in input'],
  [
    'query',
    { query: 'foo', time: 'abc' },
    400,
    'bad_data',
    `invalid parameter "time": Invalid time value for 'time': cannot parse "abc" to a valid timestamp`,
  ],
  ['query', { query: 'foo', timeout: 'abc' }, 400, 'bad_data', 'invalid parameter "timeout": cannot parse "abc" to a valid duration'],
  ['query', { query: 'topk(NaN, vector(1))' }, 422, 'execution', 'Scalar value NaN overflows int64'],
  [
    'query',
    { query: 'label_replace(vector(1), "a-b", "", "", "")' },
    422,
    'execution',
    'invalid destination label name in label_replace(): a-b',
  ],
  ['query', { query: 'label_replace(vector(1), "a", "", "", "(")' }, 422, 'execution', 'invalid regular expression in label_replace(): ('],
  ['query_range', { ...range, start: 'x' }, 400, 'bad_data', 'invalid parameter "start": cannot parse "x" to a valid timestamp'],
  ['query_range', { ...range, end: '' }, 400, 'bad_data', 'invalid parameter "end": cannot parse "" to a valid timestamp'],
  ['query_range', { ...range, end: '-1' }, 400, 'bad_data', 'invalid parameter "end": end timestamp must not be before start time'],
  ['query_range', { ...range, step: 'x' }, 400, 'bad_data', 'invalid parameter "step": cannot parse "x" to a valid duration'],
  [
    'query_range',
    { ...range, step: '0' },
    400,
    'bad_data',
    'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
  ],
  ['query_range', { ...range, query: '' }, 400, 'bad_data', '1:1: parse error: no expression found in input'],
  [
    'query_range',
    { ...range, query: '"a"' },
    400,
    'bad_data',
    'invalid expression type "string" for range query, must be Scalar or instant Vector',
  ],
  [
    'query_range',
    { ...range, query: 'foo[5m]' },
    400,
    'bad_data',
    'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
  ],
  [
    'query_range',
    { ...range, end: '11001' },
    400,
    'bad_data',
    'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
  ],
  ['series', {}, 400, 'bad_data', 'no match[] parameter provided'],
  ['series', { 'match[]': '{}' }, 400, 'bad_data', 'invalid parameter "match[]": match[] must contain at least one non-empty matcher'],
  ['series', { 'match[]': 'sum(foo)' }, 400, 'bad_data', 'invalid parameter "match[]": 1:4: parse error: unexpected "("'],
  [
    'series',
    { 'match[]': 'foo', start: 'x' },
    400,
    'bad_data',
    `invalid parameter "start": Invalid time value for 'start': cannot parse "x" to a valid timestamp`,
  ],
  ['labels', { 'match[]': '{' }, 400, 'bad_data', '1:2: parse error: unexpected end of input inside braces'],
  ['label/a-b/values', {}, 400, 'bad_data', 'invalid label name: "a-b"'],
  ['metadata', { limit: 'x' }, 400, 'bad_data', 'limit must be a number'],
];

/** Texts that are no queries, with what is said about them. */
const parseErrors: Readonly<Record<string, string>> = {
  'foo(': '1:5: parse error: unclosed left parenthesis',
  'foo)': "1:5: parse error: unexpected right parenthesis ')'",
  'foo{a=b}': '1:7: parse error: unexpected identifier "b" in label matching, expected string',
  'foo{a="b"': '1:10: parse error: unexpected end of input inside braces',
  'foo{a=~"("}': '1:5: parse error: error parsing regexp: missing closing ): `^(?:()$`',
  'foo{a=~"(?=x)"}': '1:5: parse error: error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
  'foo{a=~"\\\\1"}': '1:5: parse error: error parsing regexp: invalid escape sequence: `\\1`',
  '{}': '1:1: parse error: vector selector must contain at least one non-empty matcher',
  '{a=~".*"}': '1:1: parse error: vector selector must contain at least one non-empty matcher',
  'foo{__name__="bar"}': '1:1: parse error: metric name must not be set twice: "foo" or "bar"',
  'foo bar': '1:5: parse error: unexpected identifier "bar"',
  'foo +': '1:6: parse error: unexpected end of input',
  'sum(foo,)': '1:8: parse error: trailing commas not allowed in function call args',
  'sum by (a-b) (foo)': '1:10: parse error: unexpected <op:-> in grouping opts, expected "," or ")"',
  'nope(foo)': '1:1: parse error: unknown function with name "nope"',
  'rate(foo)': '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
  'rate(foo[5m], 1)': '1:1: parse error: expected 1 argument(s) in call to "rate", got 2',
  'sum(1)': '1:5: parse error: expected type instant vector in aggregation expression, got scalar',
  '1 == 1': '1:3: parse error: comparisons between scalars must use BOOL modifier',
  'foo and 1': '1:1: parse error: set operator "and" not allowed in binary scalar expression',
  'foo + on(a) group_left(a) bar': '1:5: parse error: label "a" must not occur in ON and GROUP clause at once',
  'foo[5]': '1:5: parse error: missing unit character in duration',
  'foo[1m1h]': '1:5: parse error: not a valid duration string: "1m1h"',
  'sum(foo)[5m]': '1:9: parse error: ranges only allowed for vector selectors',
  'foo offset 1': '1:12: parse error: unexpected number "1" in offset, expected duration',
  'sum(foo) offset 1m':
    '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
  '"abc': '1:1: parse error: unterminated quoted string',
  '1_000': '1:1: parse error: bad number or duration syntax: "1"',
  '5m': '1:1: parse error: unexpected duration "5m"',
  '{"foo"}': '1:2: parse error: unexpected string "\\"foo\\"" in label matching, expected identifier or "}"',
  'foo &': "1:5: parse error: unexpected character: '&'",
};

function errors(client: Client): void {
  it.each(refusals)('%s %o → %i %s', async (...[path, given, status, errorType, error]) => {
    const answer = await client.json(path, given);
    expect(answer.envelope).toEqual({ status: 'error', errorType, error });
    expect(answer.status).toBe(status);
  });

  it('gives up a query that has no time', async () => {
    const answer = await client.json('query', { query: 'foo', timeout: '0' });
    expect(answer.status).toBe(503);
    // Which step of the work it was in is chance.
    expect(answer.envelope).toMatchObject({ status: 'error', errorType: 'timeout', error: expect.stringMatching(/^query timed out in /) });
  });

  it.each(Object.entries(parseErrors))('%s', async (query, error) => {
    const answer = await client.json('query', { query });
    expect(answer.status).toBe(400);
    expect(answer.envelope).toEqual({ status: 'error', errorType: 'bad_data', error: `invalid parameter "query": ${error}` });
  });
}

function parameters(world: () => PrometheusWorld, client: Client): void {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  it('takes a form as it takes a query, and before it', async () => {
    const body = encoded({ query: '1 + 1', time: '5' });
    const answer = await world().request('/api/v1/query?query=3', { method: 'POST', headers: form, body });
    expect(JSON.parse(answer.body.toString())).toEqual({ status: 'success', data: { resultType: 'scalar', result: [5, '2'] } });
  });

  it('reads no other bodies', async () => {
    const answer = await world().request('/api/v1/query', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"1"}',
    });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: expect.stringContaining('no expression found in input') });
  });

  it('does not mind parameters that it does not know', async () => {
    const { status, envelope } = await client.json('query', { query: '1', time: '5', tenant: 'x', limit: '-1', partial_response: 'true' });
    expect([status, envelope.data]).toEqual([200, { resultType: 'scalar', result: [5, '1'] }]);
  });

  it('takes the first of several values', async () => {
    const { envelope } = await client.json('query', [
      ['query', '1'],
      ['query', '2'],
      ['time', '5'],
    ]);
    expect(envelope.data).toMatchObject({ result: [5, '1'] });
  });

  it('understands times as seconds and as RFC 3339', async () => {
    const at = async (time: string): Promise<unknown> =>
      ((await client.json('query', { query: '1', time })).envelope.data as { result: unknown[] }).result[0];
    expect(await at('1767225600.123')).toBe(1_767_225_600.123);
    expect(await at('2026-01-01T00:00:00.123Z')).toBe(1_767_225_600.123);
    expect(await at('2026-01-01T02:00:00+02:00')).toBe(1_767_225_600);
    expect(await at('-5')).toBe(-5);
  });

  it('refuses other methods and unknown paths without JSON', async () => {
    const put = await world().request('/api/v1/query', { method: 'PUT' });
    expect([put.status, put.headers['allow'], put.body.toString()]).toEqual([405, 'GET, OPTIONS, POST', 'Method Not Allowed\n']);
    const values = await world().request('/api/v1/label/a/values', { method: 'POST' });
    expect([values.status, values.headers['allow']]).toEqual([405, 'GET, OPTIONS']);
    const unknown = await world().request('/api/v1/nope');
    expect([unknown.status, unknown.headers['content-type'], unknown.body.toString()]).toEqual([
      404,
      'text/plain; charset=utf-8',
      '404 page not found\n',
    ]);
    expect((await world().request('/api/v1/query', { method: 'OPTIONS' })).status).toBe(204);
  });

  it('refuses what is no UTF-8', async () => {
    const ask = async (query: string): Promise<Envelope> =>
      JSON.parse((await world().request(`/api/v1/query?query=${query}`)).body.toString()) as Envelope;
    expect(await ask('fmt%7Ba%3D%22%ff%22%7D')).toMatchObject({
      errorType: 'bad_data',
      error: 'invalid parameter "query": 1:7: parse error: invalid UTF-8 rune',
    });
    expect(await ask('fmt%ff')).toMatchObject({
      errorType: 'bad_data',
      error: expect.stringMatching(/^invalid parameter "query": 1:4: parse error: unexpected character/),
    });
    const posted = await world().request('/api/v1/query', { method: 'POST', headers: form, body: 'query=fmt%7Ba%3D%22%ff%22%7D' });
    expect(posted.status).toBe(400);
  });
}

function ranges(client: Client): void {
  const ask = async (given: Record<string, string>): Promise<readonly Series[]> => {
    const { status, envelope } = await client.json('query_range', given);
    expect([status, envelope.error]).toEqual([200, undefined]);
    return (envelope.data as { readonly result: readonly Series[] }).result;
  };

  it('has a point at each step from start to end', async () => {
    expect(await ask({ query: 'time()', start: '100', end: '110', step: '4' })).toEqual([
      {
        metric: {},
        values: [
          [100, '100'],
          [104, '104'],
          [108, '108'],
        ],
      },
    ]);
    expect((await ask({ query: '1', start: '100', end: '101', step: '500ms' }))[0]?.values).toEqual([
      [100, '1'],
      [100.5, '1'],
      [101, '1'],
    ]);
  });

  it('gives 11,000 steps and no more', async () => {
    const [series] = await ask({ query: '1', start: '0', end: '11000', step: '1' });
    expect(series?.values).toHaveLength(11_001);
  });

  it('sorts series by their labels', async () => {
    const query = 'label_replace(vector(1), "l", "b", "", "") or label_replace(vector(1), "l", "a", "", "") or vector(2)';
    expect((await ask({ query, start: '0', end: '0', step: '1' })).map(({ metric }) => metric)).toEqual([{}, { l: 'a' }, { l: 'b' }]);
  });
}

function staleness(world: () => PrometheusWorld, client: Client): void {
  it('forgets a series at once when the target no longer shows it, except in ranges', async () => {
    await world().publish('stale_gone 1\nstale_kept 1\n');
    expect(await client.values('stale_gone')).toHaveLength(1);
    await world().publish('stale_kept 2\n');
    expect(await client.values('stale_gone')).toEqual([]);
    expect(await client.values('stale_kept')).toEqual([[{ __name__: 'stale_kept' }, '2']]);
    expect(await client.values('last_over_time(stale_gone[1m])')).toEqual([[{ __name__: 'stale_gone' }, '1']]);
    // A marker is not a sample.
    const [series] = await client.query('stale_gone[1m]');
    expect(series?.values?.every(([, value]) => value === '1')).toBe(true);
    expect(await client.values('absent(stale_gone)')).toEqual([[{}, '1']]);
    await world().publish('stale_gone 3\nstale_kept 3\n');
    expect(await client.values('stale_gone')).toEqual([[{ __name__: 'stale_gone' }, '3']]);
  });

  it('forgets everything of a target that does not answer, and says so by up', async () => {
    await world().publish('stale_down 1\n');
    expect(await client.values('up')).toEqual([[{ __name__: 'up' }, '1']]);
    await world().breakTarget();
    expect(await client.values('stale_down')).toEqual([]);
    expect(await client.values('up')).toEqual([[{ __name__: 'up' }, '0']]);
    await world().publish('stale_down 2\n');
    expect(await client.values('stale_down')).toEqual([[{ __name__: 'stale_down' }, '2']]);
    expect(await client.values('up')).toEqual([[{ __name__: 'up' }, '1']]);
  });

  it('keeps the last value of a series with a timestamp of its own after it has gone', async () => {
    const at = Math.floor(Number(await client.scalar('time()')) * 1000);
    await world().publish(`stamped 7 ${at}\n`);
    expect(await client.values('timestamp(stamped) * 1000')).toEqual([[{}, String(at)]]);
    await world().publish('stale_kept 1\n');
    expect(await client.values('stamped')).toEqual([[{ __name__: 'stamped' }, '7']]);
  });

  it('takes nothing of an exposition that breaks off in a line', async () => {
    await world().publish('torn_whole 1\n');
    const before = await client.values('last_over_time(torn_whole[1m])');
    await world().publish('torn_whole 2\ntorn_half{a="b" 1\n');
    expect(await client.values('last_over_time(torn_whole[1m])')).toEqual(before);
    expect(await client.values('up')).toEqual([[{ __name__: 'up' }, '0']]);
    await world().publish('torn_whole 3\n');
  });

  it('keeps labels of the exposition that the target has too, under another name', async () => {
    await world().publish('clashing{job="theirs"} 1\n');
    const [series] = await client.query('clashing');
    expect(series?.metric).toMatchObject({ exported_job: 'theirs' });
    expect(series?.metric['job']).not.toBe('theirs');
  });
}

interface Window {
  readonly from: number;
  readonly to: number;
}

/** Prometheus' rule, written down anew, in milliseconds (seconds since 1970 have no exact differences): the increase between first and last sample, stretched to the window's ends where samples come near them. */
function expectedIncrease(samples: readonly (readonly [number, string])[], window: Window): number {
  const points = samples.map(([time, value]) => ({ time: Math.round(time * 1000), value: Number(value) }));
  const first = points[0]!;
  const last = points.at(-1)!;
  let increase = last.value - first.value;
  for (let at = 1; at < points.length; at++) if (points[at]!.value < points[at - 1]!.value) increase += points[at - 1]!.value;
  const sampled = last.time - first.time;
  const average = sampled / (points.length - 1);
  const toZero = increase > 0 ? (sampled * first.value) / increase : Infinity;
  const start = Math.min(first.time - window.from, toZero);
  const end = window.to - last.time;
  const covered = sampled + (start < average * 1.1 ? start : average / 2) + (end < average * 1.1 ? end : average / 2);
  return (increase * covered) / sampled;
}

function rates(world: () => PrometheusWorld, client: Client): void {
  let asked = '';
  beforeAll(async () => {
    // 30, 40, 55, then a restart of the process: 5, 25.
    for (const value of [30, 40, 55, 5, 25]) await world().publish(`counted_total ${value}\nlevel ${value}\n`);
    asked = await client.scalar('time()');
  });

  /** The answer, as a multiple of what the raw samples give. */
  const compared = async (name: string, seconds: number): Promise<number> => {
    const [raw] = await client.query(`counted_total[${seconds}s]`, asked);
    const samples = raw?.values ?? [];
    expect(new Set(samples.map(([, value]) => value))).toEqual(new Set(['30', '40', '55', '5', '25']));
    const to = Math.round(Number(asked) * 1000);
    const [[labels, value] = [{}, '']] = await client.values(`${name}(counted_total[${seconds}s])`, asked);
    expect(labels).toEqual({});
    return Number(value) / expectedIncrease(samples, { from: to - seconds * 1000, to });
  };

  it('extrapolates increase over resets, as long as samples are near the ends', async () => {
    expect(await compared('increase', 60)).toBeCloseTo(1, 9);
    expect((await compared('rate', 60)) * 60).toBeCloseTo(1, 9);
    expect((await compared('rate', 600)) * 600).toBeCloseTo(1, 9);
  });

  it('takes irate and idelta of the last two samples', async () => {
    const [raw] = await client.query('counted_total[1m]', asked);
    const [before, last] = raw!.values!.slice(-2);
    const change = Number(last![1]) - Number(before![1]);
    expect(await client.values('idelta(counted_total[1m])', asked)).toEqual([[{}, String(change)]]);
    const [[, rate] = [{}, '']] = await client.values('irate(counted_total[1m])', asked);
    expect(Number(rate)).toBeCloseTo((change * 1000) / Math.round((last![0] - before![0]) * 1000), 9);
  });

  it('has no rate of a single sample', async () => {
    expect(await client.values('rate(counted_total[1ms])', asked)).toEqual([]);
  });

  it('counts restarts', async () => {
    expect(await client.values('resets(counted_total[1m])', asked)).toEqual([[{}, '1']]);
  });

  it('aggregates over time', async () => {
    expect(await client.values('max_over_time(level[1m])', asked)).toEqual([[{}, '55']]);
    expect(await client.values('min_over_time(level[1m])', asked)).toEqual([[{}, '5']]);
    expect(await client.values('last_over_time(level[1m])', asked)).toEqual([[{ __name__: 'level' }, '25']]);
  });
}

function matching(world: () => PrometheusWorld, client: Client): void {
  beforeAll(() =>
    world().publish(
      [
        'load{ns="a",pod="x"} 10',
        'load{ns="a",pod="y"} 30',
        'load{ns="b",pod="z"} 5',
        'limit{ns="a"} 100',
        'limit{ns="b"} 10',
        'info{pod="x",node="n1"} 1',
        'info{pod="y",node="n2"} 1',
        '',
      ].join('\n'),
    ),
  );
  const sorted = async (query: string): Promise<unknown> => {
    const values = [...(await client.values(query))];
    return values.sort(([left], [right]) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
  };

  it('sums by and without labels', async () => {
    expect(await sorted('sum(load)')).toEqual([[{}, '45']]);
    expect(await sorted('sum by (ns) (load)')).toEqual([
      [{ ns: 'a' }, '40'],
      [{ ns: 'b' }, '5'],
    ]);
    expect(await sorted('avg without (pod, job, instance) (load)')).toEqual([
      [{ ns: 'a' }, '20'],
      [{ ns: 'b' }, '5'],
    ]);
    expect(await sorted('count by (nothing) (load)')).toEqual([[{}, '3']]);
    expect(await sorted('sum(nothing)')).toEqual([]);
  });

  it('keeps all labels of the highest', async () => {
    expect(await sorted('topk(1, load)')).toEqual([[{ __name__: 'load', ns: 'a', pod: 'y' }, '30']]);
    expect(await sorted('quantile(0.5, load)')).toEqual([[{}, '10']]);
  });

  it('matches one to one, many to one, and takes labels over', async () => {
    expect(await sorted('sum by (ns) (load) / on (ns) limit')).toEqual([
      [{ ns: 'a' }, '0.4'],
      [{ ns: 'b' }, '0.5'],
    ]);
    expect(await sorted('load / on (ns) group_left limit')).toEqual([
      [{ ns: 'a', pod: 'x' }, '0.1'],
      [{ ns: 'a', pod: 'y' }, '0.3'],
      [{ ns: 'b', pod: 'z' }, '0.5'],
    ]);
    expect(await sorted('sum by (node) (load * on (pod) group_left (node) info)')).toEqual([
      [{ node: 'n1' }, '10'],
      [{ node: 'n2' }, '30'],
    ]);
  });

  it('refuses ambiguous matches', async () => {
    const duplicate = await client.json('query', { query: 'limit / on (ns) load' });
    expect(duplicate.status).toBe(422);
    expect(duplicate.envelope).toMatchObject({
      errorType: 'execution',
      error: expect.stringMatching(
        /^found duplicate series for the match group \{ns="a"\} on the right hand-side of the operation: \[.*\];many-to-many matching not allowed: matching labels must be unique on one side$/,
      ),
    });
    const many = await client.json('query', { query: 'load / on (ns) limit' });
    expect(many.envelope.error).toBe('multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)');
    const names = await client.json('query', { query: 'label_replace(load, "pod", "p", "pod", ".*")' });
    expect(names.envelope.error).toBe('vector cannot contain metrics with the same labelset');
  });

  it('filters and combines', async () => {
    expect(await sorted('load > 9')).toEqual([
      [{ __name__: 'load', ns: 'a', pod: 'x' }, '10'],
      [{ __name__: 'load', ns: 'a', pod: 'y' }, '30'],
    ]);
    expect(await sorted('load{pod="z"} > bool 9')).toEqual([[{ ns: 'b', pod: 'z' }, '0']]);
    expect(await sorted('load and on (pod) info{node="n2"}')).toEqual([[{ __name__: 'load', ns: 'a', pod: 'y' }, '30']]);
    expect(await sorted('load unless on (pod) info')).toEqual([[{ __name__: 'load', ns: 'b', pod: 'z' }, '5']]);
    expect(await sorted('nothing or vector(0)')).toEqual([[{}, '0']]);
  });

  it('matches regular expressions as a whole', async () => {
    expect(await sorted('load{pod=~"x|y"}')).toHaveLength(2);
    expect(await sorted('load{pod=~"[xyz]",ns!~"b.*"}')).toHaveLength(2);
    expect(await sorted('load{ns=~""}')).toEqual([]);
    expect(await sorted('info{ns=~""}')).toHaveLength(2);
    expect(await sorted('load{pod=~"(?i)X"}')).toHaveLength(1);
  });

  it('binds signs, powers, offsets and subqueries as the language says', async () => {
    expect(await client.scalar('-1 ^ 2')).toBe('-1');
    expect(await client.scalar('2 ^ 3 ^ 2')).toBe('512');
    expect(await client.scalar('2 ^ -1 ^ 2')).toBe('0.5');
    expect(await client.scalar('010')).toBe('8');
    expect(await sorted('sum(load) - sum(max_over_time(load[1m] offset 1d) or vector(5)) * 2')).toEqual([[{}, '35']]);
  });
}

function histograms(world: () => PrometheusWorld, client: Client): void {
  beforeAll(() =>
    world().publish(
      [
        'took_bucket{le="0.1",path="/a"} 10',
        'took_bucket{le="0.5",path="/a"} 30',
        'took_bucket{le="1",path="/a"} 40',
        'took_bucket{le="+Inf",path="/a"} 50',
        'open_bucket{le="1"} 5',
        'open_bucket{le="2"} 10',
        '',
      ].join('\n'),
    ),
  );
  const quantile = async (q: string, metric = 'took_bucket'): Promise<string | undefined> =>
    (await client.values(`histogram_quantile(${q}, ${metric})`))[0]?.[1];

  it('interpolates within the bucket that the rank falls into', async () => {
    // Rank 25 of 50: 15 of the 20 observations between 0.1 and 0.5.
    expect(Number(await quantile('0.5'))).toBeCloseTo(0.1 + 0.4 * (15 / 20), 12);
    expect(Number(await quantile('0.1'))).toBeCloseTo(0.05, 12);
    expect((await client.values('histogram_quantile(0.5, took_bucket)'))[0]?.[0]).toEqual({ path: '/a' });
  });

  it('knows nothing beyond the last bound, nor of quantiles that are none', async () => {
    expect(await quantile('0.99')).toBe('1');
    expect(await quantile('1.1')).toBe('+Inf');
    expect(await quantile('-1')).toBe('-Inf');
    expect(await quantile('0.5', 'open_bucket')).toBe('NaN');
    expect(await quantile('0.5', 'sum by (le) (took_bucket * 0)')).toBe('NaN');
  });
}

function catalogue(world: () => PrometheusWorld, client: Client): void {
  beforeAll(() =>
    world().publish(
      [
        '# HELP listed_total Things, with \\\\ and \\n.',
        '# TYPE listed_total counter',
        'listed_total{kind="b"} 1',
        'listed_total{kind="a"} 1',
        'other_listed{size="s"} 1',
        '',
      ].join('\n'),
    ),
  );
  const data = async (path: string, given: Parameters = {}): Promise<unknown> => (await client.json(path, given)).envelope.data;

  it('lists series by match, sorted', async () => {
    const found = (await data('series', [
      ['match[]', 'listed_total'],
      ['match[]', '{size="s"}'],
    ])) as readonly Record<string, string>[];
    expect(found.map(({ __name__: name, kind, size }) => [name, kind ?? size])).toEqual([
      ['listed_total', 'a'],
      ['listed_total', 'b'],
      ['other_listed', 's'],
    ]);
    expect(await data('series', { 'match[]': 'listed_total', start: '0', end: '1' })).toEqual([]);
    expect(await data('series', { 'match[]': 'no_such_metric' })).toEqual([]);
  });

  it('lists names and values of labels', async () => {
    expect(await data('labels', { 'match[]': 'listed_total' })).toEqual(['__name__', 'instance', 'job', 'kind']);
    expect(await data('label/kind/values', { 'match[]': 'listed_total' })).toEqual(['a', 'b']);
    expect(await data('label/nothing_has_this/values')).toEqual([]);
    expect(await data('label/__name__/values')).toEqual(expect.arrayContaining(['listed_total', 'other_listed', 'up']));
  });

  it('knows type and help of what is scraped', async () => {
    expect(await data('metadata', { metric: 'listed_total' })).toEqual({
      listed_total: [{ type: 'counter', help: 'Things, with \\ and \n.', unit: '' }],
    });
    expect(await data('metadata', { metric: 'no_such_metric' })).toEqual({});
    expect(await data('metadata', { limit: '0' })).toEqual({});
  });
}
