import { describe, expect, it } from 'vitest';
import { defaultCooldown } from '../core/model/cooldown.ts';
import type { KubeObject } from '../core/model/object.ts';
import { problemsText } from '../core/model/schema-problems.ts';
import { defaultEstimationConfig } from './config.ts';
import { fromVpa, parseVerticalPolicy } from './policy.ts';

const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const defaults = { cooldown: defaultCooldown };

function object(spec: object, annotations?: Record<string, string>): KubeObject {
  return {
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'u1',
      generation: 3,
      creationTimestamp: '2026-11-01T00:00:00Z',
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec,
  };
}

/** What a VerticalPodAutoscaler can say. */
const everything = {
  targetRef,
  updatePolicy: {
    updateMode: 'InPlaceOrRecreate',
    minReplicas: 1,
    evictionRequirements: [{ resources: ['cpu', 'memory'], changeRequirement: 'TargetHigherThanRequests' }],
    evictAfterOOMSeconds: 300,
  },
  resourcePolicy: {
    containerPolicies: [
      {
        containerName: 'app',
        mode: 'Auto',
        minAllowed: { cpu: '50m', memory: '64Mi' },
        maxAllowed: { cpu: 2, memory: '1.5Gi' },
        controlledResources: ['cpu'],
        controlledValues: 'RequestsOnly',
        oomBumpUpRatio: '1500m',
        oomMinBumpUp: '50Mi',
        memoryAggregationIntervalSeconds: 3600,
        memoryAggregationIntervalCount: 24,
        startupBoost: { cpu: { type: 'Quantity', quantity: '500m', durationSeconds: 60 } },
      },
      { containerName: '*', mode: 'Off' },
    ],
  },
  recommenders: [{ name: 'default' }],
  startupBoost: { cpu: { type: 'Factor', factor: 2, durationSeconds: 30 } },
};

const read = {
  reference: { name: 'web', namespace: 'shop', uid: 'u1' },
  generation: 3,
  created: Date.UTC(2026, 10, 1),
  target: { ...targetRef, namespace: 'shop' },
  mode: 'Auto',
  updateMode: 'InPlaceOrRecreate',
  actuation: 'InPlaceOrRecreate',
  hasUpdatePolicy: true,
  minReplicas: 1,
  evictionRequirements: [{ resources: ['cpu', 'memory'], changeRequirement: 'TargetHigherThanRequests' }],
  evictAfterOomMs: 300_000,
  singleReplica: 'Never',
  startupBoost: { type: 'Factor', factor: 2, quantity: undefined, durationMs: 30_000 },
  containers: [
    {
      container: 'app',
      mode: 'Auto',
      minAllowed: { cpu: 50, memory: 64 * 1024 * 1024 },
      maxAllowed: { cpu: 2000, memory: 1.5 * 1024 ** 3 },
      controlledResources: ['cpu'],
      controlledValues: 'RequestsOnly',
      oomBumpUpRatio: 1.5,
      oomMinBumpUp: 50 * 1024 * 1024,
      memoryAggregationIntervalMs: 3_600_000,
      memoryAggregationIntervalCount: 24,
      startupBoost: { type: 'Quantity', factor: undefined, quantity: 500, durationMs: 60_000 },
      estimation: {},
    },
    { container: '*', mode: 'Off', controlledResources: ['cpu', 'memory'], controlledValues: 'RequestsAndLimits', startupBoost: undefined },
  ],
  estimation: {},
  recommenders: ['default'],
};

