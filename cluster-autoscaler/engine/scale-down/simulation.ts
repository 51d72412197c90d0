import type { PodRecord } from '../../../core/model/index.ts';
import { notSimulated } from '../scheduling/devices/index.ts';
import type { NodeId, SchedulingSnapshot } from '../scheduling/index.ts';
import type { Candidate } from './candidates.ts';
import { inSimulationOrder } from './candidates.ts';
import { blockingPodOf } from './drain.ts';
import { keepers } from './keepers.ts';
import type { RemovalHints } from './model.ts';
import type { Finding } from './node-report.ts';
import { untilText } from './node-report.ts';
import type { Removal, RemovalFailure } from './removal.ts';
import { createRemovalSimulator } from './removal.ts';
import type { PassContext, Survey } from './survey.ts';
import { hold } from './survey.ts';

/** A candidate that can go. */
export interface Removable {
  readonly candidate: Candidate;
  readonly removal: Removal;
}

/** What simulating the removals brought. */
export interface Simulation {
  readonly removable: readonly Removable[];
  /** Messages of the failures of this pass, by node name, to be remembered. */
  readonly failed: ReadonlyMap<string, Finding>;
  readonly hints: RemovalHints;
  readonly skipped: readonly string[];
  readonly timedOut: boolean;
}

/** Tries the candidates one after the other, each in what the ones before have left; pauses after each. The snapshot is as before in the end. */
export function* simulate(context: PassContext, survey: Survey, elapsed: () => number): Generator<void, Simulation> {
  const { input, options, drain, state } = context;
  const order = inSimulationOrder(survey.candidates, options.compat);
  const limit = enough(context);
  const removable: Removable[] = [];
  const failed = new Map<string, Finding>();
  let counted = 0;
  let tried = 0;
  let timedOut = false;
  const layers = createLayers(input.snapshot);
  try {
    const destinations: Set<NodeId> = new Set(survey.destinations);
    const simulator = createRemovalSimulator({
      snapshot: input.snapshot,
      drain,
      hints: state.hints,
      asUpstream: options.compat === 'cluster-autoscaler',
      destinations,
      kept: keepers(context, survey, order),
    });
    for (const candidate of order) {
      timedOut = elapsed() > options.scaleDownSimulationTimeoutMs;
      if (timedOut || counted >= limit) break;
      tried += 1;
      const removal = simulator.simulate(candidate.id);
      const finding = survey.findings[candidate.index];
      if (removal.removable) {
        removable.push({ candidate, removal });
        if (removable.length % layer === 0) layers.add();
        if (!candidate.group.options.zeroOrMax && candidate.group.options.actionable) counted += 1;
      } else if (finding !== undefined) {
        note(finding, removal, { until: input.now + options.unremovableNodeRecheckMs, now: input.now, snapshot: input.snapshot });
        failed.set(finding.node, finding);
      }
      yield;
    }
    for (const { index } of order.slice(tried)) {
      const finding = survey.findings[index];
      if (finding !== undefined) {
        finding.text = timedOut
          ? 'was not looked at: the time for simulations was over'
          : `was not looked at: ${counted} nodes that can go are enough for now`;
      }
    }
    const hints = simulator.hints();
    yield;
    while (layers.undo()) yield;
    return { removable, failed, hints, skipped: order.slice(tried).map(({ node }) => node.name), timedOut };
  } finally {
    // Only when something was thrown is anything left.
    while (layers.undo());
  }
}

/** Removals in one layer of the snapshot: what is undone between two places where the pass may pause. */
const layer = 32;

/** The simulation's forks, to be undone one by one: thousands of removals at once would hold up the process. */
function createLayers(snapshot: SchedulingSnapshot) {
  let count = 0;
  const add = (): void => {
    snapshot.fork();
    count += 1;
  };
  const undo = (): boolean => {
    if (count === 0) return false;
    snapshot.revert();
    count -= 1;
    return true;
  };
  add();
  return { add, undo };
}

/** min(known unneeded + 2N, N × floor(U / I) + N): more than can be deleted before they are looked at again need not be known (§13.5). */
function enough({ state, options, groups, input }: PassContext): number {
  const parallel = options.maxScaleDownParallelism;
  const unneededMs = Math.max(0, ...[...groups.values()].map((group) => group.options.unneededMs));
  const interval = shortestInterval(state.shortestIntervalMs, state.latest, input.now) ?? unneededMs;
  const rounds = interval > 0 ? Math.max(1, Math.floor(unneededMs / interval)) : 1;
  return Math.min(state.unneeded.size + 2 * parallel, parallel * rounds + parallel);
}

/** The shortest time between two passes, this one included. */
export function shortestInterval(shortest: number | undefined, latest: number | undefined, now: number): number | undefined {
  if (latest === undefined || now <= latest) return shortest;
  return Math.min(shortest ?? Infinity, now - latest);
}

interface NoteContext {
  readonly until: number;
  readonly now: number;
  readonly snapshot: SchedulingSnapshot;
}

function note(finding: Finding, failure: RemovalFailure, { until, now, snapshot }: NoteContext): void {
  const { reason, blocker, stuck } = failure;
  const text =
    blocker !== undefined
      ? `pod ${blocker.namespace}/${blocker.name} blocks the drain (${blocker.reason}, rule ${blocker.rule}): ${blocker.detail}`
      : `pod ${stuck?.namespace ?? ''}/${stuck?.name ?? ''} fits on no other node${doubtOf(stuck, snapshot)}`;
  if (blocker !== undefined) finding.blockedBy = blockingPodOf(blocker);
  finding.remembered = text;
  finding.retryAt = until;
  finding.found = { reason, againAt: until };
  hold(finding, reason, `stays: ${text}; tried again ${untilText(until, now)}`);
}

/** That it is not known where the pod could go, and why: its claims on devices cannot be simulated. */
function doubtOf(stuck: PodRecord | undefined, snapshot: SchedulingSnapshot): string {
  const [node] = snapshot.nodeIds();
  if (stuck === undefined || node === undefined || stuck.shape.resourceClaims.length === 0) return '';
  const { filter, reason = '' } = snapshot.failure(snapshot.classOf(stuck), node) ?? {};
  return filter === 'DynamicResources' && reason.startsWith(notSimulated) ? `: ${reason}` : '';
}
