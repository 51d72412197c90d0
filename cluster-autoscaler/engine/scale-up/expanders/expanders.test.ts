import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseOption } from './chain.ts';
import type { ExpanderContext, ExpanderName, ExpansionOption } from './model.ts';
import { createPriceModel } from './price-model.ts';
import { parsePriorities } from './priority.ts';

const context: ExpanderContext = { seed: 7, now: 0, priorities: undefined, preferredCpuMilli: 1000, stabilizationPrice: 1 };

function option(group: string, more: Partial<ExpansionOption> = {}): ExpansionOption {
  return {
    group,
    nodes: 1,
    pods: 1,
    requests: { cpuMilli: 1000, memoryBytes: 1e9 },
    capacity: { cpu: 2000, memory: 4e12 },
    nodePrice: 1,
    podPrice: 1,
    hasGpu: false,
    exists: true,
    priority: undefined,
    ...more,
  };
}

function choose(options: readonly ExpansionOption[], names: readonly ExpanderName[], more: Partial<ExpanderContext> = {}) {
  const { choice, reason, events } = chooseOption(options, names, { ...context, ...more });
  return { group: choice?.option.group, tie: choice?.tie, reason, events: events.map((event) => event.reason) };
}

describe('expanders', () => {
  it('narrow one after the other, and say so', () => {
    const options = [option('a', { pods: 3, nodes: 2 }), option('b', { pods: 3 }), option('c', { pods: 2 })];
    expect(choose(options, ['most-pods', 'least-nodes'])).toEqual({
      group: 'b',
      tie: false,
      reason: 'most-pods: most pods 3, 2 left; least-nodes: fewest nodes 1, 1 left',
      events: [],
    });
  });

  it('end in the first by group id, which is said to be a tie', () => {
    expect(choose([option('b'), option('a')], ['least-waste'])).toMatchObject({
      group: 'a',
      tie: true,
      reason: 'least-waste: least waste 1.25, 2 left; the first by group id among equals',
    });
    expect(choose([], ['least-waste'])).toMatchObject({ group: undefined });
  });

  it('draw by seed and time where chance is asked for, and by nothing else', () => {
    const options = Array.from({ length: 10 }, (_, index) => option(`g${index}`));
    const drawn = (seed: number, now: number, list = options): string | undefined => choose(list, ['random'], { seed, now }).group;
    expect(drawn(7, 0, options.toReversed())).toBe(drawn(7, 0));
    expect(choose(options, ['random', 'least-nodes'])).toMatchObject({ tie: true });
    expect(new Set(Array.from({ length: 40 }, (_, now) => drawn(7, now * 10_000))).size).toBeGreaterThan(5);
    expect(new Set(Array.from({ length: 40 }, (_, seed) => drawn(seed, 0))).size).toBeGreaterThan(5);
  });

  it('go by priorities of the ConfigMap, with upstream’s events', () => {
    const options = [option('spot-1'), option('spot-2'), option('demand')];
    expect(choose(options, ['priority'], { priorities: '10:\n  - spot\n1:\n  - demand\n' })).toMatchObject({
      group: 'spot-1',
      tie: true,
      events: [],
    });
    expect(choose(options, ['priority', 'least-waste'], { priorities: '10: [spot-2]' })).toMatchObject({
      group: 'spot-2',
      events: ['PriorityConfigMapNotMatchedGroup', 'PriorityConfigMapNotMatchedGroup'],
    });
    expect(choose(options, ['priority'], { priorities: '10: [nothing]' }).events).toContain('PriorityConfigMapNoGroupMatched');
    expect(choose(options, ['priority'], { priorities: '10: ["("]' })).toMatchObject({
      group: 'demand',
      events: ['PriorityConfigMapInvalid'],
    });
  });

  it('go by priorities of policies when there is no ConfigMap', () => {
    const options = [option('a'), option('b', { priority: 2 }), option('c', { priority: 5 }), option('d', { priority: -1 })];
    expect(choose(options, ['priority'])).toMatchObject({ group: 'c', tie: false });
    expect(choose([option('b'), option('d', { priority: -1 })], ['priority', 'least-nodes'])).toMatchObject({ group: 'b', tie: true });
  });

  it.each([
    ['', 'is empty'],
    ['- a', 'not a map'],
    ['high: [a]', 'priority "high" is not a whole number'],
    ['1: a', 'priority 1 has no list'],
    ['1: [{a: b}]', 'not text'],
    ['1: [", b', "Can't parse YAML"],
    ['1: ["(?=x)"]', 'rule (?=x)'],
  ])('refuse the priorities %j: %s', (text, problem) => {
    expect(parsePriorities(text)).toMatchObject({ problem: expect.stringContaining(problem) as string });
  });

  it('choose the same whatever the order of the options', () => {
    const names = fc.subarray<ExpanderName>(['random', 'most-pods', 'least-nodes', 'least-waste', 'price', 'priority', 'cost']);
    const listed = fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 0, max: 20 }), nodes: fc.integer({ min: 1, max: 3 }), pods: fc.integer({ min: 1, max: 3 }) }),
      { selector: ({ id }) => id, minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(names, listed, (chain, list) => {
        const options = list.map(({ id, nodes, pods }) => option(`g${id}`, { nodes, pods, priority: id % 3 }));
        expect(choose(options.toReversed(), chain)).toEqual(choose(options, chain));
      }),
    );
  });
});

describe('prices', () => {
  const node = { capacity: { cpu: 4000, memory: 16 * 2 ** 30 * 1000 } };
  const guess = 4 * 0.0365 + 16 * 0.0033;

  it('are guessed by cores and memory where nobody says', () => {
    const model = createPriceModel([{ price: undefined, node }]);
    expect(model.nodePrice({ price: undefined, node })).toBeCloseTo(guess, 12);
    expect(model).toMatchObject({ level: 1, guessed: 1 });
  });

  it('are guessed on the level of those that are known', () => {
    const model = createPriceModel([
      { price: guess * 3, node },
      { price: undefined, node },
      { price: Number.NaN, node },
    ]);
    expect(model.nodePrice({ price: undefined, node })).toBeCloseTo(guess * 3, 12);
    expect(model.nodePrice({ price: 9, node })).toBe(9);
    expect(model.podPrice({ cpuMilli: 4000, memoryBytes: 16 * 2 ** 30 })).toBeCloseTo(guess * 3, 12);
    expect(model.guessed).toBe(2);
  });

  it('may be nothing', () => {
    expect(createPriceModel([{ price: 0, node }]).nodePrice({ price: 0, node })).toBe(0);
  });
});
