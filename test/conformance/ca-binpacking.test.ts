import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { caBinpackingRunner } from './ca-binpacking.ts';
import { readVectors, runCases } from './main.ts';

const directory = path.join(import.meta.dirname, 'vectors');

describe('conformance of the estimator', () => {
  it('ca-binpacking.json', async () => {
    const cases = await readVectors(path.join(directory, 'ca-binpacking.json'));
    const result = runCases(cases, caBinpackingRunner);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(cases.length);
    expect(cases.length).toBeGreaterThanOrEqual(80);
  });

  it('tells a wrong expectation from a right one', async () => {
    const cases = await readVectors(path.join(directory, 'ca-binpacking.json'));
    const first = cases.find(({ id }) => id === 'bp-001')!;
    const wrong = { ...first, expected: { nodes: 4, pods: 10 } };
    expect(runCases([first, wrong], caBinpackingRunner)).toMatchObject({ passed: 1, failures: [{ id: 'bp-001' }] });
  });
});
