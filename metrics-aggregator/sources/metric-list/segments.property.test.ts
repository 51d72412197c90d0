import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeStrictly, segmentProblem, shown, withSelectors } from './index.ts';

describe('paths of metrics', () => {
  it('hold unreserved characters and escapes only, and give the text back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = encodeStrictly(text);
        expect(encoded).toMatch(/^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*$/);
        expect(decodeURIComponent(encoded)).toBe(text);
      }),
    );
  });

  it('carry every selector through a query', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (labelSelector, metricLabelSelector) => {
        const url = new URL(`http://x${withSelectors('/p', { labelSelector, metricLabelSelector })}`);
        expect(url.pathname).toBe('/p');
        expect(url.searchParams.get('labelSelector') ?? '').toBe(labelSelector);
        expect(url.searchParams.get('metricLabelSelector') ?? '').toBe(metricLabelSelector);
      }),
    );
  });

  it('stay the same number of parts in a server that decodes before it splits', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        fc.pre(segmentProblem('the name', name) === undefined);
        const parts = decodeURIComponent(new URL(`http://x/a/${encodeStrictly(name)}/b`).pathname).split('/');
        expect(parts).toEqual(['', 'a', name, 'b']);
      }),
    );
  });

  it.each(['', '.', '..', 'a/b', '../../secrets', 'a%2Fb'])('refuse %j', (name) => {
    expect(segmentProblem('the name of the metric', name)).toMatch(/^the name of the metric /);
  });

  it('show a text of a policy without control characters and not for ever', () => {
    expect(shown('a\u001b[2J\nb')).toBe('"a [2J b"');
    expect(shown('x'.repeat(1000))).toHaveLength(122);
  });
});
