import { describe, expect, it } from 'vitest';
import type { StartupBoost } from '../model.ts';
import { admissionPatch, type AdmissionPatchInput } from './admission-patch.ts';
import { annotationsOf, applyOperations, containersOf, podJson, policy, recommendation, recommended, sizing } from './builders.fixture.ts';

const pod = podJson([{ name: 'app', requests: { cpu: '1', memory: '100' }, limits: { cpu: '2', memory: '100' } }, { name: 'proxy' }]);

function patch(fields: Partial<AdmissionPatchInput> = {}) {
  return admissionPatch({ pod, policy: policy(), recommendation: undefined, limits: undefined, ...fields });
}

describe('admissionPatch', () => {
  it('writes the operations in upstream order', () => {
    const given = recommendation(recommended('app', { cpu: 500, memory: 50 }), recommended('proxy', { cpu: 20 }));
    expect(patch({ recommendation: given, policy: policy({ containers: [sizing({ maxAllowed: { cpu: 400 } })] }) }).operations).toEqual([
      { op: 'add', path: '/metadata/annotations', value: {} },
      { op: 'add', path: '/spec/containers/0/resources/requests/cpu', value: '400m' },
      { op: 'add', path: '/spec/containers/0/resources/requests/memory', value: '50' },
      { op: 'add', path: '/spec/containers/0/resources/limits/cpu', value: '800m' },
      { op: 'add', path: '/spec/containers/0/resources/limits/memory', value: '50' },
      { op: 'add', path: '/spec/containers/1/resources', value: {} },
      { op: 'add', path: '/spec/containers/1/resources/requests', value: {} },
      { op: 'add', path: '/spec/containers/1/resources/requests/cpu', value: '20m' },
      {
        op: 'add',
        path: '/metadata/annotations/vpaUpdates',
        value:
          'Pod resources updated by web: container 0: cpu capped to maxAllowed, cpu request, memory request, cpu limit, memory limit; container 1: cpu request',
      },
      { op: 'add', path: '/metadata/annotations/vpaObservedContainers', value: 'app, proxy' },
    ]);
  });

  it.each([
    ['nothing is recommended', {}],
    ['the list is empty', { recommendation: recommendation() }],
    ['the mode is Off', { policy: policy({ actuation: 'Off' }), recommendation: recommendation(recommended('app', { cpu: 5 })) }],
    [
      'the container is off',
      { policy: policy({ containers: [sizing({ mode: 'Off' })] }), recommendation: recommendation(recommended('app', { cpu: 5 })) },
    ],
    ['all is yielded', { yielded: new Set(['cpu']), recommendation: recommendation(recommended('app', { cpu: 5 })) }],
  ])('only observes containers where %s', (_, fields) => {
    const annotated = podJson([{ name: 'app', requests: { cpu: '1' } }], { team: 'blue' });
    expect(patch({ pod: annotated, ...fields }).operations).toEqual([
      { op: 'add', path: '/metadata/annotations/vpaObservedContainers', value: 'app' },
    ]);
  });

  it('leaves a yielded resource alone', () => {
    const { operations } = patch({ recommendation: recommendation(recommended('app', { cpu: 5, memory: 50 })), yielded: new Set(['cpu']) });
    expect(operations.filter(({ path }) => path.endsWith('/cpu'))).toEqual([]);
    expect(operations.filter(({ path }) => path.endsWith('/memory'))).toHaveLength(2);
  });

  it('leaves injected containers alone where the policy says so', () => {
    const given = recommendation(recommended('app', { cpu: 5 }), recommended('proxy', { cpu: 5 }));
    const input = { recommendation: given, policy: policy({ injectedContainers: 'Ignore' }), templateContainers: ['app'] };
    expect(patch(input).operations.some(({ path }) => path.startsWith('/spec/containers/1'))).toBe(false);
    // Without a template nobody knows who was injected.
    expect(patch({ ...input, templateContainers: undefined }).operations.some(({ path }) => path.startsWith('/spec/containers/1'))).toBe(
      true,
    );
  });

  it('keeps the claims of a container that has neither requests nor limits', () => {
    const claiming = { spec: { containers: [{ name: 'app', resources: { claims: [{ name: 'gpu' }] } }] } };
    const { operations } = patch({ pod: { metadata: {}, ...claiming }, recommendation: recommendation(recommended('app', { cpu: 5 })) });
    const [app] = containersOf(applyOperations({ metadata: {}, ...claiming }, operations));
    expect(app?.resources).toEqual({ claims: [{ name: 'gpu' }], requests: { cpu: '5m' } });
  });

  it('does not believe a status that comes with a new pod', () => {
    const forged = {
      ...podJson([{ name: 'app' }], {}),
      status: { containerStatuses: [{ name: 'app', resources: { requests: { cpu: '1' } } }] },
    };
    const { operations } = patch({ pod: forged, recommendation: recommendation(recommended('app', { cpu: 5 })) });
    expect(containersOf(applyOperations(forged, operations))[0]?.resources).toEqual({ requests: { cpu: '5m' } });
  });

  it('leaves a resource as it is rather than have the pod refused', () => {
    const container = { min: undefined, max: { cpu: 2000 }, default: undefined };
    const containers = [sizing({ container: 'app', minAllowed: { cpu: 1500 } })];
    const lone = podJson([{ name: 'app', requests: { cpu: '1', memory: '100' }, limits: { cpu: '2', memory: '100' } }]);
    const { operations, kept } = patch({
      pod: lone,
      recommendation: recommendation(recommended('app', { cpu: 1500, memory: 50 })),
      policy: policy({ containers }),
      limits: { container, pod: undefined },
    });
    expect(kept).toEqual([
      { resource: 'cpu', message: 'cpu stays as it is: with what is recommended container "app" would exceed the maximum of a LimitRange' },
    ]);
    expect(containersOf(applyOperations(lone, operations))[0]?.resources).toEqual({
      requests: { cpu: '1', memory: '50' },
      limits: { cpu: '2', memory: '50' },
    });
  });

  it('caps to the text of the largest int64', () => {
    const huge = podJson([{ name: 'app', requests: { memory: '1' }, limits: { memory: '10G' } }]);
    const { operations } = patch({ pod: huge, recommendation: recommendation(recommended('app', { memory: 1e10 })) });
    expect(containersOf(applyOperations(huge, operations))[0]?.resources?.limits).toEqual({ memory: '9223372036854775807' });
  });
});

