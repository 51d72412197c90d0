import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../../../../core/kube/crd-schema.ts';
import { compileRules } from './rules.ts';

const schema: JsonSchema = {
  type: 'object',
  properties: {
    min: { type: 'integer' },
    max: { type: 'integer' },
    ratio: { type: 'number' },
    name: { type: 'string' },
    port: { 'x-kubernetes-int-or-string': true },
    names: { type: 'array', items: { type: 'string' } },
    numbers: { type: 'array', items: { type: 'integer' } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    parts: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          type: { type: 'string' },
          value: { type: 'integer' },
          cpu: { type: 'object', properties: { target: { type: 'integer' } } },
        },
      },
    },
    since: { type: 'string', format: 'date-time' },
    wait: { type: 'string', format: 'duration' },
    'dashed-name': { type: 'integer' },
    namespace: { type: 'string' },
    maybe: { type: 'string', nullable: true },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'string' } } },
  },
};

const object = {
  min: 1,
  max: 10,
  ratio: 0.5,
  name: 'web-1',
  port: '8080',
  names: ['b', 'a', 'c'],
  numbers: [3, 1, 2],
  labels: { app: 'web', tier: 'front' },
  parts: [
    { type: 'Cpu', value: 1, cpu: { target: 80 } },
    { type: 'Memory', value: 2 },
  ],
  since: '2026-01-01T00:00:00Z',
  wait: '1h30m',
  'dashed-name': 7,
  namespace: 'default',
  maybe: null,
  free: { known: 'x', other: 1 },
};

function evaluate(rule: string): string {
  const rules = compileRules({ ...schema, 'x-kubernetes-validations': [{ rule }] }, '');
  const [problem] = rules.problems;
  if (problem !== undefined) return `compile: ${problem.message}`;
  const [error] = rules.evaluate(object, undefined);
  return error === undefined ? 'true' : error.message;
}

