import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeRecord, PdbRecord, PodRecord } from '../../../core/model/index.ts';
import { matchesSelector } from '../../../core/model/index.ts';
import type { NodeGroup } from '../model.ts';
import { createNaiveSnapshot } from '../scheduling/naive-snapshot.fixture.ts';
import type { SchedulingSnapshot } from '../scheduling/index.ts';
import { drainContext, group, groupOf, node, now, passOf, pdb, pod, snapshotOf } from './builders.fixture.ts';
import { createDisruptionTracker } from './disruption-tracker.ts';
import type { ScaleDownResult, ScaleDownState } from './model.ts';
import { noHints } from './moved-pods.ts';
import { createRemovalSimulator } from './removal.ts';
import { emptyScaleDownState } from './state.ts';

/** Clusters of up to three groups and five workloads, some of them with rules about each other. */

interface World {
  readonly nodes: readonly NodeRecord[];
  readonly pods: readonly PodRecord[];
  readonly groups: readonly NodeGroup[];
  readonly pdbs: readonly PdbRecord[];
  readonly compat: 'none' | 'cluster-autoscaler';
  readonly running: readonly { readonly node: string; readonly group: string; readonly kind: 'empty' | 'drain'; readonly since: number }[];
  readonly drains: number;
}

const sizes = ['200m', '500m', '900m', '1500m'] as const;

interface Workload {
  readonly cpu: (typeof sizes)[number];
  readonly rule: 'none' | 'anti-affinity' | 'pool' | 'spread';
  readonly owner: string | null;
  readonly safe: boolean;
  readonly allowed: number | undefined;
}

const workload = (rules: readonly Workload['rule'][]): fc.Arbitrary<Workload> =>
  fc.record({
    cpu: fc.constantFrom(...sizes),
    rule: fc.constantFrom(...rules),
    owner: fc.constantFrom('ReplicaSet', 'ReplicaSet', 'ReplicaSet', 'ReplicaSet', 'ReplicaSet', 'StatefulSet', 'DaemonSet', null),
    safe: fc.boolean(),
    allowed: fc.constantFrom(undefined, undefined, undefined, 0, 1, 2, 3),
  });

function specOf({ rule }: Workload, app: string): Readonly<Record<string, unknown>> {
  const labelSelector = { matchLabels: { app } };
  const topologyKey = 'kubernetes.io/hostname';
  if (rule === 'anti-affinity') {
    return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector, topologyKey }] } } };
  }
  if (rule === 'spread') {
    return { topologySpreadConstraints: [{ maxSkew: 1, topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector }] };
  }
  return rule === 'pool' ? { nodeSelector: { pool: 'a' } } : {};
}

