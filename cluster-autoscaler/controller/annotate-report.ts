import type { Decision, Hold } from '../../core/model/index.ts';
import type { GroupReport, LoopReport, NodeReport } from '../engine/loop/model.ts';
import type { DisruptionBudget, ResolvedGroup } from './group-options.ts';

/** The report with what the engine does not know: policies, why a group is left alone, and bounds as people have set them. */
export function annotateReport(report: LoopReport, groups: ReadonlyMap<string, ResolvedGroup>): LoopReport {
  const nodeGroups = new Map(report.nodes.map(({ node, group }) => [node, group]));
  for (const { node, group } of report.deletions) nodeGroups.set(node, group);
  const groupOf = ({ target }: Decision): ResolvedGroup | undefined =>
    groups.get(target.name) ?? groups.get(nodeGroups.get(target.name) ?? '');
  return {
    ...report,
    groups: report.groups.map((group) => withOwnBounds(group, groups.get(group.group))),
    nodes: report.nodes.map((node) => withBudget(node, groups.get(node.group ?? ''))),
    decisions: report.decisions.map((decision) => withPolicy(decision, groupOf(decision))),
  };
}

/** A budget stands in the minimum that the loop has got. */
function withOwnBounds(report: GroupReport, group: ResolvedGroup | undefined): GroupReport {
  return group === undefined ? report : { ...report, minSize: group.minSize, maxSize: group.maxSize };
}

function withBudget(report: NodeReport, group: ResolvedGroup | undefined): NodeReport {
  if (report.unremovable !== 'NodeGroupMinSizeReached' || group?.budget === undefined || group.group.minSize <= group.minSize)
    return report;
  return { ...report, unremovable: 'NodeGroupMaxDeletionCountReached', message: budgetText(group.group.id, group.budget) };
}

function budgetText(group: string, { nodes, window, until }: DisruptionBudget): string {
  const which = window === undefined ? 'disruption.maxNodes of its policy' : `window ${window} of its policy`;
  const end = until === undefined ? '' : `, until ${new Date(until).toISOString().replace('.000Z', 'Z')}`;
  return `Group ${group} may lose ${nodes} nodes at once (${which}${end}).`;
}

/** The subject is the policy, where there is one, and what keeps the group from being changed is said in its own words. */
function withPolicy(decision: Decision, group: ResolvedGroup | undefined): Decision {
  if (group === undefined) return decision;
  const { claim, holds } = group;
  const subject =
    claim.state === 'one'
      ? claim.policy.reference
      : claim.state === 'invalid'
        ? { ...decision.subject, kind: 'NodePoolPolicy', name: claim.entry.name }
        : decision.subject;
  return { ...decision, subject, holds: holds.length === 0 ? decision.holds : replaced(decision.holds, holds) };
}

/** The loop knows only that the group may not be changed. */
function replaced(holds: readonly Hold[], own: readonly Hold[]): readonly Hold[] {
  const others = holds.filter(({ by, until }) => by !== 'dry-run' || until !== undefined);
  return [...own, ...others];
}
