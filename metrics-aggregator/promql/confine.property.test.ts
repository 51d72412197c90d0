import fc from 'fast-check';
import { expect, test } from 'vitest';
import { confineQuery } from './confine.ts';
import { parseQuery } from './parsed-query.ts';
import { decodeString, encodeString, quoteRegex } from './string-literal.ts';

const metric = fc.constantFrom('up', 'http_requests_total', 'job:x:rate5m', 'sum', 'by', 'start', 'rate', '_', 'offset_x');
const label = fc.constantFrom('job', 'pod', 'on', 'by', '__name__', 'le', 'group_left', '_a');
const value = fc.oneof(
  fc.constantFrom('', 'a', '"', "'", '`', '\\', '\n', '#', '}', '{namespace="b"}', '" or secret{a="', '\u00a0', '\u2028', '𝕏', '.*'),
  fc.string({ maxLength: 6 }),
);
/** A literal in one of the spellings that PromQL has. */
const literal = fc.tuple(value, fc.constantFrom('double', 'single', 'raw', 'hex')).map(([text, form]) => {
  if (form === 'raw' && !/[`\r]/.test(text)) return `\`${text}\``;
  if (form === 'single')
    return `'${encodeString(text)
      .slice(1, -1)
      .replaceAll(String.raw`\"`, '"')
      .replaceAll("'", String.raw`\'`)}'`;
  if (form === 'hex') return `"${[...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`;
  return encodeString(text);
});
const matcher = fc.oneof(
  fc.tuple(label, fc.constantFrom('=', '!=', '=~', '!~'), literal).map((parts) => parts.join('')),
  fc.tuple(literal, fc.constantFrom('=', '!='), literal).map((parts) => parts.join('')),
);
const braces = fc
  .array(matcher, { maxLength: 3 })
  .chain((list) =>
    fc.constantFrom(
      `{${list.join(',')}}`,
      `{ ${list.join(' , ')} }`,
      list.length === 0 ? '{}' : `{${list.join(',')},}`,
      `{# }\n${list.join('#"\n,')}}`,
    ),
  );
const selector = fc.oneof(
  metric,
  fc.tuple(metric, braces).map((parts) => parts.join('')),
  fc.tuple(metric, braces).map((parts) => parts.join(' # \r or secret\n ')),
  fc.tuple(literal, matcher).map(([name, more]) => `{${name},${more}}`),
);

const { query } = fc.letrec<{ query: string }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    selector,
    tie('query').map((inner) => `(${inner})`),
    tie('query').map((inner) => `-${inner}`),
    tie('query').map((inner) => `sum by (pod) (${inner})`),
    tie('query').map((inner) => `quantile(0.9, ${inner}) without(le)`),
    selector.map((inner) => `rate(${inner}[5m])`),
    selector.map((inner) => `${inner} offset 5m`),
    tie('query').map((inner) => `max_over_time((${inner})[10m:1m])`),
    tie('query').map((inner) => `label_replace(${inner}, "namespace", "$1", "pod", "(.*)")`),
    fc
      .tuple(tie('query'), fc.constantFrom('+', '/ on (pod)', 'or', 'unless ignoring (le)', '> bool'), tie('query'))
      .map((parts) => parts.join(' ')),
    fc.tuple(tie('query'), tie('query')).map(([left, right]) => `${left} # ${right}\n`),
  ),
}));

const options = { namespaceLabel: 'namespace', maxRangeSeconds: 86_400 };

test('after confinement every selector that the text has carries the matcher, and nothing else was changed', () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      query,
      value.filter((text) => text !== '' && !/\p{Surrogate}/u.test(text)),
      (text, namespace) => {
        const result = confineQuery(text, { ...options, namespace });
        if (!result.ok) return;
        accepted++;
        const before = parseQuery(text);
        const after = parseQuery(result.query);
        if (!before.ok || !after.ok) throw new Error('what was confined can be read');
        expect(after.query.text).toBe(result.query);
        expect(after.query.selectors.length).toBe(before.query.selectors.length);
        for (const [index, { matchers, metric: name }] of after.query.selectors.entries()) {
          const own = matchers.filter((each) => each.name === 'namespace');
          expect(own).toEqual([{ name: 'namespace', op: '=', value: namespace }]);
          expect(matchers.filter((each) => each.name !== 'namespace')).toEqual(before.query.selectors[index]?.matchers);
          expect(name).toBe(before.query.selectors[index]?.metric);
        }
        // Nothing that readers of PromQL understand differently is left.
        expect(result.query).not.toMatch(/[\r\n\t]/);
        expect(result.query.replace(/"(?:[^"\\]|\\.)*"/g, '')).not.toMatch(/[#'`]|[^\x20-\x7e]/);
      },
    ),
    { numRuns: 2000 },
  );
  expect(accepted).toBeGreaterThan(800);
});

test('confining twice is confining once', () => {
  fc.assert(
    fc.property(query, (text) => {
      const once = confineQuery(text, { ...options, namespace: 'a' });
      if (!once.ok) return;
      expect(confineQuery(once.query, { ...options, namespace: 'a', maxLength: 100_000 })).toEqual(once);
      expect(confineQuery(once.query, { ...options, namespace: 'b', maxLength: 100_000 }).ok).toBe(!once.query.includes('namespace="a"'));
    }),
    { numRuns: 500 },
  );
});

test('whatever text is given, a query comes out that is confined, or a problem in one sentence', () => {
  const piece = fc.constantFrom(
    ...'{}()[],"\'`\\#\r\n \t'.split(''),
    'x',
    'namespace',
    '="b"',
    '=~',
    'offset',
    '5m',
    ':',
    '@',
    'or',
    'sum',
    'by',
    'info',
    '\u00a0',
    '1',
    '-',
    '="a"',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      const result = confineQuery(pieces.join(''), { ...options, namespace: 'a' });
      const parsed = parseQuery(result.ok ? result.query : 'x{namespace="a"}');
      expect(result.ok ? '' : result.problem).not.toMatch(/\p{Cc}/u);
      expect(
        parsed.ok &&
          parsed.query.selectors.every((each) =>
            each.matchers.some(({ name, op, value: text }) => name === 'namespace' && op === '=' && text === 'a'),
          ),
      ).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

test('a string comes back from its literal', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => !/\p{Surrogate}/u.test(text)),
      (text) => {
        expect(decodeString(encodeString(text))).toBe(text);
        expect(encodeString(text)).toMatch(/^"[^\p{Cc}]*"$/u);
      },
    ),
  );
});

test('a quoted regular expression matches its text only', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, other) => {
      const regex = new RegExp(`^(?:${quoteRegex(text)})$`);
      expect(regex.test(text)).toBe(true);
      expect(regex.test(other)).toBe(other === text);
    }),
  );
});
