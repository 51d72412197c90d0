import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVectors, runCases } from './main.ts';
import { runners } from './runners.ts';
import { updatePriorityRunner } from './vpa-update-priority.ts';

const file = path.join(import.meta.dirname, 'vectors', 'vpa-update-priority.json');

describe('conformance of the updater', () => {
  it('answers every case as upstream does', async () => {
    const result = runCases(await readVectors(file), updatePriorityRunner);
    expect(result.failures).toEqual([]);
    expect(result.quirks).toEqual({});
    expect(result.passed).toBe(228);
    expect(runners['vpa-update-priority.json']).toBe(updatePriorityRunner);
  }, 60_000);

  it.each(['updater.priority', 'updater.select', 'updater.sequence', 'updater.evictionRequirements', 'updater.runOnce'])(
    'tells a wrong expectation of %s from a right one',
    async (op) => {
      const cases = await readVectors(file);
      const first = cases.find((each) => each.op === op)!;
      const [field] = Object.keys(first.expected ?? {});
      expect(updatePriorityRunner(first)).toEqual([]);
      expect(updatePriorityRunner({ ...first, expected: { ...first.expected, [field!]: 'something else' } })).toHaveLength(1);
    },
  );
});
