import { describe, expect, test } from 'vitest';
import { addMatchers, matchersOfSelector } from './add-matchers.ts';
import { checkQuery, resultKind } from './check-query.ts';
import { formatDuration, literalMs } from './duration.ts';
import { splitBySelector } from './partition.ts';
import { formatSeconds, pinRange } from './pin-range.ts';
import { quoted } from './quoted.ts';
import { decodeString } from './string-literal.ts';

describe('kind of a result', () => {
  test.each([
    ['up', 'vector'],
    ['up[5m]', 'matrix'],
    ['(up[5m])', 'matrix'],
    ['up[5m] offset 1h', 'matrix'],
    ['rate(up[5m])[1h:1m]', 'matrix'],
    ['rate(up[5m])', 'vector'],
    ['sum(up)', 'vector'],
    ['1', 'scalar'],
    ['-1 + 2 * time()', 'scalar'],
    ['scalar(up)', 'scalar'],
    ['scalar(up) + up', 'vector'],
    ['vector(1)', 'vector'],
    ['pi()', 'scalar'],
    ['"text"', 'string'],
    ['-(up)', 'vector'],
    ['-(1)', 'scalar'],
    ['up @ end()', 'vector'],
    ['a + b offset 5m', 'vector'],
  ])('%s is a %s', (query, kind) => {
    expect(resultKind(query)).toBe(kind);
    expect(checkQuery(query)).toMatchObject({ ok: true, kind });
  });

  test('what is no PromQL has none, and a position', () => {
    expect(resultKind('sum(')).toBeUndefined();
    expect(checkQuery('sum(up')).toEqual({ ok: false, problem: 'the query is not PromQL: it ends too early, at position 7' });
  });

  test('selectors are told as they are written', () => {
    expect(checkQuery('a{b="c"} / a{b="c"} + d # e\n')).toEqual({
      ok: true,
      query: 'a{b="c"} / a{b="c"} + d',
      kind: 'vector',
      selectors: ['a{b="c"}', 'd'],
    });
  });
});

describe('matchers more', () => {
  test('go into every selector, in the order given', () => {
    const matchers = [
      { name: 'a', op: '=~' as const, value: 'x|y"' },
      { name: 'b.c', op: '!=' as const, value: '' },
    ];
    expect(addMatchers('sum(p) / q{a="z"}', matchers)).toEqual({
      ok: true,
      query: String.raw`sum(p{a=~"x|y\"","b.c"!=""}) / q{a="z",a=~"x|y\"","b.c"!=""}`,
    });
    expect(addMatchers('p', [])).toEqual({ ok: true, query: 'p' });
    expect(addMatchers('p{', matchers)).toMatchObject({ ok: false });
  });

  test('of a label selector of Kubernetes', () => {
    const result = matchersOfSelector('a=b,c!=d,e in (f,g.h),i notin (j),k,!l');
    const rendered = result.ok ? addMatchers('m', result.matchers) : result;
    expect(rendered).toEqual({ ok: true, query: String.raw`m{a="b",c!="d",e=~"f|g\\.h",i!="j",k!="",l=""}` });
    expect(matchersOfSelector('')).toEqual({ ok: true, matchers: [] });
  });

  test.each([
    ['a>5', 'cannot be asked of Prometheus'],
    ['app.kubernetes.io/name=x', 'is not a label of Prometheus'],
    ['a in (', 'label selector'],
  ])('%s cannot be one', (selector, problem) => {
    const result = matchersOfSelector(selector);
    expect(result.ok ? '' : result.problem).toContain(problem);
  });
});

