import { describe, expect, test } from 'vitest';
import type { GuardedHttp } from '../http/index.ts';
import type { UsageAnswer, UsageResult } from '../source.ts';
import { createCatalogue } from './catalogue.ts';
import { createPrometheusClient } from './prometheus-client.ts';
import { createPrometheusUsageSource, type PrometheusUsageOptions } from './usage-source.ts';

type Item = readonly [labels: Readonly<Record<string, string>>, value: string];

/** Answers to the queries whose text contains the key; a number is a status. */
type Script = Readonly<Record<string, readonly Item[] | number>>;

const evaluatedAt = 1_700_000_100;

/** Answers in pieces of a few bytes, as sockets do. */
function scripted(script: Script, warnings: readonly string[] = []): { http: GuardedHttp; queries: string[] } {
  const queries: string[] = [];
  return {
    queries,
    http: {
      exchange: async ({ form, onBody }) => {
        const query = form?.find(([name]) => name === 'query')?.[1] ?? '';
        queries.push(query);
        const answer = Object.entries(script).find(([part]) => query.includes(part))?.[1] ?? [];
        if (typeof answer === 'number') return { ok: true, status: answer, body: Buffer.alloc(0), json: false, retryAfterMs: undefined };
        const result = answer.map(([metric, value]) => ({ metric, value: [evaluatedAt, value] }));
        const body = Buffer.from(JSON.stringify({ status: 'success', warnings, data: { resultType: 'vector', result } }));
        for (let at = 0; at < body.length; at += 13) await onBody?.(body.subarray(at, at + 13));
        return { ok: true, status: 200, body: Buffer.alloc(0), json: true, retryAfterMs: undefined };
      },
      close: () => Promise.resolve(),
    },
  };
}

function ask(http: GuardedHttp, options: Partial<PrometheusUsageOptions> = {}): Promise<UsageAnswer> {
  const catalogue = createCatalogue();
  if (!catalogue.ok) throw new Error(catalogue.problem);
  const client = createPrometheusClient({ http, name: 'main' });
  return createPrometheusUsageSource({ client, catalogue: catalogue.catalogue, ...options }).usage(new AbortController().signal);
}

async function usage(script: Script, options: Partial<PrometheusUsageOptions> = {}): Promise<UsageResult> {
  const answer = await ask(scripted(script).http, options);
  if (!answer.ok) throw new Error(answer.detail);
  return answer;
}

const cpu = 'by (namespace, pod, container) (rate(container_cpu_usage';
const memory = 'max by (namespace, pod, container) (container_memory';
const timestamps = 'min by (namespace, pod) (timestamp(';
const nodeCpu = 'max by (node) (rate(';
const nodeMemory = 'max by (node) (container_memory';
const nodeTimestamps = 'min by (node) (timestamp(';

const of = (pod: string, container?: string): Record<string, string> => ({
  namespace: 'n',
  pod,
  ...(container !== undefined && { container }),
});

