import type { NodeRecord, PodRecord } from '../../../core/model/index.ts';
import { humanDuration } from '../../../core/units/index.ts';
import type { NodeGroup } from '../model.ts';
import type { NodeId } from '../scheduling/index.ts';
import type { Candidate } from './candidates.ts';
import { localDelay } from './delays.ts';
import { occupationOf } from './drain.ts';
import type { DrainContext } from './drain-rule.ts';
import type { Eligibility } from './eligibility.ts';
import { eligibilityOf, isGpuNode } from './eligibility.ts';
import type { ScaleDownInput, ScaleDownOptions, ScaleDownState } from './model.ts';
import type { Finding } from './node-report.ts';
import { percent, shareText, untilText } from './node-report.ts';

/** What the steps of one pass share. */
export interface PassContext {
  readonly input: ScaleDownInput;
  readonly state: ScaleDownState;
  readonly options: ScaleDownOptions;
  readonly drain: DrainContext;
  readonly groups: ReadonlyMap<string, NodeGroup>;
}

/** The nodes before any removal is simulated. */
export interface Survey {
  /** One for each node, in the order handed in. */
  readonly findings: readonly Finding[];
  /** Nodes whose removal is worth a simulation, not yet in order. */
  readonly candidates: readonly Candidate[];
  readonly destinations: Set<NodeId>;
  /** Some node was looked at at all; without one, scale-down counts as in cooldown (as upstream). */
  readonly lookedAt: boolean;
}

/** Nodes that are looked at between two places where the pass may pause. */
const batch = 16;

/** Looks at each node once: group, delays, size, utilization. Pauses now and then. */
export function* survey(context: PassContext): Generator<void, Survey> {
  const { input } = context;
  const deleting = new Set(input.deletions.running.map(({ node }) => node));
  const findings: Finding[] = [];
  const candidates: Candidate[] = [];
  const destinations = new Set<NodeId>();
  let lookedAt = false;
  for (let index = 0; index < input.nodes.length; index++) {
    if (index % batch === batch - 1) yield;
    const node = input.nodes[index] as NodeRecord;
    const group = context.groups.get(input.groupOf(node) ?? '');
    const finding: Finding = { node: node.name, group: group?.id, text: '' };
    findings.push(finding);
    if (group === undefined) hold(finding, 'NotAutoscaled', 'stays: it belongs to no node group that is managed here');
    if (deleting.has(node.name)) {
      hold(finding, 'CurrentlyBeingDeleted', 'is being deleted');
      continue;
    }
    const id = input.snapshot.find(node.name);
    if (id !== undefined) destinations.add(id);
    const pods = id === undefined ? [] : input.snapshot.podsOn(id);
    const surveyed: Surveyed = { node, group, pods };
    const eligibility = eligibilityIn(context, surveyed);
    finding.utilization = eligibility.utilization;
    if (group === undefined || !isCandidate(context, finding, group)) continue;
    lookedAt = true;
    if (id === undefined) hold(finding, 'UnexpectedError', 'stays: it is not in the simulated cluster');
    else if (eligibility.reason !== undefined) holdIneligible(context, finding, surveyed, eligibility);
    else candidates.push({ index, id, node, group, ...order(context, surveyed, eligibility) });
  }
  return { findings, candidates: withoutBrokenGroups(context, findings, candidates), destinations, lookedAt };
}

/** By what candidates are put in order. */
function order({ state, drain }: PassContext, { node, pods }: Surveyed, { utilization }: Eligibility) {
  return {
    occupation: occupationOf(pods, drain),
    unneededSince: state.unneeded.get(node.name),
    pods: pods.length,
    share: utilization?.share ?? 0,
  };
}

/** Notes why a node stays. */
export function hold(finding: Finding, reason: Finding['reason'], text: string): void {
  finding.reason = reason;
  finding.text = text;
}

