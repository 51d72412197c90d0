import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { caSchedulingRunner, reasonsOf } from './ca-scheduling.ts';
import { readVectors, runCases } from './main.ts';

const directory = path.join(import.meta.dirname, 'vectors');

describe('conformance of the scheduling filters', () => {
  it.each([
    ['ca-scheduling-fit.json', 400],
    ['ca-scheduling-predicates.json', 75],
  ])('%s', async (file, count) => {
    const result = runCases(await readVectors(path.join(directory, file)), caSchedulingRunner);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(count);
  });

  it('words reasons as the release that was measured', async () => {
    const cases = await readVectors(path.join(directory, 'ca-scheduling-predicates.json'));
    const reasons = cases.flatMap((vector) => reasonsOf(vector));
    expect(reasons.length).toBeGreaterThan(30);
    expect(reasons.filter(({ wanted, given }) => wanted !== given)).toEqual([]);
  });

  it('tells a wrong expectation from a right one', async () => {
    const cases = await readVectors(path.join(directory, 'ca-scheduling-predicates.json'));
    const first = cases.find(({ id }) => id === 'sp-003')!;
    const wrong = { ...first, expected: [{ node: 'n1', fits: false, plugin: 'NodeAffinity' }] as never };
    const result = runCases([first, wrong], caSchedulingRunner);
    expect(result).toMatchObject({
      passed: 1,
      failures: [{ id: 'sp-003', differences: ['n1: expected NodeAffinity, got NodeResourcesFit'] }],
    });
  });
});
