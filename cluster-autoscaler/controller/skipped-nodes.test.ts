import { expect, it } from 'vitest';
import { createSkippedNodes } from './skipped-nodes.ts';

it('tells for how long the longest skipped node was not looked at', () => {
  const skippedFor = createSkippedNodes();
  // Nobody knows of a loop before the first.
  expect(skippedFor(['a'], 100)).toBe(0);
  expect(skippedFor(['a', 'b'], 130)).toBe(30);
  expect(skippedFor(['b'], 150)).toBe(50);
  // `b` was looked at; `a` in the loop before.
  expect(skippedFor(['a'], 175)).toBe(25);
  expect(skippedFor([], 200)).toBe(0);
  expect(skippedFor(['a'], 210)).toBe(10);
});
