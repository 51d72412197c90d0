import { isFinished, type OwnerRecord, type PodRecord } from '../../../core/model/pod.ts';
import type { Labels } from '../../../core/model/selector.ts';
import type { KnownPolicy, PolicyBook, TargetResolver, WorkloadFacts } from '../../ports.ts';
import type { UpdaterView } from './ports.ts';

/** What a policy acts on. */
export interface ObservedTarget {
  readonly workload: WorkloadFacts | undefined;
  /** Pods that this policy controls, those that end included. */
  readonly pods: readonly PodRecord[];
  /** Why the target cannot be acted on. */
  readonly problem: string | undefined;
  /** The policy that acts on pods of this one's selector instead. */
  readonly rival: KnownPolicy | undefined;
}

/** Which pods belong to which policy, for one pass: answers are remembered by owner and label set. */
export interface Observer {
  targetOf(known: KnownPolicy): ObservedTarget;
}

export function createObserver(view: UpdaterView, targets: TargetResolver, book: PolicyBook): Observer {
  const topmost = new Map<string, OwnerRecord | undefined>();
  const controllers = new Map<string, Map<Labels, KnownPolicy | undefined>>();

  const topmostOf = ({ namespace, owner }: PodRecord): OwnerRecord | undefined => {
    if (owner === undefined) return undefined;
    if (topmost.has(owner.uid)) return topmost.get(owner.uid);
    const found = targets.topmost(namespace, owner);
    const known = found.state === 'known' ? found.owner : undefined;
    topmost.set(owner.uid, known);
    return known;
  };

  const controllingOf = (pod: PodRecord): KnownPolicy | undefined => {
    const top = topmostOf(pod);
    if (top === undefined) return undefined;
    const key = `${pod.namespace}/${top.uid}`;
    let byLabels = controllers.get(key);
    if (byLabels === undefined) controllers.set(key, (byLabels = new Map<Labels, KnownPolicy | undefined>()));
    if (byLabels.has(pod.labels)) return byLabels.get(pod.labels);
    const controlling = targets.controlling({ namespace: pod.namespace, labels: pod.labels, topmost: top }, book);
    byLabels.set(pod.labels, controlling);
    return controlling;
  };

  return {
    targetOf: (known) => {
      const resolution = targets.resolve(known.policy);
      const none = { workload: undefined, pods: [], rival: undefined };
      if (resolution.state === 'unsupported') return { ...none, problem: resolution.message };
      if (resolution.state === 'pending')
        return { ...none, problem: `${nameOf(known)} is being looked up; it is tried again at the next pass` };
      const pods: PodRecord[] = [];
      let rival: KnownPolicy | undefined;
      for (const pod of view.podsMatching(known.policy.reference.namespace ?? '', resolution.selector)) {
        if (isFinished(pod)) continue;
        const controlling = controllingOf(pod);
        if (controlling?.key === known.key) pods.push(pod);
        else if (controlling !== undefined && isSameTarget(controlling, known)) rival ??= controlling;
      }
      return { workload: resolution.workload, pods, problem: undefined, rival };
    },
  };
}

function isSameTarget(a: KnownPolicy, b: KnownPolicy): boolean {
  return a.policy.target?.kind === b.policy.target?.kind && a.policy.target?.name === b.policy.target?.name;
}

function nameOf({ policy: { target } }: KnownPolicy): string {
  return target === undefined ? 'the target' : `${target.kind} ${target.name}`;
}
