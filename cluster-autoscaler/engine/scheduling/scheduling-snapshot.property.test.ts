import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeTemplate } from '../model.ts';
import { createSchedulingSnapshot } from './index.ts';
import { createNaiveSnapshot } from './naive-snapshot.fixture.ts';
import { makeNode, makePod, nodeParts, podParts, roomyNodeParts, sceneFacts, sociableParts } from './scenes.fixture.ts';
import type { SchedulingSnapshot } from './snapshot.ts';
import type { PodRecord } from '../../../core/model/index.ts';

/** One change or question; numbers choose among what is there. */
type Step =
  | { readonly do: 'add' | 'copy' | 'remove' | 'fork' | 'revert' | 'commit'; readonly at: number }
  | { readonly do: 'place' | 'displace' | 'search' | 'search new' | 'search odd'; readonly at: number; readonly pod: number }
  | { readonly do: 'ask'; readonly at: number; readonly pod: number }
  | { readonly do: 'place many' | 'place around'; readonly at: number; readonly pod: number; readonly count: number };

const at = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('add' as const, 'copy' as const, 'remove' as const), at }),
  fc.record({ do: fc.constantFrom('fork' as const, 'revert' as const, 'commit' as const), at }),
  fc.record({ do: fc.constantFrom('place' as const, 'place' as const, 'displace' as const, 'search' as const), at, pod: at }),
  fc.record({ do: fc.constantFrom('ask' as const, 'place' as const), at, pod: at }),
  fc.record({ do: fc.constantFrom('search' as const, 'search new' as const, 'search odd' as const), at, pod: at }),
  fc.record({ do: fc.constantFrom('place many' as const, 'place around' as const), at, pod: at, count: fc.integer({ min: 0, max: 9 }) }),
);

interface Scene {
  readonly nodes: Parameters<typeof makeNode>[1][];
  readonly pods: readonly PodRecord[];
  readonly template: NodeTemplate;
}

const sceneOf = (nodes: typeof nodeParts, pods: typeof podParts): fc.Arbitrary<Scene> =>
  fc
    .record({
      nodes: fc.array(nodes, { minLength: 2, maxLength: 4 }),
      template: nodes,
      pods: fc.array(fc.record({ parts: pods, terminating: fc.nat(7), pinned: fc.nat(9) }), { minLength: 2, maxLength: 6 }),
      daemons: fc.array(pods, { maxLength: 2 }),
    })
    .map((parts) => ({
      nodes: parts.nodes,
      pods: parts.pods.map((each, index) => ({
        ...makePod(`p${index}`, each.parts),
        deleted: each.terminating === 0 ? 1 : undefined,
        pinnedNode: each.pinned < 2 ? `n${each.pinned}` : undefined,
      })),
      template: { node: makeNode('template', parts.template), pods: parts.daemons.map((each, index) => makePod(`daemon-${index}`, each)) },
    }));

const scene = fc.oneof(sceneOf(nodeParts, podParts), sceneOf(roomyNodeParts, sociableParts));

