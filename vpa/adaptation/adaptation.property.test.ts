import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerSizing, type ContainerSizing, type LimitBounds, type NamespaceLimits, type Recommendation } from '../model.ts';
import { adaptRecommendation } from './adapt.ts';
import { admissionPatch } from './admission-patch.ts';
import { amountOf, quantityText } from './amounts.ts';
import { applyOperations, containersOf, podJson, policy, recommended, sizing, type PodContainer } from './builders.fixture.ts';
import { mergeLimitRanges } from './limit-ranges.ts';
import { podStateOfJson } from './pod-resources.ts';
import { capToPolicy } from './policy-caps.ts';
import { refusals } from './refusals.ts';
import { resizePatch, resizeProblem, resizeValues } from './resize-patch.ts';

const resources = ['cpu', 'memory'] as const;
const names = ['app', 'proxy', 'log'];

const amount = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1_000_000_000 }));
const amounts = fc.record({ cpu: amount, memory: amount }, { requiredKeys: [] });

/** Valid as far as requests and limits go: a limit is never below its request. */
const podContainer = (name: string): fc.Arbitrary<PodContainer> =>
  fc.record({ requests: amounts, more: amounts, hasLimits: fc.boolean() }).map(({ requests, more, hasLimits }) => {
    const limits = Object.entries(more).map(([resource, extra]) => [resource, (requests[resource as 'cpu'] ?? 0) + extra] as const);
    return {
      name,
      ...(Object.keys(requests).length === 0 ? {} : { requests: texts(Object.entries(requests)) }),
      ...(hasLimits && limits.length > 0 ? { limits: texts(limits) } : {}),
    };
  });

function texts(entries: readonly (readonly [string, number])[]): Record<string, string> {
  return Object.fromEntries(entries.map(([resource, value]) => [resource, quantityText(resource, value)]));
}

const podContainers = fc.integer({ min: 1, max: 3 }).chain((count) => fc.tuple(...names.slice(0, count).map(podContainer)));

const recommendations: fc.Arbitrary<Recommendation> = fc
  .array(fc.tuple(fc.constantFrom(...names, 'gone'), amounts, amounts, amounts), { maxLength: 4 })
  .map((list) => ({
    containers: list.map(([name, target, lowerBound, upperBound]) => recommended(name, target, { lowerBound, upperBound })),
  }));

const sizings: fc.Arbitrary<readonly ContainerSizing[]> = fc.array(
  fc
    .record({
      container: fc.constantFrom('app', 'proxy', '*'),
      mode: fc.constantFrom('Auto' as const, 'Auto' as const, 'Off' as const),
      minAllowed: amounts,
      maxAllowed: amounts,
      controlledValues: fc.constantFrom('RequestsOnly' as const, 'RequestsAndLimits' as const),
    })
    .map(sizing),
  { maxLength: 2 },
);

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const bounds: fc.Arbitrary<LimitBounds | undefined> = optional(
  fc.record({ min: optional(amounts), max: optional(amounts), default: optional(amounts) }),
);
const limits: fc.Arbitrary<NamespaceLimits> = fc.record({ container: bounds, pod: bounds });
const boosts = optional(
  fc.record({
    type: fc.constantFrom('Factor', 'Quantity'),
    factor: optional(fc.integer({ min: 1, max: 5 })),
    quantity: optional(fc.integer({ min: 0, max: 5000 })),
    durationMs: fc.constant(0),
  }),
);

const input = fc
  .record({ of: podContainers, recommendation: recommendations, containers: sizings, limits, startupBoost: boosts, boosting: fc.boolean() })
  .map(({ of, recommendation, containers, startupBoost, boosting, ...rest }) => ({
    pod: podJson(of),
    policy: policy({ containers, startupBoost }),
    recommendation,
    boost: boosting ? {} : undefined,
    ...rest,
  }));

