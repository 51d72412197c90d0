import type { PodRecord } from '../../../core/model/index.ts';
import { append } from '../append.ts';
import type { Effect, EffectResult, LoopInput, PlannedDeletion } from '../model.ts';
import { statusEvent } from '../registry/index.ts';
import {
  createScaleDownPass,
  devicesByNode,
  forgetUnneeded,
  noteDeletionFailed,
  noteDeletionStarted,
  noteScaleUp,
} from '../scale-down/index.ts';
import type { ScaleDownState } from '../scale-down/index.ts';
import { intentPods, limitedGroups, raiseToMinimum, scaleUp } from '../scale-up/index.ts';
import type { ScaleUpGroup, ScaleUpResult } from '../scale-up/index.ts';
import { hintKey, type PlacementHints, type SchedulingSnapshot } from '../scheduling/index.ts';
import { settled } from './begun-deletions.ts';
import { clusterSnapshot, injectUpcoming } from './cluster-snapshot.ts';
import {
  changeTarget,
  cleanTaints,
  fixSizes,
  leastSizeOf,
  removeFailed,
  removeUnregistered,
  revertTimedOut,
  type Step,
} from './instance-steps.ts';
import { contextOf, type LoopContext } from './context.ts';
import { holdOfGrowth } from './group-hold.ts';
import type { Loop, LoopEvent, LoopExtras, LoopOptions } from './model.ts';
import { breathe, createPace } from './pace.ts';
import { podsToHelp } from './pods-to-help.ts';
import type { Progress } from './progress.ts';
import { reportOf } from './report.ts';
import { holdOfScaleUp, waitingPods } from './scale-up-gate.ts';
import { carried, opened } from './state.ts';
import { createTimes, type Times } from './times.ts';

/** One loop of the node controller, in upstream's order (§3). Pure: what is to be done in the world is yielded, and answered; so are pauses. */
export const runLoop: Loop = function* (input, state, options, extras = {}) {
  const carriedOver = opened(state);
  const before = { ...carriedOver, ...settled(carriedOver, input.deletions) };
  const times = createTimes(extras.stopwatch);
  const pace = createPace(extras);
  const loop = yield* times.measureSteps('updateClusterState', contextOf(input, before, { options, pace }));
  const progress: Progress = {
    outcomes: [],
    scaleUps: [],
    help: undefined,
    waiting: [],
    scaleDown: before.scaleDown,
    scaleDownResult: undefined,
    deletions: [],
    limited: [],
    scalings: new Map(before.scalings),
    begun: new Map(before.begun),
    error: undefined,
  };
  yield* cleanTaints(loop);
  yield* revertTimedOut(loop);
  yield* removeUnregistered(loop);
  if (yield* isReadyToScale(loop, progress)) yield* scale(loop, progress, { extras, times });
  if (progress.outcomes.length === 0) progress.outcomes.push('NotTried');

  const after = carried({
    initialized: true,
    registry: loop.registry.state(),
    scaleDown: progress.scaleDown,
    templates: loop.templates.cache,
    hints: hintsOf(progress) ?? before.hints,
    scalings: new Map([...progress.scalings].filter(([group]) => loop.targets.has(group))),
    begun: new Map([...progress.begun].filter(([, { group }]) => loop.targets.has(group))),
  });
  return { state: after, report: reportOf(loop, progress, times.taken()) };
};

/** The gates after which there is no scaling: an unhealthy cluster (§3.10), and sizes that had to be put right first (§3.12). */
function* isReadyToScale(loop: LoopContext, progress: Progress): Step<boolean> {
  if (!loop.registry.clusterHealthy) {
    progress.scaleDown = forgetUnneeded(progress.scaleDown);
    loop.warn('ClusterUnhealthy', 'Cluster is unhealthy');
    return false;
  }
  yield* removeFailed(loop);
  const { fixed, error } = yield* fixSizes(loop);
  progress.error = error;
  return !fixed && error === undefined;
}

interface Tools {
  readonly extras: LoopExtras;
  readonly times: Times;
}