describe('splitting by the values of a label', () => {
  const by = { label: 'pod', values: ['c', 'a', 'd.1', 'b'] };

  test('half of the values, and everything else', () => {
    expect(splitBySelector('rate(x[5m])', by)).toEqual({ ok: true, queries: ['rate(x{pod=~"a|b"}[5m])', 'rate(x{pod!~"a|b"}[5m])'] });
    const last = splitBySelector('x', { label: 'pod', values: ['a.b', 'c'] });
    expect(last).toEqual({ ok: true, queries: [String.raw`x{pod=~"a\\.b"}`, String.raw`x{pod!~"a\\.b"}`] });
  });

  test.each([
    'x',
    'x offset 5m @ 5',
    '-x',
    'rate(x[5m])',
    'max_over_time(rate(x[5m])[1h:1m])',
    'sum by (pod) (x)',
    'sum by (namespace, pod) (rate(x[5m]))',
    'sum without (cpu) (x)',
    'topk by (pod) (3, x)',
    'quantile by (pod) (0.9, x)',
    'sum by (pod) (x) / sum by (pod) (y)',
    'x / on (pod) y',
    'x * on (pod, node) group_left (a) y',
    'x / ignoring (cpu) y',
    'x and y unless z',
    '2 * x + time()',
    'x > 5',
    'histogram_quantile(0.9, sum by (pod, le) (rate(x[5m])))',
    'label_replace(x, "a", "$1", "pod", "(.*)")',
    'clamp(x, 0, 5)',
    'a + b offset 5m * c',
  ])('%s can be split', (query) => {
    expect(splitBySelector(query, by)).toMatchObject({ ok: true });
  });

  test.each([
    'sum(x)',
    'sum by (node) (x)',
    'sum without (pod) (x)',
    'count_values by (pod) ("v", x)',
    'limitk by (pod) (1, x)',
    'topk(3, x)',
    'absent(x)',
    'absent_over_time(x[5m])',
    'scalar(x)',
    'vector(1)',
    '1',
    'x or vector(0)',
    'x / scalar(sum(y))',
    'x + scalar(y)',
    'x / on (node) y',
    'x / ignoring (pod) y',
    'x * on (node) group_left y',
    'sum by (pod) (x) / sum(x)',
    'sum(x) + sum by (pod) (y) offset 5m',
    'label_replace(x, "pod", "b", "", "")',
    'label_join(x, "pod", ",", "a")',
    'info(x, {a="b"})',
    'sort_by_label(x, "pod")',
    'clamp_max(x, scalar(y))',
  ])('%s cannot be split', (query) => {
    expect(splitBySelector(query, by)).toMatchObject({ ok: false });
  });

  test('nor by the name, by le of a quantile, or by one value', () => {
    expect(splitBySelector('x', { label: '__name__', values: ['x', 'y'] })).toMatchObject({ ok: false });
    expect(splitBySelector('histogram_quantile(0.9, x)', { label: 'le', values: ['1', '2'] })).toMatchObject({ ok: false });
    expect(splitBySelector('x', { label: 'pod', values: ['a'] })).toMatchObject({ ok: false });
  });
});

describe('a range in pieces', () => {
  test('start() and end() become the times that they are', () => {
    expect(pinRange('x @ start() + y[5m] @ end() offset 1m', { start: 1000, end: 2500 })).toEqual({
      ok: true,
      query: 'x @ 1.000 + y[5m] @ 2.500 offset 1m',
    });
    expect(pinRange('rate(x[5m])', { start: 1, end: 2 })).toEqual({ ok: true, query: 'rate(x[5m])' });
  });

  test.each(['x + start()', 'end()', 'x / range()', 'rate(x[range()])'])('%s depends on the range', (query) => {
    expect(pinRange(query, { start: 1, end: 2 })).toMatchObject({ ok: false });
  });

  test.each([
    [0, '0.000'],
    [1, '0.001'],
    [-1, '-0.001'],
    [1_700_000_000_123, '1700000000.123'],
    [60_000, '60.000'],
  ])('%i ms are %s', (ms, seconds) => {
    expect(formatSeconds(ms)).toBe(seconds);
  });
});

describe('durations', () => {
  test.each([
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1y2w3d', 31_536_000_000 + 2 * 604_800_000 + 3 * 86_400_000],
    ['500ms', 500],
    ['-5m', -300_000],
    ['300', 300_000],
    ['1.5', 1500],
    ['1e3', 1_000_000],
    ['0x10', 16_000],
    ['1_000', 1_000_000],
  ])('%s is %d ms', (text, ms) => {
    expect(literalMs(text)).toBe(ms);
  });

  test.each(['inf', 'NaN', '', 'm'])('%j is none', (text) => {
    expect(literalMs(text)).toBeUndefined();
  });

  test.each([
    [300_000, '5m'],
    [90_000, '90s'],
    [86_400_000, '24h'],
    [1500, '1500ms'],
    [0, '1ms'],
  ])('%d ms are written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('strings', () => {
  test.each([
    ['"a"', 'a'],
    ["'a'", 'a'],
    ['`a\\n`', 'a\\n'],
    [String.raw`"\a\b\f\n\r\t\v\\\""`, '\u0007\b\f\n\r\t\v\\"'],
    [String.raw`'\''`, "'"],
    [String.raw`"\x41\101\u0041\U0001F600"`, 'AAA😀'],
    [String.raw`"\xc3\xa9"`, 'é'],
    ['"😀"', '😀'],
  ])('%s', (literal, text) => {
    expect(decodeString(literal)).toBe(text);
  });

  test.each([
    '',
    '"',
    '"a',
    '\'a"',
    String.raw`"\'"`,
    String.raw`'\"'`,
    String.raw`"\x4"`,
    String.raw`"\xzz"`,
    String.raw`"\400"`,
    String.raw`"\8"`,
    String.raw`"\ud800"`,
    String.raw`"\U00110000"`,
    String.raw`"\xff"`,
    String.raw`"\q"`,
    String.raw`"a\"`,
  ])('%s is none', (literal) => {
    expect(decodeString(literal)).toBeUndefined();
  });

  test('a foreign text in a sentence', () => {
    expect(quoted('a"\u202eb\n\u0000')).toBe(String.raw`"a\"\u202eb\n\u0000"`);
    expect(quoted('x'.repeat(100), 10)).toBe('"xxxxxxxxxx…"');
  });
});