function resourcesOf(pod: unknown, index: number, resource: string) {
  const { requests, limits: bound } = containersOf(pod)[index]?.resources ?? {};
  return { request: amountOf(resource, requests?.[resource]), limit: amountOf(resource, bound?.[resource]) };
}

const runs = { numRuns: 500 };

describe('admissionPatch', () => {
  it('never makes a pod that would be refused of one that would not', () => {
    let checked = 0;
    fc.assert(
      fc.property(input, (given) => {
        const after = podStateOfJson(applyOperations(given.pod, admissionPatch(given).operations));
        const before = podStateOfJson(given.pod);
        for (const resource of resources) {
          if (refusals({ pod: before, values: [], limits: given.limits }, resource).length > 0) continue;
          checked += 1;
          expect(refusals({ pod: after, values: [], limits: given.limits }, resource)).toEqual([]);
        }
      }),
      runs,
    );
    expect(checked).toBeGreaterThan(50);
  });

  it('applied twice does what it does once', () => {
    fc.assert(
      fc.property(input, (given) => {
        const { operations } = admissionPatch(given);
        const once = applyOperations(given.pod, operations);
        expect(applyOperations(once, operations)).toEqual(once);
      }),
      runs,
    );
  });

  it('keeps limits at or above requests, and requests at or below limits that stay', () => {
    fc.assert(
      fc.property(input, (given) => {
        const after = applyOperations(given.pod, admissionPatch(given).operations);
        for (const [index, { name }] of containersOf(after).entries()) {
          for (const resource of resources) {
            const { request = 0, limit = Number.POSITIVE_INFINITY } = resourcesOf(after, index, resource);
            expect(request).toBeLessThanOrEqual(limit);
            if (containerSizing(given.policy.containers, name)?.controlledValues !== 'RequestsOnly') continue;
            expect(resourcesOf(after, index, resource).limit).toBe(resourcesOf(given.pod, index, resource).limit);
          }
        }
      }),
      runs,
    );
  });

  it('leaves containers that are off as they are, and all of them without a recommendation', () => {
    fc.assert(
      fc.property(input, fc.boolean(), (given, known) => {
        const recommendation = known ? given.recommendation : undefined;
        const after = applyOperations(given.pod, admissionPatch({ ...given, recommendation, boost: undefined }).operations);
        for (const [index, container] of containersOf(after).entries()) {
          if (known && containerSizing(given.policy.containers, container.name)?.mode !== 'Off') continue;
          expect(container).toEqual(containersOf(given.pod)[index]);
        }
      }),
      runs,
    );
  });

  it('never throws, whatever a pod looks like', () => {
    const value = fc.oneof(
      fc.constantFrom('1', '5Gi', '-3m', '1e400', '9223372036854775807', '1e-30', 'x', ''),
      fc.integer(),
      fc.constant(null),
    );
    const map = fc.oneof(fc.dictionary(fc.constantFrom('cpu', 'memory', '__proto__', 'constructor', ''), value), fc.anything());
    const container = fc.oneof(
      fc.record({
        name: fc.oneof(fc.constantFrom(...names), fc.anything()),
        resources: fc.oneof(fc.record({ requests: map, limits: map }), fc.anything()),
      }),
      fc.anything(),
    );
    const pod = fc.oneof(
      fc.record({
        metadata: fc.oneof(
          fc.record({ annotations: fc.dictionary(fc.constantFrom('vpaCpuStartupBoost/app', 'a/b'), fc.anything()) }),
          fc.anything(),
        ),
        spec: fc.oneof(fc.record({ containers: fc.array(container), initContainers: fc.array(container), resources: map }), fc.anything()),
        status: fc.oneof(fc.record({ containerStatuses: fc.array(container) }), fc.anything()),
      }),
      fc.anything(),
    );
    fc.assert(
      fc.property(pod, input, (raw, given) => {
        expect(Array.isArray(admissionPatch({ ...given, pod: raw }).operations)).toBe(true);
        const state = podStateOfJson(raw);
        const values = state.containers.map(({ name }) => ({ container: name, requests: { cpu: 1 }, limits: { cpu: 1 }, notes: [] }));
        expect(resizePatch(state, resizeValues({ pod: state, values })).length).toBeGreaterThanOrEqual(state.containers.length);
        resizeProblem(state, values, given.limits);
        expect(adaptRecommendation({ ...given, containers: given.policy.containers, pod: state }).containers).toBeDefined();
        mergeLimitRanges([raw, { spec: { limits: [raw] } }]);
      }),
      runs,
    );
  });
});

