import { describe, expect, it } from 'vitest';
import { defaultCooldown } from '../core/model/cooldown.ts';
import { problemsText } from '../core/model/schema-problems.ts';
import { parsePolicy } from './policy.ts';

const base = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 2, maxReplicas: 20 };
const queue = { type: 'External', external: { metric: { name: 'q' }, target: { type: 'Value', value: '5' } } };

function parsed(spec: object) {
  const raw = {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'HorizontalPolicy',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { ...base, ...spec },
  };
  return parsePolicy(raw, defaultCooldown);
}

function problems(spec: object): string {
  const result = parsed(spec);
  return result.ok ? 'accepted' : `${result.reason}: ${problemsText(result.problems)}`;
}

function specOf(spec: object) {
  const result = parsed(spec);
  if (!result.ok) throw new Error(problemsText(result.problems));
  return result.policy.spec;
}

describe('scale to zero', () => {
  const zero = { minReplicas: 0, metrics: [queue] };
  const growing = (scaleUp: object) => ({ ...zero, behavior: { scaleUp } });
  const pods = { type: 'Pods', value: 4, periodSeconds: 15 };
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 };

  it.each([
    ['no behavior', zero],
    ['the default policies', growing({})],
    ['one policy of type Pods', growing({ policies: [percent, pods] })],
    ['only such with Min', growing({ selectPolicy: 'Min', policies: [pods] })],
    ['anything with minReplicas 1', { behavior: { scaleUp: { policies: [percent] } } }],
  ])('is accepted with %s', (_, spec) => {
    expect(problems(spec)).toBe('accepted');
  });

  it.each([
    [
      'percentages only',
      growing({ policies: [percent] }),
      'spec.behavior.scaleUp.policies: a target with minReplicas 0 cannot grow by a percentage of 0; add a policy of type Pods, or set minReplicas to 1',
    ],
    [
      'Min with a percentage',
      growing({ selectPolicy: 'Min', policies: [percent, pods] }),
      'spec.behavior.scaleUp.policies: a target with minReplicas 0 cannot grow by a percentage of 0, and selectPolicy Min takes the least; give policies of type Pods only, or set minReplicas to 1',
    ],
    [
      'Min with the default policies, of which one is a percentage',
      growing({ selectPolicy: 'Min' }),
      'spec.behavior.scaleUp.policies: a target with minReplicas 0 cannot grow by a percentage of 0, and selectPolicy Min takes the least; give policies of type Pods only, or set minReplicas to 1',
    ],
    [
      'growth that is disabled',
      growing({ selectPolicy: 'Disabled' }),
      'spec.behavior.scaleUp.selectPolicy: "Disabled" keeps a target with minReplicas 0 asleep for ever; set Max, or minReplicas to 1',
    ],
  ])('is refused with %s', (_, spec, text) => {
    expect(problems(spec)).toBe(`InvalidPolicy: ${text}`);
  });
});

describe('fallback', () => {
  it.each([
    ['with replicas', { replicas: 4 }, 'CurrentReplicasIfHigher'],
    ['without', {}, 'Hold'],
    ['as it is written', { replicas: 4, behavior: 'Static' }, 'Static'],
  ])('has a behavior that shrinks nothing by default: %s', (_, given, behavior) => {
    expect(specOf({ fallback: { failureThreshold: 3, ...given } }).fallback).toEqual({
      failureThreshold: 3,
      replicas: undefined,
      ...given,
      behavior,
    });
  });

  it.each([
    ['no number for Static', { behavior: 'Static' }, 'spec.fallback.replicas: is required by behavior Static; add it'],
    ['more than maxReplicas', { replicas: 21 }, 'spec.fallback.replicas: 21 is more than maxReplicas 20; lower it or raise maxReplicas'],
    ['zero', { replicas: 0 }, 'spec.fallback.replicas: 0 is too small; the least is 1'],
    [
      'a behavior of KEDA',
      { behavior: 'scalingModifiers' },
      'spec.fallback.behavior: "scalingModifiers" is not one of Static, CurrentReplicas, CurrentReplicasIfHigher, CurrentReplicasIfLower, Hold',
    ],
  ])('is refused with %s', (_, given, text) => {
    expect(problems({ fallback: { failureThreshold: 3, ...given } })).toBe(`InvalidPolicy: ${text}`);
  });
});

