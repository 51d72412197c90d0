import { describe, expect, it } from 'vitest';
import { findCondition, formatMicroTime, formatTime, parseTime, removeCondition, setCondition } from './condition.ts';

const start = Date.UTC(2026, 0, 1, 12, 0, 0, 250);

describe('setCondition', () => {
  const first = setCondition([], { type: 'Ready', status: 'False', reason: 'Starting', message: 'not yet' }, start);

  it('appends what is new, with the time in whole seconds', () => {
    expect(first).toEqual([
      { type: 'Ready', status: 'False', reason: 'Starting', message: 'not yet', lastTransitionTime: '2026-01-01T12:00:00Z' },
    ]);
  });

  it('moves the time only when the status changes', () => {
    const reworded = setCondition(first, { type: 'Ready', status: 'False', reason: 'Waiting', message: 'still not' }, start + 60_000);
    expect(reworded).toEqual([
      { type: 'Ready', status: 'False', reason: 'Waiting', message: 'still not', lastTransitionTime: '2026-01-01T12:00:00Z' },
    ]);
    const turned = setCondition(reworded, { type: 'Ready', status: 'True', reason: 'Up', message: 'ready' }, start + 60_000);
    expect(turned[0]?.lastTransitionTime).toBe('2026-01-01T12:01:00Z');
  });

  it('keeps the order and its input', () => {
    const two = setCondition(first, { type: 'Paused', status: 'True', reason: 'Asked', message: '' }, start);
    const changed = setCondition(two, { type: 'Ready', status: 'True', reason: 'Up', message: '' }, start);
    expect(changed.map((condition) => condition.type)).toEqual(['Ready', 'Paused']);
    expect(first[0]?.status).toBe('False');
    expect(findCondition(changed, 'Paused')?.reason).toBe('Asked');
    expect(removeCondition(changed, 'Ready').map((condition) => condition.type)).toEqual(['Paused']);
    expect(findCondition(changed, 'Gone')).toBeUndefined();
  });
});

describe('times', () => {
  it('print as metav1.Time and metav1.MicroTime do', () => {
    expect(formatTime(start)).toBe('2026-01-01T12:00:00Z');
    expect(formatMicroTime(start)).toBe('2026-01-01T12:00:00.250000Z');
    expect(formatMicroTime(start + 0.125)).toBe('2026-01-01T12:00:00.250125Z');
    expect(formatMicroTime(start + 0.9996)).toBe('2026-01-01T12:00:00.250999Z');
  });

  it('are read back, offsets included', () => {
    expect(parseTime('2026-01-01T12:00:00Z')).toBe(start - 250);
    expect(parseTime('2026-01-01T14:00:00+02:00')).toBe(start - 250);
    expect(parseTime('2026-01-01T12:00:00.250125Z')).toBe(start);
    expect(parseTime(undefined)).toBeUndefined();
    expect(parseTime(null)).toBeUndefined();
    expect(parseTime('yesterday')).toBeUndefined();
  });

  it('are read as Date.parse reads them, at every limit', () => {
    const texts = ['2026-02-28T23:59:59Z', '2024-02-29T00:00:00Z', '2026-02-29T00:00:00Z', '2026-12-31T23:59:59Z', '0099-01-01T00:00:00Z'];
    const wrong = ['2026-13-01T00:00:00Z', '2026-00-01T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T00:60:00Z', '2026-01-0aT00:00:00Z'];
    for (const text of [...texts, ...wrong]) {
      const value = Date.parse(text);
      expect([text, parseTime(text)]).toEqual([text, Number.isNaN(value) ? undefined : value]);
    }
  });
});
