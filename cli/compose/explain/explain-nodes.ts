import type { LoopReport, NodeReport, NodesOutlook, PendingPodReport, ResolvedGroup } from '../../../cluster-autoscaler/index.ts';
import type { Decision } from '../../../core/model/decision.ts';
import { amountText } from '../../../core/model/amount-text.ts';
import type { NodeRecord } from '../../../core/model/node.ts';
import type { PodRecord } from '../../../core/model/pod.ts';
import type { ResourceList } from '../../../core/model/resource-list.ts';
import type { SnapshotReading } from '../recommend-from.ts';
import type { GroupAhead, NodesLook, YoungPod } from '../nodes-look.ts';
import { changeFor } from './nearest-change.ts';
import type { GroupPart, NodePart, NodesExplanation, PodPart, RefusalPart } from './nodes-explanation.ts';
import { aheadPart, aheadText } from './pool-items.ts';
import { list, text } from './stored-status.ts';
import { ageText, isoTime, remainingSeconds } from './time-text.ts';

export interface ExplainNodesOptions {
  readonly look: NodesLook;
  readonly reading: SnapshotReading;
  /** What could not be read. */
  readonly notes: readonly string[];
}

const nothing = { pod: null, node: null, policy: null, groups: [] } as const;

/** Why a pod has no node, and what would have to change for each group. */
export function explainPod(pod: PodRecord, { look, notes }: ExplainNodesOptions): NodesExplanation {
  const { outlook } = look;
  const subject = { kind: 'Pod', namespace: pod.namespace, name: pod.name } as const;
  const reported = outlook.report.pods.find(({ uid }) => uid === pod.uid);
  const refusals = reported === undefined ? [] : refusalsOf(reported, pod, outlook);
  const young = look.young.find(({ uid }) => uid === pod.uid);
  const part: PodPart = {
    state: stateOf(pod, reported),
    node: pod.nodeName ?? null,
    requests: requestsText(pod.shape.requests),
    group: reported?.group ?? null,
    leftAloneSeconds: young?.seconds ?? null,
    refusals,
  };
  return {
    ...nothing,
    subject,
    summary: [...podSummary(pod, reported, refusals), ...(young === undefined ? [] : [youngText(young)])],
    pod: part,
    groups: groupsOf(
      refusals.map(({ group }) => group),
      look,
    ),
    notes,
  };
}

function stateOf(pod: PodRecord, reported: PendingPodReport | undefined): string {
  if (pod.nodeName !== undefined) return 'running';
  return reported?.state ?? 'unseen';
}

function podSummary(pod: PodRecord, reported: PendingPodReport | undefined, refusals: readonly RefusalPart[]): string[] {
  const name = `Pod ${pod.namespace}/${pod.name}`;
  if (pod.nodeName !== undefined) return [`${name} has a node, ${pod.nodeName}: it waits for none`];
  if (reported === undefined) {
    return [
      pod.unschedulable
        ? `${name} waits, and was not looked at: the cluster is not in a state in which nodes are added`
        : `${name} has no node yet, and the scheduler has not said that none fits: nodes are added for pods that are found unschedulable only`,
    ];
  }
  const [nearest] = refusals;
  return [`${name}: ${reported.message}`, ...(nearest === undefined ? [] : [`nearest is ${nearest.group}: ${nearest.change}`])];
}

/** A look from outside takes it for old enough; the loop that runs does not. */
function youngText({ seconds, why }: YoungPod): string {
  const reason = why === 'new' ? 'it waits whether more pods come' : 'so long a flag, or its annotation, says';
  return `the running controller still leaves it alone for ${ageText(seconds * 1000)}: ${reason}`;
}

function refusalsOf({ refusals }: PendingPodReport, pod: PodRecord, { groups, report }: NodesOutlook): RefusalPart[] {
  return refusals
    .map((refusal, index) => {
      const group = groups.get(refusal.group);
      const { distance, text: change } = changeFor({
        refusal,
        pod,
        group,
        report: report.groups.find((each) => each.group === refusal.group),
        now: report.at,
      });
      return {
        distance,
        index,
        part: { group: refusal.group, filter: refusal.failure?.filter ?? null, reason: refusal.failure?.reason ?? refusal.reason, change },
      };
    })
    .toSorted((a, b) => a.distance - b.distance || a.index - b.index)
    .map(({ part }) => part);
}

