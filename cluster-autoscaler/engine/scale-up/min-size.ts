import type { TraceStep } from '../../../core/model/index.ts';
import type { LoopEvent, LoopOptions } from '../loop/model.ts';
import type { Effect, EffectResult } from '../model.ts';
import { mayNotGrow } from './eligibility.ts';
import { maxNodesReached } from './events.ts';
import { execute } from './execute.ts';
import { afterAdding, cappedByQuota, exceeded, quotaLeft, sizeOfNode, type Quota } from './limits.ts';
import type { ScaleUpGroup, ScaleUpInput, ScaleUpResult, SizeChange } from './model.ts';

/** What a raise reads (nothing of the rest); the target sizes are those that this loop has set. */
export type RaiseInput = Pick<ScaleUpInput, 'snapshot' | 'groups' | 'options'> & Partial<ScaleUpInput>;

/**
 * Raises groups below their minimum to it (§3.18): not those in backoff, unhealthy, held, without template, or of which the cluster's limits do not allow
 * one more node. It counts as a scale-up. With `compat: cluster-autoscaler` as upstream does it: `--max-nodes-total` is compared with the target size of
 * the group instead of with the nodes of the cluster (its quirk), what one group takes does not lessen what limits leave for the next, and a refusal
 * ends it.
 */
export function* raiseToMinimum({ snapshot, groups, options }: RaiseInput): Generator<Effect, ScaleUpResult, EffectResult> {
  const asUpstream = options.compat === 'cluster-autoscaler';
  const changes: SizeChange[] = [];
  const events: LoopEvent[] = [];
  const trace: TraceStep[] = [];
  let quota = quotaLeft(snapshot, options);
  let clusterNodes = snapshot.nodeCount;
  for (const source of groups) {
    const { id, minSize, maxSize, targetSize } = source.group;
    if (targetSize >= minSize) continue;
    const raise = raiseOf(source, { options, quota, present: asUpstream ? targetSize : clusterNodes });
    events.push(...raise.events);
    trace.push({
      step: 'min-size',
      message: `${id}: ${targetSize} nodes, at least ${minSize}: ${raise.text}`,
      values: { group: id, minSize, targetSize },
    });
    if (raise.nodes < 1) continue;
    changes.push({ group: id, from: targetSize, to: targetSize + raise.nodes, max: maxSize });
    if (asUpstream || source.template === undefined) continue;
    clusterNodes += raise.nodes;
    quota = afterAdding(quota, sizeOfNode(source.template.node, options), raise.nodes);
  }
  if (changes.length === 0) return { ...noPods, outcome: 'NotNeeded', increases: [], failures: [], events, trace, error: undefined };
  const { done, failures, events: executed, error } = yield* execute(changes, !asUpstream || options.parallelScaleUp);
  const outcome = error === undefined ? 'Successful' : 'Error';
  return { ...noPods, outcome, increases: done, failures, events: [...events, ...executed], trace, error };
}

/** A raise looks at no pods. */
const noPods = { options: [], chosen: [], helped: [], pods: [], planned: [], placed: [], took: {} } as const;

interface RaiseContext {
  readonly options: LoopOptions;
  readonly quota: Quota;
  /** Nodes that `--max-nodes-total` is compared with. */
  readonly present: number;
}

function raiseOf(
  source: ScaleUpGroup,
  { options, quota, present }: RaiseContext,
): { readonly nodes: number; readonly text: string; readonly events: readonly LoopEvent[] } {
  const { group, template } = source;
  const reason = mayNotGrow(source);
  if (reason !== undefined) return { nodes: 0, text: reason, events: [] };
  if (template === undefined) return { nodes: 0, text: 'no template', events: [] };
  const node = sizeOfNode(template.node, options);
  const over = exceeded(quota, node, 1);
  if (over.length > 0) return { nodes: 0, text: `limit of ${over.join(', ')} of the cluster`, events: [] };
  const affordable = cappedByQuota(quota, node, group.minSize - group.targetSize);
  const { maxNodesTotal } = options;
  if (maxNodesTotal === 0 || affordable + present <= maxNodesTotal) return { nodes: affordable, text: `${affordable} added`, events: [] };
  const nodes = Math.max(0, maxNodesTotal - present);
  return { nodes, text: `${nodes} added, max-nodes-total ${maxNodesTotal}`, events: [maxNodesReached(maxNodesTotal)] };
}
