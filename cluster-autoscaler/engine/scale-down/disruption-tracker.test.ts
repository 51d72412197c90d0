import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesSelector, selectNothing, type PdbRecord, type Selector } from '../../../core/model/index.ts';
import { pdb, pod } from './builders.fixture.ts';
import { createDisruptionTracker } from './disruption-tracker.ts';

describe('the tracker of budgets', () => {
  it('a budget without a selector selects nothing, one with an empty selector its namespace', () => {
    const tracker = createDisruptionTracker([pdb('none', null, 0), pdb('all', {}, 0, 'other')]);
    expect(tracker.covers(pod('p'))).toBe(false);
    expect(tracker.covers(pod('p', { namespace: 'other' }))).toBe(true);
    expect(tracker.exhausted(pod('p', { namespace: 'other' }))).toBe('all');
  });

  it('tells what can go one after the other from what can go at once', () => {
    const tracker = createDisruptionTracker([pdb('a', { app: 'a' }, 1)]);
    const pods = [pod('p1', { labels: { app: 'a' } }), pod('p2', { labels: { app: 'a' } })];
    expect(tracker.check(pods)).toEqual({ canRemove: true, inParallel: false });
    expect(tracker.check(pods.slice(1))).toEqual({ canRemove: true, inParallel: true });
    tracker.take(pods);
    expect(tracker.remaining()).toEqual([-1]);
    expect(tracker.check(pods.slice(1))).toEqual({ canRemove: false, inParallel: false });
  });

  it('agrees with looking at every budget, whatever the selectors', () => {
    const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { maxKeys: 3 });
    const requirement = fc.oneof(
      fc.record({
        key: fc.constantFrom('a', 'b'),
        operator: fc.constantFrom('=' as const, '!=' as const),
        values: fc.constantFrom(['1'], ['2']),
      }),
      fc.record({
        key: fc.constantFrom('a', 'c'),
        operator: fc.constantFrom('in' as const, 'notin' as const),
        values: fc.constant(['1', '2']),
      }),
      fc.record({ key: fc.constantFrom('b', 'c'), operator: fc.constantFrom('exists' as const, '!' as const), values: fc.constant([]) }),
    );
    const selector = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.array(requirement, { maxLength: 2 }).map((requirements): Selector => ({ matchesNothing: false, requirements })),
      },
      { weight: 1, arbitrary: fc.constant(selectNothing) },
    );
    const budget = fc.record({ selector, allowed: fc.integer({ min: 0, max: 3 }), namespace: fc.constantFrom('x', 'y') });
    fc.assert(
      fc.property(
        fc.array(budget, { maxLength: 6 }),
        fc.array(fc.record({ labels, namespace: fc.constantFrom('x', 'y') }), { maxLength: 8 }),
        (budgets, parts) => {
          const pdbs = budgets.map((each, index): PdbRecord => ({
            ...pdb(`b${index}`, {}, each.allowed, each.namespace),
            selector: each.selector,
          }));
          const pods = parts.map((each, index) => pod(`p${index}`, each));
          const selects = (record: PdbRecord, index: number): boolean =>
            pods[index]?.namespace === record.namespace && matchesSelector(record.selector, pods[index].labels);
          const needs = pdbs.map((record) => pods.filter((_, index) => selects(record, index)).length);
          const tracker = createDisruptionTracker(pdbs);
          expect(pods.map((each) => tracker.covers(each))).toEqual(pods.map((_, index) => pdbs.some((record) => selects(record, index))));
          expect(pods.map((each) => tracker.exhausted(each))).toEqual(
            pods.map(
              (each, index) =>
                pdbs.find((record) => record.namespace === each.namespace && selects(record, index) && record.disruptionsAllowed < 1)?.name,
            ),
          );
          expect(tracker.check(pods)).toEqual({
            canRemove: pdbs.every((record, index) => needs[index] === 0 || record.disruptionsAllowed >= 1),
            inParallel: pdbs.every((record, index) => needs[index] === 0 || record.disruptionsAllowed >= (needs[index] ?? 0)),
          });
          tracker.take(pods);
          expect(tracker.remaining()).toEqual(pdbs.map((record, index) => record.disruptionsAllowed - (needs[index] ?? 0)));
        },
      ),
    );
  });
});
