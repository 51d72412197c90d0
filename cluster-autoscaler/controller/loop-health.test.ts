import { expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/index.ts';
import { defaultNodesHealthConfig } from '../config.ts';
import { createLoopHealth } from './loop-health.ts';

const minute = 60_000;

it('is well while it has nothing to do, and fails by the three limits of §2', async () => {
  const clock = new VirtualClock(0);
  const health = createLoopHealth(clock, defaultNodesHealthConfig);
  await clock.advance(60 * minute);
  expect(health.check()).toBeUndefined();

  health.working(true);
  await clock.advance(10 * minute);
  expect(health.check()).toBeUndefined();
  await clock.advance(1);
  expect(health.check()).toBe('no loop of the node controller has begun for 10m');

  health.begun();
  await clock.advance(10 * minute - 1);
  expect(health.check()).toBeUndefined();
  health.begun();
  await clock.advance(1);
  expect(health.check()).toBe('no loop of the node controller has succeeded since it began 20m ago');

  health.succeeded();
  await clock.advance(8 * minute);
  health.begun();
  await clock.advance(7 * minute);
  expect(health.check()).toBeUndefined();
  await clock.advance(1);
  expect(health.check()).toBe('no loop of the node controller has succeeded for 15m');

  health.working(false);
  expect(health.check()).toBeUndefined();
});
