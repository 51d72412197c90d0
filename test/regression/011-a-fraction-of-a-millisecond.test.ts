import { expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { WorkQueue } from '../../core/runtime/work-queue.ts';

// A delay with a fraction of a millisecond ended, on a clock that counts from the epoch, at an instant that the clock could not stand at: the timer fired a hair too
// early, was set again for the same instant, and virtual time never moved on.
it('a delayed key whose delay is no whole number of milliseconds gets its turn', async () => {
  const clock = new VirtualClock(Date.UTC(2026, 10, 28, 12));
  const handled: string[] = [];
  const queue = new WorkQueue({
    name: 'test',
    clock,
    random: () => 0.123_456_789,
    workers: 1,
    handle: (key) => {
      handled.push(key);
      return Promise.resolve({});
    },
  });
  queue.start();
  queue.addAfter('a', 1.000_000_1);
  queue.addAfter('b', 7.3);
  await clock.advance(20);
  expect(handled).toEqual(['a', 'b']);
  await queue.shutdown();
});
