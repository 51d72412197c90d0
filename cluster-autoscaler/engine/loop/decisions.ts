import type { Decision, Hold, ObjectReference, TraceStep } from '../../../core/model/index.ts';
import type { NodeGroup, PlannedDeletion, UnremovableReason } from '../model.ts';
import type { LoopContext } from './context.ts';
import { growthCooldown } from './group-hold.ts';
import type { LoopReport, NodeReport } from './model.ts';
import type { Progress } from './progress.ts';

type Draft = Omit<LoopReport, 'decisions'>;

/**
 * One decision for each group that grew, that shrinks, or that would and is held, and one for each node that goes. Subject and target are the group
 * (or the node): whoever knows of a policy puts it in as the subject.
 */
export function decisionsOf(loop: LoopContext, progress: Progress, report: Draft): readonly Decision[] {
  const going = deletionsByGroup(progress.deletions);
  return [
    ...growth(loop, progress),
    ...loop.groups().flatMap((group) => shrinking(loop, group, { report, going: going.get(group.id) ?? [] })),
    ...progress.deletions.map((deletion) => nodeDecision(loop, deletion)),
  ];
}

/** Reference of a group. */
export function groupReference(name: string): ObjectReference {
  return { apiVersion: 'concertina.dev/v1alpha1', kind: 'NodeGroup', name };
}

function decision(at: number, name: string, parts: Omit<Decision, 'controller' | 'subject' | 'target' | 'at'>): Decision {
  const target = groupReference(name);
  return { controller: 'cluster-autoscaler', subject: target, target, at, ...parts };
}

/** Sizes that were raised or refused, and groups that could not be asked though pods need nodes. */
function growth({ input, registry, groups }: LoopContext, { scaleUps }: Progress): readonly Decision[] {
  const at = input.now;
  const decided: Decision[] = [];
  for (const { increases, failures, trace } of scaleUps) {
    for (const { group, from, to, max } of increases) {
      const message = `${group} grows from ${from} to ${to} nodes (max ${max}).`;
      decided.push(decision(at, group, { from, to, wanted: to, reason: 'ScaledUpGroup', message, holds: [], trace }));
    }
    for (const { change, failure } of failures) {
      const { group, from, to } = change;
      const until = registry.backoff(group)?.until;
      const message = `The cloud refused to grow ${group} from ${from} to ${to} nodes: ${failure.message}.`;
      const hold: Hold = { by: 'target-unavailable', message, ...(until === undefined ? {} : { until }) };
      decided.push(decision(at, group, { from, to: from, wanted: to, reason: 'FailedToScaleUpGroup', message, holds: [hold], trace }));
    }
  }
  const left = scaleUps.some(({ pods }) => pods.some(({ state }) => state === 'waits' || state === 'refused'));
  if (!left) return decided;
  const asked = new Set(decided.map(({ target }) => target.name));
  for (const group of groups()) {
    const hold = asked.has(group.id) ? undefined : holdOf(group, at, registry.backoff(group.id)?.until);
    if (hold === undefined) continue;
    const { targetSize: size } = group;
    const message = `${group.id} stays at ${size} nodes though pods need more: ${hold.message}`;
    decided.push(
      decision(at, group.id, { from: size, to: size, wanted: null, reason: 'NotTriggerScaleUp', message, holds: [hold], trace: [] }),
    );
  }
  return decided;
}

function holdOf(group: NodeGroup, now: number, backoffUntil: number | undefined): Hold | undefined {
  if (!group.options.actionable) return { by: 'dry-run', message: 'its policy does not let it be changed.' };
  if (backoffUntil !== undefined)
    return { by: 'target-unavailable', until: backoffUntil, message: 'it is in backoff after a failed scale-up.' };
  if (group.targetSize >= group.maxSize) return { by: 'bounds', message: `its maximum is ${group.maxSize}.` };
  const until = growthCooldown(group, now);
  return until === undefined ? undefined : { by: 'cooldown', until, message: 'it is in cooldown after its last scale-up.' };
}

interface Shrinking {
  readonly report: Draft;
  readonly going: readonly PlannedDeletion[];
}