describe('start-up boost', () => {
  const double: StartupBoost = { type: 'Factor', factor: 2, quantity: undefined, durationMs: 0 };
  const boosting = policy({ startupBoost: double });
  const given = recommendation(recommended('app', { cpu: 300, memory: 50 }));

  function boosted(fields: Partial<AdmissionPatchInput> = {}) {
    const result = patch({ policy: boosting, recommendation: given, boost: {}, ...fields });
    return { ...result, after: applyOperations(fields.pod ?? pod, result.operations) };
  }

  it('multiplies the recommended request, its limit in proportion, and remembers what was asked for', () => {
    const { after, operations } = boosted();
    expect(containersOf(after)[0]?.resources).toEqual({ requests: { cpu: '600m', memory: '50' }, limits: { cpu: '1200m', memory: '50' } });
    expect(annotationsOf(after)['vpaCpuStartupBoost/app']).toBe(
      '{"requests":{"cpu":"1","memory":"100"},"limits":{"cpu":"2","memory":"100"}}',
    );
    expect(operations[1]).toMatchObject({ path: '/metadata/annotations/vpaCpuStartupBoost~1app' });
  });

  it('boosts the original request in mode Off, and nothing where there is none', () => {
    const { after, boosted: names } = boosted({ policy: { ...boosting, actuation: 'Off' } });
    expect(containersOf(after)[0]?.resources).toEqual({ requests: { cpu: '2', memory: '100' }, limits: { cpu: '4', memory: '100' } });
    expect(names).toEqual(['app']);
    expect(containersOf(after)[1]).not.toHaveProperty('resources');
  });

  it('adds a quantity, and caps it', () => {
    const more: StartupBoost = { ...double, type: 'Quantity', factor: undefined, quantity: 700 };
    expect(containersOf(boosted({ policy: policy({ startupBoost: more }) }).after)[0]?.resources?.requests?.['cpu']).toBe('1');
    const capped = boosted({ policy: policy({ startupBoost: more }), boost: { maxAllowedCpu: 800 } });
    expect(containersOf(capped.after)[0]?.resources?.requests?.['cpu']).toBe('800m');
  });

  it('stays below the limit where only requests are controlled', () => {
    const containers = [sizing({ controlledValues: 'RequestsOnly' })];
    const high = recommendation(recommended('app', { cpu: 1500 }));
    const { after } = boosted({ policy: { ...boosting, containers }, recommendation: high });
    expect(containersOf(after)[0]?.resources).toMatchObject({ requests: { cpu: '1999m' }, limits: { cpu: '2' } });
  });

  it('gives nothing to a container that is off, and takes the boost of a container policy first (quirk Q17)', () => {
    const containers = [sizing({ container: 'app', mode: 'Off' }), sizing({ startupBoost: { ...double, factor: 3 } })];
    const { after } = boosted({
      policy: { ...boosting, containers },
      recommendation: recommendation(...given.containers, recommended('proxy', { cpu: 10 })),
    });
    expect(containersOf(after).map(({ resources }) => resources?.requests?.['cpu'])).toEqual(['1', '30m']);
  });

  it.each([
    [{ ...double, factor: undefined }, 'startupBoost.cpu of container "app" is of type Factor and has no factor: set one of 1 or more'],
    [{ ...double, factor: 0 }, 'startupBoost.cpu of container "app" has factor 0: set one of 1 or more'],
    [{ ...double, type: 'Quantity' }, 'startupBoost.cpu of container "app" is of type Quantity and has no quantity: set one'],
    [{ ...double, type: 'Ratio' }, 'startupBoost.cpu of container "app" has a type that is not known: use Factor or Quantity'],
  ])('leaves the pod unchanged for a boost that cannot be carried out: %o', (startupBoost, problem) => {
    expect(patch({ policy: policy({ startupBoost }), recommendation: given, boost: {} })).toMatchObject({ operations: [], problem });
  });

  it('does not boost a boost when the webhook is called again', () => {
    const unrecommended = { policy: policy({ startupBoost: double }), recommendation: undefined, boost: {} };
    const once = boosted(unrecommended).after;
    expect(boosted({ ...unrecommended, pod: once }).after).toEqual(once);
  });

  it('stays within the LimitRange of containers, and is left out where that of pods forbids it', () => {
    const container = { min: undefined, max: { cpu: 1000 }, default: { cpu: 1000 } };
    const lone = podJson([{ name: 'app', requests: { cpu: '500m' }, limits: { cpu: '1' } }]);
    const within = boosted({
      pod: lone,
      limits: { container, pod: undefined },
      recommendation: recommendation(recommended('app', { cpu: 400 })),
    });
    expect(containersOf(within.after)[0]?.resources).toEqual({ requests: { cpu: '500m' }, limits: { cpu: '1' } });
    const tight = { min: undefined, max: { cpu: 1000 }, default: undefined };
    const without = boosted({
      pod: lone,
      limits: { container: undefined, pod: tight },
      recommendation: recommendation(recommended('app', { cpu: 400 })),
    });
    expect(containersOf(without.after)[0]?.resources).toEqual({ requests: { cpu: '400m' }, limits: { cpu: '800m' } });
    expect(without.boosted).toEqual([]);
    expect(without.kept[0]?.message).toContain('the start-up boost is left out');
  });
});
