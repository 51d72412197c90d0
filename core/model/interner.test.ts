import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createInterner } from './interner.ts';

describe('createInterner', () => {
  it('answers the same object while it lives, apart by kind and key', () => {
    const interner = createInterner();
    const a = interner.object('shape', 'k', () => ({ n: 1 }));
    expect(interner.object('shape', 'k', () => ({ n: 2 }))).toBe(a);
    expect(interner.object('shape', 'other', () => ({ n: 3 }))).not.toBe(a);
    expect(interner.object('labels', 'k', () => ({ n: 4 }))).not.toBe(a);
    expect(interner.objects).toBe(3);
  });

  it('lets go of objects that nobody holds', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const interner = createInterner();
    const kept = interner.object('shape', 'kept', () => ({}));
    for (let index = 0; index < 1000; index++) interner.object('shape', `dead ${index}`, () => ({ index }));
    expect(interner.objects).toBe(1001);
    for (let turn = 0; turn < 50 && interner.objects > 1; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      gc();
    }
    expect(interner.objects).toBe(1);
    expect(interner.object('shape', 'kept', () => ({ new: true }))).toBe(kept);
  });

  it('holds at most two generations of strings and still answers what it is given', () => {
    const interner = createInterner({ textLimit: 2 });
    for (const text of ['a', 'b', 'c', 'a', 'd', 'e', 'f']) expect(interner.text(text)).toBe(text);
  });
});
