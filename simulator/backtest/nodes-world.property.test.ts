import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultGroupOptions, defaultLoopOptions, upstreamGroupOptions, upstreamLoopOptions } from '../../cluster-autoscaler/index.ts';
import type { PathFigures } from './nodes-meter.ts';
import { playNodes, type PlayedLoop, type PlayOptions } from './nodes-play.ts';
import { deletionOptions, scene, sceneGroup, sceneSet, setShape, startNode } from './nodes-scene.fixture.ts';
import type { CloudIncident, NodesScene, StartPod } from './nodes-scene.ts';

const stepLead = 3;
const steps = 40;
const atStep = fc.integer({ min: 1, max: steps - 1 }).map((index) => index * 10 + 10 - stepLead);

const incident: fc.Arbitrary<CloudIncident> = fc
  .record({
    what: fc.constantFrom('broken', 'lost', 'refuses', 'stockout', 'stuck'),
    at: atStep,
    lasts: fc.constantFrom(10, 60, 200),
    group: fc.constantFrom('g1', 'g2'),
    number: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ what, at, lasts, group, number }) => {
    const name = `${group}-n0${number}`;
    if (what === 'broken') return { what, at, until: at + lasts, group, name };
    return what === 'lost' ? { what, at, group, name } : { what: what as 'stuck', from: at, to: at + lasts, group };
  });

const sets = ['s1', 's2'] as const;

const scenes: fc.Arbitrary<NodesScene> = fc
  .record({
    late: fc.boolean(),
    min: fc.integer({ min: 0, max: 2 }),
    start: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 })),
    replicas: fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })),
    changes: fc.array(fc.record({ at: atStep, set: fc.constantFrom(...sets), to: fc.integer({ min: 0, max: 12 }) }), { maxLength: 8 }),
    grace: fc.constantFrom(0, 14),
    allowed: fc.constantFrom(0, 1, 5),
    boot: fc.constantFrom(17, 47),
    readyAfter: fc.constantFrom(0, 20),
    nodeLingers: fc.constantFrom(0, 20),
    incidents: fc.array(incident, { maxLength: 4 }),
  })
  .map(({ late, min, start, replicas, changes, grace, allowed, boot, readyAfter, nodeLingers, incidents }) =>
    scene({
      end: steps * 10,
      stepLead,
      groups: [sceneGroup('g1', { min, max: 6 }), sceneGroup('g2', { cpu: '8', max: 4, lateInstances: late })],
      shapes: {
        s1: setShape('s1', '1'),
        s2: setShape('s2', '2500m', { nodeSelector: { pool: 'g2' } }),
        lone: { metadata: { name: '', namespace: 'default' }, spec: { containers: [], nodeSelector: { pool: 'none' } } },
      },
      sets: sets.map(sceneSet),
      budgets: [
        { metadata: { name: 'b', namespace: 'default' }, spec: { maxUnavailable: allowed, selector: { matchLabels: { app: 's1' } } } },
      ],
      start: {
        nodes: [
          ...Array.from({ length: start[0] }, (_, at) => startNode('g1', at + 1)),
          ...Array.from({ length: start[1] }, (_, at) => startNode('g2', at + 1)),
        ],
        pods: [...sets.flatMap((set, index) => waiting(set, replicas[index] ?? 0)), { name: 'lone-001', shape: 'lone', created: 0 }],
        replicas: { s1: replicas[0], s2: replicas[1] },
      },
      workload: changes.map((change) => ({ what: 'scale' as const, ...change })).toSorted((a, b) => a.at - b.at),
      graceOf: { s1: grace },
      cloud: {
        bootLike: new Map(['g1', 'g2'].map((id) => [id, { byRemainder: [undefined, undefined, undefined], any: boot }])),
        readyAfter,
        nodeLingers,
        incidents,
      },
    }),
  );

function waiting(set: string, count: number): readonly StartPod[] {
  return Array.from({ length: count }, (_, at) => ({ name: `${set}-00${at + 1}`, shape: set, created: 0 }));
}

