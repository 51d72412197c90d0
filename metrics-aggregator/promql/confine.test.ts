import { describe, expect, test } from 'vitest';
import { confineQuery, type ConfineOptions } from './confine.ts';

const options: ConfineOptions = { namespaceLabel: 'namespace', namespace: 'a', maxRangeSeconds: 86_400 };

function confined(query: string, more: Partial<ConfineOptions> = {}): string {
  const result = confineQuery(query, { ...options, ...more });
  if (!result.ok) throw new Error(`${query}: ${result.problem}`);
  return result.query;
}

function refused(query: string, more: Partial<ConfineOptions> = {}): string {
  const result = confineQuery(query, { ...options, ...more });
  if (result.ok) throw new Error(`${query} became ${result.query}`);
  return result.problem;
}

describe('every selector gets the namespace', () => {
  test.each([
    ['up', 'up{namespace="a"}'],
    ['up{}', 'up{namespace="a"}'],
    ['up{ }', 'up{ namespace="a"}'],
    ['up{job="x"}', 'up{job="x",namespace="a"}'],
    ['up{job="x",}', 'up{job="x",namespace="a",}'],
    ['{__name__=~"http_.*"}', '{__name__=~"http_.*",namespace="a"}'],
    ['{"http.requests"}', '{"http.requests",namespace="a"}'],
    ['{"http.requests", job="x"}', '{"http.requests", job="x",namespace="a"}'],
    ['{job="x"}', '{job="x",namespace="a"}'],
    ['job:rate:sum', 'job:rate:sum{namespace="a"}'],
    ['sum(rate(http_requests_total[5m]))', 'sum(rate(http_requests_total{namespace="a"}[5m]))'],
    ['sum by (pod) (x) / on (pod) group_left (node) y', 'sum by (pod) (x{namespace="a"}) / on (pod) group_left (node) y{namespace="a"}'],
    ['max_over_time(rate(x[5m])[1h:1m])', 'max_over_time(rate(x{namespace="a"}[5m])[1h:1m])'],
    ['(((x)))', '(((x{namespace="a"})))'],
    ['-x', '-x{namespace="a"}'],
    ['x offset 5m', 'x{namespace="a"} offset 5m'],
    ['x offset -5m', 'x{namespace="a"} offset -5m'],
    ['x @ end()', 'x{namespace="a"} @ end()'],
    ['x[5m] @ start() offset 1m', 'x{namespace="a"}[5m] @ start() offset 1m'],
    ['topk(3, x) or y unless z', 'topk(3, x{namespace="a"}) or y{namespace="a"} unless z{namespace="a"}'],
    ['limitk(2, x)', 'limitk(2, x{namespace="a"})'],
    ['limit_ratio(0.5, x)', 'limit_ratio(0.5, x{namespace="a"})'],
    ['count_values("v", x)', 'count_values("v", x{namespace="a"})'],
    ['absent(x)', 'absent(x{namespace="a"})'],
    ['info(x, {k8s_node=~".+"})', 'info(x{namespace="a"}, {k8s_node=~".+",namespace="a"})'],
    ['label_replace(x, "namespace", "b", "", "")', 'label_replace(x{namespace="a"}, "namespace", "b", "", "")'],
    ['scalar(x) + time() * 2', 'scalar(x{namespace="a"}) + time() * 2'],
    // Names that are keywords elsewhere.
    ['sum', 'sum{namespace="a"}'],
    ['by', 'by{namespace="a"}'],
    ['sum(sum)', 'sum(sum{namespace="a"})'],
    ['start + end', 'start{namespace="a"} + end{namespace="a"}'],
    ['rate + step', 'rate{namespace="a"} + step{namespace="a"}'],
    ['1 + 1', '1 + 1'],
    ['vector(1)', 'vector(1)'],
  ])('%s', (query, expected) => {
    expect(confined(query)).toBe(expected);
  });

  test('one that has it is kept as it is, however it is written', () => {
    expect(confined('x{namespace="a"}')).toBe('x{namespace="a"}');
    expect(confined("x{namespace='a'} + y")).toBe('x{namespace="a"} + y{namespace="a"}');
    expect(confined('x{"namespace"="a"}')).toBe('x{"namespace"="a"}');
    expect(confined(String.raw`x{namespace="\x61"}`)).toBe('x{namespace="a"}');
  });

  test('the value is escaped exactly', () => {
    expect(confined('x', { namespace: 'a"} or y{b="' })).toBe(String.raw`x{namespace="a\"} or y{b=\""}`);
    expect(confined('x', { namespace: 'a\\\n\r\u2028é' })).toBe(String.raw`x{namespace="a\\\n\u000d\u2028é"}`);
  });

  test('selectors are told once each, as they are asked', () => {
    expect(confineQuery('x / (x + y{b="c"})', options)).toMatchObject({ selectors: ['x{namespace="a"}', 'y{b="c",namespace="a"}'] });
  });
});

