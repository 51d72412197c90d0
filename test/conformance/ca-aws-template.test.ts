import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { awsTemplateRunner } from './ca-aws-template.ts';
import { readVectors, runCases } from './main.ts';

const file = path.join(import.meta.dirname, 'vectors', 'ca-aws-template.json');

describe('conformance of the AWS provider', () => {
  it('agrees with every case', async () => {
    const result = runCases(await readVectors(file), awsTemplateRunner);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(62);
  });

  it('tells a wrong expectation from a right one in every kind', async () => {
    const cases = await readVectors(file);
    const kinds = new Map(cases.map((vector) => [vector.kind, vector]));
    // What no case of any kind expects.
    const wrong = [...kinds.values()].map((vector) => ({
      ...vector,
      expected: { error: 'wrong', valid: 'wrong', labels: { wrong: 'wrong' }, taints: [{}], resources: { wrong: '1' }, arch: 'wrong' },
    }));
    const result = runCases(wrong, awsTemplateRunner);
    expect(result.failures.map(({ id }) => id)).toEqual(wrong.map(({ id }) => id));
  });
});
