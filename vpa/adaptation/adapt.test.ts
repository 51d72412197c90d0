import { describe, expect, it } from 'vitest';
import type { LimitBounds, NamespaceLimits } from '../model.ts';
import { adaptRecommendation, type AdaptInput } from './adapt.ts';
import { podJson, recommendation, recommended, sizing, type PodContainer } from './builders.fixture.ts';
import { podStateOfJson } from './pod-resources.ts';

const app: PodContainer = { name: 'app', requests: { cpu: '1', memory: '100' }, limits: { cpu: '2', memory: '200' } };

function limits(fields: Partial<NamespaceLimits>): NamespaceLimits {
  return { container: undefined, pod: undefined, ...fields };
}

function bounds(fields: Partial<LimitBounds>): LimitBounds {
  return { min: undefined, max: undefined, default: undefined, ...fields };
}

function adapt(fields: Partial<AdaptInput> & { readonly of?: readonly PodContainer[] }) {
  const { of = [app], ...rest } = fields;
  return adaptRecommendation({ recommendation: undefined, containers: [], pod: podStateOfJson(podJson(of)), limits: undefined, ...rest });
}

describe('adaptRecommendation', () => {
  it('passes a recommendation through, but for containers that the pod does not have', () => {
    const given = recommendation(recommended('gone', { cpu: 1 }), recommended('app', { cpu: 5 }, { lowerBound: { cpu: 9 } }));
    expect(adapt({ recommendation: given }).containers).toEqual([given.containers[1]]);
  });

  it('is empty without a recommendation, also under a LimitRange of pods', () => {
    const pod = bounds({ min: { memory: 1000 } });
    expect(adapt({ limits: limits({ pod }) })).toEqual({ containers: [], notes: new Map(), clamps: [] });
  });

  it('lets maxAllowed win over minAllowed and tells of both', () => {
    const containers = [sizing({ minAllowed: { cpu: 400 }, maxAllowed: { cpu: 300 } })];
    const { containers: adapted, clamps } = adapt({ recommendation: recommendation(recommended('app', { cpu: 100 })), containers });
    expect(adapted[0]?.target).toEqual({ cpu: 300 });
    expect(clamps.map(({ from, to, by }) => [from, to, by])).toEqual([
      [100, 400, 'minAllowed'],
      [400, 300, 'maxAllowed'],
    ]);
    expect(clamps[0]?.message).toBe('cpu of container "app" raised from 100m to 400m: minAllowed of its container policy');
  });

  it('bounds the request so that its limit stays within the LimitRange', () => {
    const container = bounds({ max: { cpu: 3000 }, min: { memory: 300 } });
    const given = recommendation(recommended('app', { cpu: 2000, memory: 120 }, { upperBound: { cpu: 4000 } }));
    const { containers, notes } = adapt({ recommendation: given, limits: limits({ container }) });
    // The limit is twice the request: 1.5 cores at most. The minimum holds for the request as well.
    expect(containers[0]).toMatchObject({ target: { cpu: 1500, memory: 300 }, upperBound: { cpu: 1500 }, uncappedTarget: { cpu: 2000 } });
    expect(notes.get('app')).toEqual(['cpu capped to fit Max in container LimitRange', 'memory capped to fit Min in container LimitRange']);
  });

  it('caps at the limit where only requests are controlled, after everything else', () => {
    const containers = [sizing({ controlledValues: 'RequestsOnly', minAllowed: { memory: 500 } })];
    const { containers: adapted, notes } = adapt({ recommendation: recommendation(recommended('app', { memory: 150 })), containers });
    expect(adapted[0]?.target).toEqual({ memory: 200 });
    expect(notes.get('app')).toEqual(['memory capped to minAllowed', 'memory capped to container limit']);
  });

  it('sees the limits that the kubelet reports rather than those of the spec', () => {
    const raw = { ...podJson([app]), status: { containerStatuses: [{ name: 'app', resources: { limits: { memory: '150' } } }] } };
    const containers = [sizing({ controlledValues: 'RequestsOnly' })];
    const given = recommendation(recommended('app', { memory: 180, cpu: 9000 }));
    const adapted = adaptRecommendation({ recommendation: given, containers, pod: podStateOfJson(raw), limits: undefined });
    expect(adapted.containers[0]?.target).toEqual({ cpu: 9000, memory: 150 });
  });
});