function worlds(rules: readonly Workload['rule'][]): fc.Arbitrary<World> {
  return fc
    .record({
      nodes: fc.array(
        fc.record({
          group: fc.constantFrom('a', 'b', 'c'),
          cpu: fc.constantFrom('2', '4', '8'),
          ready: fc.boolean(),
          cordoned: fc.boolean(),
        }),
        { minLength: 3, maxLength: 9, size: 'max' },
      ),
      workloads: fc.array(workload(rules), { minLength: 1, maxLength: 5 }),
      placed: fc.array(fc.record({ workload: fc.nat(4), node: fc.nat(8) }), { minLength: 3, maxLength: 24, size: 'max' }),
      minSizes: fc.tuple(fc.nat(1), fc.nat(1), fc.nat(2)),
      compat: fc.constantFrom('none', 'cluster-autoscaler'),
      deleting: fc.option(fc.nat(8), { nil: undefined }),
      drains: fc.integer({ min: 1, max: 10 }),
    })
    .map(({ workloads, placed, minSizes, deleting, drains, ...world }) => {
      const nodes = world.nodes.map(({ group: id, cpu, ready, cordoned }, index) =>
        node(`${id}-${index}`, { cpu, ready: ready || index > 0, unschedulable: cordoned && index === 1, labels: { pool: id } }),
      );
      const pods = placed.map((each, index) => {
        const of = each.workload % workloads.length;
        const which = workloads[of] as Workload;
        return pod(`p-${index}`, {
          node: nodes[each.node % nodes.length]?.name ?? '',
          cpu: which.cpu,
          memory: '10Mi',
          owner: which.owner,
          ownerName: `w${of}`,
          labels: { app: `w${of}` },
          annotations: which.safe ? { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' } : {},
          spec: specOf(which, `w${of}`),
        });
      });
      const pdbs = workloads.flatMap(({ allowed }, index) =>
        allowed === undefined ? [] : [pdb(`b${index}`, { app: `w${index}` }, allowed)],
      );
      const groups = ['a', 'b', 'c'].map((id, index) =>
        group(id, { minSize: minSizes[index] ?? 0, targetSize: nodes.filter((each) => groupOf(each) === id).length }),
      );
      const gone = deleting === undefined ? undefined : nodes[deleting % nodes.length];
      const running = gone === undefined ? [] : [{ node: gone.name, group: groupOf(gone), kind: 'drain' as const, since: now }];
      return { nodes, pods, groups, pdbs, running, drains, compat: world.compat };
    });
}

const plain = worlds(['none', 'pool']);
const checkable = worlds(['none', 'pool', 'anti-affinity']);
const all = worlds(['none', 'pool', 'anti-affinity', 'spread']);

function runWorld(
  world: World,
  { state = emptyScaleDownState(), at = now, snapshot = snapshotOf(inOrder(world.nodes), world.pods) }: Run = {},
) {
  const { nodes, groups, pdbs, compat, running, drains } = world;
  return passOf({
    nodes,
    groups,
    pdbs,
    snapshot,
    state,
    now: at,
    deletions: { running, ended: [] },
    options: { compat, maxDrainParallelism: drains },
  }).result();
}

interface Run {
  readonly state?: ScaleDownState;
  readonly at?: number;
  readonly snapshot?: SchedulingSnapshot;
}

const inOrder = (nodes: readonly NodeRecord[]): NodeRecord[] => nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1));

function comparable({ nodes, state, ...result }: ScaleDownResult) {
  const byNode = nodes.toSorted((a, b) => (a.node < b.node ? -1 : 1));
  return { ...result, nodes: byNode, unneededSince: Object.fromEntries(state.unneeded), failures: [...state.failures.keys()].toSorted() };
}

