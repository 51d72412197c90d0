import { describe, expect, it } from 'vitest';
import { capacityWithout, planDeletion } from './deletion.ts';
import { launchFailure, placeholderIds, type ScalingActivity } from './placeholders.ts';

const failed = (startedAt: number, more: Partial<ScalingActivity> = {}): ScalingActivity => ({ status: 'Failed', startedAt, ...more });
const launched = (startedAt: number): ScalingActivity => ({
  status: 'Successful',
  startedAt,
  description: 'Launching a new EC2 instance: i-1',
});

describe('why what is missing will not come', () => {
  it('looks at nothing older than our last change', () => {
    const activities = [launched(30), failed(20), failed(10)];
    expect(launchFailure({ activities, lastChange: 20, compat: 'none' })).toBeDefined();
    expect(launchFailure({ activities, lastChange: 21, compat: 'none' })).toBeUndefined();
    expect(launchFailure({ activities: [failed(5), failed(20)], lastChange: 10, compat: 'none' })).toBeUndefined();
  });

  it('without a change of ours takes only failures that no success followed; upstream takes any', () => {
    const healed = { activities: [launched(30), failed(20)], lastChange: undefined };
    expect(launchFailure({ ...healed, compat: 'none' })).toBeUndefined();
    expect(launchFailure({ ...healed, compat: 'cluster-autoscaler' })).toBeDefined();
    expect(launchFailure({ activities: [failed(40), launched(30)], lastChange: undefined, compat: 'none' })).toBeDefined();
  });

  it('does not take a failed termination for a failed launch; upstream does', () => {
    const activities = [failed(30, { description: 'Terminating EC2 instance: i-1' })];
    expect(launchFailure({ activities, lastChange: 1, compat: 'none' })).toBeUndefined();
    expect(launchFailure({ activities, lastChange: 1, compat: 'cluster-autoscaler' })).toBeDefined();
  });

  it('numbers placeholders from the real ones on', () => {
    expect(placeholderIds({ name: 'g', zones: ['z-1a', 'z-1b'], desired: 4, real: 2 })).toEqual([
      'aws:///z-1a/i-placeholder-g-2',
      'aws:///z-1a/i-placeholder-g-3',
    ]);
    expect(placeholderIds({ name: 'g', zones: [], desired: 1, real: 5 })).toEqual([]);
  });
});

describe('deletion', () => {
  const cloud: Readonly<Record<string, readonly [string, string]>> = {
    'aws:///z/i-1': ['g', 'InService'],
    'aws:///z/i-2': ['g', 'Terminating:Proceed'],
    'aws:///z/i-placeholder-g-2': ['g', ''],
    'aws:///z/i-3': ['h', 'InService'],
  };
  const plan = (ids: readonly string[], more: Partial<Parameters<typeof planDeletion>[0]> = {}): ReturnType<typeof planDeletion> =>
    planDeletion({
      group: 'g',
      min: 1,
      target: 3,
      ids,
      groupOf: (id) => cloud[id]?.[0],
      lifecycleOf: (id) => cloud[id]?.[1],
      forced: false,
      ...more,
    });

  it('tells what is to be ended, what is going and what never was, each once', () => {
    expect(plan(['aws:///z/i-1', 'aws:///z/i-2', 'aws:///z/i-placeholder-g-2', 'aws:///z/i-1'])).toEqual({
      terminate: ['i-1'],
      going: ['i-2'],
      placeholders: 1,
    });
  });

  it.each([
    ['MinSizeReached', ['aws:///z/i-1'], { min: 3 }],
    ['InstanceOfOtherGroup', ['aws:///z/i-1', 'aws:///z/i-3'], {}],
    ['InstanceUnknown', ['aws:///z/i-9'], {}],
    ['InstanceUnknown', ['gce:///z/i-1'], {}],
  ] as const)('refuses with %s', (code, ids, more) => {
    expect(plan(ids, more)).toMatchObject({ refused: { class: 'other', code } });
  });

  it('is stopped by the minimum unless it is forced', () => {
    expect(plan(['aws:///z/i-1'], { min: 3, forced: true })).toMatchObject({ terminate: ['i-1'] });
  });

  it('takes away as many placeholders as were named, none that has come, and never raises the capacity', () => {
    const ours = { compat: 'none', desired: 10, listed: 6, live: 6 } as const;
    expect(capacityWithout({ ...ours, placeholders: 2 })).toBe(8);
    expect(capacityWithout({ ...ours, placeholders: 7 })).toBe(6);
    expect(capacityWithout({ ...ours, desired: 3, live: 3, placeholders: 1 })).toBe(3);
    expect(capacityWithout({ ...ours, desired: 4, listed: 6, live: 3, placeholders: 1 })).toBe(3);
    // Upstream: all that is missing, by what is listed.
    expect(capacityWithout({ ...ours, compat: 'cluster-autoscaler', placeholders: 2 })).toBe(6);
  });
});
