import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../core/model/object.ts';
import { allVpaGates, defaultVpa, upstreamVpaGates, validateVpa, type VpaGates } from './policy-validation.ts';

const targetRef = { kind: 'Deployment', name: 'web' };

function vpa(spec: unknown): KubeObject {
  return { apiVersion: 'autoscaling.k8s.io/v1', kind: 'VerticalPodAutoscaler', metadata: { name: 'web', namespace: 'shop' }, spec };
}

function found(spec: unknown, options: { readonly old?: unknown; readonly gates?: VpaGates } = {}): readonly string[] {
  const old = options.old === undefined ? undefined : vpa(options.old);
  return validateVpa(vpa(spec), { old, gates: options.gates ?? allVpaGates }).problems.map(({ path, kind }) => `${kind} ${path}`);
}

const container = (policy: object) => ({ targetRef, resourcePolicy: { containerPolicies: [{ containerName: 'app', ...policy }] } });
const at = 'spec.resourcePolicy.containerPolicies[0]';

describe('validateVpa', () => {
  it('collects all problems in the order of the fields', () => {
    const spec = {
      updatePolicy: { updateMode: 'Fast', minReplicas: 0, evictAfterOOMSeconds: 0 },
      resourcePolicy: {
        containerPolicies: [
          {
            mode: 'On',
            maxAllowed: { storage: '1', memory: '1.5', cpu: '1' },
            minAllowed: { memory: 'x', cpu: '2', storage: '2' },
            controlledResources: ['cpu', 'disk'],
            oomBumpUpRatio: '0.9',
            oomMinBumpUp: '-1',
            memoryAggregationIntervalSeconds: 0,
            memoryAggregationIntervalCount: 0,
            startupBoost: { cpu: {} },
          },
        ],
      },
      startupBoost: { cpu: { type: 'Factor' } },
      recommenders: [{ name: 'a' }, { name: 'b' }],
    };
    expect(found(spec)).toEqual([
      'Required spec.targetRef',
      'Unsupported spec.updatePolicy.updateMode',
      'Invalid spec.updatePolicy.minReplicas',
      'Invalid spec.updatePolicy.evictAfterOOMSeconds',
      `Required ${at}.containerName`,
      `Unsupported ${at}.mode`,
      `Invalid ${at}.minAllowed[memory]`,
      `Invalid ${at}.maxAllowed[memory]`,
      `Invalid ${at}.maxAllowed[cpu]`,
      `Invalid ${at}.maxAllowed[storage]`,
      `Unsupported ${at}.controlledResources[1]`,
      `Invalid ${at}.oomBumpUpRatio`,
      `Invalid ${at}.oomMinBumpUp`,
      `Invalid ${at}.memoryAggregationIntervalSeconds`,
      `Invalid ${at}.memoryAggregationIntervalCount`,
      `Required ${at}.startupBoost.cpu.type`,
      'Required spec.startupBoost.cpu.factor',
      'TooMany spec.recommenders',
    ]);
  });

  it('needs a target of a new object only (quirk Q1 fixed)', () => {
    expect(found({})).toEqual(['Required spec.targetRef']);
    expect(found({}, { old: {} })).toEqual([]);
  });

  it('has limits that touch: equal bounds, a ratio of 1, a bump of 0', () => {
    const bounds = { cpu: '1', memory: '1Gi' };
    expect(found(container({ minAllowed: bounds, maxAllowed: { cpu: '1000m', memory: '1024Mi' } }))).toEqual([]);
    expect(found(container({ oomBumpUpRatio: '1', oomMinBumpUp: '0', memoryAggregationIntervalSeconds: 1 }))).toEqual([]);
    expect(found(container({ minAllowed: { cpu: '0.001', memory: '1e3' } }))).toEqual([]);
  });

  it.each<[string, object, object, readonly string[]]>([
    [
      'OOM settings and intervals',
      {
        ...container({ oomBumpUpRatio: '2', memoryAggregationIntervalCount: 2 }),
        updatePolicy: { updateMode: 'Off', evictAfterOOMSeconds: 1 },
      },
      // One use anywhere unlocks all of the group.
      container({ oomMinBumpUp: '1' }),
      [
        `Forbidden spec.updatePolicy.evictAfterOOMSeconds`,
        `Forbidden ${at}.oomBumpUpRatio`,
        `Forbidden ${at}.memoryAggregationIntervalCount`,
      ],
    ],
    [
      'startup boosts',
      { ...container({ startupBoost: { cpu: { type: 'Bad' } } }), startupBoost: { cpu: { type: 'Factor', factor: 2 } } },
      { startupBoost: {} },
      [`Forbidden ${at}.startupBoost`, 'Forbidden spec.startupBoost'],
    ],
    [
      'InPlace',
      { targetRef, updatePolicy: { updateMode: 'InPlace' } },
      { updatePolicy: { updateMode: 'InPlace' } },
      ['Forbidden spec.updatePolicy.updateMode'],
    ],
  ])('a gate that is off forbids %s, unless the old object had them', (_, spec, old, expected) => {
    expect(found(spec, { gates: upstreamVpaGates })).toEqual(expected);
    expect(found(spec, { gates: upstreamVpaGates, old: { targetRef } })).toEqual(expected);
    expect(found(spec, { gates: upstreamVpaGates, old }).filter((each) => each.startsWith('Forbidden'))).toEqual([]);
  });

  it('still checks values of a field that an old object unlocks', () => {
    const old = container({ oomMinBumpUp: '1' });
    expect(found(container({ oomMinBumpUp: '-1' }), { gates: upstreamVpaGates, old })).toEqual([`Invalid ${at}.oomMinBumpUp`]);
  });

  it('warns of Auto, and of a resource that was listed before, anywhere', () => {
    const spec = { ...container({ controlledResources: ['broken', 'other'] }), updatePolicy: { updateMode: 'Auto' } };
    const old = vpa({ resourcePolicy: { containerPolicies: [{}, { controlledResources: ['broken'] }] } });
    const { problems, warnings } = validateVpa(vpa(spec), { old, gates: allVpaGates });
    expect(problems.map(({ path }) => path)).toEqual([`${at}.controlledResources[1]`]);
    expect(warnings).toEqual([
      'spec.updatePolicy.updateMode: Auto is deprecated and acts as Recreate; write Recreate, Initial or InPlaceOrRecreate',
      `${at}.controlledResources[0]: "broken" is not one of cpu, memory and has no effect; remove it`,
    ]);
  });

  it('lives with a boost that has no CPU part (quirk Q16 fixed)', () => {
    expect(found({ ...container({ startupBoost: {} }), startupBoost: { cpu: null } })).toEqual([]);
  });

  it.each([
    undefined,
    null,
    'x',
    5,
    [],
    { resourcePolicy: 'x', updatePolicy: [], recommenders: {} },
    { resourcePolicy: { containerPolicies: 'x' } },
  ])('takes any shape: %j', (spec) => {
    expect(found(spec)).toEqual(['Required spec.targetRef']);
  });

  it('takes any shape of a container policy', () => {
    const policies = [null, 'x', { containerName: 'a', minAllowed: 'x', controlledResources: 'x', startupBoost: 'x', oomMinBumpUp: {} }];
    expect(found({ targetRef, resourcePolicy: { containerPolicies: policies } })).toEqual([
      `Required ${at}.containerName`,
      'Required spec.resourcePolicy.containerPolicies[1].containerName',
      'Invalid spec.resourcePolicy.containerPolicies[2].oomMinBumpUp',
    ]);
  });

  it('shows value and remedy', () => {
    const { problems } = validateVpa(vpa(container({ minAllowed: { cpu: '187500u' } })), { gates: allVpaGates });
    expect(problems).toEqual([
      { path: `${at}.minAllowed[cpu]`, kind: 'Invalid', message: '"187500u" is not a whole number of milli-cores; write it like 250m' },
    ]);
  });
});

describe('defaultVpa', () => {
  it('adds the mode to an object without updatePolicy, and to no other', () => {
    const added = [{ op: 'add', path: '/spec/updatePolicy', value: { updateMode: 'Recreate' } }];
    expect(defaultVpa(vpa({ targetRef }))).toEqual(added);
    expect(defaultVpa(vpa({ targetRef, updatePolicy: null }))).toEqual(added);
    expect(defaultVpa(vpa({ targetRef, updatePolicy: {} }))).toEqual([]);
    expect(defaultVpa(vpa(undefined))).toEqual([]);
  });
});
