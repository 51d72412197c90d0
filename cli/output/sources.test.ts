import { describe, expect, it } from 'vitest';
import { catalogueReport } from '../compose/sources/list-catalogue.ts';
import type { QueryReport } from '../compose/sources/query-report.ts';
import { emptyReport } from '../compose/sources/run-query.ts';
import { catalogueText, queryText, sourceListTable } from './sources.ts';
import { terminalJson } from './sources-text.ts';

const report = (change: Partial<QueryReport> = {}): QueryReport => ({
  ...emptyReport({ source: 'main', expression: 'sum(a)', namespace: 'shop', at: 0, range: undefined }),
  ok: true,
  query: 'sum(a{namespace="shop"})',
  latencyMs: 12,
  ...change,
});
const selector = {
  selector: 'a{namespace="shop"}',
  series: 3,
  newestAgeSeconds: 4.2,
  oldestAgeSeconds: 9,
  problem: null,
  withoutMatcher: [],
  similarMetric: null,
};

describe('queryText', () => {
  it('shows what was sent, what matched and what came', () => {
    const result = { type: 'vector' as const, series: 1, values: [{ labels: { b: '2', a: '1' }, value: '0.5', at: '' }], ranges: [] };
    expect(
      queryText(report({ result, selectors: [selector], asPolicy: { value: '0.5', problem: null }, warnings: ['a store is away'] })),
    ).toBe(
      [
        'Source:   main, as a policy of namespace shop',
        'Query:    sum(a{namespace="shop"})',
        'Answer:   vector of 1 series, in 12 ms',
        'Policy:   0.5',
        'Warning:  a store is away (a part may be missing: good for growth only)',
        '',
        'MATCHES   NEWEST   OLDEST   SELECTOR',
        '      3   4 s      9 s      a{namespace="shop"}',
        '',
        'VALUE   LABELS',
        '  0.5   {a="1", b="2"}',
        '',
      ].join('\n'),
    );
  });

  it('says what to look at where a selector matches nothing', () => {
    const none = { ...selector, series: 0, newestAgeSeconds: null, oldestAgeSeconds: null };
    const loosened = queryText(report({ selectors: [{ ...none, withoutMatcher: [{ without: 'job="x"', series: 12 }] }] }));
    expect(loosened).toContain('a{namespace="shop"} matches no series now;\n  without job="x" it matches 12');
    expect(queryText(report({ selectors: [{ ...none, similarMetric: 'ab' }] }))).toContain(
      'there is none of that metric; did you mean ab?',
    );
    expect(queryText(report({ selectors: [{ ...none, series: null, problem: 'timed out' }] }))).toMatch(
      /\n {6}\? .*\n\n.* could not be counted: timed out\n$/,
    );
  });

  it('shows a bounded part, and nothing that a terminal would obey', () => {
    const values = Array.from({ length: 120 }, () => ({ labels: { x: `\u001b[31m\u202e${'y'.repeat(500)}` }, value: '1\u0007', at: '' }));
    const text = queryText(report({ result: { type: 'vector', series: 900, values, ranges: [] } }));
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text.split('\n').filter((line) => line.includes('{x='))).toHaveLength(50);
    expect(text).toContain('and 850 more series');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(200);
  });

  it('says that nothing was sent', () => {
    const text = queryText(report({ ok: false, query: null, latencyMs: null, reason: 'refused', problem: 'not that' }));
    expect(text).toContain('Query:    sum(a) (not sent)\nAnswer:   none (refused): not that');
  });

  it('shows a range by its ends', () => {
    const ranges = [{ labels: {}, points: 3, first: 1, last: 2.000000001, min: null, max: 2, values: [] }];
    const text = queryText(
      report({ range: { start: 's', end: 'e', stepSeconds: 30 }, result: { type: 'matrix', series: 1, values: [], ranges } }),
    );
    expect(text).toContain('Range:    s to e, every 30 s');
    expect(text).toMatch(/POINTS +FIRST +LAST +MIN +MAX +LABELS\n +3 +1 +2 +2 +\{\}/);
  });
});

it('sourceListTable shows what is wrong below the table', () => {
  const row = {
    name: 'main',
    type: 'Prometheus',
    at: 'https://p',
    ready: 'False' as const,
    reason: 'Gone',
    version: '',
    queries: 2,
    namespaces: 'all',
    message: 'it is\u001b gone',
  };
  const text = sourceListTable({
    kind: 'ConcertinaSourceList',
    version: 1,
    sources: [row, { ...row, name: 'ok', ready: 'True', message: 'fine' }],
    problem: 'and more',
  });
  expect(text).toMatch(/^NAME +TYPE +AT +READY +REASON +VERSION +QUERIES +NAMESPACES\nmain /);
  expect(text.endsWith(`\n\n${String.raw`main: it is\x1b gone`}\nand more\n`)).toBe(true);
});

describe('the catalogue', () => {
  it('lists every query with its text, and what a MetricSource puts in its place', () => {
    const own = catalogueReport('main', { memoryUsage: 'max(my_memory{x="1"})' });
    const text = catalogueText(own);
    expect(text).toContain('memoryUsage (bytes, from MetricSource main)');
    expect(text).toContain('  max(my_memory{x="1"})');
    expect(text).toContain('cpuUsage (cores)');
    expect(own.queries.length).toBe(catalogueReport(undefined).queries.length);
  });

  it('says which template cannot be used', () => {
    expect(catalogueReport('main', { nonsense: 'x' }).problem).toContain('MetricSource main: spec.templates.nonsense');
  });
});

it('terminalJson gives a parser the same value', () => {
  const value = { text: 'a\u001b\u007f\u009b\u202e\u2028\ufeffé😀', list: [1] };
  const text = terminalJson(value);
  expect(JSON.parse(text)).toEqual(value);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028\ufeff]/);
});
