import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeTemplate } from '../model.ts';
import { createSchedulingSnapshot } from './index.ts';
import { createNaiveSnapshot } from './naive-snapshot.fixture.ts';
import { makeNode, makePod, nodeParts, podParts, roomyNodeParts, sceneFacts, sociableParts } from './scenes.fixture.ts';
import type { SchedulingSnapshot } from './snapshot.ts';
import type { PodRecord } from '../../../core/model/index.ts';

/** One change or question; numbers choose among what is there. */
interface Step {
  readonly do:
    | 'add'
    | 'copy'
    | 'remove'
    | 'fork'
    | 'revert'
    | 'commit'
    | 'place'
    | 'displace'
    | 'ask'
    | 'search'
    | 'search new'
    | 'search odd'
    | 'place many'
    | 'place around';
  readonly at: number;
  readonly pod: number;
  readonly count: number;
}

const what = fc.oneof(
  fc.constantFrom<Step['do']>('add', 'copy', 'remove'),
  fc.constantFrom<Step['do']>('fork', 'revert', 'commit'),
  fc.constantFrom<Step['do']>('place', 'place', 'place', 'displace', 'ask'),
  fc.constantFrom<Step['do']>('search', 'search', 'search new', 'search odd'),
  fc.constantFrom<Step['do']>('place many', 'place around'),
);
const step: fc.Arbitrary<Step> = fc.record({ do: what, at: fc.nat(1000), pod: fc.nat(1000), count: fc.integer({ min: 0, max: 9 }) });

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
    snapshot.addNode(
      makeNode(name, nodes[index % nodes.length]!),
      index % 3 === 0 ? [{ ...pod, name: `${name}-p`, uid: `${name}-p` }] : [],
    );
  };
  const close = (how: 'revert' | 'commit'): void => {
    if (depth === 0) return;
    depth -= 1;
    snapshot[how]();
  };
  const displace = (node: number, choice: number): void => {
    const there = snapshot.podsOn(node);
    if (there.length > 0) snapshot.displace(there[choice % there.length]!, node);
  };
  /** What needs neither a node nor a pod. */
  const always: Partial<Record<Step['do'], (each: Step) => void>> = {
    add: ({ at }) => addNode(at),
    copy: () => snapshot.addCopy(template, `e-${serial++}`),
    fork: () => {
      depth += 1;
      snapshot.fork();
    },
    revert: () => close('revert'),
    commit: () => close('commit'),
  };
  const withNode: Partial<Record<Step['do'], (node: number, pod: PodRecord, each: Step) => void>> = {
    remove: (node) => snapshot.removeNode(node),
    place: (node, pod, { at }) => snapshot.place({ ...pod, name: `x${serial++}`, deleted: at % 5 === 0 ? 1 : undefined }, node),
    displace: (node, _, { pod }) => displace(node, pod),
    ask: (_, pod) => {
      answers.push(...snapshot.nodeIds().map((id) => `ask ${snapshot.fits(snapshot.classOf(pod), id)}`));
    },
    search: (_, pod) => answers.push(`search ${snapshot.search(snapshot.classOf(pod))}`),
    'search new': (node, pod) => answers.push(`new ${snapshot.search(snapshot.classOf(pod), { from: node })}`),
    'search odd': (_, pod) => answers.push(`odd ${snapshot.search(snapshot.classOf(pod), { accept: (id) => id % 2 === 1 })}`),
    'place many': (node, pod, { count }) => {
      if (depth > 0) snapshot.placeMany(snapshot.classOf(pod), node, count);
    },
    'place around': (_, pod, { count }) => {
      if (depth > 0) answers.push(`around ${snapshot.placeAround(snapshot.classOf(pod), count)}`);
    },
  };

  nodes.forEach((_, index) => addNode(index));
  for (const each of steps) {
    const node = snapshot.nodeIds()[each.at % Math.max(1, snapshot.nodeCount)];
    always[each.do]?.(each);
    if (node !== undefined) withNode[each.do]?.(node, pods[each.pod % pods.length]!, each);
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

const runs = { numRuns: 150 };

describe('the snapshot', () => {
  it('answers as the rules written down one by one, whatever was done before', () => {
    fc.assert(
      fc.property(scene, fc.array(step, { maxLength: 60, size: 'max' }), (given, steps) => {
        expect(play(createSchedulingSnapshot(sceneFacts), given, steps)).toEqual(play(createNaiveSnapshot(sceneFacts), given, steps));
      }),
      runs,
    );
  });

  it('answers the same in whatever order nodes and pods came', () => {
    const placements = fc.array(fc.record({ node: fc.nat(3), pod: fc.nat(5) }), { maxLength: 12, size: 'max' });
    const answers = ({ nodes, pods }: Scene, names: readonly string[], placed: readonly { node: number; pod: number }[]): string[] => {
      const snapshot = createSchedulingSnapshot(sceneFacts);
      for (const name of names) snapshot.addNode(makeNode(name, nodes[Number(name.slice(1)) % nodes.length]!));
      for (const { node, pod } of placed) snapshot.place({ ...pods[pod % pods.length]!, nodeName: `n${node}` }, snapshot.find(`n${node}`)!);
      return names
        .flatMap((name) =>
          pods.map((pod) => `${pod.name} ${name} ${snapshot.failure(snapshot.classOf(pod), snapshot.find(name)!)?.reason}`),
        )
        .toSorted();
    };
    fc.assert(
      fc.property(scene, placements, (given, placed) => {
        const names = ['n0', 'n1', 'n2', 'n3'];
        expect(answers(given, names.toReversed(), placed.toReversed())).toEqual(answers(given, names, placed));
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
  return [
    ...kept,
    ...Array.from({ length: depth }, (_, index): Step => ({ do: index % 2 === 0 ? 'revert' : 'commit', at: 0, pod: 0, count: 0 })),
  ];
}