/** Does the same to both and returns what they answer, as texts. */
function play(snapshot: SchedulingSnapshot, { nodes, pods, template }: Scene, steps: readonly Step[]): string[] {
  const answers: string[] = [];
  let serial = 0;
  let depth = 0;
  const addNode = (index: number): void => {
    const name = `n${serial++}`;
    const pod = pods[index % pods.length]!;
    snapshot.addNode(makeNode(name, nodes[index % nodes.length]!), index % 3 === 0 ? [{ ...pod, name: `${name}-p`, uid: `${name}-p` }] : []);
  };
  nodes.forEach((_, index) => addNode(index));
  const pick = (choice: number): number | undefined => snapshot.nodeIds()[choice % Math.max(1, snapshot.nodeCount)];
  const podOf = (choice: number): PodRecord => pods[choice % pods.length]!;
  for (const each of steps) {
    const node = pick(each.at);
    switch (each.do) {
      case 'add':
        addNode(each.at);
        break;
      case 'copy':
        snapshot.addCopy(template, `e-${serial++}`);
        break;
      case 'remove':
        if (node !== undefined) snapshot.removeNode(node);
        break;
      case 'fork':
        depth += 1;
        snapshot.fork();
        break;
      case 'revert':
      case 'commit':
        if (depth > 0) {
          depth -= 1;
          snapshot[each.do]();
        }
        break;
      case 'place':
        if (node !== undefined) snapshot.place({ ...podOf(each.pod), name: `x${serial++}` }, node);
        break;
      case 'displace': {
        const there = node === undefined ? [] : snapshot.podsOn(node);
        if (node !== undefined && there.length > 0) snapshot.displace(there[each.pod % there.length]!, node);
        break;
      }
      case 'search':
      case 'search new':
      case 'search odd': {
        const options = {
          from: each.do === 'search new' ? node : undefined,
          accept: each.do === 'search odd' ? (id: number) => id % 2 === 1 : undefined,
        };
        answers.push(`${each.do} ${String(snapshot.search(snapshot.classOf(podOf(each.pod)), options))}`);
        break;
      }
      case 'ask': {
        const podClass = snapshot.classOf(podOf(each.pod));
        answers.push(...snapshot.nodeIds().map((id) => `ask ${snapshot.fits(podClass, id)}`));
        break;
      }
      case 'place many':
        if (node !== undefined && depth > 0) snapshot.placeMany(snapshot.classOf(podOf(each.pod)), node, each.count);
        break;
      case 'place around':
        if (depth > 0) answers.push(`around ${snapshot.placeAround(snapshot.classOf(podOf(each.pod)), each.count)}`);
        break;
    }
  }
  answers.push(...verdicts(snapshot, pods));
  return answers;
}

/** What the filters say for each pod and node, and what is where. */
function verdicts(snapshot: SchedulingSnapshot, pods: readonly PodRecord[]): string[] {
  const lines: string[] = [`${snapshot.nodeCount} nodes: ${snapshot.nodeIds().join()}`];
  for (const node of snapshot.nodeIds()) {
    const { name, labels } = snapshot.node(node);
    const there = snapshot.podsOn(node).map((pod) => pod.name);
    lines.push(`${name} ${JSON.stringify(labels)} ${snapshot.podCount(node)} ${there.join()} ${snapshot.find(name) === node}`);
    for (const pod of pods) {
      const podClass = snapshot.classOf(pod);
      const failure = snapshot.failure(podClass, node);
      lines.push(`${pod.name} on ${name}: ${snapshot.fits(podClass, node)} ${failure?.filter} ${failure?.reason}`);
    }
  }
  return lines;
}

const runs = { numRuns: Number(process.env['RUNS'] ?? 150) };

describe('the snapshot', () => {
  it('answers as the rules written down one by one, whatever was done before', () => {
    fc.assert(
      fc.property(scene, fc.array(step, { maxLength: 60, size: 'max' }), (given, steps) => {
        expect(play(createSchedulingSnapshot(sceneFacts), given, steps)).toEqual(play(createNaiveSnapshot(sceneFacts), given, steps));
      }),
      runs,
    );
  });

  it('is after a revert as if nothing had been done, but for where searches start', () => {
    fc.assert(
      fc.property(scene, fc.array(step, { maxLength: 50, size: 'max' }), (given, steps) => {
        const snapshot = createSchedulingSnapshot(sceneFacts);
        play(snapshot, given, []);
        const before = verdicts(snapshot, given.pods);
        snapshot.fork();
        const serials = { ...given, nodes: [] };
        play(snapshot, serials, balanced(steps));
        snapshot.revert();
        expect(verdicts(snapshot, given.pods)).toEqual(before);
      }),
      runs,
    );
  });
});

/** Without nodes of its own, and with every fork closed. */
function balanced(steps: readonly Step[]): Step[] {
  const kept = steps.filter((each) => each.do !== 'add');
  let depth = 0;
  for (const each of kept) {
    if (each.do === 'fork') depth += 1;
    if ((each.do === 'revert' || each.do === 'commit') && depth > 0) depth -= 1;
  }
  return [...kept, ...Array.from({ length: depth }, (_, index): Step => ({ do: index % 2 === 0 ? 'revert' : 'commit', at: 0 }))];
}
