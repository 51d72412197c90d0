import { describe, expect, it } from 'vitest';
import { mergePatch } from './status.ts';

describe('mergePatch', () => {
  it.each<[string, object, object, object | undefined]>([
    ['equal whatever the order of keys', { a: 1, b: { c: [1, { x: 1, y: 2 }] } }, { b: { c: [1, { y: 2, x: 1 }] }, a: 1 }, undefined],
    ['undefined is absent', { a: 1 }, { a: 1, b: undefined }, undefined],
    ['only what changed', { a: 1, b: 2 }, { a: 1, b: 3 }, { b: 3 }],
    ['what is gone becomes null', { a: { b: 1, c: 2 } }, { a: { b: 1 } }, { a: { c: null } }],
    ['lists as a whole', { a: [1, 2] }, { a: [1, 2, 3] }, { a: [1, 2, 3] }],
    ['from nothing', {}, { a: { b: 1 } }, { a: { b: 1 } }],
  ])('%s', (_, before, after, expected) => {
    expect(mergePatch(before, after)).toEqual(expected);
  });
});
