import { describe, expect, it } from 'vitest';
import { markdownTable } from './markdown.ts';

describe('markdownTable', () => {
  it('has a line of dashes under the headings', () => {
    expect(markdownTable(['A', 'B'], [['1', '2']])).toBe('| A | B |\n| --- | --- |\n| 1 | 2 |');
  });

  it.each([
    ['a|b', String.raw`a\|b`],
    [String.raw`a\|b`, String.raw`a\\\|b`],
    ['[x](http://evil)', String.raw`\[x\](http&#58;//evil)`],
    ['<img src=x>', '&lt;img src=x&gt;'],
    ['@everyone', '&#64;everyone'],
    ['*bold* _it_ `code` ~~no~~', String.raw`\*bold\* \_it\_ \`code\` \~\~no\~\~`],
    ['a\nb', 'a b'],
    ['&lt;', '&amp;lt;'],
  ])('shows %j as it is', (text, expected) => {
    expect(markdownTable(['A'], [[text]]).split('\n')[2]).toBe(`| ${expected} |`);
  });
});
