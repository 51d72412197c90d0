import { describe, expect, it } from 'vitest';
import { csvText } from './csv.ts';

const cell = (text: string): string => csvText([[text]]).replace(/\r\n$/, '');

describe('csvText', () => {
  it('quotes as RFC 4180 says and ends lines with CRLF', () => {
    expect(
      csvText([
        ['a', 'b'],
        ['1,2', 'say "x"'],
        [3, null],
      ]),
    ).toBe('a,b\r\n"1,2","say ""x"""\r\n3,\r\n');
  });

  it.each([
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
    ['+1+cmd|/C calc', "'+1+cmd|/C calc"],
    ['-2+3', "'-2+3"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['  =1', "'=1"],
    ['\t=1', "'=1"],
    ['\u00a0=1', "'=1"],
    ['＝1', "'＝1"],
    ['\u200b=1', "'=1"],
  ])('keeps %j from being calculated', (text, expected) => {
    expect(cell(text)).toBe(expected);
  });

  it.each(['web', '-5', '-1.5', '4 → 7', 'cpu 186 % of request', ''])('leaves %j alone', (text) => {
    expect(cell(text)).toBe(text);
  });

  it('leaves nothing in a cell that ends the row', () => {
    expect(cell('a\r\nb\n=c')).toBe('a b =c');
  });
});