describe('a pass of scale-down', () => {
  it('answers the same whatever the order of the lists', () => {
    const shuffled = all.chain((world) =>
      fc
        .tuple(shuffle(world.nodes), shuffle(world.pods), shuffle(world.pdbs), shuffle(world.groups))
        .map(([nodes, pods, pdbs, groups]) => ({ world, other: { ...world, nodes, pods, pdbs, groups } })),
    );
    fc.assert(
      fc.property(shuffled, ({ world, other }) => {
        expect(comparable(runWorld(other))).toEqual(comparable(runWorld(world)));
      }),
      { numRuns: 250 },
    );
  });

  it('never goes below a minimum size, nor beyond its budgets', () => {
    fc.assert(
      fc.property(all, (world) => {
        const { deletions } = runWorld(world);
        for (const { id, minSize, targetSize } of world.groups) {
          const running = world.running.filter((each) => each.group === id).length;
          const going = deletions.filter((each) => each.group === id).length;
          expect(going === 0 || targetSize - running - going >= minSize).toBe(true);
        }
        expect(deletions.filter(({ kind }) => kind === 'drain').length).toBeLessThanOrEqual(
          Math.max(0, world.drains - world.running.length),
        );
        expect(deletions.every((each) => world.running.every((other) => other.node !== each.node))).toBe(true);
      }),
      { numRuns: 250 },
    );
  });

  it('only removes nodes whose pods find a place among those that stay', () => {
    let moved = 0;
    fc.assert(
      fc.property(checkable, (world) => {
        const { unneeded, state } = runWorld(world);
        const gone = new Set(unneeded);
        const stay = createNaiveSnapshot({ namespaces: new Map() });
        const deleting = new Set(world.running.map((each) => each.node));
        for (const each of inOrder(world.nodes)) {
          if (gone.has(each.name)) continue;
          stay.addNode(
            each,
            world.pods.filter(({ nodeName }) => nodeName === each.name),
          );
        }
        const { ranges, pods, destinations, names } = state.hints;
        const placed = new Set<PodRecord>();
        for (const [from, [start, end]] of ranges) {
          expect(gone.has(from)).toBe(true);
          for (let index = start; index < end; index++) {
            const each = pods[index] as PodRecord;
            const to = names[destinations[index] ?? -1] ?? '';
            expect(gone.has(to) || deleting.has(to)).toBe(false);
            const id = stay.find(to) ?? -1;
            expect(stay.failure(stay.classOf(each), id)).toBeUndefined();
            stay.place(each, id);
            placed.add(each);
            moved += 1;
          }
        }
        const homeless = world.pods.filter(
          (each) => gone.has(each.nodeName ?? '') && each.owner?.kind !== 'DaemonSet' && !placed.has(each),
        );
        expect(homeless).toEqual([]);
      }),
      { numRuns: 400 },
    );
    expect(moved).toBeGreaterThan(300);
  });

  it('never overdraws a budget by nodes that may go without risk', () => {
    let shared = 0;
    fc.assert(
      fc.property(all, (world) => {
        const { pods, pdbs } = world;
        const snapshot = snapshotOf(inOrder(world.nodes), pods);
        snapshot.fork();
        const simulator = createRemovalSimulator({
          snapshot,
          drain: { ...drainContext, budgets: createDisruptionTracker(pdbs) },
          hints: noHints,
          asUpstream: world.compat === 'cluster-autoscaler',
          destinations: new Set(snapshot.nodeIds()),
          kept: new Set(),
        });
        const removals = snapshot.nodeIds().map((id) => simulator.simulate(id));
        for (const { selector, disruptionsAllowed } of pdbs) {
          const selected = removals.map((each) =>
            each.removable ? each.evict.filter(({ labels }) => matchesSelector(selector, labels)) : [],
          );
          const atOnce = selected.filter((_, index) => removals[index]?.removable === true && !removals[index].risky).flat();
          expect(atOnce.length).toBeLessThanOrEqual(disruptionsAllowed);
          if (atOnce.length > 1) shared += 1;
          // What is not declared safe never goes once a budget has none left.
          expect(disruptionsAllowed > 0 || selected.flat().every(isDeclaredSafe)).toBe(true);
        }
      }),
      { numRuns: 250 },
    );
    expect(shared).toBeGreaterThan(10);
  });

  it('answers the same twice, and finds the same nodes unneeded in the next loop', () => {
    fc.assert(
      fc.property(plain, (world) => {
        const first = runWorld(world);
        expect(comparable(runWorld(world))).toEqual(comparable(first));
        const next = runWorld(world, { state: first.state, at: now + 1 });
        expect(next.unneeded).toEqual(first.unneeded);
        expect([...next.state.unneeded.values()].every((since) => since === now)).toBe(true);
      }),
      { numRuns: 250 },
    );
  });

  it('finds as many nodes with what failures teach as without, where all pods are of one size', () => {
    fc.assert(
      fc.property(plain, (random) => {
        const pods = random.pods.map(({ name, nodeName, labels }) =>
          pod(name, { node: nodeName ?? '', cpu: '700m', memory: '10Mi', labels }),
        );
        const world: World = { ...random, pods, pdbs: [], compat: 'cluster-autoscaler' };
        const taught = runWorld(world);
        const snapshot = snapshotOf(inOrder(world.nodes), pods);
        const untaught = runWorld(world, { snapshot: { ...snapshot, isIndependent: () => false } });
        expect(taught.unneeded).toEqual(untaught.unneeded);
      }),
      { numRuns: 250 },
    );
  });
});

function isDeclaredSafe({ shape }: PodRecord): boolean {
  return shape.annotations['cluster-autoscaler.kubernetes.io/safe-to-evict'] === 'true';
}

function shuffle<Item>(items: readonly Item[]): fc.Arbitrary<Item[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}
