import {
  formatTime,
  setCondition,
  type Condition,
  type ConditionUpdate,
  type Decision,
  type Hold,
  type ScalingHistory,
} from '../../core/model/index.ts';
import { problemsText } from '../../core/model/schema-problems.ts';
import type { GroupReport, LoopReport, NodeReport } from '../engine/loop/model.ts';
import type { PolicyEntry } from '../policy-groups.ts';
import { storedConditions } from '../policy-status.ts';
import type { GroupStatus, NodePoolPolicyStatus } from '../policy-schema.ts';
import { failureText } from './actuator.ts';
import type { ResolvedGroup } from './group-options.ts';

/** What a policy's status is made of. */
export interface PolicyFacts {
  readonly entry: PolicyEntry;
  readonly report: LoopReport;
  /** By id. */
  readonly groups: ReadonlyMap<string, ResolvedGroup>;
  readonly historyOf: (group: string) => ScalingHistory;
  /** The status as it was written last. */
  readonly previous: Partial<NodePoolPolicyStatus>;
}

/** Nodes that a status tells of one by one. */
const mostNodes = 20;
const mostText = 512;

/** The whole status of a policy after a loop. */
export function policyStatus({ entry, report, groups, historyOf, previous }: PolicyFacts): NodePoolPolicyStatus {
  const { raw, result } = entry;
  const own = entry.groups.flatMap((id) => groups.get(id) ?? []);
  const reports = new Map(report.groups.map((each) => [each.group, each]));
  const nodes = nodesByGroup(report);
  const statuses = own.slice(0, 64).map((group) => {
    const { id } = group.group;
    return groupStatus(group, { report: reports.get(id), nodes: nodes.get(id) ?? [], history: historyOf(id) });
  });
  const sum = (value: (status: GroupStatus) => number): number => statuses.reduce((total, status) => total + value(status), 0);
  const generation = raw.metadata.generation;
  const decision = leadingDecision(report, new Set(entry.groups));
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(result.ok
      ? {
          nodes: sum(({ targetSize }) => targetSize),
          minNodes: sum(({ minSize }) => minSize),
          maxNodes: sum(({ maxSize }) => maxSize),
          readyNodes: sum(({ ready }) => ready),
          unneededNodes: sum(({ unneededCount = 0 }) => unneededCount),
        }
      : {}),
    groups: statuses,
    conditions: conditionsAfter(storedConditions(previous), updatesOf(entry, own, report), { generation, now: report.at }),
    ...lastDecisionAfter(previous.lastDecision, decision),
  };
}

function nodesByGroup({ nodes }: LoopReport): ReadonlyMap<string, readonly NodeReport[]> {
  const byGroup = new Map<string, NodeReport[]>();
  for (const node of nodes) {
    if (node.group === undefined) continue;
    const known = byGroup.get(node.group);
    if (known === undefined) byGroup.set(node.group, [node]);
    else known.push(node);
  }
  return byGroup;
}

const scaleUpNames = { 'in-progress': 'InProgress', backoff: 'Backoff', 'no-activity': 'NoActivity' } as const;

interface GroupPart {
  readonly report: GroupReport | undefined;
  readonly nodes: readonly NodeReport[];
  readonly history: ScalingHistory;
}

function groupStatus({ group, minSize, maxSize, notes }: ResolvedGroup, { report, nodes, history }: GroupPart): GroupStatus {
  const unneeded = nodes.filter(({ unneededSince }) => unneededSince !== undefined).toSorted(byName);
  return {
    name: group.id,
    minSize,
    maxSize,
    targetSize: report?.targetSize ?? group.targetSize,
    ...countsPart(report),
    health: report?.health === 'unhealthy' ? 'Unhealthy' : 'Healthy',
    scaleUp: scaleUpNames[report?.scaleUp ?? 'no-activity'],
    ...backoffPart(report?.backoff),
    ...(history.lastScaleUp === undefined ? {} : { lastScaleUpTime: upToSecond(history.lastScaleUp) }),
    ...(history.lastScaleDown === undefined ? {} : { lastScaleDownTime: upToSecond(history.lastScaleDown) }),
    ...(unneeded.length === 0 ? {} : { unneeded: unneeded.slice(0, mostNodes).map(unneededNode), unneededCount: unneeded.length }),
    ...keptPart(nodes.filter(({ unneededSince }) => unneededSince === undefined)),
    ...(notes.length === 0 ? {} : { notes: notes.slice(0, 8).map((note) => note.slice(0, mostText)) }),
  };
}