function* scale(loop: LoopContext, progress: Progress, { extras, times }: Tools): Step {
  const { input, options, view, pace } = loop;
  const snapshot = yield* times.measureSteps('snapshot', clusterSnapshot(loop, extras.volumes));
  const starting = injectUpcoming(snapshot, loop);
  const extra = options.lookAhead ? podsToCome(input) : [];
  const helping = podsToHelp(view, input, { snapshot, hints: loop.before.hints, extra, options, pace });
  const help = yield* times.measureSteps('filterOutSchedulable', helping);
  progress.help = help;

  const hold = holdOfScaleUp(help.pods, loop);
  if (hold === 'LimitedByMaxNodesTotal') loop.warn('MaxNodesTotalReached', `Max total nodes in cluster reached: ${options.maxNodesTotal}`);
  if (hold === undefined) {
    if (help.pods.length > 0) progress.limited = limitedGroups(snapshot, growable(loop), options);
    yield* breathe(pace);
    const scaleUpInput = {
      now: input.now,
      snapshot,
      pods: help.pods,
      groups: growable(loop),
      options,
      priorities: input.priorities,
      ...extras,
      pace,
    };
    conclude(loop, progress, yield* scaleUp(scaleUpInput));
  } else {
    progress.waiting = waitingPods(help.pods, hold, loop);
    // Upstream tells of the raise instead; ours of both where pods are only waited for, so that the next loop comes soon.
    const both = options.compat === 'none' && hold === 'InCooldown';
    if (both || !options.enforceNodeGroupMinSize) progress.outcomes.push(hold);
  }

  if (options.scaleDownEnabled) {
    const failed = yield* scaleDown(loop, progress, { snapshot, starting, paused: hold === 'InCooldown', times, extras });
    if (failed) {
      // A loop that ends here tells nothing of the raise, but of the ordinary scale-up that it did not try.
      if (progress.outcomes.length === 0) progress.outcomes.push(hold ?? 'NotTried');
      return;
    }
  }
  if (options.enforceNodeGroupMinSize) {
    // A size that only a disruption budget asks for is kept, not bought.
    const groups = growable(loop).map((each) => ({ ...each, group: { ...each.group, minSize: leastSizeOf(each.group) } }));
    conclude(loop, progress, yield* raiseToMinimum({ snapshot, groups, options }));
  }
}

/** Pods that the replicas controller is about to want. They have no age, so that nothing waits for them to grow old. */
function podsToCome({ intents, pods }: LoopInput): readonly PodRecord[] {
  return intentPods(intents, pods).map((pod) => ({ ...pod, created: undefined }));
}

/** Groups as scale-up sees them. */
function growable(loop: LoopContext): readonly ScaleUpGroup[] {
  return loop.groups().map((group) => {
    const healthy = loop.registry.isHealthy(group.id);
    const state = loop.registry.backoff(group.id) === undefined ? 'healthy' : 'backoff';
    return {
      group,
      template: loop.templates.byGroup.get(group.id),
      state: healthy ? state : 'unhealthy',
      hold: holdOfGrowth(group, loop.input.now),
    };
  });
}

/** Where pods found a place: on what is there or on its way, and on what was bought for them. */
function hintsOf({ help, scaleUps }: Progress): PlacementHints | undefined {
  const bought = scaleUps.flatMap(({ placed }) => placed);
  if (help === undefined || bought.length === 0) return help?.hints;
  return new Map([...help.hints, ...bought.flatMap(({ node, pods }) => pods.map((pod) => [hintKey(pod), node] as const))]);
}

/** Books what a scale-up did: sizes, requests, backoffs, times. */
function conclude(loop: LoopContext, progress: Progress, result: ScaleUpResult): void {
  const { now } = loop.input;
  progress.scaleUps.push(result);
  progress.outcomes.push(result.outcome);
  append(loop.events, result.events);
  for (const { group, from, to } of result.increases) {
    changeTarget(loop, group, to - from);
    loop.registry.registerScaleUp(group, to - from);
    progress.scalings.set(group, { ...progress.scalings.get(group), lastScaleUp: now });
  }
  for (const { change, failure } of result.failures) loop.registry.registerFailure(change.group, failure);
  if (result.increases.length > 0) loop.registry.recalculate(loop.targets);
  progress.scaleDown = bookScaleUp(progress.scaleDown, result, now);
}

