import { describe, expect, it } from 'vitest';
import type { Sample } from './sample.ts';
import { unknown, unknownReasons } from './sample.ts';

describe('Sample', () => {
  it('carries the reason of an absence and has no number to take for zero', () => {
    const sample: Sample = unknown('stale', 'metrics.k8s.io answered 4m ago', 1000);
    expect(sample).toEqual({ known: false, reason: 'stale', detail: 'metrics.k8s.io answered 4m ago', since: 1000 });
    expect('milli' in sample).toBe(false);
  });

  it('has distinct stable reasons', () => {
    expect(new Set(unknownReasons).size).toBe(unknownReasons.length);
    for (const reason of unknownReasons) expect(reason).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });
});