/** A group that loses nodes now, or has unneeded ones that something keeps. */
function shrinking({ input }: LoopContext, group: NodeGroup, { report, going }: Shrinking): readonly Decision[] {
  const unneeded = report.nodes.filter((node) => node.group === group.id && node.unneededSince !== undefined);
  const gone = new Set(going.map(({ node }) => node));
  const held = unneeded.filter(({ node }) => !gone.has(node));
  if (going.length === 0 && held.length === 0) return [];
  const from = group.targetSize;
  const to = from - going.length;
  const wanted = from - unneeded.length;
  const goes = going.map(({ node }) => node).join(', ');
  const waits = held.map(({ node }) => node).join(', ');
  const message = [
    going.length === 0 ? `${group.id} stays at ${from} nodes.` : `${group.id} shrinks from ${from} to ${to} nodes: ${goes}.`,
    held.length === 0 ? '' : `Not needed, but kept for now: ${waits}.`,
  ];
  const trace = unneeded.map((node): TraceStep => ({
    step: 'unneeded',
    message: node.message,
    values: { node: node.node, utilization: node.utilization ?? null },
  }));
  const reason = going.length === 0 ? 'ScaleDownHeld' : 'ScaleDown';
  return [
    decision(input.now, group.id, {
      from,
      to,
      wanted,
      reason,
      message: message.filter((text) => text !== '').join(' '),
      holds: holdsOf(held),
      trace,
    }),
  ];
}

/** What keeps unneeded nodes, each reason once, with the earliest time at which it may end. */
function holdsOf(nodes: readonly NodeReport[]): readonly Hold[] {
  const holds = new Map<Hold['by'], Hold>();
  for (const { unremovable, removableAt, message } of nodes) {
    const by = unremovable === undefined ? 'rate-limit' : (holdReasons[unremovable] ?? 'stabilization');
    const before = holds.get(by);
    const until = earliest(before?.until, removableAt);
    holds.set(by, { by, message: before?.message ?? message, ...(until === undefined ? {} : { until }) });
  }
  return [...holds.values()];
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

const holdReasons: Readonly<Partial<Record<UnremovableReason, Hold['by']>>> = {
  NotUnneededLongEnough: 'stabilization',
  NotUnreadyLongEnough: 'stabilization',
  InCooldown: 'cooldown',
  PolicyHolds: 'dry-run',
  NodeGroupMinSizeReached: 'bounds',
  MinimalResourceLimitExceeded: 'bounds',
  NodeGroupMaxDeletionCountReached: 'rate-limit',
  AtomicScaleDownFailed: 'bounds',
  BlockedByPod: 'disruption-budget',
  BlockedByOnCompletionPod: 'disruption-budget',
  ScaleDownDisabledAnnotation: 'paused',
};

function nodeDecision({ input }: LoopContext, { node, group, kind, reason, evict, utilization }: PlannedDeletion): Decision {
  const target: ObjectReference = { apiVersion: 'v1', kind: 'Node', name: node };
  const why = reason === 'unready' ? 'it has been unready for too long' : `it uses ${Math.round(utilization * 1000) / 10} %`;
  const pods =
    kind === 'empty' ? 'it has no pods to move' : evict.length === 1 ? 'its pod fits elsewhere' : `its ${evict.length} pods fit elsewhere`;
  return {
    controller: 'cluster-autoscaler',
    subject: groupReference(group),
    target,
    at: input.now,
    from: 1,
    to: 0,
    wanted: 0,
    reason: kind === 'empty' ? 'ScaleDownEmpty' : 'ScaleDown',
    message: `Node ${node} of ${group} goes: ${why}, and ${pods}.`,
    holds: [],
    trace: [],
  };
}

function deletionsByGroup(deletions: readonly PlannedDeletion[]): ReadonlyMap<string, readonly PlannedDeletion[]> {
  const byGroup = new Map<string, PlannedDeletion[]>();
  for (const deletion of deletions) {
    const list = byGroup.get(deletion.group);
    if (list === undefined) byGroup.set(deletion.group, [deletion]);
    else list.push(deletion);
  }
  return byGroup;
}
