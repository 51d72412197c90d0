import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Amounts, ContainerRecommendation, Recommendation } from '../../model.ts';
import { sameStatus } from '../engine/conditions-status.ts';
import { evidenceOf, mergePatched } from './recommender.fixture.ts';
import { refine, vanishedContainers } from './refine.ts';
import { changedFields, mergeBody } from './status.ts';

const names = ['a', 'b', 'c', 'd'];

function container(name: string, amounts: Amounts): ContainerRecommendation {
  return { container: name, target: amounts, lowerBound: amounts, upperBound: amounts, uncappedTarget: amounts };
}

const amounts = fc.record({ cpu: fc.integer({ min: 1, max: 9_000 }), memory: fc.integer({ min: 1, max: 2 ** 40 }) });
const recommendation: fc.Arbitrary<Recommendation> = fc
  .uniqueArray(fc.constantFrom(...names))
  .chain((list) => fc.tuple(...list.toSorted().map((name) => amounts.map((each) => container(name, each)))))
  .map((containers) => ({ containers }));

const scenes = fc.record({
  computed: recommendation,
  stored: fc.option(recommendation, { nil: undefined }),
  /** Containers of which nothing was measured of that resource. */
  noCpu: fc.subarray(names),
  noMemory: fc.subarray(names),
  without: fc.subarray(names),
});

describe('a refined recommendation', () => {
  it('never has an amount that was neither measured nor recommended before', () => {
    fc.assert(
      fc.property(scenes, ({ computed, stored, noCpu, noMemory, without }) => {
        const evidence = computed.containers.map(({ container: name }) =>
          evidenceOf(name, { cpu: noCpu.includes(name) ? 0 : 1, memory: noMemory.includes(name) ? 0 : 1 }),
        );
        const { containers, kept } = refine({
          computed: { ...computed, evidence },
          stored,
          policy: { containers: [] },
          without: new Set(without),
        });
        expect(containers.map((each) => each.container)).toEqual(containers.map((each) => each.container).toSorted());
        for (const each of containers) {
          expect(without).not.toContain(each.container);
          const made = computed.containers.find((other) => other.container === each.container);
          const before = stored?.containers.find((other) => other.container === each.container);
          expect(Object.keys(each.target)).not.toHaveLength(0);
          for (const [resource, amount] of Object.entries(each.target)) {
            const unmeasured = made === undefined || (resource === 'cpu' ? noCpu : noMemory).includes(each.container);
            expect(amount).toBe((unmeasured ? before : made)?.target[resource]);
            expect(kept.some((other) => other.container === each.container && other.resource === resource)).toBe(unmeasured);
          }
        }
        // Nothing that is stored is lost but by being left out.
        for (const { container: name } of stored?.containers ?? []) {
          expect(containers.some((each) => each.container === name)).toBe(!without.includes(name));
        }
      }),
    );
  });
});

describe('vanished containers', () => {
  it('are those that no live pod had for the limit while others lived', () => {
    const step = fc.record({ live: fc.subarray(names), afterMs: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const seen = new Map<string, number>();
        const lastSeen = new Map<string, number>();
        let now = 0;
        for (const { live, afterMs } of steps) {
          now += afterMs;
          for (const name of live) lastSeen.set(name, now);
          if (live.length > 0) for (const name of names) if (!lastSeen.has(name)) lastSeen.set(name, now);
          const vanished = vanishedContainers({ names, live: new Set(live), seen, lastSample: () => undefined, limitMs: 100, now });
          const expected = names.filter((name) => live.length > 0 && now - (lastSeen.get(name) ?? now) >= 100);
          expect([...vanished].toSorted()).toEqual(expected);
        }
      }),
    );
  });
});

describe('the patch of a status', () => {
  const json = fc.letrec((tie) => ({
    leaf: fc.oneof(fc.string(), fc.integer(), fc.boolean()),
    list: fc.array(tie('leaf'), { maxLength: 3 }),
    object: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.oneof(tie('leaf'), tie('list')), { maxKeys: 3 }),
    status: fc.dictionary(
      fc.constantFrom('recommendation', 'conditions', 'lastDecision', 'other'),
      fc.oneof(tie('leaf'), tie('list'), tie('object')),
    ),
  }));

  it('makes the stored status say what it should, and touches nothing else', () => {
    fc.assert(
      fc.property(json.status, json.status, (stored, next) => {
        const [before, after] = [stored as Record<string, unknown>, next as Record<string, unknown>];
        const changed = changedFields(before, after);
        const patched = (changed === undefined ? before : mergePatched(before, mergeBody(before, changed))) as Record<string, unknown>;
        for (const [field, value] of Object.entries(after)) expect(sameStatus({ [field]: patched[field] }, { [field]: value })).toBe(true);
        for (const field of Object.keys(before).filter((each) => !(each in after))) expect(patched[field]).toEqual(before[field]);
        expect(changedFields(patched, after)).toBeUndefined();
      }),
    );
  });
});
