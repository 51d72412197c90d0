import type { NodeRecord, PdbRecord, PodRecord } from '../../../core/model/index.ts';
import type { BlockingPod, ControllerFacts, PlannedDeletion } from '../model.ts';
import { createDisruptionTracker } from './disruption-tracker.ts';
import { blockingPodOf, controllerLookup, drainOf } from './drain.ts';
import { isScaleDownDisabled } from './eligibility.ts';
import type { ScaleDownOptions } from './model.ts';
import { daemonEvictionAnnotation } from './names.ts';

/** What is known of a node just before it is deleted, read afresh. */
export interface RecheckInput {
  readonly now: number;
  /** `undefined`: the node is not there any more. */
  readonly node: NodeRecord | undefined;
  /** Pods that are bound to it, ended ones left out. */
  readonly pods: readonly PodRecord[];
  readonly kind: PlannedDeletion['kind'];
  readonly pdbs: readonly PdbRecord[];
  readonly controllers?: ReadonlyMap<string, ControllerFacts> | undefined;
  /** Whether DaemonSet pods are evicted where their own annotation says nothing. */
  readonly evictDaemonsFromOccupied: boolean;
  readonly evictDaemonsFromEmpty: boolean;
}

export type RecheckResult =
  | {
      readonly ok: true;
      /** To be evicted and waited for; empty for an empty node. */
      readonly evict: readonly PodRecord[];
      /** DaemonSet pods to be evicted without waiting. */
      readonly daemons: readonly PodRecord[];
    }
  | { readonly ok: false; readonly message: string; readonly blockedBy?: BlockingPod | undefined };

/** Whether a node that was chosen may still go (§15.3): drain rules and emptiness once more, on fresh facts. Says which pods are to be evicted. */
export function recheckNode(input: RecheckInput, options: ScaleDownOptions): RecheckResult {
  const { now, node, pods, kind } = input;
  if (node === undefined) return { ok: false, message: 'The node is not there any more.' };
  const { name } = node;
  if (isScaleDownDisabled(node))
    return { ok: false, message: `Node ${name} stays: scale-down was disabled on it by annotation meanwhile.` };
  const { evict, daemons, waitFor, blocking } = drainOf(pods, {
    now,
    options,
    budgets: createDisruptionTracker(input.pdbs),
    controllerOf: controllerLookup(input.controllers),
  });
  if (blocking !== undefined) {
    const pod = `${blocking.namespace}/${blocking.name}`;
    const message = `Node ${name} stays: pod ${pod} blocks the drain (${blocking.reason}, rule ${blocking.rule}): ${blocking.detail}.`;
    return { ok: false, message, blockedBy: blockingPodOf(blocking) };
  }
  const [waiting] = waitFor;
  if (waiting !== undefined) {
    return { ok: false, message: `Node ${name} stays: pod ${waiting.namespace}/${waiting.name} is to run to its completion.` };
  }
  const [found] = evict;
  if (kind === 'empty' && found !== undefined) {
    return { ok: false, message: `Node ${name} stays: it was empty, but pod ${found.namespace}/${found.name} runs on it now.` };
  }
  const byDefault = kind === 'empty' ? input.evictDaemonsFromEmpty : input.evictDaemonsFromOccupied;
  return { ok: true, evict, daemons: daemons.filter((pod) => evictsDaemon(pod, byDefault)) };
}

function evictsDaemon({ shape }: PodRecord, byDefault: boolean): boolean {
  const wish = shape.annotations[daemonEvictionAnnotation];
  return wish === undefined ? byDefault : wish === 'true';
}
