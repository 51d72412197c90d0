import type { NodeReport } from '../loop/model.ts';
import type { PlannedDeletion } from '../model.ts';
import { isReady } from '../registry/index.ts';
import { compareNames, compareShares } from './candidates.ts';
import type { Delay } from './delays.ts';
import { globalDelay } from './delays.ts';
import { withinBudgets } from './deletion-budgets.ts';
import type { GateFacts, GateResult, Held, Unneeded } from './deletion-gate.ts';
import { throughGate, waitOf } from './deletion-gate.ts';
import { resourcesOf, spareResources } from './minimum-resources.ts';
import type { RememberedFailure, ScaleDownResult, ScaleDownState } from './model.ts';
import type { Finding } from './node-report.ts';
import { reportOf, shareText, untilText } from './node-report.ts';
import type { Simulation } from './simulation.ts';
import { shortestInterval } from './simulation.ts';
import { softTaintsOf } from './soft-taints.ts';
import type { PassContext, Survey } from './survey.ts';
import { registeredByGroup, sinceText } from './survey.ts';

/** Nodes that are reported between two places where the pass may pause. */
const batch = 256;

/** From what can go to what goes now: times, delays, sizes, budgets; then the report and what is carried on. Pauses now and then. */
export function* conclude(context: PassContext, survey: Survey, simulation: Simulation): Generator<void, ScaleDownResult> {
  const { input, state, options } = context;
  const { now } = input;
  const unneeded = unneededOf(context, simulation);
  yield;
  const delay = globalDelay(state, options, now);
  const inCooldown = input.paused === true || !survey.lookedAt || delay !== undefined;
  const gate = throughGate(unneeded, gateFacts(context));
  yield;
  const planned = inCooldown ? [] : withinBudgets(gate.due, input.deletions.running, options);
  const chosen = new Set(planned);
  yield;

  const outcome: Outcome = { context, gate, chosen, delay: inCooldown ? (delay ?? 'paused') : undefined };
  for (const [done, each] of unneeded.entries()) {
    const finding = survey.findings[each.index];
    if (finding !== undefined) describe(finding, each, outcome);
    if (done % batch === batch - 1) yield;
  }
  const reports: NodeReport[] = [];
  for (const finding of survey.findings) {
    reports.push(reportOf(finding));
    if (reports.length % batch === 0) yield;
  }
  const deletions: PlannedDeletion[] = [];
  for (const each of planned) {
    deletions.push(plannedDeletion(each));
    if (deletions.length % batch === 0) yield;
  }
  const next = nextState(context, simulation, unneeded);
  yield;
  return {
    state: next,
    deletions,
    inCooldown,
    unneeded: unneeded.map(({ node }) => node.name).toSorted(),
    softTaints: softTaintsOf({
      nodes: input.nodes.filter((node) => context.groups.get(input.groupOf(node) ?? '')?.options.actionable === true),
      unneeded: next.unneeded,
      going: new Set(planned.map(({ node }) => node.name)),
      limit: options.maxBulkSoftTaintCount,
    }),
    nodes: reports,
    skipped: simulation.skipped.length,
    skippedNodes: simulation.skipped,
    // In cooldown nobody asks what else would keep them.
    limited: inCooldown ? [] : [...gate.held.values()].flatMap(({ limits = [] }) => limits),
    timedOut: simulation.timedOut,
  };
}

/** Of all that are due upstream takes them as a map gives them; we by name, and the house's way what disturbs least first. */
function unneededOf({ state, options, input }: PassContext, { removable }: Simulation): readonly Unneeded[] {
  const house = options.compat === 'none';
  return removable
    .map(({ candidate, removal }): Unneeded => {
      const { node, group, share, index } = candidate;
      return {
        node,
        group,
        share,
        index,
        removal,
        since: state.unneeded.get(node.name) ?? input.now,
        kind: removal.moves ? 'drain' : 'empty',
      };
    })
    .toSorted(
      (a, b) =>
        (house
          ? Number(a.removal.risky) - Number(b.removal.risky) ||
            a.removal.evict.length - b.removal.evict.length ||
            compareShares(a.share, b.share)
          : 0) || compareNames(a.node, b.node),
    );
}

