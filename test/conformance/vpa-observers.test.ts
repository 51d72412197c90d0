import { expect, test } from 'vitest';
import { readVectors, runCases } from './main.ts';
import { observerOps } from './vpa-observers.ts';

test('all cases of observers, conditions, post-processors and the writing of checkpoints pass', async () => {
  const files = ['vpa-recommender.json', 'vpa-checkpoint.json'].map((name) => new URL(`vectors/${name}`, import.meta.url).pathname);
  const cases = (await Promise.all(files.map(readVectors))).flat().filter(({ op }) => op !== undefined && op in observerOps);
  const result = runCases(cases, (vector) => observerOps[vector.op ?? '']?.(vector) ?? ['no runner']);
  expect(result.failures).toEqual([]);
  expect(result.passed).toBe(cases.length);
  expect(cases.length).toBe(39);
  expect(new Set(cases.map(({ op }) => op))).toEqual(new Set(Object.keys(observerOps)));
});
