import type { NodesOutlook, PolicyEntry, ResolvedGroup } from '../../../cluster-autoscaler/index.ts';
import type { Decision } from '../../../core/model/decision.ts';
import type { GroupAhead, NodesLook } from '../nodes-look.ts';
import { holdPart, limits, notEvaluated, type AheadPart, type RecommendationItem } from './recommendation-report.ts';

/** One row for each node group, in the order of their names: what it has, what it would have, for which pods to come, and what holds it. */
export function poolItems({ report, groups, assignment }: NodesOutlook, ahead: NodesLook['ahead'] = new Map()): RecommendationItem[] {
  const sorted = [...groups.values()].toSorted((a, b) => (a.group.id < b.group.id ? -1 : 1));
  const own = sorted.map((group) => {
    const decided = report.decisions.filter(({ target }) => target.name === group.group.id);
    const decision = decided.find(({ from, to }) => from !== to) ?? decided[0] ?? unchanged(group, report);
    const counts = report.groups.find((each) => each.group === group.group.id)?.counts;
    const unneeded = report.nodes.filter((node) => node.group === group.group.id && node.unneededSince !== undefined).length;
    return poolItem(decision, {
      mode: modeOf(group),
      bounds: { min: group.minSize, max: group.maxSize },
      decidedBy: counts === undefined ? null : `${counts.ready} ready${unneeded === 0 ? '' : `, ${unneeded} unneeded`}`,
      ahead: aheadPart(decision, ahead.get(group.group.id)),
    });
  });
  const lost = assignment.entries
    .filter(({ groups: selected }) => selected.length === 0)
    .map((entry) => poolItem(withoutGroups(entry, report.at), {}));
  return [...own, ...lost];
}

/** Of what a decision adds, what it would not add without pods to come. */
export function aheadPart({ from, to }: Pick<Decision, 'from' | 'to'>, ahead: GroupAhead | undefined): AheadPart | null {
  if (ahead === undefined) return null;
  const { pods, targets, nodesWithout } = ahead;
  return { pods, targets, nodes: Math.max(0, to - from - nodesWithout) };
}

/** `1 of its 2 new nodes is for 3 pods to come (Deployment shop/web)`. */
export function aheadText({ from, to }: Pick<Decision, 'from' | 'to'>, { pods, targets, nodes }: AheadPart): string {
  const whose = `${pods === 1 ? '1 pod' : `${pods} pods`} to come (${targets.join(', ')})`;
  const grown = to - from;
  if (nodes === 0) return `its new nodes have room for ${whose}`;
  if (nodes === grown) return `${grown === 1 ? 'the new node is' : `all ${grown} new nodes are`} for ${whose}`;
  return `${nodes} of its ${grown} new nodes ${nodes === 1 ? 'is' : 'are'} for ${whose}`;
}

function poolItem(
  decision: Decision,
  part: Partial<Pick<RecommendationItem, 'mode' | 'bounds' | 'decidedBy' | 'ahead'>>,
): RecommendationItem {
  const parts = decision.holds.map((hold) => holdPart(hold, decision.at));
  return {
    ...decision,
    dimension: 'nodes',
    ...notEvaluated,
    mode: null,
    ahead: null,
    ...part,
    limitedBy: parts.filter(({ by }) => limits.has(by)),
    heldBy: parts.filter(({ by }) => !limits.has(by)),
    vertical: null,
  };
}

function modeOf({ claim }: ResolvedGroup): string | null {
  return claim.state === 'one' ? claim.policy.mode : null;
}

/** Where nothing is decided there is nothing to do. */
function unchanged({ group, holds, claim }: ResolvedGroup, { at }: NodesOutlook['report']): Decision {
  const target = { apiVersion: 'concertina.dev/v1alpha1', kind: 'NodeGroup', name: group.id };
  const subject = claim.state === 'one' ? claim.policy.reference : target;
  const { targetSize: size } = group;
  const message = `${group.id} stays at ${size} nodes: no pod needs more, and none is unneeded.`;
  return {
    controller: 'cluster-autoscaler',
    subject,
    target,
    at,
    from: size,
    to: size,
    wanted: size,
    reason: 'NotNeeded',
    message,
    holds,
    trace: [],
  };
}

function withoutGroups({ name, raw, result }: PolicyEntry, at: number): Decision {
  const subject = {
    apiVersion: 'concertina.dev/v1alpha1',
    kind: 'NodePoolPolicy',
    name,
    ...(raw.metadata.uid === undefined ? {} : { uid: raw.metadata.uid }),
  };
  const why = result.ok
    ? 'selects no node group that the provider knows; check spec.groups, and --nodes or --node-group-auto-discovery'
    : `cannot be read: ${result.problems.map(({ path, message }) => `${path}: ${message}`).join('; ')}`;
  return {
    controller: 'cluster-autoscaler',
    subject,
    target: { ...subject, kind: 'NodeGroup', name: '-' },
    at,
    from: 0,
    to: 0,
    wanted: null,
    reason: result.ok ? 'NoGroupMatched' : 'InvalidPolicy',
    message: `NodePoolPolicy ${name} ${why}`,
    holds: result.ok ? [] : [{ by: 'invalid-policy', message: why }],
    trace: [],
  };
}
