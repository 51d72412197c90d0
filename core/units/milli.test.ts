import { describe, expect, it } from 'vitest';
import { formatMilli, parseMilli, tryParseMilli } from './milli.ts';

describe('parseMilli', () => {
  it.each([
    ['100m', 100],
    ['1', 1000],
    ['1.5', 1500],
    ['1n', 1],
    ['1000001n', 2],
    ['1000000n', 1],
    ['999u', 1],
    ['0.0001', 1],
    ['1.5Gi', 1_610_612_736_000],
    ['128Mi', 134_217_728_000],
    ['2e3', 2_000_000],
    ['-100m', -100],
    ['-1n', -1],
    ['0', 0],
    ['0.000', 0],
    ['5.', 5000],
    ['.5', 500],
    ['16T', 16e15],
    ['9000000000000001n', 9_000_000_001],
  ])('%s is %d', (text, milli) => {
    expect(parseMilli(text)).toBe(milli);
  });

  it.each(['', '.', 'x', '1Xi', '1mi', '1..5', '1.5.', '1Kii'])('refuses %j', (text) => {
    expect(tryParseMilli(text)).toBeUndefined();
    expect(() => parseMilli(text)).toThrowError(expect.objectContaining({ code: 'QUANTITY_INVALID' }));
  });

  it('answers undefined for other types', () => {
    expect(tryParseMilli(undefined)).toBeUndefined();
    expect(tryParseMilli(null)).toBeUndefined();
  });
});

describe('formatMilli', () => {
  it.each([
    ['cpu', 250, '250m'],
    ['cpu', 1500, '1500m'],
    ['cpu', 2000, '2'],
    ['cpu', 12_345, '12.3'],
    ['memory', 134_217_728_000, '128Mi'],
    ['memory', 1_610_612_736_000, '1.5Gi'],
    ['memory', 512_000, '512'],
    ['ephemeral-storage', 1024_000, '1Ki'],
    ['nvidia.com/gpu', 2000, '2'],
  ])('%s %d is %s', (resource, milli, text) => {
    expect(formatMilli(resource, milli)).toBe(text);
  });
});
