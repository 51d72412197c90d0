import { describe, expect, it } from 'vitest';
import { spec } from './builders.fixture.ts';
import { effectiveBounds } from './effective-bounds.ts';
import type { ScalingSchedule, ScalingSpec } from './model.ts';
import { TestTarget } from './target.fixture.ts';

const at = (text: string): number => Date.parse(text);

function schedule(overrides: Partial<ScalingSchedule> = {}): ScalingSchedule {
  return {
    name: 'day',
    start: '0 8 * * *',
    end: '0 18 * * *',
    timeZone: 'UTC',
    minReplicas: undefined,
    maxReplicas: undefined,
    rampMs: 0,
    ...overrides,
  };
}

const bounds = (schedules: readonly ScalingSchedule[], instant = '2026-01-05T12:00:00Z') => {
  const { min, max, minFrom, maxFrom } = effectiveBounds(spec({ minReplicas: 2, maxReplicas: 30, schedules }), at(instant));
  return { min, max, minFrom, maxFrom };
};

describe('effectiveBounds', () => {
  it('takes the highest floor and the lowest ceiling of what is open', () => {
    const all = [
      schedule({ name: 'a', minReplicas: 5, maxReplicas: 20 }),
      schedule({ name: 'b', minReplicas: 8, maxReplicas: 25 }),
      schedule({ name: 'shut', start: '0 20 * * *', end: '0 22 * * *', minReplicas: 9, maxReplicas: 10 }),
    ];
    expect(bounds(all)).toEqual({ min: 8, max: 20, minFrom: 'b', maxFrom: 'a' });
    expect(bounds(all, '2026-01-05T19:00:00Z')).toEqual({ min: 2, max: 30, minFrom: undefined, maxFrom: undefined });
  });

  it('a floor above a ceiling wins', () => {
    expect(bounds([schedule({ name: 'low', maxReplicas: 5 }), schedule({ name: 'high', minReplicas: 12 })])).toEqual({
      min: 12,
      max: 12,
      minFrom: 'high',
      maxFrom: 'high',
    });
  });

  it('narrows the bounds of the policy and never widens them', () => {
    expect(bounds([schedule({ minReplicas: 1, maxReplicas: 100 })])).toMatchObject({ min: 2, max: 30 });
    expect(bounds([schedule({ minReplicas: 50 })])).toMatchObject({ min: 30, max: 30 });
  });

  it.each([
    ['07:50:59', 2],
    ['07:51:00', 4],
    ['07:55:00', 11],
    ['07:59:59', 19],
    ['08:00:00', 20],
    ['18:00:30', 20],
    ['18:01:00', 19],
    ['18:09:00', 4],
    ['18:10:00', 2],
  ])('on a ramp from 2 to 20 the floor is at %s %d', (time, min) => {
    expect(bounds([schedule({ minReplicas: 20, rampMs: 600_000 })], `2026-01-05T${time}Z`).min).toBe(min);
  });

  it('a ceiling knows no ramp', () => {
    const ramped = [schedule({ minReplicas: 5, maxReplicas: 10, rampMs: 600_000 })];
    expect(bounds(ramped, '2026-01-05T07:59:00Z').max).toBe(30);
    expect(bounds(ramped, '2026-01-05T18:00:00Z').max).toBe(30);
  });
});

