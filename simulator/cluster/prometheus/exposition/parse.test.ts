import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpositionWriter } from '../../../workload/exposition-text.ts';
import { parseExposition, parseSeries, withTargetLabels } from './parse.ts';

function read(text: string): unknown {
  return parseExposition(text).samples.map((sample) => [Object.fromEntries(parseSeries(sample)), sample.value, sample.timestamp]);
}

describe('the text format', () => {
  it.each([
    ['x 1', [[{ __name__: 'x' }, 1, undefined]]],
    ['x{} 1\n', [[{ __name__: 'x' }, 1, undefined]]],
    ['x {a="b"} 1\n', [[{ __name__: 'x', a: 'b' }, 1, undefined]]],
    ['x{a="b",} 1\n', [[{ __name__: 'x', a: 'b' }, 1, undefined]]],
    ['x{a = "b" , c="d"} 1\n', [[{ __name__: 'x', a: 'b', c: 'd' }, 1, undefined]]],
    ['x{a="b"}1\n', [[{ __name__: 'x', a: 'b' }, 1, undefined]]],
    ['x\t1\t1700000000123\t\n', [[{ __name__: 'x' }, 1, 1_700_000_000_123]]],
    ['x +Inf\n', [[{ __name__: 'x' }, Number.POSITIVE_INFINITY, undefined]]],
    ['x{a="q\\"uo\\\\te\\nnl"} NaN\n', [[{ __name__: 'x', a: 'q"uo\\te\nnl' }, Number.NaN, undefined]]],
    ['x{a="}",b="{,"} 1\n', [[{ __name__: 'x', a: '}', b: '{,' }, 1, undefined]]],
    ['# c\n\n#\nx:y 1e3\n# EOF\n', [[{ __name__: 'x:y' }, 1000, undefined]]],
  ])('reads %j', (text, wanted) => {
    expect(read(text)).toEqual(wanted);
  });

  // Each of these fails the whole scrape of the real server.
  it.each(
    [
      'x 1\r\n',
      ' x 1\n',
      'x\n',
      'x a\n',
      'x 1_000\n',
      'x{a="b"}\n',
      'x{a="b} 1\n',
      'x{a=b} 1\n',
      'x{,} 1\n',
      'x{a="b",,} 1\n',
      'x-y 1\n',
      '1x 1\n',
      '{a="b"} 1\n',
      'x 1 1.5\n',
      'x 1 -5\n',
      'x 1 2 3\n',
      'x 1 # c\n',
      'x{1a="b"} 1\n',
      'x{a="b",a="c"} 1\n',
      'x{__name__="y"} 1\n',
      '# TYPE x foo\nx 1\n',
    ].map((text) => [text]),
  )('refuses %j', (text) => {
    expect(() => read(text)).toThrow(/^line \d+ of the exposition: /);
  });

  it('reads type and help', () => {
    const text = '# HELP x Things\\n\\\\ here\n# TYPE x counter\n# TYPE y untyped\nx 1\n';
    expect([...parseExposition(text).metadata]).toEqual([
      ['x', { type: 'counter', help: 'Things\n\\ here' }],
      ['y', { type: 'unknown', help: '' }],
    ]);
  });

  it('reads back whatever our own expositions write', () => {
    // Text has no negative zero.
    const number = fc.double().map((value) => (value === 0 ? 0 : value));
    const label = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\r'));
    fc.assert(
      fc.property(fc.array(fc.tuple(label, number, fc.option(fc.nat(), { nil: undefined })), { minLength: 1, maxLength: 8 }), (lines) => {
        const writer = new ExpositionWriter();
        for (const [value, shown, timestamp] of lines) {
          writer.add({ name: 'm', type: 'gauge', help: 'H.' }, { a: value, b: 'x' }, shown, timestamp === undefined ? {} : { timestamp });
        }
        expect(read(writer.text())).toEqual(
          lines.map(([value, shown, timestamp]) => [{ __name__: 'm', a: value, b: 'x' }, shown, timestamp]),
        );
      }),
    );
  });

  it('puts the labels of the target above those of the text', () => {
    const [sample] = parseExposition('x{job="theirs",a="",b="c"} 1\n').samples;
    const target = { job: 'ours', instance: 'i' };
    expect(withTargetLabels(sample!, target, false).toRecord()).toEqual({
      __name__: 'x',
      b: 'c',
      job: 'ours',
      exported_job: 'theirs',
      instance: 'i',
    });
    expect(withTargetLabels(sample!, target, true).toRecord()).toEqual({ __name__: 'x', b: 'c', job: 'theirs', instance: 'i' });
  });
});
