import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CatalogueReport } from '../../cli/compose/sources/list-catalogue.ts';
import type { SourceList } from '../../cli/compose/sources/list-sources.ts';
import type { QueryReport } from '../../cli/compose/sources/query-report.ts';
import type { KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import { realClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster, type EmbeddedCluster } from '../../simulator/index.ts';
import { install, startProgram, type Outcome, type Program } from './doctor-support.ts';

let program: Program;
let cluster: EmbeddedCluster;
let client: KubeClient;
let config: string;
let prometheusUrl: string;

const source = (name: string, spec: Readonly<Record<string, unknown>> = {}): KubeObject => ({
  metadata: { name },
  spec: { url: prometheusUrl, plainHttp: true, network: { allowLoopback: true }, allowedNamespaces: { names: ['shop'] }, ...spec },
});

beforeAll(async () => {
  program = await startProgram();
  cluster = await startEmbeddedCluster({
    clock: realClock,
    random: seededRandom('sources'),
    nodes: [],
    adapter: true,
    prometheus: 600_000,
  });
  client = cluster.client('test');
  config = await program.kubeconfig('admin', await cluster.listen());
  const { prometheus } = cluster;
  if (prometheus === undefined) throw new Error('the cluster has no Prometheus');
  prometheusUrl = (await prometheus.listen()).url;
  await install(client);
  await client.create(
    resourceTypes.metricSources,
    source('main', { templates: { memoryUsage: 'max by (namespace, pod, container) (my_memory)' } }),
  );
  const lines = [
    'http_requests_total{namespace="shop",job="web",pod="a"} 30',
    'http_requests_total{namespace="shop",job="web",pod="b"} 12.5',
    'http_requests_total{namespace="blog",job="web",pod="c"} 7',
    `odd{namespace="shop",text="\u001b[31mred\u009b2J\u202e${'x'.repeat(300)}"} 1`,
    'broken{namespace="shop"} NaN',
  ];
  for (const ageMs of [60_000, 30_000, 5_000]) prometheus.ingest(`${lines.join('\n')}\n`, realClock.now() - ageMs);
});
afterAll(async () => {
  await cluster.stop();
  await program.remove();
});

const run = (...words: string[]): Promise<Outcome> => program.run(['sources', ...words, '--kubeconfig', config]);

interface Asked {
  readonly report: QueryReport;
  readonly code: number | null;
}

async function query(...words: string[]): Promise<Asked> {
  const { stdout, stderr, code } = await run('query', ...words, '-o', 'json');
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as QueryReport;
  expect([report.kind, report.version]).toEqual(['ConcertinaSourceQuery', 1]);
  expect(code).toBe(report.problem === null ? 0 : 1);
  return { report, code };
}

describe('concertina sources query', () => {
  it('asks what is written, and tells value, matches and ages', async () => {
    const { report } = await query('main', 'sum by (namespace) (http_requests_total)');
    expect(report).toMatchObject({
      source: 'main',
      query: 'sum by (namespace) (http_requests_total)',
      ok: true,
      result: { type: 'vector', series: 2 },
      selectors: [{ selector: 'http_requests_total', series: 3, withoutMatcher: [] }],
      asPolicy: null,
    });
    expect(report.result?.values.map(({ labels, value }) => [labels['namespace'], value]).toSorted()).toEqual([
      ['blog', '7'],
      ['shop', '42.5'],
    ]);
    const newestAgeSeconds = report.selectors[0]?.newestAgeSeconds;
    expect(newestAgeSeconds).toBeGreaterThan(4);
    expect(newestAgeSeconds).toBeLessThan(60);
    expect(report.latencyMs).toBeGreaterThanOrEqual(0);
  });

  it('asks as a policy of a namespace would, and says what that policy gets', async () => {
    const { report } = await query('main', 'sum(http_requests_total) / count(http_requests_total{job="web"})', '-n', 'shop');
    expect(report.query).toBe('sum(http_requests_total{namespace="shop"}) / count(http_requests_total{job="web",namespace="shop"})');
    expect(report.asPolicy).toEqual({ value: '21.25', problem: null });
    expect(report.selectors.map(({ selector, series }) => [selector, series])).toEqual([
      ['http_requests_total{namespace="shop"}', 2],
      ['http_requests_total{job="web",namespace="shop"}', 2],
    ]);
    expect((await query('main', 'http_requests_total', '-n', 'shop')).report.asPolicy?.problem).toContain(
      'gives 2 series, but a policy needs one number',
    );
    expect((await query('main', 'broken', '-n', 'shop')).report.asPolicy?.problem).toContain(
      'NaN or infinite, which is unknown to a policy',
    );
  });

  it('finds the matcher that leaves no series', async () => {
    const { report, code } = await query('main', 'sum(http_requests_total{job="wbe"})', '-n', 'shop');
    expect(code, 'an empty answer is an answer').toBe(0);
    expect(report).toMatchObject({
      ok: true,
      result: { series: 0 },
      asPolicy: { value: null, problem: 'there is no series, which is unknown to a policy, or 0 to one with emptyMeans: Zero' },
      selectors: [
        {
          selector: 'http_requests_total{job="wbe",namespace="shop"}',
          series: 0,
          newestAgeSeconds: null,
          withoutMatcher: [
            { without: 'job="wbe"', series: 2 },
            { without: 'job="wbe",namespace="shop"', series: 3 },
          ],
        },
      ],
    });
  });

  it('finds the name that was meant', async () => {
    const { report } = await query('main', 'sum(http_request_total)', '-n', 'shop');
    expect(report.selectors[0]).toMatchObject({ series: 0, withoutMatcher: [], similarMetric: 'http_requests_total' });
    const { stdout } = await run('query', 'main', 'sum(http_request_total)', '-n', 'shop');
    expect(stdout).toContain(
      'http_request_total{namespace="shop"} matches no series now, and there is none of that metric; did you mean http_requests_total?',
    );
  });

  it('asks for a range', async () => {
    const { report } = await query('main', 'sum(http_requests_total)', '--range', '40s', '--step', '10s');
    expect(report.range?.stepSeconds).toBe(10);
    expect(report.result).toMatchObject({ type: 'matrix', series: 1, ranges: [{ first: 49.5, last: 49.5 }] });
    expect(report.result?.ranges[0]?.points).toBeGreaterThan(2);
  });

  it.each([
    [['main', 'up', '-n', 'blog'], 'MetricSource main does not allow namespace blog'],
    [['main', 'up{namespace="blog"}', '-n', 'shop'], 'sees its own namespace only'],
    [['main', 'sum('], 'is not PromQL'],
    [['main', 'up[5m]', '--range', '1h'], 'put a function such as rate() around it'],
    [['mian', 'up'], 'there is no MetricSource mian (did you mean main?); `concertina sources list`'],
  ])('sends nothing for %o', async (words, problem) => {
    const { report, code } = await query(...words);
    expect(report).toMatchObject({ ok: false, query: words.includes('--range') ? 'up[5m]' : null, result: null });
    expect(report.problem).toContain(problem);
    expect(code).toBe(1);
  });

  it('says what a server that fails says, and holds warnings against the answer', async () => {
    const { faults } = cluster.prometheus ?? {};
    if (faults === undefined) throw new Error('there is no Prometheus');
    try {
      faults.answer = { kind: 'html' };
      const html = await query('main', 'up');
      expect([html.report.ok, html.code]).toEqual([false, 1]);
      expect(JSON.stringify(html.report)).not.toContain('<html');
      faults.answer = undefined;
      faults.warnings = ['store-1: context deadline\u001b[2J exceeded'];
      const warned = await query('main', 'sum(http_requests_total)');
      expect(warned.report.warnings.join()).toContain('store-1: context deadline');
      const { stdout } = await run('query', 'main', 'sum(http_requests_total)');
      expect(stdout).toMatch(/^Warning: {2}store-1: context deadline.*good for growth only/m);
    } finally {
      faults.answer = undefined;
      faults.warnings = [];
    }
  });

  it('shows nothing that a terminal would obey', async () => {
    const risky = /[^\P{Cc}\n]|\u202e/u;
    const table = await run('query', 'main', 'odd');
    expect(table.stdout).toContain('{__name__="odd", namespace="shop", text="[31mred 2J x');
    expect(table.stdout).not.toMatch(risky);
    const json = await run('query', 'main', 'odd', '-o', 'json');
    expect(json.stdout).not.toMatch(risky);
    const { result } = JSON.parse(json.stdout) as QueryReport;
    expect(result?.values[0]?.labels['text'], 'a machine gets it as it is').toContain('\u001b[31mred\u009b2J\u202e');
  });

  it('without its Secret says which one is missing', async () => {
    await client.create(
      resourceTypes.metricSources,
      source('guarded', { auth: { bearer: { secretRef: { name: 'token', key: 'value' } } } }),
    );
    expect((await query('guarded', 'up')).report.problem).toBe(
      'MetricSource guarded: there is no Secret concertina-system/token; create it with the key value',
    );
    await client.create(resourceTypes.secrets, {
      metadata: { name: 'token', namespace: 'concertina-system' },
      data: { value: Buffer.from('hush-hush').toString('base64') },
    });
    const { stdout } = await run('query', 'guarded', 'sum(http_requests_total)', '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    expect(stdout).not.toContain('hush');
    await client.delete(resourceTypes.metricSources, { name: 'guarded' });
  });
});

describe('concertina sources query --url', () => {
  let other: Server;
  let otherUrl: string;

  beforeAll(async () => {
    other = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>\u001b[2J hush</html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    other.close();
    other.closeAllConnections();
  });

  // No kubeconfig: a cluster is not needed.
  const ask = (...words: string[]): Promise<Outcome> => program.run(['sources', 'query', ...words]);

  it('asks a server that is reached from here, without a cluster', async () => {
    const { stdout, code } = await ask('--url', prometheusUrl, 'sum(http_requests_total)', '-n', 'blog');
    expect(code).toBe(0);
    expect(stdout).toContain('Source:   the server of --url, as a policy of namespace blog');
    expect(stdout).toContain('Query:    sum(http_requests_total{namespace="blog"})');
    expect(stdout).toContain('Policy:   7');
  });

  it('fails in a sentence where something else answers, or nobody', async () => {
    const html = await ask('--url', otherUrl, 'up', '-o', 'json');
    expect(html.code).toBe(1);
    expect(html.stdout).not.toContain('hush');
    expect(JSON.parse(html.stdout)).toMatchObject({ ok: false, source: null });
    const closed = await ask('--url', 'http://127.0.0.1:1', 'up');
    expect([closed.code, closed.stderr]).toEqual([1, '']);
    expect(closed.stdout).toContain('the connection was refused');
  });

  it.each([
    [['--url', 'http://169.254.169.254', 'up'], 'metadata service'],
    [
      ['--url', 'http://jane:secret@127.0.0.1:9090', 'up'],
      '--url "http://…@127.0.0.1:9090" is not a base URL; write http://HOST:PORT[/PATH], without /api/v1, query and credentials',
    ],
  ])('does not go to %o', async (words, text) => {
    const { stdout, code } = await ask(...words, '-o', 'json');
    expect(code).toBe(1);
    expect(stdout, 'a password is a secret').not.toContain('secret');
    expect((JSON.parse(stdout) as QueryReport).problem).toContain(text);
  });

  it.each([
    [['query', 'main', 'up', '--url', 'http://127.0.0.1:1'], '"main" names a MetricSource and --url another server; leave one out'],
    [['query', 'main'], 'write the name of a MetricSource and a query'],
    [['query'], 'write the name of a MetricSource and a query'],
    [['query', '--url', 'http://127.0.0.1:1'], 'write a query'],
    [['query', 'main', 'up', '--range', 'long'], '--range "long" is not a duration; write 30s, 5m or 1h'],
    [['query', 'main', 'up', '--step', '1m'], '--step "1m" belongs to a range; write --range too'],
    [['query', 'main', 'up', '--range', '1000h', '--step', '1s'], 'has more than 50000 steps; write a longer --step'],
    [['query', 'main', 'up', '--bearer-token', 'x'], '--bearer-token is not a flag'],
    [['qurey', 'main', 'up'], 'qurey'],
    [[], 'name what to do: list, query or catalogue'],
  ])('refuses wrong words: %o', async (words, text) => {
    const { code, stdout, stderr } = await program.run(['sources', ...words]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(text);
  });
});

describe('concertina sources list and catalogue', () => {
  it('lists API groups and MetricSources', async () => {
    const { stdout, code } = await run('list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NAME +TYPE +AT +READY +REASON/);
    expect(stdout).toMatch(/^metrics\.k8s\.io +API group +kube-system\/metrics +True +Passed +v1beta1/m);
    expect(stdout).toMatch(/^custom\.metrics\.k8s\.io +API group +kube-system\/custom +True +Passed +v1beta2/m);
    expect(stdout).toMatch(new RegExp(`^main +Prometheus +${prometheusUrl} +Unknown +NoStatus .* shop$`, 'm'));
    const json = JSON.parse((await run('list', '-o', 'json')).stdout) as SourceList;
    expect(json).toMatchObject({ kind: 'ConcertinaSourceList', version: 1, problem: null });
    expect(json.sources.map(({ name }) => name)).toEqual(['metrics.k8s.io', 'custom.metrics.k8s.io', 'external.metrics.k8s.io', 'main']);
  });

  it('gives a machine its output also without a cluster', async () => {
    const { stdout, stderr, code } = await program.run(['sources', 'list', '-o', 'json', '--kubeconfig', '/no/such']);
    expect([stderr, code]).toEqual(['', 1]);
    expect(JSON.parse(stdout)).toMatchObject({ sources: [], problem: expect.stringContaining('/no/such does not exist') as unknown });
    const person = await program.run(['sources', 'list', '--kubeconfig', '/no/such']);
    expect(person.stderr).toMatch(/^concertina: \/no\/such does not exist/);
  });

  it('lists the queries by name, with those of a MetricSource', async () => {
    const plain = await program.run(['sources', 'catalogue', '-o', 'json']);
    const built = JSON.parse(plain.stdout) as CatalogueReport;
    expect(plain.code, 'no cluster is needed').toBe(0);
    expect(built.queries.map(({ name }) => name)).toContain('cpuUsage');
    const { stdout } = await run('catalogue', '--source', 'main');
    expect(stdout).toContain('memoryUsage (bytes, from MetricSource main)');
    expect(stdout).toContain('  max by (namespace, pod, container) (my_memory)');
    const missing = await run('catalogue', '--source', 'gone', '-o', 'json');
    expect(missing.code).toBe(1);
    expect(JSON.parse(missing.stdout)).toMatchObject({
      queries: [],
      problem: expect.stringContaining('there is no MetricSource gone') as unknown,
    });
  });
});
