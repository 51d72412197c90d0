import { describe, expect, it } from 'vitest';
import { anchoredRegExp } from './regexp.ts';

describe('regular expressions of selectors', () => {
  it.each([
    ['web-.*', 'web-a', true],
    ['web', 'web-a', false],
    ['a|b', 'b', true],
    ['a|b', 'ab', false],
    ['', '', true],
    ['.', '\n', false],
    ['(?s).', '\n', true],
    ['(?i)shop', 'SHOP', true],
    ['(?i)shop|tools', 'TOOLS', true],
    ['\\d+', '٣', false],
    ['\\s', '\u00a0', false],
    ['\\w+', 'ab_1', true],
    ['[[:alpha:]]+', 'ab', true],
    ['[^[:digit:]]', '1', false],
    ['[\\d-]+', '1-2', true],
    ['[a-]', '-', true],
    ['[]a]+', ']a', true],
    ['\\-\\_\\/', '-_/', true],
    ['\\pL+', 'äb', true],
    ['\\p{Greek}', 'α', true],
    ['\\PL', 'a', false],
    ['\\x41\\x{1F600}', 'A😀', true],
    ['\\Q.*\\E', '.*', true],
    ['\\Q.*\\E', 'ab', false],
    ['a{2}', 'aa', true],
    ['a{,2}', 'a{,2}', true],
    ['a{2,}?b', 'aaab', true],
    ['{x}', '{x}', true],
    ['(?P<first>.)b', 'ab', true],
    ['x\\z', 'x', true],
    ['a$|^b', 'b', true],
    ['.', '😀', true],
  ])('%j on %j: %s', (pattern, text, matches) => {
    expect(anchoredRegExp(pattern).test(text)).toBe(matches);
  });

  // Sentences as the real server gave them.
  it.each([
    ['(', 'missing closing ): `^(?:()$`'],
    [')', 'unexpected ): `^(?:))$`'],
    ['[', 'missing closing ]: `[)$`'],
    ['*', 'missing argument to repetition operator: `*`'],
    ['a++', 'invalid nested repetition operator: `++`'],
    ['x**', 'invalid nested repetition operator: `**`'],
    ['a{2,1}', 'invalid repeat count: `{2,1}`'],
    ['a{1001}', 'invalid repeat count: `{1001}`'],
    ['\\1', 'invalid escape sequence: `\\1`'],
    ['\\C', 'invalid escape sequence: `\\C`'],
    ['[z-a]', 'invalid character class range: `z-a`'],
    ['(?=x)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['(?<!x)', 'invalid or unsupported Perl syntax: `(?<`'],
  ])('refuses %j', (pattern, why) => {
    expect(() => anchoredRegExp(pattern)).toThrow(`error parsing regexp: ${why}`);
  });

  it('refuses flags inside a pattern, which it cannot keep', () => {
    expect(() => anchoredRegExp('a(?i:b)')).toThrow('flags inside a pattern are not supported by this server');
  });
});
