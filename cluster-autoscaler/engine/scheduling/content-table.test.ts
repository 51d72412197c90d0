import { describe, expect, it } from 'vitest';
import { createContentTable, hashNumber, hashRecord, isSameRecord } from './content-table.ts';

describe('a content table', () => {
  it('keeps contents apart whose hashes meet', () => {
    const table = createContentTable<{ readonly text: string }>();
    const values = ['a', 'b', 'c'].map((text) => ({ text }));
    for (const value of values) table.add(7, value);
    for (const value of values) expect(table.find(7, (each) => each.text === value.text)).toBe(value);
    expect(table.find(7, (each) => each.text === 'd')).toBeUndefined();
    expect(table.find(8, () => true)).toBeUndefined();
  });

  it('hashes and compares records whatever the order of their keys', () => {
    const [a, b] = [
      { app: 'web', tier: 'x' },
      { tier: 'x', app: 'web' },
    ];
    expect(hashRecord(a)).toBe(hashRecord(b));
    expect(isSameRecord(a, b)).toBe(true);
    for (const other of [{ app: 'web' }, { app: 'web', tier: 'y' }, { app: 'web', tear: 'x' }, { ...a, more: 'z' }]) {
      expect(isSameRecord(a, other)).toBe(false);
      expect(isSameRecord(other, a)).toBe(false);
      expect(hashRecord(other)).not.toBe(hashRecord(a));
    }
  });

  it('tells numbers above 2^32 apart', () => {
    const numbers = [1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 40 + 1000, 3 * 2 ** 40];
    expect(new Set(numbers.map(hashNumber)).size).toBe(numbers.length);
  });
});
