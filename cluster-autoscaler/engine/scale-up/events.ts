import type { PodRecord } from '../../../core/model/index.ts';
import type { GroupRefusal, LoopEvent } from '../loop/model.ts';
import type { ProviderFailure } from '../model.ts';
import type { SizeChange } from './model.ts';
import { compareText } from './pod-groups.ts';

/** The ConfigMap on which events of the whole cluster are written. */
const status = { kind: 'Status', name: 'cluster-autoscaler-status' } as const;

/** Upstream's words before a size is set. */
export function settingSize({ group, from, to, max }: SizeChange): LoopEvent {
  const message = `Scale-up: setting group ${group} size to ${to} instead of ${from} (max: ${max})`;
  return { on: status, type: 'Normal', reason: 'ScaledUpGroup', message };
}

/** Upstream's words after it was set. */
export function sizeSet({ group, from, to, max }: SizeChange): LoopEvent {
  const message = `Scale-up: group ${group} size set to ${to} instead of ${from} (max: ${max})`;
  return { on: status, type: 'Normal', reason: 'ScaledUpGroup', message };
}

export function sizeRefused({ group }: SizeChange, failure: ProviderFailure): LoopEvent {
  return { on: status, type: 'Warning', reason: 'FailedToScaleUpGroup', message: `Scale-up failed for group ${group}: ${failure.message}` };
}

/** The cap of `--max-nodes-total` cut a scale-up. */
export function maxNodesReached(maxNodesTotal: number): LoopEvent {
  return { on: status, type: 'Warning', reason: 'MaxNodesTotalReached', message: `Max total nodes in cluster reached: ${maxNodesTotal}` };
}

/** One event for each pod, all with the same text: the groups that grow for them. */
export function triggered(pods: readonly PodRecord[], changes: readonly SizeChange[]): LoopEvent[] {
  const plan = changes.map(({ group, from, to, max }) => `{${group} ${from}->${to} (max: ${max})}`).join(' ');
  const message = `pod triggered scale-up: [${plan}]`;
  return pods.map((pod) => ({ on: onPod(pod), type: 'Normal', reason: 'TriggeredScaleUp', message }));
}

/** One event for each pod, all with the same text: why no group grows for them. */
export function notTriggered(pods: readonly PodRecord[], refusals: readonly GroupRefusal[]): LoopEvent[] {
  const message = `pod didn't trigger scale-up: ${countReasons(refusals)}`;
  return pods.map((pod) => ({ on: onPod(pod), type: 'Normal', reason: 'NotTriggerScaleUp', message }));
}

/** How many groups refused for which reason, as upstream counts: a node that lacks two resources counts for both. In the order of the reasons' texts. */
export function countReasons(refusals: readonly GroupRefusal[]): string {
  const counts = new Map<string, number>();
  for (const { reason, failure } of refusals) {
    // Only this filter gives several reasons at once.
    const reasons = failure?.filter === 'NodeResourcesFit' ? reason.split(', ') : [reason];
    for (const each of reasons) counts.set(each, (counts.get(each) ?? 0) + 1);
  }
  return [...counts]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ');
}

function onPod({ namespace, name, uid }: PodRecord): LoopEvent['on'] {
  return { kind: 'Pod', namespace, name, uid };
}