describe('what an author says about the namespace himself', () => {
  test.each([
    'x{namespace="b"}',
    'x{namespace!="a"}',
    'x{namespace=~"a"}',
    'x{namespace=~".*"}',
    'x{namespace!~"b"}',
    'x{namespace=""}',
    'x{namespace="a",namespace="b"}',
    'x{namespace="a",namespace!="a"}',
    'x{"namespace"="b"}',
    String.raw`x{"name\x73pace"=~".+"}`,
    'x + y{namespace="b"}',
    'sum(rate(x{job="j",namespace="b"}[5m]))',
  ])('%s is refused', (query) => {
    expect(refused(query)).toMatch(/selects by namespace.*sees its own namespace only: remove that matcher/);
  });

  test('the label is the configured one', () => {
    expect(confined('x{namespace="b"}', { namespaceLabel: 'tenant' })).toBe('x{namespace="b",tenant="a"}');
    expect(refused('x{tenant="b"}', { namespaceLabel: 'tenant' })).toContain('tenant="b"');
  });

  test('nothing is confined to no namespace', () => {
    expect(refused('x', { namespace: '' })).toContain('without a namespace');
  });
});

describe('attempts to get something past the grammar', () => {
  test('a selector behind a carriage return in a comment, where Prometheus ends the comment and the grammar does not', () => {
    expect(confined('up # \r or secret')).toBe('up{namespace="a"}');
    expect(confined('up #\r{job="x"}\n + y')).toBe('up{namespace="a"} + y{namespace="a"}');
  });

  test('comments go, strings that look like comments stay', () => {
    expect(confined('x{a="# no comment"} # } or y')).toBe('x{a="# no comment",namespace="a"}');
    expect(confined('x # {namespace="a"}\n{job="x"}')).toBe('x {job="x",namespace="a"}');
    expect(confined('sum(#)\nx)')).toBe('sum( x{namespace="a"})');
  });

  test('braces, quotes and back ticks in strings', () => {
    expect(confined('x{a="} or y{"}')).toBe('x{a="} or y{",namespace="a"}');
    expect(confined('x{a=`"} or y{b="`}')).toBe(String.raw`x{a="\"} or y{b=\"",namespace="a"}`);
    expect(confined(String.raw`x{a='"'}`)).toBe(String.raw`x{a="\"",namespace="a"}`);
  });

  test.each([
    ['x{a="b}', 'is not PromQL'],
    ['x{a="b"', 'ends too early'],
    ['x{a="b\nc"}', 'is not PromQL'],
    [String.raw`x{a="\q"}`, 'unknown escape'],
    [String.raw`x{a="\xff"}`, 'unknown escape'],
    ['x{a="\\\n"}', 'unknown escape'],
    ['"abc', 'not closed'],
    ['x{a=`b\rc`}', 'unknown escape'],
    ['x or\u00a0y', 'is not PromQL'],
    ['x\u0000', 'is not PromQL'],
    ['x{a="b" or namespace="b"}', 'is not PromQL'],
    ['{namespace="b" or a="c"}', 'is not PromQL'],
    ['WITH (q = x) q', 'is not PromQL'],
    ['union(x, y)', 'is not PromQL'],
    ['x if y', 'is not PromQL'],
    ['x, y', 'is not PromQL'],
    ['x; y', 'is not PromQL'],
    ['', 'is empty'],
    [' \n', 'is empty'],
    ['# only', 'is not PromQL'],
    ['x}', 'is not PromQL'],
    ['x)) or ((y', 'is not PromQL'],
    ['x\ud800', 'half a character'],
  ])('%j is refused', (query, problem) => {
    expect(refused(query)).toContain(problem);
  });

  test('info() that reads target_info of everybody', () => {
    expect(refused('info(x)')).toContain('info() reads target_info of all namespaces');
    expect(refused('sum(info(rate(x[5m])))')).toContain('info()');
    expect(refused('info(x, ({a="b"}))')).toContain('info()');
  });

  test('selectors of everything', () => {
    expect(refused('{}')).toContain('names no metric');
    expect(refused('{namespace="a"}')).toContain('names no metric');
    expect(refused('count({namespace="a"})')).toContain('names no metric');
  });

  test('a query that is too long', () => {
    expect(refused(`x{a="${'b'.repeat(5000)}"}`)).toContain('more than the 4096');
    expect(confined(`x{a="${'b'.repeat(5000)}"}`, { maxLength: 6000 })).toContain('namespace="a"');
  });

  test('a position is told', () => {
    expect(refused('sum(x))')).toBe('the query is not PromQL: ")" at position 7 is not expected');
  });
});