/** Groups that wait after a scaling (delays of type local) or have no node to spare are not looked at further. */
function isCandidate({ input, state, options }: PassContext, finding: Finding, group: NodeGroup): boolean {
  const delay = localDelay(state.groups.get(group.id), options, input.now);
  if (delay !== undefined) {
    hold(
      finding,
      'InCooldown',
      `stays: its group ${group.id} is looked at again ${untilText(delay.until, input.now)}, ${delay.after} is too recent`,
    );
    return false;
  }
  if (group.targetSize <= group.minSize) {
    hold(finding, 'NodeGroupMinSizeReached', `stays: its group ${group.id} has its minimum of ${group.minSize} nodes`);
    return false;
  }
  return true;
}

interface Surveyed {
  readonly node: NodeRecord;
  readonly group: NodeGroup | undefined;
  readonly pods: readonly PodRecord[];
}

function eligibilityIn({ input, state, options }: PassContext, { node, pods, group }: Surveyed): Eligibility {
  const failure = state.failures.get(node.name);
  const facts = { now: input.now, node, pods, group: group?.options, recentlyUnremovable: false, devices: input.devices?.get(node.name) };
  const eligibility = eligibilityOf(facts, options);
  // The report shows the utilization of nodes that failed a short time ago, too.
  return failure !== undefined && failure.until > input.now ? { ...eligibility, reason: 'RecentlyUnremovable' } : eligibility;
}

function holdIneligible(context: PassContext, finding: Finding, surveyed: Surveyed, eligibility: Eligibility): void {
  const { reason, problem } = eligibility;
  const failure = reason === 'RecentlyUnremovable' ? context.state.failures.get(finding.node) : undefined;
  finding.blockedBy = failure?.blockedBy;
  if (failure !== undefined) {
    finding.found = { reason: failure.reason, againAt: failure.until };
    hold(finding, reason, `stays: ${failure.message}; tried again ${untilText(failure.until, context.input.now)}`);
  } else if (reason === 'CurrentlyBeingDeleted') {
    hold(finding, reason, 'is being deleted');
  } else if (reason === 'ScaleDownDisabledAnnotation') {
    hold(finding, reason, 'stays: scale-down is disabled on it by annotation');
  } else if (reason === 'ScaleDownUnreadyDisabled') {
    hold(finding, reason, 'stays: it is not ready, and unready nodes are not removed (--scale-down-unready-enabled=false)');
  } else if (reason === 'NotUnderutilized') {
    hold(finding, reason, `stays: ${usedText(context, surveyed, eligibility)}`);
  } else {
    hold(finding, reason, `stays: ${problem ?? 'its utilization cannot be computed'}`);
  }
}

function usedText({ options }: PassContext, { node, group }: Surveyed, { utilization }: Eligibility): string {
  const threshold = isGpuNode(node, options) ? group?.options.gpuUtilizationThreshold : group?.options.utilizationThreshold;
  const share = utilization === undefined ? 'too much' : shareText(utilization);
  return `its pods ask for ${share}, more than the threshold of ${percent(threshold ?? 0)}`;
}

/** House: nodes of a group that goes as a whole are not tried while some node of it has to stay. */
function withoutBrokenGroups(
  { input, options, groups }: PassContext,
  findings: readonly Finding[],
  candidates: readonly Candidate[],
): readonly Candidate[] {
  if (options.compat !== 'none' || !candidates.some(({ group }) => group.options.zeroOrMax)) return candidates;
  const registered = registeredByGroup(input, groups);
  const counts = new Map<string, number>();
  for (const { group } of candidates) counts.set(group.id, (counts.get(group.id) ?? 0) + 1);
  return candidates.filter(({ group, index }) => {
    const count = counts.get(group.id);
    if (!group.options.zeroOrMax || count === group.targetSize || count === registered.get(group.id)) return true;
    const finding = findings[index];
    if (finding !== undefined) {
      hold(
        finding,
        'AtomicScaleDownFailed',
        `stays: its group ${group.id} goes as a whole or not at all, and other nodes of it are needed`,
      );
    }
    return false;
  });
}

/** Registered nodes of each group. */
export function registeredByGroup({ nodes, groupOf }: ScaleDownInput, groups: ReadonlyMap<string, NodeGroup>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const id = groupOf(node) ?? '';
    if (groups.has(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** For messages: how long ago. */
export function sinceText(since: number, now: number): string {
  return humanDuration(Math.max(0, now - since));
}
