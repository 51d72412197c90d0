import { expect, it } from 'vitest';
import fc from 'fast-check';
import { parse } from 'yaml';
import { sortedYaml } from './sorted-yaml.ts';

it('is read back as what it was, whatever the texts', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      'true',
      'No',
      '~',
      '1',
      '1e3',
      '0x1',
      '2026-01-01',
      '2026-09-15 04:05:52.354 +0000 UTC',
      'a: b',
      'a #b',
      '- a',
      'a ',
      'eks-a/b_c.d',
      'm5.large',
      '',
    ),
  );
  const value = fc.letrec((tie) => ({
    scalar: fc.oneof(text, fc.integer(), fc.constant(null)),
    map: fc.dictionary(fc.constantFrom('name', 'status', 'maxSize', 'health'), tie('any'), { maxKeys: 4, noNullPrototype: true }),
    list: fc.array(tie('any'), { maxLength: 3 }).filter((items) => items.every((item) => !Array.isArray(item) && !isEmptyMap(item))),
    any: fc.oneof({ maxDepth: 4 }, tie('scalar'), tie('map'), tie('list')),
  })).map;
  fc.assert(
    fc.property(value, (each) => {
      expect(parse(sortedYaml(each as object)) ?? {}).toEqual(each);
    }),
    { numRuns: 50 },
  );
});

function isEmptyMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