/** A scale-up that failed half-way starts no global delay, as upstream; the groups that did grow have their own times. */
function bookScaleUp(state: ScaleDownState, { outcome, increases }: ScaleUpResult, now: number): ScaleDownState {
  if (increases.length === 0) return state;
  const noted = noteScaleUp(
    state,
    increases.map(({ group }) => group),
    now,
  );
  return outcome === 'Successful' ? noted : { ...noted, lastScaleUp: state.lastScaleUp };
}

interface ScaleDownContext extends Tools {
  readonly snapshot: SchedulingSnapshot;
  /** Names of nodes that have not started. */
  readonly starting: ReadonlySet<string>;
  readonly paused: boolean;
}

/** Plans removals, begins those that are due, and marks what is not needed (§13, §15). True when the loop ends here with an error. */
function* scaleDown(loop: LoopContext, progress: Progress, { snapshot, starting, paused, times, extras }: ScaleDownContext): Step<boolean> {
  const { input, options, view, pace } = loop;
  const pass = createScaleDownPass(
    {
      now: input.now,
      snapshot,
      nodes: view.nodes.filter(({ name }) => !starting.has(name)),
      groups: loop.groups(),
      groupOf: view.groupOf,
      pdbs: input.pdbs,
      controllers: input.controllers,
      deletions: input.deletions,
      paused,
      devices: devicesByNode(input.devices, view.podsByNode),
    },
    progress.scaleDown,
    options,
    extras,
  );
  while (!times.measure('findUnneeded', () => pass.step(pace.sliceMs))) yield* breathe(pace);
  const result = pass.result();
  progress.scaleDownResult = result;
  progress.scaleDown = result.state;
  let refusal: string | undefined;
  if (result.deletions.length > 0) {
    const started = yield { type: 'start-deletion', nodes: result.deletions };
    if (started.ok) {
      progress.deletions = result.deletions;
      progress.scaleDown = noteDeletionStarted(progress.scaleDown, input.now);
      loop.events.push(...result.deletions.flatMap(startEvents));
      for (const { node, group } of result.deletions) progress.begun.set(node, { group, at: input.now });
    } else {
      refusal = `failed to taint nodes for deletion: ${started.failure.message}`;
      progress.scaleDown = noteDeletionFailed(progress.scaleDown, input.now);
    }
  }
  const { add, remove } = result.softTaints;
  if (add.length + remove.length > 0) yield { type: 'soft-taint', add, remove };
  progress.error = refusal;
  return refusal !== undefined;
}

/** Upstream's words for a deletion that begins. */
function startEvents({ node, kind, evict, utilization }: PlannedDeletion): readonly LoopEvent[] {
  const status =
    kind === 'empty'
      ? statusEvent('Normal', 'ScaleDownEmpty', `Scale-down: removing empty node "${node}"`)
      : statusEvent(
          'Normal',
          'ScaleDown',
          `Scale-down: removing node ${node}, utilization: ${utilization}, pods to reschedule: ${evict.length}`,
        );
  const mark = {
    on: { kind: 'Node', name: node },
    type: 'Normal',
    reason: 'ScaleDown',
    message: 'marked the node as toBeDeleted/unschedulable',
  } as const;
  return [mark, status];
}

/** Runs a loop to its end with a driver that answers at once; for simulations and tests. */
export function driveLoop(
  input: LoopInput,
  { state, options, extras, answer }: DriveOptions,
): { readonly state: ReturnType<typeof carried>; readonly report: ReturnType<typeof reportOf> } {
  const loop = runLoop(input, state, options, extras);
  let step = loop.next();
  while (step.done !== true) step = loop.next(step.value.type === 'pause' ? { ok: true } : answer(step.value));
  return { state: opened(step.value.state), report: step.value.report };
}

/** What {@link driveLoop} needs beside the input. */
export interface DriveOptions {
  readonly state: Parameters<Loop>[1];
  readonly options: LoopOptions;
  readonly extras?: LoopExtras | undefined;
  readonly answer: (effect: Effect) => EffectResult;
}