describe('adaptRecommendation', () => {
  it('leaves the recommendation that it is given as it was', () => {
    fc.assert(
      fc.property(input, (given) => {
        const copy = structuredClone(given.recommendation);
        adaptRecommendation({ ...given, containers: given.policy.containers, pod: podStateOfJson(given.pod) });
        expect(given.recommendation).toEqual(copy);
      }),
      runs,
    );
  });

  it('tells of every move of a target, from what was recommended to what comes out', () => {
    fc.assert(
      fc.property(input, (given) => {
        const pod = podStateOfJson(given.pod);
        const adapted = adaptRecommendation({ ...given, containers: given.policy.containers, pod });
        const seen = new Set<string>();
        for (const { container, target } of adapted.containers) {
          if (seen.has(container) || given.recommendation.containers.filter((each) => each.container === container).length > 1) continue;
          seen.add(container);
          const source =
            given.recommendation.containers.find((each) => each.container === container)?.target ??
            pod.containers.find(({ name }) => name === container)?.requests;
          for (const [resource, to] of Object.entries(target)) {
            const moves = adapted.clamps.filter((each) => each.container === container && each.resource === resource);
            expect(moves.reduce((from, move) => (move.from === from ? move.to : Number.NaN), source?.[resource])).toBe(to);
          }
        }
      }),
      runs,
    );
  });

  it('stays within a feasible policy where nothing else is in the way', () => {
    fc.assert(
      fc.property(input, amounts, amounts, (given, minAllowed, more) => {
        const maxAllowed = Object.fromEntries(Object.entries(more).map(([key, extra]) => [key, (minAllowed[key as 'cpu'] ?? 0) + extra]));
        const containers = [sizing({ minAllowed, maxAllowed })];
        const adapted = adaptRecommendation({ ...given, containers, pod: podStateOfJson(given.pod) });
        const capped = capToPolicy({ containers: adapted.containers }, containers);
        expect(capped.containers).toEqual(adapted.containers);
      }),
      runs,
    );
  });

  it('fits the LimitRange of pods, where all containers have limits and nothing else bounds them', () => {
    const full = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 100_000 }));
    fc.assert(
      fc.property(
        fc.array(full, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 50_000 }),
        fc.boolean(),
        (list, edge, isMax) => {
          const of = list.map(([request, more], index) => ({
            name: names[index] ?? '',
            requests: { memory: String(request) },
            limits: { memory: String(request + more) },
          }));
          const given = { containers: list.map(([, , target], index) => recommended(names[index] ?? '', { memory: target })) };
          const bound = { memory: edge };
          const pod: LimitBounds = { min: isMax ? undefined : bound, max: isMax ? bound : undefined, default: undefined };
          const raw = podJson(of);
          const patch = admissionPatch({ pod: raw, policy: policy(), recommendation: given, limits: { container: undefined, pod } });
          // A pod that breaks the LimitRange by itself is nobody's to save, and neither is one whose shares round to nothing.
          const state = podStateOfJson(raw);
          if (refusals({ pod: state, values: [], limits: { container: undefined, pod } }, 'memory').length > 0) return;
          expect(isMax ? [] : patch.kept).toEqual([]);
          const after = podStateOfJson(applyOperations(raw, patch.operations));
          expect(refusals({ pod: after, values: [], limits: { container: undefined, pod } }, 'memory')).toEqual([]);
        },
      ),
      runs,
    );
  });
});
