import { describe, expect, it } from 'vitest';
import type { Expression } from './ast.ts';
import { parseMatch, parseQuery } from './parse.ts';

/** The structure with every operation in parentheses. */
function shown(expression: Expression): string {
  switch (expression.kind) {
    case 'number':
      return String(expression.value);
    case 'string':
      return JSON.stringify(expression.value);
    case 'parentheses':
      return shown(expression.expression);
    case 'unary':
      return `(${expression.operator}${shown(expression.expression)})`;
    case 'binary':
      return `(${shown(expression.left)} ${expression.operator} ${shown(expression.right)})`;
    case 'selector':
      return `${expression.name}${expression.shift.offset === undefined ? '' : ` offset ${expression.shift.offset}`}`;
    case 'matrix':
      return `${shown(expression.selector)}[${expression.rangeMs}]`;
    case 'subquery':
      return `${shown(expression.expression)}[${expression.rangeMs}:${expression.stepMs ?? ''}]`;
    case 'call':
      return `${expression.name}(${expression.args.map(shown).join(', ')})`;
    case 'aggregation':
      return `${expression.name}<${expression.grouping.labels.join(',')}>(${shown(expression.expression)})`;
  }
}

describe('the parser', () => {
  it.each([
    ['1 + 2 * 3', '(1 + (2 * 3))'],
    ['1 - 2 - 3', '((1 - 2) - 3)'],
    ['2 ^ 3 ^ 2', '(2 ^ (3 ^ 2))'],
    ['-1 ^ 2', '(-(1 ^ 2))'],
    ['2 ^ -1 ^ 2', '(2 ^ (-(1 ^ 2)))'],
    ['-a * b', '((-a) * b)'],
    ['a or b and c', '(a or (b and c))'],
    ['a > b + c', '(a > (b + c))'],
    ['a atan2 b + c', '((a atan2 b) + c)'],
    ['a - b offset 5m * 2', '(a - (b offset 300000 * 2))'],
    ['a + rate(b[5m])', '(a + rate(b[300000]))'],
    ['sum by (x, y,) (a)', 'sum<x,y>(a)'],
    ['SUM(a) BY (offset)', 'sum<offset>(a)'],
    ['max_over_time(sum(a)[1h:])', 'max_over_time(sum<>(a)[3600000:])'],
    ['sum + offset', '(sum + offset)'],
    ['and and and', '(and and and)'],
    ['a # b\n+ c', '(a + c)'],
    ['a # b\r+ c', '(a + c)'],
  ])('%s', (query, wanted) => {
    expect(shown(parseQuery(query).expression)).toBe(wanted);
  });

  it('binds a range to what stands directly before it', () => {
    const why = '1:5: parse error: binary expression must contain only scalar and instant vector types';
    expect(() => parseQuery('a + b[5m:1m] offset 1m')).toThrow(why);
  });

  it('says where in a longer text, in bytes of the line', () => {
    expect(() => parseQuery('a +\n  b{x="ü"} +\n c d')).toThrow('3:4: parse error: unexpected identifier "d"');
    expect(() => parseQuery('{x="ü"} d')).toThrow('1:10: parse error: unexpected identifier "d"');
  });

  it('names what version 2.42 has and this server does not', () => {
    expect(() => parseQuery('holt_winters(a[1m], 0.5, 0.5)')).toThrow(
      'function "holt_winters" is not supported by this simulated Prometheus',
    );
    expect(() => parseQuery('histogram_sum(a)')).toThrow('function "histogram_sum" is not supported by this simulated Prometheus');
  });

  it.each([
    'a[5m] smoothed',
    'a fill(0) b',
    '{"a.b"}',
    'a[5]',
    'a offset (5m)',
    'first_over_time(a[1m])',
    'limitk(1, a)',
    'a[5m+1m]',
    '1_000',
  ])('refuses %s, which is newer than 2.42', (query) => {
    expect(() => parseQuery(query)).toThrow('parse error');
  });

  it('reads a bare selector', () => {
    expect(parseMatch('a{b!="c"}').map(({ name, operator, value }) => [name, operator, value])).toEqual([
      ['__name__', '=', 'a'],
      ['b', '!=', 'c'],
    ]);
    expect(parseMatch('{}')).toEqual([]);
    expect(() => parseMatch('a[5m]')).toThrow('1:2: parse error: unexpected "["');
    expect(() => parseMatch('a offset 5m')).toThrow('1:3: parse error: unexpected <offset>');
  });
});
