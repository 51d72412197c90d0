import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Effect, LoopInput, PlannedDeletion } from '../model.ts';
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
      { numRuns: 25 },
    );
  }, 60_000);

  it('keeps every bound', () => {
    fc.assert(
      fc.property(plan, options, (world, settings) => {
        expect(run(world, settings, (input) => input).flatMap((round) => violations(round, settings))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

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
  }, 60_000);
});

/** What a round did that it must not, one text each. */
function violations(round: Round, settings: LoopOptions): readonly string[] {
  const { input, effects, refused, report } = round;
  const groups = new Map(input.groups.map((group) => [group.id, group]));
  const sizes = new Map(input.groups.map(({ id, targetSize }) => [id, targetSize]));
  const found: string[] = report.error === undefined ? [] : [`error: ${report.error}`];
  for (const effect of effects) {
    if (effect.type === 'increase-size') {
      const size = (sizes.get(effect.group) ?? 0) + effect.delta;
      const { maxSize = 0, options: held } = groups.get(effect.group) ?? {};
      if (held?.actionable !== true) found.push(`${effect.group} may not be changed`);
      if (effect.delta < 1 || size > maxSize) found.push(`${effect.group} was asked for ${size} of ${maxSize} nodes`);
      if (!refused.has(effect)) sizes.set(effect.group, size);
    } else if (effect.type === 'start-deletion') {
      if (!report.clusterHealthy) found.push('nodes go though the cluster is not healthy');
      found.push(...effect.nodes.flatMap((deletion) => wrongDeletion(deletion, input)));
    }
  }
  return [...found, ...minimumsBroken(round), ...limitsBroken(round, sizes, settings)];
}

function wrongDeletion({ node, group: id, evict }: PlannedDeletion, { nodes, pods, groups, deletions }: LoopInput): readonly string[] {
  const found: string[] = [];
  if (groups.find((group) => group.id === id)?.options.actionable !== true) found.push(`${node} goes though ${id} may not be changed`);
  if (!nodes.some(({ name }) => name === node)) found.push(`${node} does not exist`);
  if (deletions.running.some((each) => each.node === node)) found.push(`${node} is going already`);
  const onNode = new Set(pods.filter(({ nodeName }) => nodeName === node).map(({ uid }) => uid));
  if (!evict.every((uid) => onNode.has(uid))) found.push(`pods are evicted that are not on ${node}`);
  return found;
}

function deletionsOf({ effects }: Round): readonly PlannedDeletion[] {
  return effects.flatMap((effect) => (effect.type === 'start-deletion' ? effect.nodes : []));
}

/** Groups of which more go than their minimum allows, counted from the size that the loop began with. */
function minimumsBroken(round: Round): readonly string[] {
  const { groups, deletions } = round.input;
  const going = [...deletionsOf(round), ...deletions.running];
  return groups.flatMap(({ id, minSize, targetSize }) => {
    const now = deletionsOf(round).some(({ group }) => group === id);
    const left = targetSize - going.filter(({ group }) => group === id).length;
    return now && left < minSize ? [`${id} is left with ${left} nodes, at least ${minSize}`] : [];
  });
}

/** Limits of the whole cluster that an increase goes beyond. */
function limitsBroken({ input, effects }: Round, sizes: ReadonlyMap<string, number>, settings: LoopOptions): readonly string[] {
  // Upstream's raise to minimum sizes compares the limit with the size of the group (§25.16).
  const asUpstream = settings.compat === 'cluster-autoscaler' && settings.enforceNodeGroupMinSize;
  if (asUpstream || !effects.some(({ type }) => type === 'increase-size')) return [];
  const added = input.groups.map(({ id, targetSize, template: of }) => {
    const nodes = (sizes.get(id) ?? 0) - targetSize;
    return { nodes, cores: nodes * Math.ceil((of?.node.capacity['cpu'] ?? 0) / 1000) };
  });
  const newNodes = added.reduce((sum, { nodes }) => sum + nodes, 0);
  const newCores = added.reduce((sum, { cores }) => sum + cores, 0);
  const cores = input.nodes.reduce((sum, { capacity }) => sum + Math.ceil((capacity['cpu'] ?? 0) / 1000), 0);
  const found: string[] = [];
  const { maxNodesTotal } = settings;
  if (newNodes > 0 && maxNodesTotal > 0 && input.nodes.length + newNodes > maxNodesTotal) found.push(`more than ${maxNodesTotal} nodes`);
  if (newCores > 0 && cores + newCores > settings.cores.max) found.push(`more than ${settings.cores.max} cores`);
  return found;
}