describe('schedules', () => {
  const day = { name: 'day', start: '0 8 * * MON-FRI', end: '0 18 * * MON-FRI', minReplicas: 10 };

  it('are read with their defaults', () => {
    expect(
      specOf({ schedules: [day, { ...day, name: 'night', timeZone: 'Europe/Berlin', maxReplicas: 12, ramp: { durationSeconds: 600 } }] })
        .schedules,
    ).toEqual([
      { ...day, timeZone: 'UTC', maxReplicas: undefined, rampMs: 0 },
      { ...day, name: 'night', timeZone: 'Europe/Berlin', maxReplicas: 12, rampMs: 600_000 },
    ]);
    expect(specOf({ schedules: [] }).schedules).toBeUndefined();
  });

  it.each([
    [
      'a time that is none',
      { start: '0 25 * * *' },
      '[0].start: "0 25 * * *" is not a cron expression: Invalid value for hour: 25; correct it',
    ],
    [
      'a cron expression of six fields',
      { end: '0 0 18 * * *' },
      '[0].end: "0 0 18 * * *" is not a cron expression of five fields, like 0 8 * * MON-FRI; correct it',
    ],
    ['a day that never comes', { start: '0 8 31 2 *' }, '[0].start: "0 8 31 2 *" names a day that no year has; correct it'],
    [
      'an unknown zone',
      { timeZone: 'Europe/Atlantis' },
      '[0].timeZone: "Europe/Atlantis" is not a time zone; use an IANA name, like Europe/Berlin',
    ],
    [
      'an end that is the start',
      { end: '0 8 * * MON-FRI' },
      '[0].end: "0 8 * * MON-FRI" is the same as start, so the window would never close; set another time',
    ],
    ['nothing to change', { minReplicas: undefined }, '[0]: has neither minReplicas nor maxReplicas; set one of them'],
    [
      'a floor above the ceiling',
      { maxReplicas: 9 },
      '[0].maxReplicas: 9 is less than minReplicas 10 of the schedule; raise maxReplicas or lower minReplicas',
    ],
    [
      'a floor above the policy',
      { minReplicas: 30 },
      '[0].minReplicas: 30 is more than maxReplicas 20 of the policy; lower it or raise maxReplicas',
    ],
    [
      'a ceiling below the policy',
      { minReplicas: undefined, maxReplicas: 1 },
      '[0].maxReplicas: 1 is less than minReplicas 2 of the policy; raise it or lower minReplicas',
    ],
    [
      'a ramp to nothing',
      { minReplicas: undefined, maxReplicas: 5, ramp: { durationSeconds: 60 } },
      '[0].ramp: needs minReplicas, which it raises in steps; add it or remove the ramp',
    ],
    ['a floor of zero', { minReplicas: 0 }, '[0].minReplicas: 0 is too small; the least is 1'],
  ])('are refused with %s', (_, change, text) => {
    expect(problems({ schedules: [{ ...day, ...change }] })).toBe(`InvalidPolicy: spec.schedules${text}`);
  });

  it('have names of their own', () => {
    expect(problems({ schedules: [day, day] })).toBe(
      'InvalidPolicy: spec.schedules[1].name: "day" is taken by another schedule; choose another name',
    );
  });
});

describe('the rest', () => {
  it('is read in milliseconds', () => {
    const spec = specOf({
      cooldown: { panicRatio: 2.5 },
      podSelection: 'ByLabels',
      cpuInitializationPeriodSeconds: 60,
      initialReadinessDelaySeconds: 5,
    });
    expect(spec).toMatchObject({ panicRatio: 2.5, podSelection: 'ByLabels', cpuInitializationMs: 60_000, initialReadinessDelayMs: 5000 });
  });

  it('panicRatio is at least 1', () => {
    expect(problems({ cooldown: { panicRatio: 0.9 } })).toBe('InvalidPolicy: spec.cooldown.panicRatio: 0.9 is too small; the least is 1');
  });
});
