import { describe, expect, it } from 'vitest';
import { group, now } from './builders.fixture.ts';
import type { Deletable } from './deletion-budgets.ts';
import { withinBudgets } from './deletion-budgets.ts';

interface Named extends Deletable {
  readonly name: string;
}

const single = group('single');
const whole = (id: string) => group(id, { options: { zeroOrMax: true } });
const nodes = (of: ReturnType<typeof group>, kind: 'empty' | 'drain', count: number): Named[] =>
  Array.from({ length: count }, (_, index) => ({ group: of, kind, name: `${of.id}-${kind}-${index}` }));
const chosen = (list: readonly Named[], maxScaleDownParallelism: number, maxDrainParallelism: number, drains = 0) => {
  const running = Array.from({ length: drains }, (_, index) => ({ node: `r${index}`, group: 'r', kind: 'drain' as const, since: now }));
  return withinBudgets(list, running, { maxScaleDownParallelism, maxDrainParallelism }).map(({ name }) => name);
};

describe('budgets of deletions', () => {
  it('empty nodes first, then as many drains as are left of either budget', () => {
    const list = [...nodes(single, 'drain', 3), ...nodes(single, 'empty', 2)];
    expect(chosen(list, 10, 10)).toHaveLength(5);
    expect(chosen(list, 3, 10)).toEqual(['single-empty-0', 'single-empty-1', 'single-drain-0']);
    expect(chosen(list, 10, 1)).toEqual(['single-empty-0', 'single-empty-1', 'single-drain-0']);
    expect(chosen(list, 1, 10)).toEqual(['single-empty-0']);
    expect(chosen(list, 10, 2, 1)).toEqual(['single-empty-0', 'single-empty-1', 'single-drain-0']);
    expect(chosen(list, 1, 1, 2)).toEqual([]);
  });

  it('groups that go as a whole come first, and only as a whole', () => {
    const list = [...nodes(single, 'empty', 2), ...nodes(whole('a'), 'empty', 2), ...nodes(whole('a'), 'drain', 1)];
    expect(chosen(list, 4, 1)).toEqual(['a-empty-0', 'a-empty-1', 'single-empty-0', 'a-drain-0']);
  });

  it('one of them may go beyond the budget, so that it is not kept waiting by single nodes for ever', () => {
    const list = [...nodes(single, 'empty', 2), ...nodes(whole('a'), 'empty', 5), ...nodes(whole('b'), 'empty', 5)];
    expect(chosen(list, 3, 1)).toEqual(['a-empty-0', 'a-empty-1', 'a-empty-2', 'a-empty-3', 'a-empty-4']);
    expect(chosen(list, 3, 1, 3)).toEqual([]);
    // Not beyond a drain budget of which nothing is left.
    expect(chosen([...nodes(whole('a'), 'empty', 1), ...nodes(whole('a'), 'drain', 1)], 3, 1, 1)).toEqual([]);
    expect(chosen(nodes(whole('a'), 'drain', 4), 10, 1)).toHaveLength(4);
    expect(chosen([...nodes(whole('a'), 'drain', 4), ...nodes(whole('b'), 'drain', 1)], 10, 1)).toHaveLength(4);
  });
});