describe('a scheduled policy', () => {
  // The target's clock begins at 12:00:20.
  const day = (overrides: Partial<ScalingSchedule>): Partial<ScalingSpec> => ({
    schedules: [schedule({ start: '10 12 * * *', end: '20 12 * * *', ...overrides })],
  });
  const minutes = (count: number): number => count * 60;

  it('raises the floor at once, whatever was scaled when, without holding growth back afterwards', () => {
    const target = new TestTarget(spec(day({ minReplicas: 6 })), 3);
    // 12:08:20: the load grows the target, which begins a cooldown.
    expect(target.tick(minutes(8), [1000]).decision.to).toBe(4);
    const { decision, startsCooldown } = target.tick(100, [800]);
    expect(decision).toMatchObject({ from: 4, to: 6, reason: 'TooFewReplicas', holds: [] });
    expect(decision.message).toBe('4 → 6 replicas: 4 is below minReplicas 6 (schedule day)');
    expect(decision.trace.find(({ step }) => step === 'cooldown')?.message).toContain(
      'a correction up to minReplicas of schedule day does not wait',
    );
    expect(decision.trace.find(({ step }) => step === 'schedule')?.message).toBe(
      'Schedule day is open until 2026-01-01T12:20:00Z: bounds 6…10 instead of 1…10',
    );
    expect(startsCooldown).toBe(false);
    // 3 min after the growth, 80 s after the floor.
    expect(target.tick(80, [1600]).decision.to).toBe(10);
  });

  it('shows its window in a condition', () => {
    const target = new TestTarget(spec(day({ minReplicas: 6, maxReplicas: 8 })), 3);
    target.tick(0, [800]);
    expect(target.condition('ScheduleActive')).toBe('False/NoWindowOpen');
    expect(target.message('ScheduleActive')).toBe('No schedule is active; day opens at 2026-01-01T12:10:00Z');
    target.tick(minutes(10), [800]);
    expect(target.condition('ScheduleActive')).toBe('True/WindowOpen');
    expect(target.message('ScheduleActive')).toBe(
      'Schedule day is open until 2026-01-01T12:20:00Z: minReplicas 6 (schedule day), maxReplicas 8 (schedule day)',
    );
    target.spec = { ...target.spec, schedules: undefined };
    target.tick(15, [800]);
    expect(target.condition('ScheduleActive')).toBeUndefined();
  });

  it('says in ScalingLimited which schedule limits', () => {
    const target = new TestTarget(spec({ ...day({ minReplicas: 3, maxReplicas: 4 }), cooldown: { scaleUpMs: 0, scaleDownMs: 0 } }), 3);
    target.tick(minutes(11), [2000]);
    expect(target.message('ScalingLimited')).toBe('8 replicas asked for, but maxReplicas is 4 (schedule day)');
  });

  it('a ceiling waits for the cooldown like any shrink', () => {
    const target = new TestTarget(spec(day({ maxReplicas: 5 })), 4);
    expect(target.tick(minutes(8), [1600]).decision.to).toBe(8);
    expect(target.tick(120, [800]).decision).toMatchObject({
      to: 8,
      reason: 'CoolingDown',
      message: expect.stringContaining('above maxReplicas 5 (schedule day)') as unknown,
    });
    expect(target.tick(180, [800]).decision).toMatchObject({ to: 5, reason: 'TooManyReplicas' });
  });

  it('wakes a target that sleeps', () => {
    const queue = { type: 'External' as const, metric: 'queue', target: { type: 'AverageValue' as const, averageValue: 10_000n } };
    const target = new TestTarget(spec({ minReplicas: 0, metrics: [queue], ...day({ minReplicas: 3 }) }), 2);
    expect(target.tick(0, [0]).decision.to).toBe(0);
    expect(target.tick(minutes(10), [0]).decision.to).toBe(3);
    // And lets it sleep again afterwards.
    expect(target.tick(minutes(10), [0]).decision.to).toBe(0);
    expect(target.condition('ScaledToZero')).toBe('True/ScaledToZero');
  });

  it('does not wake one that somebody has paused at zero', () => {
    const target = new TestTarget(spec({ minReplicas: 0, ...day({ minReplicas: 3 }) }), 0);
    expect(target.tick(minutes(11), [0]).branch).toBe('disabled');
  });

  it('grows by load in the middle of a ramp', () => {
    const target = new TestTarget(
      spec({ ...day({ start: '0 13 * * *', end: '0 14 * * *', minReplicas: 30, rampMs: 900_000 }), maxReplicas: 60 }),
      4,
    );
    target.tick(0, [800]);
    const grown: number[] = [];
    // From 12:45 on a step every 90 s, a look every 15 s, under a load of three times the target.
    target.tick(minutes(45), [800]);
    for (let tick = 0; tick < 60; tick += 1) {
      const { branch, decision } = target.tick(15, [900]);
      if (branch === 'metrics' && decision.to > decision.from) grown.push(decision.to);
    }
    expect(grown.length).toBeGreaterThanOrEqual(3);
  });
});
