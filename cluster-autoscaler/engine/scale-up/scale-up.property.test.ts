import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../../../core/model/index.ts';
import type { ExpanderName, LoopOptions } from '../loop/model.ts';
import { filterOutSchedulable } from '../scheduling/index.ts';
import { createNaiveSnapshot } from '../scheduling/naive-snapshot.fixture.ts';
import { group, play, pod, snapshotOf, type Played } from './builders.fixture.ts';
import type { ScaleUpGroup } from './model.ts';

const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';
const apps = ['x', 'y'] as const;

const selector = (app: string) => ({ labelSelector: { matchLabels: { app } } });
const required = (app: string, topologyKey: string) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [{ ...selector(app), topologyKey }],
});

/** Rules that pods have in real clusters, of themselves and of others. */
const rules = fc.oneof(
  fc.constant({}),
  fc
    .record({ app: fc.constantFrom(...apps), topologyKey: fc.constantFrom(hostname, zone), maxSkew: fc.constantFrom(1, 2) })
    .map(({ app, topologyKey, maxSkew }) => ({
      topologySpreadConstraints: [{ maxSkew, topologyKey, whenUnsatisfiable: 'DoNotSchedule', ...selector(app) }],
    })),
  fc.record({ app: fc.constantFrom(...apps), key: fc.constantFrom(hostname, zone) }).map(({ app, key }) => ({
    affinity: { podAntiAffinity: required(app, key) },
  })),
  fc.constantFrom(...apps).map((app) => ({ affinity: { podAffinity: required(app, zone) } })),
  fc.constantFrom('a', 'b').map((value) => ({ nodeSelector: { [zone]: value } })),
  fc.constant({ tolerations: [{ key: 'gpu', operator: 'Exists' }] }),
);

const kinds = fc.array(
  fc.record({
    app: fc.constantFrom(...apps),
    cpu: fc.constantFrom('100m', '900m', '1700m', '3'),
    memory: fc.constantFrom('100Mi', '3Gi'),
    owner: fc.option(fc.constantFrom('rs-1', 'rs-2'), { nil: undefined }),
    spec: rules,
    count: fc.integer({ min: 1, max: 6 }),
  }),
  { minLength: 1, maxLength: 5 },
);

const groupList = fc
  .array(
    fc.record({
      cpu: fc.constantFrom('2', '4', '8'),
      zone: fc.constantFrom('a', 'b', 'c'),
      size: fc.integer({ min: 0, max: 2 }),
      max: fc.integer({ min: 0, max: 6 }),
      price: fc.option(fc.constantFrom(0.1, 0.2, 0.35), { nil: undefined }),
      gpu: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) =>
    list.map(({ gpu, price, ...sketch }, index) =>
      group({
        id: `g${index}`,
        ...sketch,
        ...(price === undefined ? {} : { price }),
        taints: gpu && index > 0 ? [{ key: 'gpu', effect: 'NoSchedule' }] : [],
      }),
    ),
  );

const limits = fc.record({
  maxNodesTotal: fc.constantFrom(0, 4, 9),
  cores: fc.constantFrom({ min: 0, max: 24 }, { min: 0, max: 1000 }),
  maxNodesPerScaleUp: fc.constantFrom(0, 2, 1000),
  balanceSimilarNodeGroups: fc.boolean(),
});

const chains = fc.constantFrom<readonly ExpanderName[]>(['least-waste'], ['most-pods'], ['price'], ['cost'], ['least-nodes', 'cost']);

function podsOf(list: typeof kinds extends fc.Arbitrary<infer T> ? T : never): PodRecord[] {
  return list.flatMap(({ app, cpu, memory, owner, spec, count }, kind) =>
    Array.from({ length: count }, (_, index) =>
      pod({ name: `k${kind}-${index}`, cpu, memory, labels: { app }, spec, ...(owner === undefined ? {} : { owner }) }),
    ),
  );
}

/** What was decided, without the order of the lists. */
function decided({ result }: Played) {
  const byName = <T extends { readonly name: string }>(list: readonly T[]): T[] => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    outcome: result.outcome,
    increases: result.increases.toSorted((a, b) => (a.group < b.group ? -1 : 1)),
    helped: byName(result.helped).map(({ name }) => name),
    states: byName(result.pods).map(({ name, state }) => `${name} ${state}`),
  };
}

