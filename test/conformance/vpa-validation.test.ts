import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVectors, runCases } from './main.ts';
import { vpaValidationRunner } from './vpa-validation.ts';

const file = path.join(import.meta.dirname, 'vectors', 'vpa-validation.json');

describe('conformance of the validation of VerticalPodAutoscalers', () => {
  it('agrees with every case', async () => {
    const result = runCases(await readVectors(file), vpaValidationRunner);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(33);
  });

  it('tells a wrong expectation from a right one', async () => {
    const [first] = await readVectors(file);
    const wrong = { ...first!, expected: { valid: false, field: 'spec', error: 'Required', warnings: 0 } };
    expect(runCases([wrong], vpaValidationRunner).failures).toEqual([
      {
        id: first!.id,
        differences: ['valid: expected false, got true', 'field: expected spec, got undefined', 'error: expected Required, got undefined'],
      },
    ]);
  });
});
