import { describe, expect, it } from 'vitest';
import { createScalingMemory, memoryText, savedParts } from './memory.ts';

describe('ScalingMemory', () => {
  it('goes by the later of what it knows and what it learns', () => {
    const memory = createScalingMemory();
    memory.record('a', 'up', 5_000);
    memory.restore(JSON.stringify({ scalings: { a: { lastScaleUp: 4_000, lastScaleDown: 7_000 }, b: { lastScaleUp: 1_000 } } }));
    memory.learn({
      metadata: { name: 'p' },
      status: { groups: [{ name: 'b', lastScaleUpTime: '1970-01-01T00:00:09Z' }] },
    });
    expect(memory.historyOf('a')).toEqual({ lastScaleUp: 5_000, lastScaleDown: 7_000 });
    expect(memory.historyOf('b').lastScaleUp).toBe(9_000);
    expect(memory.historyOf('c')).toEqual({});
  });

  it('saves the groups that there are, in their order', () => {
    const memory = createScalingMemory();
    for (const group of ['z', 'gone', 'a']) memory.record(group, 'down', 1_000);
    expect(Object.keys(memory.save(['z', 'never', 'a']))).toEqual(['a', 'z']);
  });

  it.each(['', 'null', '[]', '{"scalings":3}', '{"scalings":{"a":7,"b":{"lastScaleUp":"yesterday"},"c":{"lastScaleUp":-1}}}'])(
    'takes nothing out of %j',
    (text) => {
      const memory = createScalingMemory();
      memory.restore(text);
      for (const group of ['a', 'b', 'c']) expect(memory.historyOf(group).lastScaleUp).toBeUndefined();
    },
  );
});

describe('memoryText', () => {
  const scalings = { a: { lastScaleUp: 1_000 } };

  it('is read back as what it was', () => {
    const parts = { at: 5_000, scalings, loop: { version: 1 } };
    expect(savedParts(memoryText(parts))).toMatchObject(parts);
  });

  it('keeps the times of scalings where the state of the loop has no room', () => {
    const text = memoryText({ at: 5_000, scalings, loop: { unneeded: 'n'.repeat(500_000) } });
    expect(savedParts(text)).toMatchObject({ at: 5_000, scalings });
    expect(savedParts(text)).not.toHaveProperty('loop');
  });
});
