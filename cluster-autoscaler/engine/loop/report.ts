import { countsOf } from '../registry/index.ts';
import type { NodeGroup } from '../model.ts';
import type { LoopContext } from './context.ts';
import { decisionsOf } from './decisions.ts';
import { measuresOf } from './measures.ts';
import type { GroupReport, LoopReport } from './model.ts';
import type { Progress } from './progress.ts';

/** What the loop did and why, for everybody who tells people. */
export function reportOf(loop: LoopContext, progress: Progress, took: LoopReport['took']): LoopReport {
  const { scaleUps, scaleDownResult, help } = progress;
  const factsOf = groupFacts(loop, progress);
  const groups = loop.groups().map((group) => groupReport(group, loop, factsOf(group.id)));
  const draft = {
    at: loop.input.now,
    clusterHealthy: loop.registry.clusterHealthy,
    counts: loop.registry.counts,
    groups,
    nodes: scaleDownResult?.nodes ?? [],
    pods: [...(help?.settled ?? []), ...progress.waiting, ...scaleUps.flatMap(({ pods }) => pods)],
    scaleUpOutcomes: progress.outcomes,
    options: scaleUps.flatMap(({ options }) => options),
    chosen: scaleUps.flatMap(({ chosen }) => chosen.map(({ group, similar, reason }) => ({ group, similar, reason }))),
    scaleUps: scaleUps.flatMap(({ increases }) => increases.map(({ group, from, to }) => ({ group, delta: to - from }))),
    helped: scaleUps.flatMap(({ helped }) => helped.map(({ uid }) => uid)),
    deletions: progress.deletions,
    scaleDownInCooldown: scaleDownResult?.inCooldown ?? false,
    refreshInstances: groups.filter(({ group }) => loop.registry.isScalingUp(group) || loop.emptied.has(group)).map(({ group }) => group),
    events: loop.events,
    error: progress.error,
    measures: measuresOf(loop, progress),
    took: { ...took, ...Object.assign({}, ...scaleUps.map((each) => prefixed('scaleUp:', each.took))) },
  };
  return { ...draft, decisions: decisionsOf(loop, progress, draft) };
}

function prefixed(prefix: string, took: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(took).map(([step, ms]) => [`${prefix}${step}`, ms]));
}

interface GroupFacts {
  readonly upcoming: number;
  /** Names of its unneeded nodes. */
  readonly candidates: readonly string[];
}

function groupFacts({ registry, view }: LoopContext, { scaleDown }: Progress): (group: string) => GroupFacts {
  const upcoming = new Map(registry.upcoming().map(({ group, count }) => [group.id, count]));
  const candidates = new Map<string, string[]>();
  for (const node of view.nodes) {
    const group = scaleDown.unneeded.has(node.name) ? view.groupOf(node) : undefined;
    if (group === undefined) continue;
    const names = candidates.get(group);
    if (names === undefined) candidates.set(group, [node.name]);
    else names.push(node.name);
  }
  return (group) => ({ upcoming: upcoming.get(group) ?? 0, candidates: candidates.get(group) ?? [] });
}

function groupReport(group: NodeGroup, { registry }: LoopContext, { upcoming, candidates }: GroupFacts): GroupReport {
  const backoff = registry.backoff(group.id);
  return {
    group: group.id,
    minSize: group.minSize,
    maxSize: group.maxSize,
    targetSize: group.targetSize,
    health: registry.isHealthy(group.id) ? 'healthy' : 'unhealthy',
    counts: countsOf(registry.readiness(group.id)),
    upcoming,
    scaleUp: activityOf(registry.isScalingUp(group.id), backoff !== undefined),
    backoff: backoff === undefined ? undefined : { until: backoff.until, failure: backoff.failure },
    candidates,
  };
}

function activityOf(growing: boolean, backedOff: boolean): GroupReport['scaleUp'] {
  if (growing) return 'in-progress';
  return backedOff ? 'backoff' : 'no-activity';
}
