import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { caDrainRunner } from './ca-drain.ts';
import { caUtilizationRunner } from './ca-utilization.ts';
import { readVectors, runCases } from './main.ts';

const read = (name: string) => readVectors(path.join(import.meta.dirname, 'vectors', name));

describe('conformance of scale-down', () => {
  it.each([
    ['ca-drain.json', caDrainRunner, 73],
    ['ca-utilization.json', caUtilizationRunner, 33],
  ] as const)('answers every case of %s as upstream does', async (name, runner, count) => {
    const result = runCases(await read(name), runner);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(count);
  });

  it.each([
    ['ca-drain.json', caDrainRunner],
    ['ca-utilization.json', caUtilizationRunner],
  ] as const)('tells wrong expectations of %s from right ones', async (name, runner) => {
    const cases = await read(name);
    for (const kind of new Set(cases.map((each) => each.kind))) {
      const first = cases.find((each) => each.kind === kind);
      const [field = ''] = Object.keys(first?.expected ?? {});
      expect(runner({ ...first!, expected: { ...first?.expected, [field]: 'something else' } }), kind).not.toEqual([]);
    }
  });
});
