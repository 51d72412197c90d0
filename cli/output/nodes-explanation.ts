import type { GroupPart, NodePart, NodesExplanation, PodPart, PolicyPart } from '../compose/explain/nodes-explanation.ts';
import { age, left, sectionsText, time, type ExplanationStyle, type Section } from './explanation.ts';

/** Nodes of a group that a person is shown; JSON has all. */
const mostNodes = 15;

/** A pod, a node or a policy of node groups as numbered steps. The same explanation gives the same text. */
export function nodesExplanationText(explanation: NodesExplanation, style: ExplanationStyle): string {
  const { subject, summary } = explanation;
  const title = `${subject.kind} ${subject.namespace === '' ? '' : `${subject.namespace}/`}${subject.name}`;
  return sectionsText({ title, summary, sections: sectionsOf(explanation, style.at) }, style);
}

function sectionsOf({ subject, pod, node, policy, groups, notes }: NodesExplanation, now: number): Section[] {
  const detailed = subject.kind === 'NodePoolPolicy';
  return [
    { title: 'The pod', lines: pod === null ? [] : podLines(pod) },
    { title: 'Why no group takes it, the nearest first', lines: pod === null ? [] : refusalLines(pod) },
    { title: 'The node', lines: node === null ? [] : nodeLines(node, now) },
    { title: 'The policy', lines: policy === null ? [] : policyLines(policy) },
    ...groups.map((group) => ({ title: `Group ${group.name}`, lines: groupLines(group, { now, detailed }) })),
    { title: 'What is not known', lines: notes },
  ];
}

function podLines({ state, node, requests, group }: PodPart): string[] {
  const asks = Object.entries(requests).map(([name, amount]) => `${name} ${amount}`);
  return [
    `${state}${node === null ? '' : ` on ${node}`}${group === null ? '' : `, group ${group}`}`,
    asks.length === 0 ? 'asks for nothing' : `asks for ${asks.join(', ')}`,
  ];
}

function refusalLines({ refusals }: PodPart): string[] {
  return refusals.flatMap(({ group, filter, reason, change }) => [
    `${group}: ${filter === null ? '' : `${filter}: `}${reason}`,
    `\tto change: ${change}`,
  ]);
}

function nodeLines(
  { group, utilization, utilizationResource, unneededSince, removableAt, reason, blockedBy, pods, goes }: NodePart,
  now: number,
): string[] {
  const used =
    utilization === null ? '' : `, ${Math.round(utilization * 1000) / 10} % of its ${utilizationResource ?? 'resources'} requested`;
  return [
    `${group === null ? 'of no group' : `group ${group}`}, ${pods} ${pods === 1 ? 'pod' : 'pods'}${used}`,
    ...(unneededSince === null ? [] : [`unneeded since ${time(unneededSince)} (${age((now - Date.parse(unneededSince)) / 1000)})`]),
    ...(goes ? ['would be removed now'] : reason === null ? [] : [`stays: ${reason}`]),
    ...(blockedBy === null
      ? []
      : [
          `because of pod ${blockedBy.namespace}/${blockedBy.name}: ${blockedBy.reason}${blockedBy.budget === null ? '' : ` (PodDisruptionBudget ${blockedBy.budget})`}`,
        ]),
    ...(removableAt === null ? [] : [`would be removed at ${time(removableAt)} (${left(removableAt, now)}) if nothing changes`]),
  ];
}

function policyLines({ mode, problems, conflicts, conditions }: PolicyPart): string[] {
  return [
    ...(mode === null ? [] : [`mode ${mode}`]),
    ...problems.map((problem) => `WRONG: ${problem}`),
    ...conflicts.map((conflict) => `CONFLICT: ${conflict}`),
    ...conditions.map(({ type, status, reason, message }) => `${type} ${status} (${reason}): ${message}`),
  ];
}

function groupLines(group: GroupPart, { now, detailed }: { readonly now: number; readonly detailed: boolean }): string[] {
  const { policy, minSize, maxSize, targetSize, ready, upcoming, healthy, backoff, holds, decision, nodes, template, notes } = group;
  const scaled = (what: string, at: string | null): string[] =>
    at === null ? [] : [`last ${what} ${time(at)}, ${age((now - Date.parse(at)) / 1000)} ago`];
  return [
    `${targetSize} nodes asked for, between ${minSize} and ${maxSize}; ${ready} ready${upcoming === 0 ? '' : `, ${upcoming} to come`}${healthy ? '' : '; NOT HEALTHY'}`,
    policy === null ? 'no policy: its tags and the flags say how it is scaled' : `NodePoolPolicy ${policy}`,
    `a new node: ${template}`,
    ...(backoff === null
      ? []
      : [
          `in backoff${backoff.until === null ? '' : ` until ${time(backoff.until)} (${left(backoff.until, now)})`}: ${backoff.code}: ${backoff.message}`,
        ]),
    ...holds.map(({ by, until, message }) => `held by ${by}${until === null ? '' : ` until ${time(until)}`}: ${message}`),
    ...scaled('grew', group.lastScaleUpTime),
    ...scaled('shrank', group.lastScaleDownTime),
    ...(decision === null ? [] : [`now: ${decision}`]),
    ...notes.map((note) => `note: ${note}`),
    ...(detailed ? nodes.slice(0, mostNodes).map(({ reason, message }) => `\t${reason === null ? '' : `${reason}: `}${message}`) : []),
    ...(detailed && nodes.length > mostNodes ? [`\tand ${nodes.length - mostNodes} more nodes`] : []),
  ];
}
