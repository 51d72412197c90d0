import { describe, expect, it } from 'vitest';
import { amountText, valueText } from './amount-text.ts';

describe('amounts for a person', () => {
  it.each([
    ['cpu', 224, '224m'],
    ['cpu', 2000, '2'],
    ['cpu', 1500, '1500m'],
    ['memory', 183_046_954, '174.6Mi'],
    ['memory', 262_144_000, '250Mi'],
    ['memory', 1_073_741_824, '1Gi'],
    ['memory', 1_073_741_823, '1024Mi'],
    ['memory', 512, '512'],
    ['nvidia.com/gpu', 2, '2'],
  ])('%s %d: %s', (resource, amount, text) => {
    expect(amountText(resource, amount)).toBe(text);
  });

  it('go by the dimension of a decision; replicas are numbers', () => {
    expect(valueText(undefined, 3)).toBe('3');
    expect(valueText('requests/cpu/app', 250)).toBe('250m');
    expect(valueText('requests/memory/app', 2 ** 30)).toBe('1Gi');
  });
});
