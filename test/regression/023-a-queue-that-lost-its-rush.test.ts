import { expect, test } from 'vitest';
import { FluidQueue } from '../../simulator/workload/fluid-queue.ts';
import { points, type LoadPoint } from '../../simulator/workload/index.ts';

/** What waits after the points, looked at at these instants. */
function queueAfter(list: readonly LoadPoint[], capacity: number, looks: readonly number[]): number {
  const queue = new FluidQueue({ maxQueue: 1e9, holdWhenEmpty: true });
  queue.join(capacity);
  const load = points(list, 'linear');
  let from = list[0]?.at ?? 0;
  for (const to of looks) {
    queue.advance(load.pieces(from, to));
    from = to;
  }
  return queue.queue;
}

// Where demand meets capacity the step to the next change of regime was shorter than the smallest change of time that a number can hold: it led nowhere, and after
// 32 of them the whole rush was served as if there were room. It depended on when somebody had looked. Found by a property in one run of twelve.
test('what waits does not depend on when somebody looked', () => {
  const list = [
    { at: 5034, value: 14 },
    { at: 10_946, value: 404 },
    { at: 10_946, value: 0 },
  ];
  const waiting = queueAfter(list, 222.7, [10_946]);
  expect(waiting).toBeCloseTo((((404 - 222.7) ** 2 / (2 * 390)) * (10_946 - 5034)) / 1000, 6);
  expect(queueAfter(list, 222.7, [5268, 10_946])).toBeCloseTo(waiting, 6);
});

test('nor on how long the program has run', () => {
  const list = (start: number): LoadPoint[] => [
    { at: start, value: 14 },
    { at: start + 5912, value: 404 },
  ];
  const waiting = queueAfter(list(0), 222.7, [5912]);
  for (const days of [1, 7, 30, 365]) {
    const start = days * 86_400_000;
    for (let look = 100; look < 3200; look += 37) {
      expect(queueAfter(list(start), 222.7, [start + look, start + 5912]), `${days} days, looked at ${look}`).toBeCloseTo(waiting, 3);
    }
  }
});
