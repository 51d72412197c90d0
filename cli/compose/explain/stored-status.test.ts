import { describe, expect, it } from 'vitest';
import { explanationOf, policy, takenAt, usage, type Scene } from './scene.fixture.ts';
import type { StoredStep } from './explanation.ts';

const ago = (seconds: number): string => new Date(takenAt - seconds * 1000).toISOString();

function stored(status: unknown, scene: Partial<Scene> = {}, parts: object = {}): StoredStep {
  return explanationOf({ replicas: 4, usage: usage(4, 80), policy: policy({}, { status, ...parts }), ...scene }).stored;
}

const steady = { from: 4, to: 4, wanted: 4, reason: 'WithinTarget', message: '', at: ago(3_600) };
const fields = ({ differences }: StoredStep): string[] => differences.map(({ field }) => field);

describe('storedStatus', () => {
  it('finds no difference to what would be decided now, however old it is', () => {
    const step = stored({ observedGeneration: 2, lastDecision: steady });
    expect(step.differences).toEqual([]);
    expect(step.lastDecision?.ageSeconds).toBe(3_600);
  });

  it('says when nobody has looked at the policy, or not at its last change', () => {
    expect(fields(stored(undefined))).toEqual(['lastDecision']);
    const behind = stored({ observedGeneration: 1, lastDecision: steady });
    expect(behind.differences).toMatchObject([{ field: 'observedGeneration', stored: 1, now: 2 }]);
  });

  it('points out another size, another wish, and that it is overdue', () => {
    const differing = stored({ lastDecision: { ...steady, wanted: 3, to: 3, reason: 'BelowTarget' } });
    expect(differing.differences.map(({ field, stored: before, now }) => [field, before, now])).toEqual([
      ['to', 3, 4],
      ['wanted', 3, 4],
      ['at', ago(3_600), ago(0)],
    ]);
    expect(fields(stored({ lastDecision: { ...steady, wanted: 3, at: ago(20) } })), 'it is renewed in a moment').toEqual(['wanted']);
    expect(fields(stored({ lastDecision: { ...steady, reason: 'Stabilized', at: ago(20) } }))).toEqual(['reason']);
  });

  it('tells a decision that was carried out from a difference', () => {
    const step = stored({ lastDecision: { ...steady, from: 2, at: ago(5) } });
    expect(step.differences).toMatchObject([{ field: 'from', message: expect.stringContaining('2 → 4 has been carried out') }]);
  });

  it('says what the controller remembers and status does not keep', () => {
    const holds = [{ by: 'stabilization', until: ago(-120), message: 'the highest wish of the last 5m applies' }];
    const explanation = explanationOf({
      replicas: 4,
      usage: usage(4, 30),
      policy: policy(
        {},
        { status: { lastDecision: { from: 4, to: 4, wanted: 2, reason: 'ScaleDownStabilized', message: '', at: ago(180), holds } } },
      ),
    });
    expect(explanation.result.to).toBe(2);
    expect(explanation.stabilization?.stored).toEqual({ until: ago(-120), message: 'the highest wish of the last 5m applies' });
    expect(explanation.stored.differences.map(({ field, message }) => [field, message])).toEqual([
      [
        'to',
        '4 was to be set then, 2 would be set now (it is held by a recent wish, which the controller remembers and status does not keep)',
      ],
    ]);
  });

  it('says when the hold that is stored is over', () => {
    const holds = [{ by: 'cooldown', until: ago(10), message: '' }];
    const step = stored(
      { lastDecision: { from: 4, to: 4, wanted: 6, reason: 'CoolingDown', message: '', at: ago(30), holds } },
      { usage: usage(4, 120) },
    );
    expect(step.differences.map(({ message }) => message)).toEqual([
      '4 was to be set then, 6 would be set now (its hold (cooldown) ended 10s ago)',
    ]);
  });

  it('compares the size that the built-in controller stores of its own objects', () => {
    const native = { kind: 'HorizontalPodAutoscaler', apiVersion: 'autoscaling/v2' };
    expect(fields(stored(undefined, {}, native))).toEqual(['desiredReplicas']);
    expect(fields(stored({ currentReplicas: 4, desiredReplicas: 4 }, {}, native))).toEqual([]);
    expect(stored({ desiredReplicas: 7 }, {}, native).differences).toMatchObject([{ field: 'desiredReplicas', stored: 7, now: 4 }]);
  });

  it.each([
    'text',
    7,
    [],
    { lastDecision: [] },
    { lastDecision: { from: 'x', to: null, holds: 'y', at: 5 }, conditions: [1, { type: 3 }] },
    { lastDecision: { at: '9999999-01-01', holds: [null] }, lastScaleUpTime: 'soon', conditions: {} },
    { lastDecision: { at: '+275760-09-13T00:00:00.001Z' } },
  ])('survives what somebody else has written: %j', (status) => {
    expect(() => stored(status)).not.toThrow();
  });
});