function requestsText(requests: ResourceList): Record<string, string> {
  return Object.fromEntries(
    Object.entries(requests).map(([name, milli]) => [name, amountText(name, name === 'cpu' ? milli : milli / 1000)]),
  );
}

/** Why a node is not removed, and when it would be. */
export function explainNode(node: NodeRecord, { look, reading, notes }: ExplainNodesOptions): NodesExplanation {
  const { report } = look.outlook;
  const subject = { kind: 'Node', namespace: '', name: node.name } as const;
  const reported = report.nodes.find((each) => each.node === node.name);
  const deletion = report.deletions.find((each) => each.node === node.name);
  const group = reported?.group ?? deletion?.group;
  const utilization = reported?.utilization ?? deletion?.utilization;
  const part: NodePart = {
    group: group ?? null,
    utilization: utilization ?? null,
    ...reportedPart(reported, report.at),
    pods: reading.pods.podsOnNode(node.name).length,
    goes: deletion !== undefined,
  };
  return {
    ...nothing,
    subject,
    summary: nodeSummary(node, reported, { report, goes: part.goes }),
    node: part,
    groups: groupsOf(group === undefined ? [] : [group], look),
    notes,
  };
}

type ReportedPart = 'utilizationResource' | 'unneededSince' | 'removableAt' | 'removableInSeconds' | 'reason' | 'blockedBy';

function reportedPart(reported: NodeReport | undefined, now: number): Pick<NodePart, ReportedPart> {
  return {
    utilizationResource: reported?.utilizationResource ?? null,
    unneededSince: isoTime(reported?.unneededSince),
    removableAt: isoTime(reported?.removableAt),
    removableInSeconds: remainingSeconds(reported?.removableAt, now),
    reason: reported?.unremovable ?? null,
    blockedBy: blockerOf(reported),
  };
}

function blockerOf(reported: NodeReport | undefined): NodePart['blockedBy'] {
  const blocker = reported?.blockedBy;
  if (blocker === undefined) return null;
  const { namespace, name, reason, pdb } = blocker;
  return { namespace, name, reason, budget: pdb ?? null };
}

function nodeSummary(
  node: NodeRecord,
  reported: NodeReport | undefined,
  { report, goes }: { readonly report: LoopReport; readonly goes: boolean },
): string[] {
  if (goes) return [`Node ${node.name} would be removed now: ${report.deletions.find((each) => each.node === node.name)?.reason ?? ''}`];
  if (!report.clusterHealthy) return [`Node ${node.name} stays: too many nodes of the cluster are not ready, so nothing is removed`];
  if (reported === undefined)
    return [
      `Node ${node.name} was not looked at: it has not started yet, or nothing is removed in this cluster (--scale-down-enabled=false)`,
    ];
  return [reported.message, ...adviceFor(reported)];
}

/** What a person can do about a pod that keeps its node (§14). */
function adviceFor({ blockedBy }: NodeReport): string[] {
  if (blockedBy === undefined) return [];
  const pod = `pod ${blockedBy.namespace}/${blockedBy.name}`;
  switch (blockedBy.reason) {
    case 'NotEnoughPdb':
      return [`to let it go: more healthy pods than PodDisruptionBudget ${blockedBy.pdb ?? ''} demands, or a lower demand`];
    case 'NotReplicated':
      return [
        `to let it go: give ${pod} a controller that makes it anew, or the annotation cluster-autoscaler.kubernetes.io/safe-to-evict: "true"`,
      ];
    case 'LocalStorageRequested':
      return [
        `to let it go: name its volumes in the annotation cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes of ${pod}, or run with --skip-nodes-with-local-storage=false`,
      ];
    case 'UnmovableKubeSystemPod':
      return [`to let it go: a PodDisruptionBudget that selects ${pod}; without one such pods keep their node for an hour`];
    case 'NotSafeToEvictAnnotation':
      return [`to let it go: remove the annotation cluster-autoscaler.kubernetes.io/safe-to-evict from ${pod}`];
    case 'ControllerNotFound':
      return [`to let it go: delete ${pod}, whose controller does not exist any more`];
    case 'MinReplicasReached':
      return [`to let it go: more replicas than --min-replica-count`];
    case 'UnexpectedError':
      return [];
  }
}