describe('the LimitRange of pods', () => {
  const two: readonly PodContainer[] = ['a', 'b', 'c'].map((name) => ({ ...app, name }));

  it('scales the containers down together, and their bounds too', () => {
    const pod = bounds({ max: { cpu: 6000 } });
    const each = (name: string) => recommended(name, { cpu: 2000 }, { upperBound: { cpu: 4000 } });
    const { containers, clamps, notes } = adapt({
      of: two,
      recommendation: recommendation(each('a'), each('b'), each('c')),
      limits: limits({ pod }),
    });
    expect(containers.map(({ target }) => target['cpu'])).toEqual([1000, 1000, 1000]);
    expect(containers.map(({ upperBound }) => upperBound['cpu'])).toEqual([1000, 1000, 1000]);
    expect(clamps.map(({ by, from, to }) => [by, from, to])).toEqual(Array.from({ length: 3 }, () => ['podLimitRangeMax', 2000, 1000]));
    expect(notes.size).toBe(0);
  });

  it('scales a container that nothing is recommended for along', () => {
    const pod = bounds({ max: { cpu: 3000 } });
    const { containers } = adapt({
      of: two.slice(0, 2),
      recommendation: recommendation(recommended('a', { cpu: 2000 })),
      limits: limits({ pod }),
    });
    expect(containers.map(({ container, target }) => [container, target['cpu']])).toEqual([
      ['a', 1000],
      ['b', 500],
    ]);
  });

  it('counts a container that is left alone, and does not scale it', () => {
    const pod = bounds({ max: { cpu: 3000 } });
    const { containers } = adapt({
      of: two.slice(0, 2),
      recommendation: recommendation(recommended('a', { cpu: 2000 }), recommended('b', { cpu: 9000 })),
      limits: limits({ pod }),
      leftAlone: new Set(['b']),
    });
    expect(containers).toMatchObject([{ container: 'a', target: { cpu: 1000 } }]);
  });

  const short = { of: two, limits: limits({ pod: bounds({ min: { memory: 1000 } }) }) };
  const small = recommendation(...['a', 'b', 'c'].map((name) => recommended(name, { memory: 150 })));

  it('reaches a minimum of requests to the byte (quirk Q10)', () => {
    expect(adapt({ ...short, recommendation: small }).containers.map(({ target }) => target['memory'])).toEqual([334, 334, 334]);
    const upstream = adapt({ ...short, recommendation: small, asUpstream: true });
    expect(upstream.containers.map(({ target }) => target['memory'])).toEqual([333, 333, 333]);
  });

  it('reaches a minimum of limits to the byte, though limits are rounded down again', () => {
    const of: readonly PodContainer[] = [
      { name: 'a', requests: { memory: '8' }, limits: { memory: '10' } },
      { name: 'b', requests: { memory: '3' }, limits: { memory: '10' } },
      { name: 'c', requests: { memory: '100' } },
    ];
    const given = recommendation(recommended('a', { memory: 12 }), recommended('b', { memory: 12 }), recommended('c', { memory: 100 }));
    const input = { of, recommendation: given, limits: limits({ pod: bounds({ min: { memory: 64 } }) }) };
    const limitOf = (adapted: ReturnType<typeof adapt>) => {
      const [first = 0, second = 0] = adapted.containers.map(({ target }) => target['memory'] ?? 0);
      return Math.floor((first * 10) / 8) + Math.floor((second * 10) / 3);
    };
    expect(limitOf(adapt(input))).toBeGreaterThanOrEqual(64);
    expect(limitOf(adapt({ ...input, asUpstream: true }))).toBeLessThan(64);
  });

  it('never makes a negative amount of what is scaled to nothing (quirk Q9)', () => {
    const of: readonly PodContainer[] = [
      { name: 'a', requests: { memory: '1' }, limits: { memory: '1' } },
      { name: 'b', requests: { memory: '1000' }, limits: { memory: '1000' } },
    ];
    const input = {
      of,
      recommendation: recommendation(recommended('a', { memory: 1 }), recommended('b', { memory: 1000 })),
      limits: limits({ pod: bounds({ max: { memory: 500 } }) }),
    };
    expect(adapt(input).containers.map(({ target }) => target['memory'])).toEqual([0, 499]);
    expect(adapt({ ...input, asUpstream: true }).containers[0]?.target['memory']).toBe(-1);
  });

  it('leaves out a bound that a recommendation lacks, where upstream crashes', () => {
    const given = recommendation(recommended('a', { cpu: 2000 }, { upperBound: { cpu: 5000 } }), recommended('b', { memory: 100 }));
    const { containers } = adapt({ of: two.slice(0, 2), recommendation: given, limits: limits({ pod: bounds({ max: { cpu: 2000 } }) }) });
    expect(containers[1]).toMatchObject({ target: { memory: 100 }, upperBound: {}, lowerBound: {} });
    expect(containers[0]).toMatchObject({ target: { cpu: 1000 }, upperBound: { cpu: 1000 } });
  });
});
