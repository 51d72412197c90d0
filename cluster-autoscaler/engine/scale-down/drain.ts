import type { PodRecord } from '../../../core/model/index.ts';
import type { BlockingPod, BlockingReason, ControllerFacts } from '../model.ts';
import type { DrainContext, DrainVerdict } from './drain-rule.ts';
import { decide } from './drain-rule.ts';
import { drainRules } from './drain-rules.ts';

/** The pod that keeps its node, and for a sentence the rule and what it minded. */
export interface Blocker extends BlockingPod {
  readonly rule: string;
  readonly detail: string;
}

/** What draining a node means for its pods. With `blocking`, the lists hold the pods that came before it. */
export interface NodeDrain {
  /** To be evicted, and to find a place elsewhere. */
  readonly evict: readonly PodRecord[];
  readonly daemons: readonly PodRecord[];
  /** To be waited for until they end by themselves. */
  readonly waitFor: readonly PodRecord[];
  readonly blocking: Blocker | undefined;
}

/** Puts the drain rules to each pod of a node, in the order given; the first that may not go ends it. */
export function drainOf(pods: readonly PodRecord[], context: DrainContext): NodeDrain {
  const evict: PodRecord[] = [];
  const daemons: PodRecord[] = [];
  const waitFor: PodRecord[] = [];
  let verdict: DrainVerdict | undefined;
  let last: PodRecord | undefined;
  for (const pod of pods) {
    if (verdict === undefined || last === undefined || !areAlike(pod, last)) verdict = decide(drainRules, pod, context);
    last = pod;
    switch (verdict.outcome) {
      case 'skip':
        break;
      case 'wait':
        waitFor.push(pod);
        break;
      case 'block': {
        const { reason = 'UnexpectedError' satisfies BlockingReason, detail = '', rule = '', pdb } = verdict;
        const { namespace, name } = pod;
        return { evict, daemons, waitFor, blocking: { namespace, name, reason, ...(pdb === undefined ? {} : { pdb }), rule, detail } };
      }
      case 'drain':
      case undefined:
        (verdict.daemon === true ? daemons : evict).push(pod);
    }
  }
  return { evict, daemons, waitFor, blocking: undefined };
}

/** Whether no rule can tell the pods apart while nothing changes; those of one workload, which often follow each other. */
function areAlike(a: PodRecord, b: PodRecord): boolean {
  return (
    a.shape === b.shape &&
    a.owner === b.owner &&
    a.labels === b.labels &&
    a.namespace === b.namespace &&
    a.phase === b.phase &&
    a.mirror === b.mirror &&
    // When it ends, and when a pod of the system came, matters.
    a.deleted === undefined &&
    b.deleted === undefined &&
    a.namespace !== 'kube-system'
  );
}

/** What a node would have to give away: nothing (0), nothing but some pods are to be waited for (1), or pods that move or keep it (2). */
export type Occupation = 0 | 1 | 2;

/** How occupied a node is, by the drain rules; stops at the first pod that says so. */
export function occupationOf(pods: readonly PodRecord[], context: DrainContext): Occupation {
  let waits = false;
  for (const pod of pods) {
    const verdict = decide(drainRules, pod, context);
    if (verdict.outcome === 'wait') waits = true;
    else if (verdict.outcome !== 'skip' && verdict.daemon !== true) return 2;
  }
  return waits ? 1 : 0;
}

/** Looks controllers up by `kind/namespace/name`, once for each owner and namespace; `undefined` without a map: nobody can look. */
export function controllerLookup(
  controllers: ReadonlyMap<string, ControllerFacts> | undefined,
): ((pod: PodRecord) => ControllerFacts | undefined) | undefined {
  if (controllers === undefined) return undefined;
  const memos = new Map<string, Map<object, ControllerFacts | undefined>>();
  return ({ namespace, owner }) => {
    if (owner === undefined) return undefined;
    let memo = memos.get(namespace);
    if (memo === undefined) memos.set(namespace, (memo = new Map()));
    let found = memo.get(owner);
    if (found === undefined && !memo.has(owner)) {
      found = controllers.get(`${owner.kind}/${namespace}/${owner.name}`);
      memo.set(owner, found);
    }
    return found;
  };
}

/** Only what the contract has of a blocking pod. */
export function blockingPodOf({ namespace, name, reason, pdb }: Blocker): BlockingPod {
  return { namespace, name, reason, ...(pdb === undefined ? {} : { pdb }) };
}
