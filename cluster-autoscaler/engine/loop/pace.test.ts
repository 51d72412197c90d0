import { describe, expect, it } from 'vitest';
import type { Effect } from '../model.ts';
import { defaultLoopOptions, emptyLoopState, runLoop } from './index.ts';
import type { LoopExtras, LoopReport } from './model.ts';
import { breathe, createPace } from './pace.ts';
import { group, input, node, pod } from './records.fixture.ts';
import { createTimes } from './times.ts';

/** 96 nodes, two thirds of them little used, and pods for which there is room, and for which there is none. */
function scene() {
  const names = Array.from({ length: 96 }, (_, index) => `n${String(index).padStart(2, '0')}`);
  const pods = names.flatMap((name, index) =>
    Array.from({ length: index % 3 === 0 ? 30 : 8 }, (_, at) =>
      pod(`${name}-${at}`, { node: name, owner: `app-${at % 4}`, cpu: '100m', memory: '64Mi' }),
    ),
  );
  const waiting = Array.from({ length: 600 }, (_, at) =>
    pod(`w${at}`, { owner: `late-${at % 2}`, cpu: at % 2 === 0 ? '50m' : '3900m', memory: '8Mi' }),
  );
  return input(0, {
    nodes: names.map((name) => node(name)),
    pods: [...pods, ...waiting],
    groups: [group('g', { running: names, maxSize: 500 })],
  });
}

interface Run {
  readonly effects: readonly Effect[];
  readonly report: LoopReport;
  readonly pauses: number;
}

function run(extras: LoopExtras): Run {
  const effects: Effect[] = [];
  let pauses = 0;
  const loop = runLoop(scene(), emptyLoopState(), defaultLoopOptions, extras);
  let step = loop.next();
  for (; step.done !== true; step = loop.next({ ok: true })) {
    if (step.value.type === 'pause') pauses += 1;
    else effects.push(step.value);
  }
  return { effects, report: { ...step.value.report, took: {} }, pauses };
}

describe('a loop in slices', () => {
  it('decides and reports the same as one without a break', () => {
    const whole = run({});
    expect(whole.pauses).toBe(0);
    expect(whole.effects.map(({ type }) => type)).toContain('increase-size');
    // Every look at the stopwatch costs a millisecond: each place at which the loop may pause is one where it does.
    let ms = 0;
    const sliced = run({ stopwatch: () => (ms += 1), sliceMs: 1 });
    expect(sliced.pauses).toBeGreaterThan(20);
    expect({ ...sliced, pauses: 0 }).toEqual(whole);
  });

  it('does not pause as long as it works for less than a slice, nor without a stopwatch', () => {
    expect(run({ stopwatch: () => 5, sliceMs: 10 }).pauses).toBe(0);
    expect(run({ sliceMs: 0 }).pauses).toBe(0);
  });

  it('begins a slice anew when it goes on, however long the pause was', () => {
    let now = 0;
    const pace = createPace({ stopwatch: () => now, sliceMs: 10 });
    const pausesAt = (at: number, onAt = at): boolean => {
      now = at;
      const work = breathe(pace);
      const paused = work.next().done !== true;
      now = onAt;
      if (paused) work.next();
      return paused;
    };
    expect([pausesAt(9), pausesAt(10, 500), pausesAt(509), pausesAt(511)]).toEqual([false, true, false, true]);
  });

  it('does not count pauses as time of a step', () => {
    let now = 0;
    const times = createTimes(() => now);
    const work = times.measureSteps(
      'step',
      (function* () {
        now += 3;
        yield 'pause';
        now += 4;
        return 'done';
      })(),
    );
    work.next();
    now += 1_000;
    expect(work.next()).toEqual({ done: true, value: 'done' });
    expect(times.taken()).toEqual({ step: 7 });
  });
});