describe('parseVerticalPolicy', () => {
  it("takes a VerticalPodAutoscaler's spec as it is", () => {
    const result = parseVerticalPolicy(object(everything), defaults);
    expect(result).toMatchObject({ ok: true, policy: { ...read, native: false, cooldown: defaultCooldown } });
    expect(result).toMatchObject({ policy: { reference: { apiVersion: 'concertina.dev/v1alpha1', kind: 'VerticalPolicy' } } });
  });

  it('fills in the defaults', () => {
    expect(parseVerticalPolicy(object({ targetRef: { kind: 'Deployment', name: 'web' } }), defaults)).toEqual({
      ok: true,
      policy: {
        reference: { apiVersion: 'concertina.dev/v1alpha1', kind: 'VerticalPolicy', name: 'web', namespace: 'shop', uid: 'u1' },
        native: false,
        generation: 3,
        created: Date.UTC(2026, 10, 1),
        target: { apiVersion: 'v1', kind: 'Deployment', name: 'web', namespace: 'shop' },
        mode: 'Auto',
        updateMode: 'Auto',
        actuation: 'InPlaceOrRecreate',
        hasUpdatePolicy: false,
        minReplicas: undefined,
        evictionRequirements: [],
        evictAfterOomMs: undefined,
        cooldown: { scaleUpMs: 180_000, scaleDownMs: 300_000 },
        singleReplica: 'Never',
        startupBoost: undefined,
        containers: [],
        estimation: {},
        horizontal: 'Rebase',
        injectedContainers: 'Ignore',
        recommenders: [],
        integerCpu: new Set(),
      },
    });
  });

  it('reads what only the own policies have', () => {
    const spec = {
      targetRef,
      updatePolicy: { singleReplica: 'Surge' },
      mode: 'DryRun',
      cooldown: { scaleUpSeconds: 0 },
      horizontalPolicies: 'Yield',
      injectedContainers: 'Manage',
      estimation: {
        targetPercentile: { cpu: 0.95, memory: 1 },
        lowerBoundPercentile: { cpu: 0.4 },
        upperBoundPercentile: { cpu: 0.99, memory: 1 },
        margin: { cpu: 0, memory: 0.3 },
        halfLife: { cpu: '12h', memory: '1h30m' },
        podMinimum: { cpu: '10m', memory: '32Mi' },
      },
      resourcePolicy: { containerPolicies: [{ containerName: 'app', estimation: { targetPercentile: { cpu: 0.5 } } }] },
    };
    expect(parseVerticalPolicy(object(spec), defaults)).toMatchObject({
      ok: true,
      policy: {
        singleReplica: 'Surge',
        mode: 'DryRun',
        cooldown: { scaleUpMs: 0, scaleDownMs: 300_000 },
        horizontal: 'Yield',
        injectedContainers: 'Manage',
        estimation: {
          targetPercentile: { cpu: 0.95, memory: 1 },
          lowerBoundPercentile: { cpu: 0.4 },
          upperBoundPercentile: { cpu: 0.99, memory: 1 },
          margin: { cpu: 0, memory: 0.3 },
          halfLifeMs: { cpu: 12 * 3_600_000, memory: 90 * 60_000 },
          podMinimum: { cpu: 10, memory: 32 * 1024 * 1024 },
        },
        containers: [{ container: 'app', estimation: { targetPercentile: { cpu: 0.5 } } }],
      },
    });
  });

  it('rounds amounts up, and keeps them exact', () => {
    const maxAllowed = { cpu: '1', memory: '9007199254740991' };
    const result = parseVerticalPolicy(
      object({
        targetRef,
        resourcePolicy: { containerPolicies: [{ containerName: 'app', minAllowed: { storage: '1500m' }, maxAllowed }] },
      }),
      defaults,
    );
    expect(result).toMatchObject({
      policy: { containers: [{ minAllowed: { storage: 2 }, maxAllowed: { cpu: 1000, memory: Number.MAX_SAFE_INTEGER } }] },
    });
  });

  it('is paused by its annotation, and refuses one that it cannot read', () => {
    const at = (value: string) => parseVerticalPolicy(object({ targetRef }, { 'concertina.dev/paused': value }), defaults);
    expect(at('true')).toMatchObject({ ok: true, policy: { mode: 'Paused' } });
    expect(at('false')).toMatchObject({ ok: true, policy: { mode: 'Auto' } });
    expect(at('yes')).toEqual({
      ok: false,
      problems: [
        { path: 'metadata.annotations[concertina.dev/paused]', message: '"yes" is not true or false; correct it, or remove it to resume' },
      ],
    });
  });

  it('names the containers with whole cores', () => {
    const annotations = {
      'vpa-post-processor.kubernetes.io/app_integerCPU': 'true',
      'vpa-post-processor.kubernetes.io/side_integerCPU': 'false',
      'vpa-post-processor.kubernetes.io/_integerCPU': 'true',
    };
    expect(parseVerticalPolicy(object({ targetRef }, annotations), defaults)).toMatchObject({ policy: { integerCpu: new Set(['app']) } });
  });

  const container = (policy: object) => ({ resourcePolicy: { containerPolicies: [{ containerName: 'app', ...policy }] } });
  const at = 'spec.resourcePolicy.containerPolicies[0]';

  it.each<[string, object, string]>([
    ['no target', { targetRef: undefined }, 'spec.targetRef: is required; add it'],
    ['an unknown field', { target: 1 }, 'spec.target: unknown field; remove it or correct its name'],
    [
      'an unknown mode',
      { updatePolicy: { updateMode: 'Fast' } },
      'spec.updatePolicy.updateMode: "Fast" is not one of Off, Initial, Recreate, InPlaceOrRecreate, InPlace, Auto',
    ],
    ['no replicas', { updatePolicy: { minReplicas: 0 } }, 'spec.updatePolicy.minReplicas: 0 is too small; the least is 1'],
    ['two recommenders', { recommenders: [{ name: 'a' }, { name: 'b' }] }, 'spec.recommenders: must have at most 1 entries'],
    [
      'max below min',
      container({ minAllowed: { cpu: '1' }, maxAllowed: { cpu: '500m' } }),
      `${at}.maxAllowed[cpu]: 500m is less than minAllowed 1; raise it or lower minAllowed`,
    ],
    [
      'what is no quantity',
      container({ maxAllowed: { cpu: 'lots' } }),
      `${at}.maxAllowed[cpu]: "lots" is not a quantity, like 250m or 1Gi`,
    ],
    [
      'less than a milli-core',
      container({ minAllowed: { cpu: '0.0001' } }),
      `${at}.minAllowed[cpu]: "0.0001" is not a whole number of milli-cores; write it like 250m`,
    ],
    [
      'less than a byte',
      container({ minAllowed: { memory: '100m' } }),
      `${at}.minAllowed[memory]: "100m" is not a whole number of bytes; write it like 256Mi`,
    ],
    [
      'values of a container that is off',
      container({ mode: 'Off', controlledValues: 'RequestsAndLimits' }),
      `${at}.controlledValues: RequestsAndLimits has no meaning with mode Off; remove controlledValues or set mode Auto`,
    ],
    ['a ratio below 1', container({ oomBumpUpRatio: '0.5' }), `${at}.oomBumpUpRatio: "0.5" is too small; the least is 1`],
    [
      'a factor with a quantity',
      container({ startupBoost: { cpu: { type: 'Factor', factor: 2, quantity: '1' } } }),
      `${at}.startupBoost.cpu.quantity: does not belong to type Factor; remove it or set type Quantity`,
    ],
    [
      'a boost without its number',
      { startupBoost: { cpu: { type: 'Quantity' } } },
      'spec.startupBoost.cpu.quantity: is required by type Quantity; add it',
    ],
    [
      'percentiles that fall',
      { estimation: { targetPercentile: { cpu: 0.8 }, upperBoundPercentile: { cpu: 0.7 } } },
      'spec.estimation.upperBoundPercentile.cpu: 0.7 is less than targetPercentile, which is 0.8; they must rise from lowerBound over target to upperBound',
    ],
    [
      'a target above the upper bound of the flags',
      { estimation: { targetPercentile: { memory: 0.99 } } },
      'spec.estimation.targetPercentile.memory: 0.99 is more than upperBoundPercentile, which is 0.95; they must rise from lowerBound over target to upperBound',
    ],
    [
      'a lower bound of a container above the target of the policy',
      { estimation: { targetPercentile: { cpu: 0.6 } }, ...container({ estimation: { lowerBoundPercentile: { cpu: 0.7 } } }) },
      `${at}.estimation.lowerBoundPercentile.cpu: 0.7 is more than targetPercentile, which is 0.6; they must rise from lowerBound over target to upperBound`,
    ],
    [
      'half a life',
      { estimation: { halfLife: { cpu: '1d', memory: '30s' } } },
      'spec.estimation.halfLife.cpu: "1d" is not a duration from 1m to 8760h, like 24h; spec.estimation.halfLife.memory: "30s" is not a duration from 1m to 8760h, like 24h',
    ],
    [
      'seconds without a unit',
      { estimation: { halfLife: { cpu: '3600' } } },
      'spec.estimation.halfLife.cpu: "3600" is not a duration from 1m to 8760h, like 24h',
    ],
    [
      'a negative minimum',
      { estimation: { podMinimum: { cpu: '-1' } } },
      'spec.estimation.podMinimum.cpu: "-1" is not a quantity of 0 or more, like 25m or 64Mi',
    ],
    [
      'a percentile in percent',
      { estimation: { targetPercentile: { cpu: 90 } } },
      'spec.estimation.targetPercentile.cpu: 90 is too large; the most is 1',
    ],
  ])('refuses %s', (_, spec, expected) => {
    const result = parseVerticalPolicy(object({ targetRef, ...spec }), defaults);
    expect(result.ok ? 'accepted' : problemsText(result.problems)).toBe(expected);
  });

  it('measures percentiles against the flags that there are', () => {
    const spec = { targetRef, estimation: { targetPercentile: { memory: 0.99 } } };
    const estimation = { ...defaultEstimationConfig, upperBoundPercentile: { cpu: 0.95, memory: 1 } };
    expect(parseVerticalPolicy(object(spec), { ...defaults, estimation }).ok).toBe(true);
  });

  it.each([undefined, null, 'x', []])('refuses %j for a spec', (spec) => {
    const raw = { metadata: { name: 'web' }, spec };
    const refused = { ok: false, problems: [{ path: 'spec', message: 'is required; add it' }] };
    expect(parseVerticalPolicy(raw, defaults)).toEqual(refused);
    expect(fromVpa(raw)).toEqual(refused);
  });
});