function expectWithinLimits(
  groups: readonly ScaleUpGroup[],
  { result }: Played,
  options: Pick<LoopOptions, 'maxNodesTotal' | 'cores'>,
): void {
  const added = new Map<string, number>();
  for (const { group: id, from, to } of result.increases) added.set(id, (added.get(id) ?? 0) + to - from);
  let nodes = 0;
  let cores = 0;
  let more = 0;
  for (const { group: of, template } of groups) {
    const size = of.targetSize + (added.get(of.id) ?? 0);
    expect(size).toBeLessThanOrEqual(Math.max(of.maxSize, of.targetSize));
    nodes += size;
    cores += (size * (template?.node.capacity['cpu'] ?? 0)) / 1000;
    more += added.get(of.id) ?? 0;
  }
  // What was there before may be beyond a limit already.
  const limit = options.maxNodesTotal > 0 ? options.maxNodesTotal : Number.POSITIVE_INFINITY;
  expect(more === 0 ? 0 : nodes).toBeLessThanOrEqual(limit);
  expect(more === 0 ? 0 : cores).toBeLessThanOrEqual(options.cores.max);
}

describe('scaleUp', () => {
  it('never goes beyond the size of a group or the limits of the cluster, and reports every pod once', () => {
    fc.assert(
      fc.property(
        kinds,
        groupList,
        limits,
        fc.record({ compat: fc.boolean(), expanders: chains }),
        (list, groups, options, { compat, expanders }) => {
          const pods = podsOf(list);
          const played = play({ groups, pods, compat, options: { ...options, expanders } });
          expectWithinLimits(groups, played, options);
          expect(played.result.pods.map(({ name }) => name).toSorted()).toEqual(pods.map(({ name }) => name).toSorted());
          expect(
            played.result.pods
              .filter(({ state }) => state === 'helped')
              .map(({ name }) => name)
              .toSorted(),
          ).toEqual(played.result.helped.map(({ name }) => name).toSorted());
        },
      ),
      { numRuns: 300 },
    );
  });

  it('decides the same whatever the order of pods and groups', () => {
    fc.assert(
      fc.property(kinds, groupList, limits, chains, (list, groups, options, expanders) => {
        const pods = podsOf(list);
        const scene = { groups, pods, options: { ...options, expanders } };
        const turned = { ...scene, groups: groups.toReversed(), pods: pods.toReversed() };
        expect(decided(play(turned))).toEqual(decided(play(scene)));
        // Upstream goes by the provider's order of groups; that of pods plays no part in ours.
        expect(decided(play({ ...scene, compat: true, pods: pods.toReversed() }))).toEqual(decided(play({ ...scene, compat: true })));
      }),
      { numRuns: 200 },
    );
  });

  it('helps in the house’s way only pods that the scheduler would put on the planned nodes', () => {
    fc.assert(
      fc.property(kinds, groupList, limits, chains, (list, groups, options, expanders) => {
        const { result, snapshot } = play({ groups, pods: podsOf(list), options: { ...options, expanders } });
        expect(result.planned.length).toBe(result.increases.reduce((sum, { from, to }) => sum + to - from, 0));
        const counts = result.planned.map((name) => snapshot.podCount(snapshot.find(name)!));
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(result.helped.length);
        expect(counts.filter((count) => count === 0)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps every rule of the scheduler, pod by pod, by an implementation that plans nothing', () => {
    const some = fc.constantFrom<readonly ExpanderName[]>(['cost'], ['least-waste'], ['least-nodes', 'cost']);
    const refusals = fc.constantFrom<readonly string[]>([], ['g0'], ['g0', 'g2']);
    fc.assert(
      fc.property(
        kinds,
        groupList,
        limits,
        fc.record({ expanders: some, refused: refusals }),
        (list, groups, options, { expanders, refused }) => {
          const { result, snapshot } = play({ groups, refused, pods: podsOf(list), options: { ...options, expanders } });
          const naive = createNaiveSnapshot({ namespaces: new Map() });
          for (const id of snapshot.nodeIds()) naive.addNode(snapshot.node(id));
          for (const { node: name, pods } of result.placed) {
            const node = naive.find(name)!;
            for (const each of pods) {
              expect(naive.failure(naive.classOf(each), node)).toBeUndefined();
              naive.place(each, node);
            }
          }
          const placed = result.placed.flatMap(({ pods }) => pods.map(({ name }) => name)).toSorted();
          const states = result.pods.filter(({ state }) => state === 'helped' || state === 'scheduled').map(({ name }) => name);
          expect(placed).toEqual(states.toSorted());
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves no pod for which there is room on what is there and what is bought', () => {
    fc.assert(
      fc.property(kinds, groupList, limits, chains, (list, groups, options, expanders) => {
        const snapshot = snapshotOf(groups);
        const homeless = filterOutSchedulable(snapshot, podsOf(list), new Map()).pending;
        const { result } = play({ groups, snapshot, pods: homeless, options: { ...options, expanders } });
        const left = new Set(result.pods.flatMap(({ state, uid }) => (state === 'waits' || state === 'refused' ? [uid] : [])));
        const roomy = homeless.filter((each) => left.has(each.uid) && snapshot.search(snapshot.classOf(each)) !== undefined);
        expect(roomy.map(({ name }) => name)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