const settings: fc.Arbitrary<Omit<PlayOptions, 'observe'>> = fc
  .record({ house: fc.boolean(), placement: fc.constantFrom('first-fit' as const, 'kube-scheduler' as const) })
  .map(({ house, placement }) => ({
    loop: {
      ...(house ? defaultLoopOptions : { ...upstreamLoopOptions, scaleDownDelayAfterAddMs: 20_000 }),
      unremovableNodeRecheckMs: 20_000,
    },
    group: {
      ...(house ? defaultGroupOptions : upstreamGroupOptions),
      unneededMs: 30_000,
      unreadyMs: 60_000,
      maxProvisionMs: 90_000,
      cooldown: house ? { scaleUpMs: 30_000, scaleDownMs: 30_000 } : { scaleUpMs: 0, scaleDownMs: 0 },
    },
    deletion: deletionOptions,
    placement,
    tail: 0,
  }));

function played(
  of: NodesScene,
  options: Omit<PlayOptions, 'observe'>,
): { readonly figures: PathFigures; readonly loops: readonly PlayedLoop[]; readonly effects: unknown } {
  const loops: PlayedLoop[] = [];
  const figures = playNodes(of, { ...options, observe: (loop) => loops.push(loop) });
  return { figures, loops, effects: loops.map(({ t, effects, report }) => ({ t, effects, report })) };
}

describe('a scene that is played', () => {
  it('loses nobody: every pod waits or is on a node that is there, every set has its replicas, every group its machines', () => {
    fc.assert(
      fc.property(scenes, settings, (of, options) => {
        const problems: string[] = [];
        playNodes(of, { ...options, observe: (loop) => problems.push(...problemsOf(of, loop)) });
        expect(problems).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('counts waits and machines as somebody does who looks every ten seconds', () => {
    fc.assert(
      fc.property(scenes, settings, (of, options) => {
        let [waits, nodes] = [0, 0];
        const { figures, loops } = played(of, options);
        const start = of.start.pods.filter(({ node }) => node === undefined).length;
        for (const [index, { input }] of loops.entries()) {
          // From this step to the next one, or to the end.
          const seconds = index === loops.length - 1 ? stepLead : 10;
          waits += input.pods.filter(({ nodeName }) => nodeName === undefined).length * seconds;
          nodes += input.nodes.length * seconds;
        }
        const first = 10 - stepLead;
        expect(figures.waitingSeconds + figures.hopelessSeconds).toBe(waits + start * first);
        expect(figures.nodeSeconds).toBe(nodes + of.start.nodes.length * first);
        expect(figures.hopelessSeconds).toBe(of.end);
      }),
      { numRuns: 25 },
    );
  });

  it('goes the same way again', () => {
    fc.assert(
      fc.property(scenes, settings, (of, options) => {
        const [first, second] = [played(of, options), played(of, options)];
        expect(second.effects).toEqual(first.effects);
        expect(second.figures).toEqual(first.figures);
      }),
      { numRuns: 8 },
    );
  });
});

function problemsOf(of: NodesScene, { t, input, world: { cluster, cloud } }: PlayedLoop): readonly string[] {
  const problems: string[] = [];
  const check = (holds: boolean, what: string): void => void (holds || problems.push(`${t} s: ${what}`));
  for (const { name, node } of cluster.pods.values())
    check(node === undefined || cluster.nodes.has(node), `${name} is on ${node}, which is not there`);
  for (const set of sets) {
    const live = input.pods.filter((pod) => pod.owner?.name === set && pod.deleted === undefined);
    check(live.length === cluster.replicas.get(set), `${live.length} pods of ${set}`);
  }
  for (const node of input.nodes) {
    const asked = input.pods
      .filter(({ nodeName }) => nodeName === node.name)
      .reduce((sum, { shape }) => sum + (shape.requests['cpu'] ?? 0), 0);
    check(asked <= (node.allocatable['cpu'] ?? 0), `${asked} milli-cores on ${node.name}`);
  }
  for (const { id, max, lateInstances } of of.groups) {
    const target = cloud.targets.get(id) ?? -1;
    const listed = cloud.list(id).length;
    check(target <= max, `${id} has a target of ${target}`);
    check(lateInstances ? listed <= target : listed === target, `${id} has a target of ${target} and lists ${listed}`);
  }
  return problems;
}
