import { describe, expect, it } from 'vitest';
import { compileGoPattern } from './go-pattern.ts';

describe('patterns as Go writes them', () => {
  it.each([
    ['t2', 'my-t2-group', true],
    ['^t2', 'my-t2-group', false],
    ['(?i)SPOT', 'my-spot-group', true],
    ['(?P<type>m5|m6)\\.large', 'asg-m6.large', true],
    ['\\Am5', 'm5', true],
    ['\\Am5', 'x\nm5', false],
    ['m5\\z', 'm5\n', false],
    ['[[:digit:]]+x', 'asg-12x', true],
    ['[[:alpha:]_-]+', '_', true],
    ['\\Qa.b+c\\E', 'a.b+c', true],
    ['\\Qa.b\\E', 'axb', false],
    ['on\\-demand', 'on-demand', true],
    ['a\\_b', 'a_b', true],
    ['[a\\-c]', 'b', false],
    ['[a\\-c]', '-', true],
    ['\\x{41}\\x42', 'AB', true],
    ['a]', 'a]', true],
    ['[[]', '[', true],
    ['(?:a|b)c', 'bc', true],
    ['\\d{2}', 'a12', true],
    ['\\.', 'a', false],
  ])('%s in %j: %s', (pattern, text, found) => {
    expect(compileGoPattern(pattern).test(text)).toBe(found);
  });

  it.each(['(?=a)', '(?<!a)', '(a)\\1', '(', '[', '*', 'a**', '[[:nothing:]]', '(?z)a'])('refuses %s, as RE2 does', (pattern) => {
    expect(() => compileGoPattern(pattern)).toThrow(SyntaxError);
  });
});
