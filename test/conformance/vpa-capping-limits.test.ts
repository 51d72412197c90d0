import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVectors, runCases } from './main.ts';
import { vpaCappingLimitsRunner } from './vpa-capping-limits.ts';

const file = path.join(import.meta.dirname, 'vectors', 'vpa-capping-limits.json');

describe('conformance of adapting a recommendation to a pod', () => {
  it('vpa-capping-limits.json', async () => {
    const result = runCases(await readVectors(file), vpaCappingLimitsRunner);
    expect(result.failures).toEqual([]);
    expect(result.quirks).toEqual({ Q10: 2 });
    expect(result.passed).toBe(167);
  });

  it.each([
    ['cap-min-max', (expected: string) => expected.replace('"400"', '"401"'), 'ctr-name.target.cpu: expected 401000, got 400000'],
    ['limit-mem-6', (expected: string) => expected.replace('133', '134'), 'limit: expected 134, got 133'],
    ['boost-10', (expected: string) => expected.replace('149m', '150m'), 'patch 1: expected'],
    ['adm-req-12', (expected: string) => expected.replace('memory capped', 'memory kept'), 'annotations: expected'],
  ])('tells a wrong expectation of %s from a right one', async (id, spoil, difference) => {
    const vector = (await readVectors(file)).find((each) => each.id === id)!;
    const wrong = { ...vector, expected: JSON.parse(spoil(JSON.stringify(vector.expected))) as Record<string, unknown> };
    expect(runCases([wrong], vpaCappingLimitsRunner).failures[0]?.differences[0]).toContain(difference);
  });
});