describe('CEL as the API server speaks it', () => {
  it.each([
    'self.min <= self.max',
    'self.min + self.max == 11',
    'self.max / 3 == 3 && self.max % 3 == 1',
    'self.ratio < 1',
    'self.ratio == 0.5',
    'double(self.max) * self.ratio == 5.0',
    'int(self.ratio * 10.0) == 5',
    'has(self.min) && has(self.labels)',
    '!has(self.parts[1].cpu)',
    'has(self.parts[0].cpu.target)',
    'self.parts.all(p, has(p.cpu) || p.value > 1)',
    "self.parts.exists(p, p.type == 'Cpu')",
    "self.parts.exists_one(p, p.type == 'Memory')",
    'self.parts.map(p, p.value) == [1, 2]',
    "self.parts.map(p, p.type == 'Cpu', p.value) == [1]",
    "self.parts.filter(p, p.type == 'Cpu').size() == 1",
    'size(self.parts) == 2 && size(self.labels) == 2 && size(self.name) == 5',
    "self.names == ['b', 'a', 'c']",
    "'a' in self.names && !('z' in self.names)",
    "'app' in self.labels && self.labels['app'] == 'web'",
    "self.labels.all(key, key.matches('^[a-z]+$'))",
    'self.?labels.hasValue() && self.?labels.orValue({}).size() == 2',
    "self.labels[?'zone'].orValue('none') == 'none'",
    'self.parts[1].?cpu.?target.orValue(0) == 0',
    'self.parts[0].?cpu.?target.orValue(0) == 80',
    'optional.none().orValue(3) == 3 && optional.of(4).hasValue()',
    'type(self.port) == string ? int(self.port) > 1024 : self.port > 1024',
    "self.port == '8080'",
    'self.numbers.sum() == 6 && self.numbers.min() == 1 && self.numbers.max() == 3',
    "!self.numbers.isSorted() && [1, 2, 3].isSorted() && self.names.filter(n, n != 'b').isSorted()",
    "self.names.indexOf('a') == 1 && self.names.lastIndexOf('z') == -1",
    'self.numbers.indexOf(2) == 2',
    "self.name.startsWith('web') && self.name.endsWith('-1') && self.name.contains('b-')",
    "self.name.split('-') == ['web', '1'] && self.names.join('+') == 'b+a+c'",
    "self.name.replace('web', 'api') == 'api-1' && 'aaa'.replace('a', 'b', 2) == 'bba'",
    "self.name.substring(0, 3) == 'web' && self.name.charAt(3) == '-' && self.name.indexOf('-') == 3",
    "' Ab '.trim().lowerAscii() == 'ab' && 'x'.upperAscii() == 'X'",
    "'%s has %d of %.2f'.format([self.name, self.min, self.ratio]) == 'web-1 has 1 of 0.50'",
    '\'%s\'.format([self.names]) == \'["b", "a", "c"]\'',
    "self.name.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1b22'.findAll('[0-9]+', 1) == ['1']",
    "quantity('1.5Gi').compareTo(quantity('1536Mi')) == 0 && quantity('1.5Gi') == quantity('1536Mi')",
    "quantity('100m').isLessThan(quantity('1')) && quantity('2k').isGreaterThan(quantity('1Ki'))",
    "quantity('1Gi').add(quantity('1Gi')) == quantity('2Gi') && quantity('10').sub(3).asInteger() == 7",
    "isQuantity('1e3') && !isQuantity('1.2.3') && sign(quantity('-1')) == -1 && !quantity('1500m').isInteger()",
    "quantity('0.1').add(quantity('0.2')) == quantity('0.3')",
    "self.wait == duration('90m') && self.wait < duration('2h') && self.wait.getMinutes() == 90",
    "self.since < timestamp('2026-06-01T00:00:00Z') && self.since.getFullYear() == 2026",
    "timestamp('2026-01-01T01:00:00Z') - self.since == duration('1h')",
    "string(self.since) == '2026-01-01T00:00:00Z' && string(duration('90s')) == '90s'",
    'self.dashed__dash__name == 7 || self.dashed__dash__name > 0',
    "self.__namespace__ == 'default'",
    '!has(self.maybe)',
    "self.free.known == 'x'",
    "isURL('https://example.com:8443/a?b=c') && !isURL('not a url') && isURL('/path')",
    "url('https://example.com:8443/a?b=c').getHost() == 'example.com:8443' && url('https://[::1]:80/').getHostname() == '::1'",
    "url('https://example.com/a?b=c&b=d').getQuery()['b'] == ['c', 'd'] && url('/x').getHost() == ''",
    "isIP('10.0.0.1') && ip('::1').family() == 6 && cidr('10.0.0.0/8').containsIP('10.1.2.3') && !isCIDR('10.0.0.0/33')",
    "sets.contains(self.names, ['a']) && sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects(self.names, ['z'])",
    'self.min > 0 ? self.max > 0 : false',
    'self.parts[0] != self.parts[1] && self.parts[0] in self.parts',
    '[1, 2, 3].exists(i, i > 2) && !(4 in [1, 2, 3])',
    "self.apiVersion == 'v1' || !has(self.apiVersion)",
  ])('%s', (rule) => {
    expect(evaluate(rule)).toBe('true');
  });

  it.each<[string, RegExp]>([
    ['self.min > 5', /^Invalid value: failed rule: self.min > 5$/],
    ['self.nope > 5', /^compile: .*undefined field 'nope'/],
    ['has(self.nope)', /^compile: .*undefined field 'nope'/],
    ['self.parts.all(p, has(p.nope))', /^compile: .*undefined field 'nope'/],
    ['self.free.other == 1', /^compile: .*undefined field 'other'/],
    ['self.min + self.name', /^compile: .*found no matching overload for '_\+_' applied to '\(int, string\)'/],
    ['self.min', /^compile: .*must evaluate to a bool/],
    ['self.min >', /^compile: /],
    ["self.parts[0] == {'type': 'Cpu'}", /^compile: .*found no matching overload for '_==_'/],
    ['oldThing.min > 1', /^compile: .*undeclared reference to 'oldThing'/],
    ['self.numbers[7] == 1', /index out of bounds: 7 evaluating rule: self.numbers\[7\] == 1/],
    ['self.parts[1].cpu.target > 1', /no such key: cpu evaluating rule/],
    ['1 / (self.min - 1) > 0', /division by zero evaluating rule/],
    ['self.port > 3', /'no such overload': call arguments did not match a supported operator/],
    ["quantity('abc').isInteger()", /quantities must match the regular expression .* evaluating rule/],
    ["self.maybe == 'x'", /no such key: maybe evaluating rule/],
    ['self.maybe == null', /^compile: .*found no matching overload/],
    ['cel.bind(a, 1, a == 1)', /^compile: .*undeclared reference to 'cel'/],
    ["'abc'.reverse() == 'cba'", /^compile: /],
    ['quantity(self.min).isInteger()', /^compile: /],
    ["self.metadata.labels['a'] == 'b'", /^compile: .*undefined field 'labels'/],
  ])('%s fails', (rule, text) => {
    expect(evaluate(rule)).toMatch(text);
  });
});