function countsPart(report: GroupReport | undefined): Pick<GroupStatus, 'ready' | 'notReady' | 'upcoming' | 'beingDeleted'> {
  if (report === undefined) return { ready: 0 };
  const { counts, upcoming } = report;
  return {
    ready: counts.ready,
    ...positive('notReady', counts.unready + counts.notStarted),
    ...positive('upcoming', upcoming),
    ...positive('beingDeleted', counts.beingDeleted),
  };
}

function backoffPart(backoff: GroupReport['backoff']): Pick<GroupStatus, 'backoff'> {
  if (backoff === undefined) return {};
  const { until, failure } = backoff;
  return { backoff: { until: upToSecond(until), code: failure.code, message: failure.message.slice(0, mostText) } };
}

function positive<K extends string>(key: K, count: number): Partial<Record<K, number>> {
  return count > 0 ? ({ [key]: count } as Record<K, number>) : {};
}

/** Without its sentence, which says how much time is left and so changes all the time. */
function unneededNode({ node, unneededSince = 0, removableAt, unremovable }: NodeReport): NonNullable<GroupStatus['unneeded']>[number] {
  return {
    node,
    since: formatTime(unneededSince),
    ...(removableAt === undefined ? {} : { removableAt: upToSecond(removableAt) }),
    ...(unremovable === undefined ? {} : { reason: unremovable }),
  };
}

/** By reason, with the first node as an example: a cluster of a thousand nodes has no room for all. */
function keptPart(nodes: readonly NodeReport[]): Pick<GroupStatus, 'kept'> {
  const byReason = new Map<string, { nodes: number; example: NodeReport }>();
  for (const node of nodes.toSorted(byName)) {
    const reason = keptBy(node);
    if (reason === undefined) continue;
    const known = byReason.get(reason);
    if (known === undefined) byReason.set(reason, { nodes: 1, example: node });
    else known.nodes += 1;
  }
  if (byReason.size === 0) return {};
  const kept = [...byReason]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, { nodes: count, example }]) => ({ reason, nodes: count, example: exampleText(example) }));
  return { kept };
}

/** That it was looked at a short time ago is no reason to stay: what was found then is. */
function keptBy({ found, unremovable }: NodeReport): NodeReport['unremovable'] {
  return unremovable === 'RecentlyUnremovable' ? (found?.reason ?? unremovable) : unremovable;
}

/** Utilization changes with every pod: a status that is written each time would be all that the API server does. */
function exampleText(report: NodeReport): string {
  const { node, blockedBy, found } = report;
  const again = found === undefined ? '' : `; looked at again after ${upToSecond(found.againAt)}`;
  if (blockedBy === undefined) return `${node}: ${keptBy(report) ?? ''}${again}`;
  const { namespace, name, reason, pdb } = blockedBy;
  return `${`${node}: pod ${namespace}/${name}, ${reason}${pdb === undefined ? '' : ` (${pdb})`}`.slice(0, mostText - again.length)}${again}`;
}

function byName(a: NodeReport, b: NodeReport): number {
  return a.node < b.node ? -1 : Number(a.node > b.node);
}

/** A time that is read back never ends a wait early. */
function upToSecond(ms: number): string {
  return formatTime(Math.ceil(ms / 1000) * 1000);
}

type Update = Omit<ConditionUpdate, 'observedGeneration'>;

function updatesOf(entry: PolicyEntry, groups: readonly ResolvedGroup[], report: LoopReport): Update[] {
  const { result } = entry;
  const accepted: Update = result.ok
    ? { type: 'Accepted', status: 'True', reason: 'PolicyAccepted', message: 'the policy is valid and supported' }
    : { type: 'Accepted', status: 'False', reason: 'InvalidPolicy', message: problemsText(result.problems) };
  const names = groups.map(({ group }) => group.id);
  const found: Update =
    names.length === 0
      ? {
          type: 'GroupsFound',
          status: 'False',
          reason: 'NoGroupMatched',
          message: 'no node group that the provider knows is selected; check spec.groups, and --nodes or --node-group-auto-discovery',
        }
      : { type: 'GroupsFound', status: 'True', reason: 'GroupsFound', message: `selects ${listed(names)}` };
  return [accepted, found, healthUpdate(groups, report), heldUpdate(groups)];
}

