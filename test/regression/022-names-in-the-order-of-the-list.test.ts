import { expect, test } from 'vitest';
import { namesText } from '../../hpa/engine/text.ts';

// The names of pods without a sample stood in a decision's message in the order in which the pods were listed. A list has no order: the same facts gave two
// messages, each a new status and a new Event. Found by the property "is the same for any order of pods and samples" in one run of three.
test('the same names make the same text, whatever their order', () => {
  expect(namesText(['p0', 'p3', 'p1'])).toBe('p0, p1, p3');
  expect(namesText(['p4', 'p0', 'p3', 'p1', 'p2'])).toBe('p0, p1, p2 and 2 more');
  expect(namesText(['p1', 'p2', 'p0', 'p3', 'p4'])).toBe('p0, p1, p2 and 2 more');
  expect(namesText(['p0'])).toBe('p0');
  expect(namesText([])).toBe('');
});
