import { driveLoop, emptyLoopState, upstreamOptions } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { ActuationOptions, LoopReport } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { Effect, EffectResult, LoopInput, PlannedDeletion } from '../../cluster-autoscaler/engine/model.ts';
import type { RecordedSizeCall } from '../../simulator/backtest/nodes-recording.ts';
import { differencesOf, type Observed } from './ca-trajectory-compare.ts';
import type { Expected, LoopVector, TrajectoryInput } from './ca-trajectory-vector.ts';
import { createWorld, instanceName, type World } from './ca-trajectory-world.ts';
import type { VectorCase } from './runners.ts';

/** A hook for looking into a run; see {@link runTrajectory}. */
export interface TrajectoryOptions {
  /** Changes what a loop is shown, for example the order of its lists. */
  readonly shuffle?: ((input: LoopInput) => LoopInput) | undefined;
  readonly observe?: ((loop: LoopVector, report: LoopReport) => void) | undefined;
}

/** Runs the recorded decision paths of `ca-trajectory.json` loop by loop and says where ours first leaves one. */
export function caTrajectoryRunner(vector: VectorCase): readonly string[] {
  return runTrajectory(vector);
}

export function runTrajectory(vector: VectorCase, { shuffle = (input) => input, observe }: TrajectoryOptions = {}): readonly string[] {
  const input = vector.input as unknown as TrajectoryInput;
  const loops = (vector as unknown as { readonly loops: readonly LoopVector[] }).loops;
  const { loop: options, group, actuation } = upstreamOptions(input.flags);
  const world = createWorld(input, group);
  let state = emptyLoopState();
  let stale: ReadonlySet<string> = new Set();
  for (const [index, loop] of loops.entries()) {
    world.apply(loop.events ?? []);
    const cloud = createCloud(world, loop);
    const { state: after, report } = driveLoop(shuffle(world.input(loop.t, stale)), { state, options, answer: cloud.answer });
    observe?.(loop, report);
    const observed: Observed = { ...cloud.observed(), report, shapeOf: world.shapeOf };
    const differences = [
      ...differencesOf(loop.expected, observed),
      ...evictionDifferences(loop, { world, actuation, planned: cloud.planned }),
    ];
    if (differences.length > 0) return [`loop ${index} at ${loop.t} s: ${differences.join('; ')}`];
    state = after;
    stale = new Set(report.refreshInstances);
    world.follow(loop);
  }
  return [];
}

interface Cloud {
  readonly answer: (effect: Effect) => EffectResult;
  readonly planned: PlannedDeletion[];
  observed(): Omit<Observed, 'report' | 'shapeOf'>;
}

/** Answers as upstream's cloud did, and notes what was asked of it. */
function createCloud(world: World, { t, expected }: LoopVector): Cloud {
  const increases: RecordedSizeCall[] = [];
  const decreases: RecordedSizeCall[] = [];
  const deleted: { node: string; refused: boolean }[] = [];
  const planned: PlannedDeletion[] = [];
  const targets = new Map(world.targets);
  const change = (group: string, delta: number): void => {
    targets.set(group, (targets.get(group) ?? 0) + delta);
  };
  const size = (
    calls: RecordedSizeCall[],
    expectedCalls: readonly RecordedSizeCall[] | undefined,
    { group, delta }: RecordedSizeCall,
  ): EffectResult => {
    const twin = expectedCalls?.[calls.length];
    const refused = twin?.group === group && twin.delta === delta && twin.refused === true;
    calls.push({ group, delta, ...(refused ? { refused } : {}) });
    if (!refused) change(group, delta);
    return refused ? refusal : { ok: true };
  };
  return {
    planned,
    answer: (effect) => {
      switch (effect.type) {
        case 'increase-size':
          return size(increases, expected.scaleUpRefused, effect);
        case 'decrease-target-size':
          return size(decreases, expected.decreased, effect);
        case 'delete-instances': {
          const names = effect.instances.map(instanceName);
          const refused = (expected.deleted ?? []).some((each) => each.t === t && names.includes(each.node) && each.refused === true);
          deleted.push(...names.map((node) => ({ node, refused })));
          if (!refused) change(effect.group, -names.length);
          return refused ? refusal : { ok: true };
        }
        case 'start-deletion':
          planned.push(...effect.nodes);
          return { ok: true };
        case 'soft-taint':
        case 'clean-taints':
          return { ok: true };
      }
    },
    observed: () => ({ t, increases, decreases, deleted, targets }),
  };
}

const refusal: EffectResult = { ok: false, failure: { class: 'other', code: 'cloudProviderError', message: 'the cloud refused' } };

interface EvictionContext {
  readonly world: World;
  readonly actuation: ActuationOptions;
  readonly planned: readonly PlannedDeletion[];
}

/** The first evictions of the drains that begin in a loop: what was planned, and nothing else. */
function evictionDifferences({ t, expected }: LoopVector, { world, actuation, planned }: EvictionContext): readonly string[] {
  const at = t + actuation.deleteDelayAfterTaintMs / 1000;
  return planned
    .filter(({ kind }) => kind === 'drain')
    .flatMap(({ node, evict, daemons }) => {
      const ours = [...evict, ...(actuation.evictDaemonsFromOccupied ? daemons : [])].map(world.podOf).toSorted();
      const theirs = firstEvictions(expected, at).filter((pod) => world.podNamed(pod)?.nodeName === node);
      // A node that is looked at again after the delay and found blocked is not drained.
      const abandoned = theirs.length === 0 && expected.deleted?.some((each) => each.node === node) !== true;
      const same = abandoned || JSON.stringify(ours) === JSON.stringify(theirs.toSorted());
      return same ? [] : [`evictions from ${node}: expected ${JSON.stringify(theirs)}, got ${JSON.stringify(ours)}`];
    });
}

function firstEvictions({ evictions = [] }: Expected, at: number): string[] {
  return evictions.filter(({ t }) => t === at).map(({ pod }) => pod);
}
