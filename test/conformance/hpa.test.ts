import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVectors, runCases } from './main.ts';
import { runners } from './runners.ts';

const directory = path.join(import.meta.dirname, 'vectors');

describe('conformance of the replicas controller', () => {
  it.each([
    ['hpa-replica-calculator.json', 84],
    ['hpa-behavior.json', 114],
    ['hpa-trajectory.json', 84],
  ])(
    '%s',
    async (file, count) => {
      const runner = runners[file]!;
      const result = runCases(await readVectors(path.join(directory, file)), runner);
      expect(result.failures).toEqual([]);
      expect(result.passed).toBe(count);
    },
    120_000,
  );

  it('tells a wrong expectation from a right one', async () => {
    const [first] = await readVectors(path.join(directory, 'hpa-replica-calculator.json'));
    const wrong = { ...first!, expected: { ...first!.expected, replicas: 6 } };
    const result = runCases([first!, wrong], runners['hpa-replica-calculator.json']!);
    expect(result).toMatchObject({ passed: 1, failures: [{ id: first!.id, differences: ['replicas: expected 6, got 5'] }] });
  });
});