describe('how far a query may look', () => {
  test.each([
    'x[2d]',
    'x + y offset 2d',
    'rate(x[5m]) + max_over_time(y[5m:]) offset 1d',
    'x[86401s]',
    'x[24h1ms]',
    'x[90000]',
    'x offset 2d',
    'x offset -2d',
    'x offset -(2d)',
    'x[((2d))]',
    'x[20h] offset 5h',
    'max_over_time(rate(x[13h])[13h:])',
    'max_over_time((max_over_time(x[1h:]) offset 12h)[12h:])',
    '(x[1h] offset 12h) offset 12h',
  ])('%s is refused', (query) => {
    expect(refused(query)).toMatch(/looks \d+ s away, more than the 86400 s that are permitted/);
  });

  test.each([
    'x[1d]',
    'x[86400s]',
    'x[12h] offset 12h',
    'x offset -1d',
    'max_over_time(x[1d:1m])',
    'x[1d] + y[1d] offset 0s',
    'x offset 1d / y offset 1d - z offset 20h',
    '-x offset 1d * max_over_time(y[12h:]) offset 12h',
  ])('%s is permitted', (query) => {
    expect(confined(query)).toContain('namespace="a"');
  });

  test('a duration that only the server could work out is refused', () => {
    expect(refused('x[5m * 1000]')).toContain('no plain duration');
    expect(refused('x[step()]')).toContain('no plain duration');
    expect(refused('x[range()]')).toContain('no plain duration');
    expect(refused('x[max_of(5m, 9y)]')).toContain('no plain duration');
    expect(refused('x[inf]')).toContain('no plain duration');
  });

  test('a fixed moment only within the range, and only where the time is known', () => {
    const now = 1_700_000_000_000;
    expect(refused('x @ 1699999000')).toContain('a fixed moment');
    expect(confined('x @ 1699999000', { now })).toBe('x{namespace="a"} @ 1699999000');
    expect(refused('x @ 1699000000', { now })).toContain('looks 1000000 s away');
    expect(refused('x[23h] @ 1699990000', { now })).toContain('s away');
    expect(refused('x @ 0', { now })).toContain('s away');
    expect(refused('x @ -5', { now })).toContain('s away');
    expect(refused('x @ 1800000000', { now })).toContain('s away');
    expect(refused('x @ inf', { now })).toContain('not a number');
    expect(refused('x @ nan', { now })).toContain('not a number');
  });

  test('subqueries inside of subqueries are counted, not only measured', () => {
    expect(refused('max_over_time(x[1h:100ms])')).toContain('is evaluated 36000 times');
    expect(refused('max_over_time(max_over_time(x[1h:10s])[1h:10s])')).toContain('is evaluated 129600 times');
    expect(refused('max_over_time(x[1h:0s])')).toContain('no step');
    expect(confined('max_over_time(max_over_time(x[1h:1m])[1h:1m])')).toContain('namespace="a"');
  });
});

test('a deep query is read without running out of stack', () => {
  const deep = `${'('.repeat(2000)}x${')'.repeat(2000)}`;
  expect(confined(deep)).toBe(`${'('.repeat(2000)}x{namespace="a"}${')'.repeat(2000)}`);
});

test('a long chain of operators is read up to a bound of the parser, and refused beyond it', () => {
  const chain = (length: number): string => Array.from({ length }, () => 'x').join('+');
  expect(confined(chain(200))).toBe(chain(200).replaceAll('x', 'x{namespace="a"}'));
  expect(refused(chain(2000))).toContain('is not PromQL');
});
