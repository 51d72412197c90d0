import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSchedulingSnapshot, type SchedulingSnapshot } from '../scheduling/index.ts';
import { createNaiveSnapshot } from '../scheduling/naive-snapshot.fixture.ts';
import {
  makeNode,
  makePod,
  nodeParts,
  plainParts,
  podParts,
  roomyNodeParts,
  sceneFacts,
  sociableParts,
} from '../scheduling/scenes.fixture.ts';
import { createLimiter, estimate, type EstimateOptions } from './index.ts';

interface Load {
  readonly nodes: Parameters<typeof makeNode>[1][];
  readonly template: Parameters<typeof makeNode>[1];
  readonly daemons: Parameters<typeof makePod>[1][];
  readonly groups: readonly { readonly parts: Parameters<typeof makePod>[1]; readonly count: number; readonly apart: boolean }[];
  readonly maxNodes: number;
}

const loadOf = (nodes: typeof nodeParts, pods: typeof podParts, most: number): fc.Arbitrary<Load> =>
  fc.record({
    nodes: fc.array(nodes, { maxLength: 4 }),
    template: nodes,
    daemons: fc.array(plainParts, { maxLength: 1 }),
    groups: fc.array(fc.record({ parts: pods, count: fc.integer({ min: 0, max: most }), apart: fc.nat(4).map((n) => n === 0) }), {
      maxLength: 5,
      size: 'max',
    }),
    maxNodes: fc.constantFrom(0, 0, 2, 6, -1),
  });

/** Packs twice, since the first leaves behind where searches start; and asks where the next search ends. */
function packed(snapshot: SchedulingSnapshot, load: Load, options: Omit<EstimateOptions, 'limiter'>): unknown {
  load.nodes.forEach((parts, index) =>
    snapshot.addNode(makeNode(`n${index}`, parts), index % 2 === 0 ? [makePod(`on-${index}`, load.groups[0]?.parts ?? {})] : []),
  );
  const groups = load.groups.flatMap(({ parts, count, apart }, index) => {
    const podClass = snapshot.classOf(makePod(`g${index}`, parts));
    return apart ? Array.from({ length: count }, () => ({ podClass, count: 1 })) : [{ podClass, count }];
  });
  const template = { node: makeNode('template', load.template), pods: load.daemons.map((parts, index) => makePod(`d${index}`, parts)) };
  const limiter = createLimiter([{ nodes: load.maxNodes === 0 ? 25 : load.maxNodes, durationMs: 0 }]);
  const first = estimate(snapshot, template, groups, { limiter, ...options });
  const second = estimate(snapshot, template, groups.toReversed(), { limiter, prefix: 'f-', keep: true, ...options });
  const counts = snapshot.nodeIds().map((id) => `${snapshot.node(id).name} ${snapshot.podCount(id)}`);
  const next = snapshot.search(snapshot.classOf(makePod('nothing', {})));
  return { first, second, granted: limiter.granted, counts, next: next === undefined ? next : snapshot.node(next).name };
}

const load = fc.oneof(loadOf(nodeParts, plainParts, 30), loadOf(nodeParts, podParts, 12), loadOf(roomyNodeParts, sociableParts, 12));

describe('the estimate', () => {
  it('by division is what it is pod by pod', () => {
    fc.assert(
      fc.property(load, fc.boolean(), (given, fastPath) => {
        const quick = packed(createSchedulingSnapshot(sceneFacts), given, { fastPath });
        expect(quick).toEqual(packed(createSchedulingSnapshot(sceneFacts), given, { fastPath, podByPod: true }));
      }),
      { numRuns: 300 },
    );
  });

  it('is what it is by the rules written down one by one', () => {
    fc.assert(
      fc.property(load, (given) => {
        expect(packed(createSchedulingSnapshot(sceneFacts), given, {})).toEqual(packed(createNaiveSnapshot(sceneFacts), given, {}));
      }),
      { numRuns: 40 },
    );
  });

  it('leaves the snapshot as it was', () => {
    fc.assert(
      fc.property(load, (given) => {
        const snapshot = createSchedulingSnapshot(sceneFacts);
        given.nodes.forEach((parts, index) => snapshot.addNode(makeNode(`n${index}`, parts)));
        const groups = given.groups.map(({ parts, count }, index) => ({ podClass: snapshot.classOf(makePod(`g${index}`, parts)), count }));
        const look = () =>
          snapshot.nodeIds().map((id) => [snapshot.podCount(id), ...groups.map(({ podClass }) => snapshot.failure(podClass, id))]);
        const before = look();
        estimate(snapshot, { node: makeNode('template', given.template), pods: [] }, groups, {
          limiter: createLimiter([{ nodes: 20, durationMs: 0 }]),
        });
        expect(look()).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });
});
