import { describe, expect, it } from 'vitest';
import { afterQuestion, closedCircuit, fullBudget, nextCircuit, takeRetry, type Circuit, type SourceOutcome } from './circuit.ts';

const config = { openAfter: 3, maxRetryAfterMs: 60_000 };
const failed: SourceOutcome = { kind: 'failed' };
const after = (outcomes: readonly SourceOutcome[], now = 0): Circuit =>
  outcomes.reduce((circuit, outcome) => nextCircuit(circuit, outcome, now, config), closedCircuit);

describe('the circuit of a source', () => {
  it('opens after so many failures in a row, and closes with one success', () => {
    expect(after([failed, failed]).open).toBe(false);
    expect(after([failed, failed, failed]).open).toBe(true);
    expect(after([failed, failed, { kind: 'reached' }, failed]).open).toBe(false);
    expect(after([failed, failed, failed, { kind: 'reached' }])).toBe(closedCircuit);
  });

  it('heeds Retry-After, within bounds', () => {
    expect(after([{ kind: 'failed', retryAfterMs: 30_000 }], 1000).notBefore).toBe(31_000);
    expect(after([{ kind: 'failed', retryAfterMs: 86_400_000 }], 1000).notBefore).toBe(61_000);
  });
});

describe('the budget of retries', () => {
  it('allows bursts, then a retry for every ten questions', () => {
    let budget = fullBudget;
    let retries = 0;
    for (let question = 0; question < 100; question++) {
      budget = afterQuestion(budget);
      const next = takeRetry(budget);
      if (next === undefined) continue;
      budget = next;
      retries++;
    }
    expect(retries).toBeGreaterThanOrEqual(19);
    expect(retries).toBeLessThanOrEqual(20);
  });
});