describe('usage out of a Prometheus', () => {
  test('pods and nodes, with the times of their samples', async () => {
    const { pods, nodes, rejected, partial } = await usage({
      [cpu]: [
        [of('a', 'main'), '0.25000000000000006'],
        [of('a', 'side'), '0.0004'],
        [of('b', 'main'), '2'],
      ],
      [memory]: [
        [of('b', 'main'), '1e+09'],
        [of('a', 'side'), '4096'],
        [of('a', 'main'), '104857600'],
      ],
      [timestamps]: [
        [of('a'), '1700000090.5'],
        [of('b'), '1699999900'],
      ],
      [nodeCpu]: [[{ node: 'one' }, '3.5']],
      [nodeMemory]: [
        [{ node: 'one' }, '8e9'],
        [{ node: 'two' }, '1'],
      ],
      [nodeTimestamps]: [[{ node: 'one' }, '1700000080']],
    });
    const rows = pods.names.map((name, row) => ({
      name: `${pods.namespaces[row]}/${name}`,
      at: pods.timestamps[row],
      window: pods.windowsMs[row],
      containers: pods.containers
        .slice(pods.firstContainer[row], pods.firstContainer[row + 1])
        .map((container, index) => [
          container,
          pods.cpuMilli[(pods.firstContainer[row] ?? 0) + index],
          pods.memoryMilli[(pods.firstContainer[row] ?? 0) + index],
        ]),
    }));
    expect(rows.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      {
        name: 'n/a',
        at: 1_700_000_090_500,
        window: 120_000,
        containers: expect.arrayContaining([
          ['main', 250, 104_857_600_000],
          ['side', 0, 4_096_000],
        ]) as unknown,
      },
      // Dead for minutes, and shown by Prometheus as if it were of now: it keeps its own time.
      { name: 'n/b', at: 1_699_999_900_000, window: 120_000, containers: [['main', 2000, 1_000_000_000_000]] },
    ]);
    expect(nodes).toEqual([
      { name: 'one', timestamp: 1_700_000_080_000, windowMs: 120_000, cpuMilli: 3500, memoryMilli: 8_000_000_000_000 },
    ]);
    expect(rejected).toEqual(['usage of node two has no timestamp (query nodeTimestamps)']);
    expect(partial).toBeUndefined();
  });

  test('what is missing or no number is missing, never zero', async () => {
    const { pods, rejected } = await usage({
      [cpu]: [
        [of('a', 'main'), 'NaN'],
        [of('c', 'main'), '1'],
        [{ pod: 'x', container: 'y' }, '1'],
        [{ namespace: 'n', pod: 'x' }, '1'],
      ],
      [memory]: [
        [of('a', 'main'), '-5'],
        [of('b', 'main'), '7'],
      ],
      [timestamps]: [
        [of('a'), '1700000000'],
        [of('b'), '1700000000'],
        [of('d'), '1700000000'],
      ],
    });
    expect([...pods.names].toSorted()).toEqual(['a', 'b']);
    expect([...pods.cpuMilli]).toEqual([Number.NaN, Number.NaN]);
    expect([...pods.memoryMilli].toSorted((a, b) => a - b)).toEqual(expect.arrayContaining([7000, Number.NaN]));
    expect(rejected.join('\n')).toContain('cpuUsage of container main of pod n/a is not a number');
    expect(rejected.join('\n')).toContain('memoryUsage of container main of pod n/a is not a number');
    expect(rejected.join('\n')).toContain('usage of pod n/c has no timestamp');
    expect(rejected.join('\n')).toContain('a series of cpuUsage has no label namespace or pod');
    expect(rejected.join('\n')).toContain('a series of cpuUsage has no label container');
  });

  test('nothing at all is nothing, which the aggregator judges', async () => {
    expect(await usage({})).toMatchObject({ pods: { podCount: 0 }, nodes: [] });
  });

  test('a failure of one of the queries about pods is a failure', async () => {
    for (const part of [cpu, memory, timestamps]) {
      expect(await ask(scripted({ [part]: 503 }).http)).toMatchObject({ ok: false, reason: 'source-unavailable', transient: true });
    }
  });

  test('a failure about nodes is a remark', async () => {
    const answer = await usage({ [nodeCpu]: 503, [cpu]: [[of('a', 'm'), '1']], [timestamps]: [[of('a'), '1700000000']] });
    expect(answer.pods.podCount).toBe(1);
    expect(answer.rejected).toEqual([expect.stringMatching(/^node usage: MetricSource main could not answer \(503\)/)]);
  });

  test('a warning makes it partial', async () => {
    const answer = await ask(scripted({ [cpu]: [[of('a', 'm'), '1']] }, ['a store is down']).http);
    expect(answer).toMatchObject({ ok: true, partial: 'a store is down' });
  });

  test('range and matchers go into every query', async () => {
    const { http, queries } = scripted({});
    await ask(http, { rateRangeMs: 90_000, matchers: [{ name: 'cluster', op: '=', value: 'c' }] });
    expect(queries).toHaveLength(6);
    expect(queries.every((query) => query.includes('cluster="c"'))).toBe(true);
    expect(queries.filter((query) => query.includes('[90s]'))).toHaveLength(2);
  });

  test('rejections are bounded', async () => {
    const { rejected } = await usage({ [cpu]: Array.from({ length: 100 }, () => [{ pod: 'p' }, '1'] as const) });
    expect(rejected).toHaveLength(20);
  });
});