/** What a policy is for, and what would be done about each of its groups. */
export function explainPoolPolicy(name: string, { look, notes }: ExplainNodesOptions): NodesExplanation | undefined {
  const entry = look.outlook.assignment.entries.find((each) => each.name === name);
  if (entry === undefined) return undefined;
  const { result, conflicts, raw } = entry;
  const stored = typeof raw.status === 'object' && raw.status !== null ? (raw.status as Readonly<Record<string, unknown>>) : {};
  const groups = groupsOf(entry.groups, look);
  const decided = groups.flatMap(({ decision }) => (decision === null ? [] : [decision]));
  const summary = result.ok
    ? decided
    : [`it cannot be read: ${result.problems.map(({ path, message }) => `${path}: ${message}`).join('; ')}`];
  return {
    ...nothing,
    subject: { kind: 'NodePoolPolicy', namespace: '', name },
    summary:
      summary.length > 0
        ? summary
        : [groups.length === 0 ? 'it selects no node group that the provider knows' : 'nothing would be changed now'],
    groups,
    policy: {
      mode: result.ok ? result.policy.mode : null,
      problems: result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`),
      conflicts: [...conflicts].map(([group, others]) => `${group} is selected by ${others.join(', ')} too: it is left alone`),
      conditions: list(stored['conditions']).map((condition) => ({
        type: text(condition['type']),
        status: text(condition['status']),
        reason: text(condition['reason']),
        message: text(condition['message']),
      })),
    },
    notes,
  };
}

function groupsOf(names: readonly string[], look: NodesLook): GroupPart[] {
  return [...new Set(names)].flatMap((name) => {
    const group = look.outlook.groups.get(name);
    return group === undefined ? [] : [groupPart(group, look)];
  });
}

function groupPart(group: ResolvedGroup, { outlook: { report }, ahead }: NodesLook): GroupPart {
  const { id, targetSize, template, templateProblem, lastScaleUp, lastScaleDown } = group.group;
  const reported = report.groups.find((each) => each.group === id);
  const backoff = reported?.backoff;
  return {
    name: id,
    policy: group.claim.state === 'one' ? group.claim.policy.reference.name : null,
    minSize: group.minSize,
    maxSize: group.maxSize,
    targetSize,
    ready: reported?.counts.ready ?? 0,
    upcoming: reported?.upcoming ?? 0,
    healthy: reported?.health !== 'unhealthy',
    backoff: backoff === undefined ? null : { until: isoTime(backoff.until), code: backoff.failure.code, message: backoff.failure.message },
    holds: group.holds.map(({ by, until, message }) => ({ by, until: isoTime(until), message })),
    decision: decisionText(
      report.decisions.find(({ target }) => target.name === id),
      ahead.get(id),
    ),
    podsToCome: ahead.get(id)?.pods ?? 0,
    nodes: report.nodes
      .filter((node) => node.group === id)
      .map(({ node, unremovable, message }) => ({ node, reason: unremovable ?? null, message })),
    template: template === undefined ? `none: ${templateProblem ?? 'not known'}` : templateText(template.node),
    lastScaleUpTime: isoTime(lastScaleUp),
    lastScaleDownTime: isoTime(lastScaleDown),
    notes: group.notes,
  };
}

function decisionText(decision: Decision | undefined, ahead: GroupAhead | undefined): string | null {
  if (decision === undefined) return null;
  const part = decision.to > decision.from ? aheadPart(decision, ahead) : null;
  return part === null ? decision.message : `${decision.message.replace(/\.$/, '')}; ${aheadText(decision, part)}`;
}

/** `m5.large, cpu 1930m, memory 7.1Gi`. */
function templateText({ instanceType, allocatable, taints }: NodeRecord): string {
  const amounts = Object.entries(requestsText(allocatable))
    .filter(([name]) => name !== 'pods')
    .map(([name, amount]) => `${name} ${amount}`);
  const tainted = taints.map(({ key, value = '', effect }) => `${key}${value === '' ? '' : `=${value}`}:${effect}`);
  return [
    ...(instanceType === '' ? [] : [instanceType]),
    ...amounts,
    ...(tainted.length === 0 ? [] : [`taints ${tainted.join(' ')}`]),
  ].join(', ');
}
