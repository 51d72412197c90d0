import type { NodeRecord } from '../../../core/model/index.ts';
import type { Effect, EffectResult, NodeGroup } from '../model.ts';
import { taintTime } from '../scale-down/index.ts';
import { candidateTaintKey, deletionTaintKey } from '../templates/index.ts';
import type { LoopContext } from './context.ts';
import type { Pause } from './model.ts';

/** A step that may want something done, or pause, and answers when it is through. */
export type Step<Answer = void> = Generator<Effect | Pause, Answer, EffectResult>;

/**
 * Step 1: what an earlier process left on nodes of managed groups: deletions that it did not finish, and soft taints if there are none any more. Of these
 * upstream leaves those that `--node-deletion-candidate-ttl` still lets count; the house has read them in this loop and takes all.
 */
export function* cleanTaints(loop: LoopContext): Step {
  const { before, input, options, view } = loop;
  if (before.initialized) return;
  const isStale = (node: NodeRecord): boolean => {
    const since = taintTime(node, candidateTaintKey);
    return !isAsUpstream(loop) || since === undefined || input.now - since >= options.candidateTtlMs;
  };
  const underWay = new Set(input.deletions.running.map(({ node }) => node));
  const nodes = view.nodes.flatMap((node) => {
    const managed = view.groupOf(node) !== undefined;
    const taints = node.taints
      .map(({ key }) => key)
      .filter(
        (key) =>
          (key === deletionTaintKey && managed && !underWay.has(node.name)) ||
          (key === candidateTaintKey && options.maxBulkSoftTaintCount === 0 && isStale(node)),
      );
    return taints.length === 0 ? [] : [{ node: node.name, taints, uncordon: taints.includes(deletionTaintKey) && node.unschedulable }];
  });
  if (nodes.length > 0) yield { type: 'clean-taints', nodes };
}

/** §4.4: takes back what was asked for and did not come in time. */
export function* revertTimedOut(loop: LoopContext): Step {
  for (const { group, delta } of loop.registry.reverts) {
    if (!isActionable(loop, group)) continue;
    const result = yield { type: 'decrease-target-size', group, delta };
    if (result.ok) changeTarget(loop, group, delta);
    else {
      const why = result.failure.message;
      loop.warn('FailedToRevertScaleUp', `Failed to decrease target size for group ${group} after scale-up timeout: ${why}`);
    }
  }
}

/**
 * Step 9: instances that never became nodes. A disruption budget does not keep them, for nothing runs there that could be disrupted; it does keep a group
 * that goes as a whole, nodes and all. Upstream's way a refusal ends the step until the next loop; the house's way it holds its group only.
 */
export function* removeUnregistered(loop: LoopContext): Step {
  const forced = loop.options.forceDeleteUnregisteredNodes;
  const old = loop.registry.longUnregistered();
  for (const group of loop.groups()) {
    const ids = old.get(group.id) ?? [];
    const staying = group.options.zeroOrMax ? group.minSize : leastSizeOf(group);
    const possible = forced ? ids.length : Math.max(0, group.targetSize - staying);
    const instances = wholeGroup(group, ids.slice(0, possible));
    if (instances.length === 0 || !group.options.actionable) continue;
    const result = yield { type: 'delete-instances', group: group.id, instances, forced, why: 'unregistered' };
    loop.emptied.add(group.id);
    if (!result.ok) {
      for (const id of instances) loop.warn('DeleteUnregisteredFailed', `Failed to remove node ${id}: ${result.failure.message}`);
      if (isAsUpstream(loop)) return;
      continue;
    }
    for (const id of instances) loop.note('DeleteUnregistered', `Removed unregistered node ${id}`);
    changeTarget(loop, group.id, -instances.length);
  }
}

/** Step 11: instances that report an error and will not come. */
export function* removeFailed(loop: LoopContext): Step {
  const failed = loop.registry.failedInstances();
  let any = false;
  for (const group of loop.groups()) {
    const instances = wholeGroup(group, failed.get(group.id) ?? []);
    if (instances.length === 0 || !group.options.actionable) continue;
    const forced = loop.options.forceDeleteFailedNodes;
    const result = yield { type: 'delete-instances', group: group.id, instances, forced, why: 'creation-error' };
    if (!result.ok) continue;
    any = true;
    loop.emptied.add(group.id);
    changeTarget(loop, group.id, -instances.length);
  }
  if (any) loop.registry.recalculate(loop.targets);
}

/** What {@link fixSizes} did. */
export interface FixedSizes {
  readonly fixed: boolean;
  readonly error: string | undefined;
}

/**
 * Step 12: a target that has been above what is there, unchanged, for longer than provisioning may take, is lowered. Upstream's way a refusal ends the
 * loop with an error, again and again; the house's way the other groups are not kept waiting for it.
 */
export function* fixSizes(loop: LoopContext): Step<FixedSizes> {
  let fixed = false;
  for (const group of loop.groups()) {
    const incorrect = loop.registry.incorrectSize(group.id);
    if (incorrect === undefined || incorrect.since + group.options.maxProvisionMs >= loop.input.now) continue;
    const delta = incorrect.current - incorrect.expected;
    if (delta >= 0 || group.options.zeroOrMax || !group.options.actionable) continue;
    const result = yield { type: 'decrease-target-size', group: group.id, delta };
    if (!result.ok) {
      const error = `failed to decrease ${group.id}: ${result.failure.message}`;
      if (isAsUpstream(loop)) return { fixed, error };
      loop.warn('FailedToFixNodeGroupSize', error);
      continue;
    }
    changeTarget(loop, group.id, delta);
    fixed = true;
  }
  return { fixed, error: undefined };
}

/** A group that is scaled to zero or to the maximum only is emptied as a whole. */
function wholeGroup(group: NodeGroup, ids: readonly string[]): readonly string[] {
  return group.options.zeroOrMax && ids.length > 0 ? group.instances.map(({ id }) => id) : ids;
}

/** Without what a disruption budget adds to it. */
export function leastSizeOf({ minSize, leastSize }: NodeGroup): number {
  return leastSize ?? minSize;
}

function isAsUpstream({ options }: LoopContext): boolean {
  return options.compat === 'cluster-autoscaler';
}

function isActionable(loop: LoopContext, id: string): boolean {
  return loop.groups().some((group) => group.id === id && group.options.actionable);
}

export function changeTarget(loop: LoopContext, group: string, delta: number): void {
  loop.targets.set(group, (loop.targets.get(group) ?? 0) + delta);
}