function healthUpdate(groups: readonly ResolvedGroup[], report: LoopReport): Update {
  if (!report.clusterHealthy) {
    const { unready, registered } = report.counts;
    return {
      type: 'Healthy',
      status: 'False',
      reason: 'ClusterUnhealthy',
      message: `${unready} of ${registered} nodes of the cluster are not ready: nothing is scaled before more of them are`,
    };
  }
  const own = new Set(groups.map(({ group }) => group.id));
  const of = report.groups.filter(({ group }) => own.has(group));
  const bad = of.filter(({ health }) => health === 'unhealthy').map(({ group }) => group);
  if (bad.length > 0)
    return {
      type: 'Healthy',
      status: 'False',
      reason: 'GroupUnhealthy',
      message: `too many nodes of ${listed(bad)} are missing or not ready: it does not grow`,
    };
  const waiting = of.filter(({ backoff }) => backoff !== undefined);
  const [first] = waiting;
  if (first?.backoff !== undefined) {
    return {
      type: 'Healthy',
      status: 'False',
      reason: 'Backoff',
      message:
        `${listed(waiting.map(({ group }) => group))} did not get the nodes that were asked for (${failureText(first.backoff.failure)}); asked again after ${upToSecond(first.backoff.until)}`.slice(
          0,
          1_024,
        ),
    };
  }
  return { type: 'Healthy', status: 'True', reason: 'Healthy', message: 'every node that was asked for is there or coming' };
}

/** `DryRun` of `dry-run`. */
function holdName(by: Hold['by']): string {
  return by.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function heldUpdate(groups: readonly ResolvedGroup[]): Update {
  const holds = groups.flatMap((group) => group.holds);
  const [hold] = holds;
  if (hold === undefined) return { type: 'Held', status: 'False', reason: 'NotHeld', message: 'the groups are scaled as needed' };
  const messages = [...new Set(holds.map(({ message }) => message))];
  return { type: 'Held', status: 'True', reason: holdName(hold.by), message: messages.join('; ').slice(0, 1_024) };
}

function listed(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

function conditionsAfter(
  before: readonly Condition[],
  updates: readonly Update[],
  { generation, now }: { readonly generation: number | undefined; readonly now: number },
): Condition[] {
  let conditions: Condition[] = [...before];
  for (const update of updates) {
    conditions = setCondition(conditions, generation === undefined ? update : { ...update, observedGeneration: generation }, now);
  }
  return conditions;
}

/** The one that changes something, else the first that is held. */
function leadingDecision({ decisions }: LoopReport, groups: ReadonlySet<string>): (Decision & { readonly group: string }) | undefined {
  const own = decisions.flatMap((decision) => {
    const group = groupOfDecision(decision, groups);
    return group === undefined ? [] : [{ ...decision, group }];
  });
  return own.find(({ from, to }) => from !== to) ?? own[0];
}

/** A decision is about a group, or about a node of one. */
export function groupOfDecision({ target, subject }: Decision, groups: ReadonlySet<string>): string | undefined {
  return [target.name, subject.name].find((name) => groups.has(name));
}

type LastDecision = NonNullable<NodePoolPolicyStatus['lastDecision']>;

function lastDecisionAfter(
  previous: LastDecision | undefined,
  decision: (Decision & { readonly group: string }) | undefined,
): { readonly lastDecision?: LastDecision } {
  if (decision === undefined) return previous === undefined ? {} : { lastDecision: previous };
  const { group, from, to, reason, message, at, holds } = decision;
  const next: LastDecision = {
    group,
    from,
    to,
    reason,
    message,
    at: formatTime(at),
    ...(holds.length === 0
      ? {}
      : {
          holds: holds.map(({ by, until, message: why }) => ({
            by,
            ...(until === undefined ? {} : { until: upToSecond(until) }),
            message: why,
          })),
        }),
  };
  // What goes on being held is no news; what is done again is.
  const same = previous !== undefined && from === to && outcomeOf(previous) === outcomeOf(next);
  return { lastDecision: same ? previous : next };
}

function outcomeOf({ group, reason, from, to, holds = [] }: LastDecision): string {
  return JSON.stringify([group, reason, from, to, holds.map(({ by, until }) => [by, until ?? null])]);
}
