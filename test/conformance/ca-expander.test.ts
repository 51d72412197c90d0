import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { balancingRunner } from './ca-balancing.ts';
import { expanderRunner } from './ca-expander.ts';
import { similarityRunner } from './ca-similarity.ts';
import { readVectors, runCases } from './main.ts';
import type { VectorCase } from './runners.ts';

const vectors = (file: string): Promise<readonly VectorCase[]> => readVectors(path.join(import.meta.dirname, 'vectors', file));

describe('conformance of scale-up', () => {
  it.each([
    ['ca-expander.json', 49, expanderRunner],
    ['ca-balancing.json', 25, balancingRunner],
    ['ca-similarity.json', 50, similarityRunner],
  ])('%s', async (file, count, runner) => {
    const result = runCases(await vectors(file), runner);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(count);
  });

  it('tells a wrong expectation from a right one', async () => {
    const wrong = { best: ['wrong'], cpu: -1, unfitness: -1, newSizes: { wrong: 1 }, similar: 'wrong' };
    for (const [file, runner] of [
      ['ca-expander.json', expanderRunner],
      ['ca-balancing.json', balancingRunner],
      ['ca-similarity.json', similarityRunner],
    ] as const) {
      const cases = (await vectors(file)).map((vector) => ({ ...vector, expected: wrong }));
      expect(runCases(cases, runner).failures).toHaveLength(cases.length);
    }
  });
});