function gateFacts({ input, options, groups }: PassContext): GateFacts {
  const running = new Map<string, number>();
  for (const { group } of input.deletions.running) running.set(group, (running.get(group) ?? 0) + 1);
  return {
    now: input.now,
    running,
    registered: registeredByGroup(input, groups),
    spare: spareResources(input.snapshot, options, input.now),
    resourcesOf: (node) => resourcesOf(node, options),
  };
}

function plannedDeletion({ node, group, kind, removal, share }: Unneeded): PlannedDeletion {
  return {
    node: node.name,
    group: group.id,
    kind,
    evict: removal.evict.map(({ uid }) => uid),
    daemons: removal.daemons.map(({ uid }) => uid),
    reason: isReady(node) ? (kind === 'empty' ? 'empty' : 'underutilized') : 'unready',
    utilization: share,
  };
}

function nextState({ input, state }: PassContext, { failed, hints }: Simulation, unneeded: readonly Unneeded[]): ScaleDownState {
  const failures = new Map<string, RememberedFailure>();
  for (const [name, failure] of state.failures) {
    if (failure.until > input.now && input.snapshot.find(name) !== undefined) failures.set(name, failure);
  }
  for (const [name, { reason = 'UnexpectedError', blockedBy, remembered = '', retryAt = input.now }] of failed) {
    failures.set(name, { until: retryAt, reason, blockedBy, message: remembered });
  }
  return {
    ...state,
    unneeded: new Map(unneeded.map(({ node, since }) => [node.name, since])),
    failures,
    hints,
    latest: input.now,
    shortestIntervalMs: shortestInterval(state.shortestIntervalMs, state.latest, input.now),
  };
}

interface Outcome {
  readonly context: PassContext;
  readonly gate: GateResult;
  readonly chosen: ReadonlySet<Unneeded>;
  /** What holds all deletions of this loop. */
  readonly delay: Delay | 'paused' | undefined;
}

/** Says in the finding of an unneeded node whether it goes, or what it waits for and how long. */
function describe(finding: Finding, each: Unneeded, { context, gate, chosen, delay }: Outcome): void {
  const { now } = context.input;
  const { removal, since, kind } = each;
  const pods = removal.evict.length;
  const use = finding.utilization === undefined ? 'little of it is used' : `its pods ask for ${shareText(finding.utilization)}`;
  const what = `is not needed (${use}, ${kind === 'empty' ? 'no pod has to move' : `${pods} pod${pods === 1 ? '' : 's'} to evict`})`;
  finding.unneededSince = since;
  finding.waitMs = waitOf(each);
  if (chosen.has(each)) {
    finding.removableAt = now;
    finding.text = `goes now: it ${what} for ${sinceText(since, now)}`;
    return;
  }
  const held = gate.held.get(each);
  finding.removableAt = removableAt(each, held, delay);
  if (delay !== undefined && (held === undefined || context.options.compat === 'cluster-autoscaler')) {
    finding.reason = context.options.compat === 'cluster-autoscaler' ? undefined : 'InCooldown';
    finding.text =
      delay === 'paused'
        ? `${what}; nothing is removed in this loop`
        : `${what}; scale-down waits after ${delay.after} and goes on ${untilText(delay.until, now)}`;
    return;
  }
  if (held === undefined) {
    finding.text = `${what} and waits for its turn: not more than ${context.options.maxScaleDownParallelism} nodes, of them ${context.options.maxDrainParallelism} with pods, go at a time`;
    return;
  }
  finding.reason = held.reason;
  finding.text = heldText(what, held, now);
}

function heldText(what: string, { reason, until, message }: Held, now: number): string {
  if (reason === 'NotUnneededLongEnough' || reason === 'NotUnreadyLongEnough') {
    return `${what}; it goes ${untilText(until ?? now, now)} if that stays so`;
  }
  if (until !== undefined) return `${what} but stays: ${message}, until ${untilText(until, now).replace(/^in /, '')} from now`;
  return `${what} but stays: ${message}`;
}

/** When it would go if nothing else changes; only times are foreseen. */
function removableAt(each: Unneeded, held: Held | undefined, delay: Delay | 'paused' | undefined): number | undefined {
  if (held !== undefined && held.until === undefined) return undefined;
  if (held === undefined && delay === undefined) return undefined;
  const own = each.since + waitOf(each);
  return Math.max(own, held?.until ?? own, delay === undefined || delay === 'paused' ? own : delay.until);
}
