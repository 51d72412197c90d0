import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../core/runtime/index.ts';
import type { PodRecord } from '../../core/model/index.ts';
import { createLoopTrigger, type LoopTrigger } from './loop-trigger.ts';
import type { Change } from './ports.ts';

const second = 1_000;

function scene({ frequent = true } = {}) {
  const clock = new VirtualClock(0);
  const handlers = new Set<(change: Change<PodRecord>) => void>();
  const trigger = createLoopTrigger({
    clock,
    scanIntervalMs: 10 * second,
    frequent,
    pods: {
      onDelta: (handler) => {
        handlers.add(handler);
        return () => handlers.delete(handler);
      },
    },
  });
  const pod = (was: boolean | undefined, is: boolean): void => {
    const record = (unschedulable: boolean): PodRecord => ({ unschedulable }) as PodRecord;
    for (const handler of handlers) handler({ key: 'p', old: was === undefined ? undefined : record(was), new: record(is) });
  };
  return { clock, trigger, pod, handlers };
}

/** A loop that takes no time; answers how long it was waited for the next one. */
async function waited(trigger: LoopTrigger, clock: VirtualClock, during: () => void = () => undefined, mostMs?: number): Promise<number> {
  const from = clock.now();
  let at: number | undefined;
  const waiting = trigger.wait({ mostMs }).then((due) => {
    at = due ? clock.now() : Number.NaN;
  });
  during();
  await clock.advanceUntil(() => at !== undefined, 60 * second, 100);
  await waiting;
  return (at ?? Number.NaN) - from;
}

describe('the trigger of loops', () => {
  it('waits for the scan interval', async () => {
    const { clock, trigger } = scene();
    trigger.begun();
    expect(await waited(trigger, clock)).toBe(10 * second);
  });

  it('begins at once when a pod turns unschedulable, and not when one goes on to be', async () => {
    const { clock, trigger, pod } = scene();
    trigger.begun();
    const later = (was: boolean | undefined, is: boolean) => () => clock.setTimeout(() => pod(was, is), 3 * second);
    expect(await waited(trigger, clock, later(false, true))).toBe(3 * second);
    trigger.begun();
    expect(await waited(trigger, clock, later(undefined, true))).toBe(3 * second);
    trigger.begun();
    expect(await waited(trigger, clock, later(true, true))).toBe(10 * second);
    trigger.begun();
    expect(await waited(trigger, clock, later(undefined, false))).toBe(10 * second);
  });

  it('does not forget a pod that came while the loop ran', async () => {
    const { clock, trigger, pod } = scene();
    trigger.begun();
    pod(undefined, true);
    expect(await waited(trigger, clock)).toBe(second / 2);
  });

  it('lets others have as much time as the loop took, but not more than a second, where a pod waits', async () => {
    const { clock, trigger, pod } = scene();
    for (const [tookMs, pauseMs] of [
      [100, 500],
      [700, 700],
      [5_000, 1_000],
    ] as const) {
      trigger.begun();
      await clock.advance(tookMs);
      pod(undefined, true);
      expect(await waited(trigger, clock)).toBe(pauseMs);
    }
  });

  it('does not make a pod wait that comes after a loop which changed something', async () => {
    const { clock, trigger, pod } = scene();
    trigger.begun();
    trigger.productive();
    expect(await waited(trigger, clock, () => clock.setTimeout(() => pod(undefined, true), 600))).toBe(600);
  });

  it('follows a loop that changed something, and one more after it', async () => {
    const { clock, trigger } = scene();
    trigger.begun();
    trigger.productive();
    expect(await waited(trigger, clock)).toBe(second);
    trigger.begun();
    expect(await waited(trigger, clock)).toBe(second);
    trigger.begun();
    expect(await waited(trigger, clock)).toBe(10 * second);
  });

  it('is a plain ticker where frequent loops are off', async () => {
    const { clock, trigger, pod } = scene({ frequent: false });
    trigger.begun();
    trigger.productive();
    pod(undefined, true);
    expect(await waited(trigger, clock)).toBe(10 * second);
  });

  it('comes sooner where it is asked to', async () => {
    const { clock, trigger } = scene();
    trigger.begun();
    expect(await waited(trigger, clock, undefined, 2 * second)).toBe(2 * second);
  });

  it('ends when it is stopped, and leaves no timer behind', async () => {
    const { clock, trigger, handlers } = scene();
    trigger.begun();
    const waiting = trigger.wait();
    await clock.advance(2 * second);
    trigger.stop();
    expect(await waiting).toBe(false);
    expect(await trigger.wait()).toBe(false);
    expect(clock.pending).toBe(0);
    expect(handlers.size).toBe(0);
  });
});
