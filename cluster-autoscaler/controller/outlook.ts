import type { DeletionProgress, EffectResult } from '../engine/model.ts';
import type { LoopReport } from '../engine/loop/model.ts';
import { deletionTaintKey } from '../engine/templates/index.ts';
import type { NodesConfig } from '../config.ts';
import type { PolicyAssignment } from '../policy-groups.ts';
import { annotateReport } from './annotate-report.ts';
import type { GroupReading, ResolvedGroup } from './group-options.ts';
import { houseEngine } from './house-engine.ts';
import { createScalingMemory, savedParts } from './memory.ts';
import { observe, type ObserveOptions } from './observe.ts';

/** A cluster at one instant, for a look without acting. */
export interface NodesOutlookInput extends Pick<ObserveOptions, 'now' | 'reads' | 'policies' | 'provider' | 'priorities' | 'intents'> {
  readonly readings: readonly GroupReading[];
  /** Content of the status ConfigMap's memory; absent: nothing is remembered. */
  readonly memory?: string | undefined;
  readonly config: NodesConfig;
}

/** What one loop would do now, and all that it goes by. */
export interface NodesOutlook {
  readonly report: LoopReport;
  readonly groups: ReadonlyMap<string, ResolvedGroup>;
  readonly assignment: PolicyAssignment;
}

const done: EffectResult = { ok: true };

/** What was saved so short ago is what the controller that runs goes by; it has forgotten nothing, whatever it would do after a restart. */
const runsMs = 30 * 60_000;

/** Runs one loop as if everything that it wants were done; nothing is. What is remembered between loops is known only as far as it was stored. */
export function nodesOutlook({ memory, config, ...given }: NodesOutlookInput): NodesOutlook {
  const scalings = createScalingMemory();
  if (memory !== undefined) scalings.restore(memory);
  for (const policy of given.policies) scalings.learn(policy);
  const observation = observe({
    ...given,
    defaults: config.group,
    historyOf: (group) => scalings.historyOf(group),
    hold: undefined,
    deletions: deletionsOf(given),
  });
  const { loop: saved, at: savedAt } = savedParts(memory);
  const { state } = houseEngine.restore(saved, { savedAt, now: given.now, candidateTtlMs: runsMs });
  const loop = houseEngine.run(observation.input, state, config.loop, { volumes: observation.volumes });
  let step = loop.next();
  while (step.done !== true) step = loop.next(done);
  const groups = new Map(observation.groups.map((group) => [group.group.id, group]));
  return { report: annotateReport(step.value.report, groups), groups, assignment: observation.assignment };
}

/** Nodes with the deletion taint are somebody's work under way, not leftovers. */
function deletionsOf({ now, reads, provider }: Pick<NodesOutlookInput, 'now' | 'reads' | 'provider'>): DeletionProgress {
  const running = reads.nodes.items().flatMap((node) => {
    const taint = node.taints.find(({ key }) => key === deletionTaintKey);
    const group = taint === undefined ? undefined : provider.groupOf(node);
    if (taint === undefined || group === undefined) return [];
    const since = Number(taint.value) * 1000;
    return [{ node: node.name, group, kind: 'drain' as const, since: Number.isFinite(since) ? since : now }];
  });
  return { running, ended: [] };
}
