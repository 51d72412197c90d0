import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVectors, runCases } from './main.ts';
import { runners } from './runners.ts';

const directory = path.join(import.meta.dirname, 'vectors');

describe('conformance of the recommender', () => {
  it.each([
    ['vpa-histogram.json', 44, {}],
    ['vpa-checkpoint.json', 23, {}],
    ['vpa-recommender.json', 177, { Q11: 1 }],
  ])('%s', async (file, count, quirks) => {
    const result = runCases(await readVectors(path.join(directory, file)), runners[file]!);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(count);
    expect(result.quirks).toEqual(quirks);
  });

  it.each([
    ['pipe-1h', (expected: string) => expected.replace('"247m"', '"248m"')],
    ['pipe-1h', (expected: string) => expected.replace('6.188948804294304', '6.188948804294305')],
    ['rnd-pipeline-22', (expected: string) => expected.replace('0.6192795149781121', '0.6192795149781123')],
  ])('tells a wrong expectation of %s from a right one', async (id, spoil) => {
    const right = (await readVectors(path.join(directory, 'vpa-recommender.json'))).find((vector) => vector.id === id)!;
    const spoilt = spoil(JSON.stringify(right.expected));
    expect(spoilt).not.toBe(JSON.stringify(right.expected));
    const result = runCases(
      [right, { ...right, expected: JSON.parse(spoilt) as Record<string, unknown> }],
      runners['vpa-recommender.json']!,
    );
    expect(result).toMatchObject({ passed: 1, failures: [{ id }] });
  });
});
