import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSchedulingSnapshot } from './index.ts';
import { createNaiveSnapshot } from './naive-snapshot.fixture.ts';
import { makeNode, makePod, nodeParts, plainParts, podParts, sceneFacts } from './scenes.fixture.ts';
import type { SchedulingSnapshot } from './snapshot.ts';
import type { PodRecord } from '../../../core/model/index.ts';

/** Searches over more nodes than one block holds. */

interface Move {
  readonly do: 'search' | 'fork' | 'revert' | 'remove' | 'displace' | 'around';
  readonly at: number;
  readonly count: number;
}

const move: fc.Arbitrary<Move> = fc.record({
  do: fc.constantFrom('search', 'search', 'search', 'search', 'fork', 'fork', 'revert', 'remove', 'displace', 'around', 'around', 'around'),
  at: fc.nat(1000),
  count: fc.integer({ min: 0, max: 200 }),
});

const classes = fc.array(fc.oneof(plainParts, plainParts, podParts), { minLength: 1, maxLength: 4, size: 'max' });
const shapes = fc.array(nodeParts, { minLength: 1, maxLength: 3 });

/** Each pod that finds a node is placed there; answers say where. */
function play(
  snapshot: SchedulingSnapshot,
  nodes: Parameters<typeof makeNode>[1][],
  pods: readonly PodRecord[],
  moves: readonly Move[],
): string[] {
  for (let index = 0; index < 150; index++) snapshot.addNode(makeNode(`n${index}`, nodes[(index * index) % nodes.length]!));
  const answers: string[] = [];
  let depth = 0;
  for (const [serial, { do: what, at, count }] of moves.entries()) {
    const pod = { ...pods[at % pods.length]!, name: `x${serial}` };
    const node = snapshot.nodeIds()[at % snapshot.nodeCount]!;
    if (what === 'search') {
      const found = snapshot.search(snapshot.classOf(pod), { from: count > 190 ? node : undefined });
      if (found !== undefined) snapshot.place(pod, found);
      answers.push(String(found));
    } else if (what === 'fork') {
      depth += 1;
      snapshot.fork();
    } else if (what === 'revert' && depth > 0) {
      depth -= 1;
      snapshot.revert();
    } else if (what === 'remove') {
      snapshot.removeNode(node);
    } else if (what === 'displace') {
      const there = snapshot.podsOn(node)[0];
      if (there !== undefined) snapshot.displace(there, node);
    } else if (what === 'around' && depth > 0) {
      const counts: Record<number, number> = {};
      const placed = snapshot.placeAround(snapshot.classOf(pod), count, { placed: (id, pods) => (counts[id] = (counts[id] ?? 0) + pods) });
      answers.push(`${placed} ${JSON.stringify(counts)}`);
    }
  }
  answers.push(
    String(snapshot.search(snapshot.classOf(makePod('nothing', {})))),
    ...snapshot.nodeIds().map((id) => `${id} ${snapshot.podCount(id)}`),
  );
  return answers;
}

describe('the any-node search', () => {
  it('ends where looking at node after node ends', () => {
    fc.assert(
      fc.property(shapes, classes, fc.array(move, { maxLength: 60, size: 'max' }), (nodes, parts, moves) => {
        const pods = parts.map((each, index) => makePod(`p${index}`, each));
        // As the quick way of placing many is by class, the slow one is here the same snapshot asked pod by pod.
        expect(play(createSchedulingSnapshot(sceneFacts), nodes, pods, moves)).toEqual(play(podByPod(), nodes, pods, moves));
      }),
      { numRuns: 60 },
    );
  });

  it('ends where the rules say, over 150 nodes', () => {
    fc.assert(
      fc.property(shapes, classes, fc.array(move, { maxLength: 20, size: 'max' }), (nodes, parts, moves) => {
        const pods = parts.map((each, index) => makePod(`p${index}`, each));
        const few = moves.map((each) => ({ ...each, count: each.count % 20 }));
        expect(play(createSchedulingSnapshot(sceneFacts), nodes, pods, few)).toEqual(
          play(createNaiveSnapshot(sceneFacts), nodes, pods, few),
        );
      }),
      { numRuns: 20 },
    );
  });
});

/** The snapshot, but placing many is one search after the other. */
function podByPod(): SchedulingSnapshot {
  const snapshot = createSchedulingSnapshot(sceneFacts);
  const placeAround: SchedulingSnapshot['placeAround'] = (podClass, count, options = {}) => {
    for (let done = 0; done < count; done++) {
      const node = snapshot.search(podClass, options);
      if (node === undefined) return done;
      snapshot.placeMany(podClass, node, 1);
      options.placed?.(node, 1);
    }
    return count;
  };
  return new Proxy(snapshot, { get: (target, key: keyof SchedulingSnapshot) => (key === 'placeAround' ? placeAround : target[key]) });
}