describe('fromVpa', () => {
  it("keeps upstream's rules and timing", () => {
    expect(fromVpa(object(everything))).toMatchObject({
      ok: true,
      policy: { ...read, native: true, cooldown: { scaleUpMs: 0, scaleDownMs: 0 }, horizontal: 'Rebase', injectedContainers: 'Manage' },
    });
    expect(fromVpa(object(everything), { cooldown: defaultCooldown })).toMatchObject({ policy: { cooldown: defaultCooldown } });
  });

  it.each([
    [undefined, 'Recreate', 'Recreate', false],
    [{}, 'Recreate', 'Recreate', true],
    [null, 'Recreate', 'Recreate', false],
    [{ updateMode: '' }, 'Recreate', 'Recreate', true],
    [{ updateMode: 'Auto' }, 'Auto', 'Recreate', true],
    [{ updateMode: 'Off' }, 'Off', 'Off', true],
    [{ updateMode: 'Initial' }, 'Initial', 'Initial', true],
    [{ updateMode: 'InPlace' }, 'InPlace', 'InPlace', true],
  ])('updatePolicy %j is %s, done as %s', (updatePolicy, updateMode, actuation, hasUpdatePolicy) => {
    expect(fromVpa(object({ targetRef, updatePolicy }))).toMatchObject({ ok: true, policy: { updateMode, actuation, hasUpdatePolicy } });
  });

  it('leaves fields of a newer server alone, and annotations that are not for it', () => {
    const policies = [{ containerName: 'app', shape: 'new' }];
    const spec = { targetRef: { ...targetRef, zone: 1 }, resourcePolicy: { containerPolicies: policies, more: {} }, something: true };
    expect(fromVpa(object(spec, { 'concertina.dev/paused': 'maybe' }))).toMatchObject({ ok: true, policy: { mode: 'Auto' } });
  });

  it("takes what upstream's webhook would refuse", () => {
    const policies = [
      { containerName: 'app', minAllowed: { cpu: '2' }, maxAllowed: { cpu: '1' }, controlledResources: ['cpu', 'broken'] },
      { containerName: 'side', controlledResources: [], startupBoost: { cpu: { type: 'Bad', factor: 'x', quantity: 'y' } } },
      { startupBoost: {} },
    ];
    expect(fromVpa(object({ targetRef: null, resourcePolicy: { containerPolicies: policies } }))).toMatchObject({
      ok: true,
      policy: {
        target: undefined,
        containers: [
          { minAllowed: { cpu: 2000 }, maxAllowed: { cpu: 1000 }, controlledResources: ['cpu', 'broken'] },
          { controlledResources: [], startupBoost: { type: 'Bad', factor: undefined, quantity: undefined, durationMs: 0 } },
          { container: '', startupBoost: undefined },
        ],
      },
    });
  });

  it.each<[string, object, string]>([
    ['a mode that it does not know', { updatePolicy: { updateMode: 'Fast' } }, 'spec.updatePolicy.updateMode: "Fast" is not one of'],
    [
      'what is no quantity',
      { resourcePolicy: { containerPolicies: [{ containerName: 'app', minAllowed: { cpu: 'x' } }] } },
      'spec.resourcePolicy.containerPolicies[0].minAllowed.cpu: "x" cannot be used: it is not a quantity, like 250m or 1Gi',
    ],
    ['a text for a list', { recommenders: 'x' }, 'spec.recommenders: "x" is not a list'],
  ])('refuses %s', (_, spec, expected) => {
    const result = fromVpa(object({ targetRef, ...spec }));
    expect(result.ok ? 'accepted' : problemsText(result.problems)).toContain(expected);
  });
});
