import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Effect, LoopInput } from '../model.ts';
import { driveLoop, emptyLoopState } from './index.ts';
import type { LoopOptions, LoopReport, LoopState } from './model.ts';
import { defaultLoopOptions, upstreamLoopOptions } from './options.ts';
import { createTestWorld, type WorldPlan } from './world.fixture.ts';

const loops = 20;

const plan: fc.Arbitrary<WorldPlan> = fc.record({
  groups: fc
    .array(
      fc.record({
        min: fc.integer({ min: 0, max: 2 }),
        room: fc.integer({ min: 1, max: 6 }),
        initial: fc.integer({ min: 0, max: 4 }),
        cpu: fc.constantFrom(1_000, 2_000, 4_000),
        cooldownMs: fc.constantFrom(0, 20_000),
        actionable: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((groups) =>
      groups.map(({ min, room, initial, cpu, cooldownMs, actionable }, index) => ({
        id: `g${index}`,
        minSize: min,
        maxSize: min + room,
        initial: min + Math.min(initial, room),
        cpu,
        options: {
          unneededMs: 20_000,
          unreadyMs: 30_000,
          maxProvisionMs: 40_000,
          maxStartupMs: 30_000,
          cooldown: { scaleUpMs: cooldownMs, scaleDownMs: cooldownMs },
          actionable: actionable || index === 0,
        },
      })),
    ),
  workloads: fc
    .array(
      fc.record({
        cpu: fc.constantFrom(200, 450, 900, 1_500),
        replicas: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 3, maxLength: 7 }),
        allowed: fc.integer({ min: 0, max: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((workloads) => workloads.map((each, index) => ({ name: `w${index}`, ...each }))),
  seed: fc.nat(),
});

const options: fc.Arbitrary<LoopOptions> = fc
  .record({
    house: fc.boolean(),
    maxNodesTotal: fc.constantFrom(0, 6),
    maxCores: fc.constantFrom(12, 320_000),
    okTotalUnreadyCount: fc.constantFrom(0, 3),
    expanders: fc.constantFrom<LoopOptions['expanders']>(['least-waste'], ['most-pods'], ['random']),
    balanceSimilarNodeGroups: fc.boolean(),
    enforceNodeGroupMinSize: fc.boolean(),
  })
  .map(({ house, maxCores, ...rest }) => ({
    ...(house ? defaultLoopOptions : { ...upstreamLoopOptions, scaleDownDelayAfterAddMs: 20_000 }),
    ...rest,
    cores: { min: 0, max: maxCores },
    unremovableNodeRecheckMs: 20_000,
  }));

/** What a run did and saw. */
interface Round {
  readonly input: LoopInput;
  readonly effects: readonly Effect[];
  readonly refused: ReadonlySet<Effect>;
  readonly report: LoopReport;
}

function run(world: WorldPlan, settings: LoopOptions, change: (input: LoopInput, loop: number) => LoopInput): readonly Round[] {
  const cluster = createTestWorld(world);
  const rounds: Round[] = [];
  let state: LoopState = emptyLoopState();
  for (let loop = 0; loop < loops; loop++) {
    const input = cluster.input();
    const effects: Effect[] = [];
    const refused = new Set<Effect>();
    const answer = (effect: Effect) => {
      effects.push(effect);
      const result = cluster.answer(effect);
      if (!result.ok) refused.add(effect);
      return result;
    };
    const result = driveLoop(change(input, loop), { state, options: settings, answer });
    state = result.state;
    rounds.push({ input, effects, refused, report: result.report });
    cluster.advance();
  }
  return rounds;
}

/** Another order of everything that comes in no order of its own. */
function shuffled(input: LoopInput, by: number): LoopInput {
  const shuffle = <T>(list: readonly T[]): readonly T[] => {
    const out = [...list];
    let seed = by + 1;
    for (let index = out.length - 1; index > 0; index--) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const other = seed % (index + 1);
      [out[index], out[other]] = [out[other] as T, out[index] as T];
    }
    return out;
  };
  return {
    ...input,
    nodes: shuffle(input.nodes),
    pods: shuffle(input.pods),
    pdbs: shuffle(input.pdbs),
    daemonPods: shuffle(input.daemonPods),
    namespaces: new Map(shuffle([...input.namespaces])),
  };
}

describe('the loop, over twenty loops of small random clusters', () => {
  it('goes the same way whatever the order of its lists', () => {
    fc.assert(
      fc.property(plan, options, fc.nat(), (world, settings, seed) => {
        const straight = run(world, settings, (input) => input);
        const mixed = run(world, settings, (input, loop) => shuffled(input, seed + loop));
        expect(mixed.map(({ effects, report }) => ({ effects, report }))).toEqual(
          straight.map(({ effects, report }) => ({ effects, report })),
        );
      }),
      { numRuns: 40000 },
    );
  });

  it('keeps every bound', () => {
    fc.assert(
      fc.property(plan, options, (world, settings) => {
        for (const round of run(world, settings, (input) => input)) checkRound(round, settings);
      }),
      { numRuns: 4000 },
    );
  });

  it('is a function of its input and state: the same answers again, and nothing handed in is changed', () => {
    fc.assert(
      fc.property(plan, options, (world, settings) => {
        const twice = (input: LoopInput): LoopInput => {
          const copy = structuredClone({
            nodes: input.nodes,
            pods: input.pods.map(({ uid, nodeName }) => [uid, nodeName]),
            groups: input.groups,
          });
          const answer = () => ({ ok: true }) as const;
          const first = driveLoop(input, { state: emptyLoopState(), options: settings, answer });
          const second = driveLoop(input, { state: emptyLoopState(), options: settings, answer });
          expect(second.report).toEqual(first.report);
          expect({ nodes: input.nodes, pods: input.pods.map(({ uid, nodeName }) => [uid, nodeName]), groups: input.groups }).toEqual(copy);
          return input;
        };
        run(world, settings, twice);
      }),
      { numRuns: 5 },
    );
  });
});

function checkRound({ input, effects, refused, report }: Round, settings: LoopOptions): void {
  const groups = new Map(input.groups.map((group) => [group.id, group]));
  const sizes = new Map(input.groups.map(({ id, targetSize }) => [id, targetSize]));
  for (const effect of effects) {
    if (effect.type === 'increase-size') {
      const group = groups.get(effect.group);
      expect(group?.options.actionable).toBe(true);
      expect(effect.delta).toBeGreaterThan(0);
      expect((sizes.get(effect.group) ?? 0) + effect.delta).toBeLessThanOrEqual(group?.maxSize ?? 0);
      if (!refused.has(effect)) sizes.set(effect.group, (sizes.get(effect.group) ?? 0) + effect.delta);
    }
    if (effect.type === 'start-deletion') {
      expect(report.clusterHealthy).toBe(true);
      for (const { node, group: id, evict } of effect.nodes) {
        const group = groups.get(id);
        expect(group?.options.actionable).toBe(true);
        expect(input.nodes.some(({ name }) => name === node)).toBe(true);
        const onNode = new Set(input.pods.filter(({ nodeName }) => nodeName === node).map(({ uid }) => uid));
        expect(evict.every((uid) => onNode.has(uid))).toBe(true);
        sizes.set(id, (sizes.get(id) ?? 0) - 1);
      }
      for (const id of new Set(effect.nodes.map(({ group }) => group))) {
        const underWay = input.deletions.running.filter(({ group }) => group === id).length;
        expect((sizes.get(id) ?? 0) - underWay).toBeGreaterThanOrEqual(groups.get(id)?.minSize ?? 0);
      }
    }
  }
  const increased = effects.some(({ type }) => type === 'increase-size');
  const asUpstream = settings.compat === 'cluster-autoscaler';
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  // Upstream's raise to minimum sizes compares this limit with the size of the group (§25.16).
  if (increased && settings.maxNodesTotal > 0 && !(asUpstream && settings.enforceNodeGroupMinSize)) {
    const started = effects.flatMap((effect) => (effect.type === 'start-deletion' ? effect.nodes : [])).length;
    expect(input.nodes.length + total - input.groups.reduce((sum, { targetSize }) => sum + targetSize, 0) + started).toBeLessThanOrEqual(
      Math.max(settings.maxNodesTotal, input.nodes.length),
    );
  }
  expect(report.error).toBeUndefined();
}
