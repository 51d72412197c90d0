import type { Clock } from '../../../core/model/clock.ts';
import { parseTime } from '../../../core/model/condition.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { NamespaceLimits } from '../../model.ts';
import type { KnownPolicy, PolicyBook, TargetResolver } from '../../ports.ts';
import { admissionBook, concernsNewPods, decidePod, observedContainersAnnotation, type PodPatcher } from '../engine/pod-decision.ts';
import { controllerOf, labelsOf } from './pod-review.ts';

export interface ExpectedPodsOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly book: PolicyBook;
  readonly targets: TargetResolver;
  readonly limits: (namespace: string) => NamespaceLimits | undefined;
  readonly patch: PodPatcher;
  /** The webhook is asked about that namespace. */
  readonly concerns: (namespace: string) => boolean;
}

export interface ExpectedPods {
  /** Whether admission ought to have annotated a pod. In doubt it is not expected to. */
  expects(pod: KubeObject): boolean;
  stop(): void;
}

/** A policy is known to every copy after so long, clocks that differ included. */
const settledMs = 60_000;

export function createExpectedPods(options: ExpectedPodsOptions): ExpectedPods {
  const { clock, targets, limits, patch, concerns } = options;
  const book = admissionBook(options.book);
  /** Since when policies have been acting on new pods, epoch milliseconds. */
  const actingSince = new Map<string, number>();
  const acts = ({ policy }: KnownPolicy): boolean => policy.mode === 'Auto' && concernsNewPods(policy);
  const note = (known: KnownPolicy): void => {
    if (!acts(known)) actingSince.delete(known.key);
    else if (!actingSince.has(known.key)) actingSince.set(known.key, clock.now());
  };
  for (const known of options.book.all()) note(known);
  const unsubscribe = options.book.onChange(({ key, new: known }) => {
    if (known === undefined) actingSince.delete(key);
    else note(known);
  });

  const policyOf = (pod: KubeObject, namespace: string): KnownPolicy | undefined => {
    const topmost = targets.topmost(namespace, controllerOf(pod));
    if (topmost.state !== 'known') return undefined;
    return targets.controlling({ namespace, labels: labelsOf(pod), topmost: topmost.owner }, book);
  };

  return {
    stop: unsubscribe,
    expects: (pod) => {
      const namespace = pod.metadata.namespace ?? '';
      if (!concerns(namespace) || options.book.inNamespace(namespace).length === 0) return false;
      const policy = policyOf(pod, namespace);
      const created = parseTime(pod.metadata.creationTimestamp);
      const since = policy === undefined ? undefined : actingSince.get(policy.key);
      if (policy === undefined || created === undefined || since === undefined || created < since + settledMs) return false;
      // A policy whose patches fail leaves pods as they are: that is not admission's failure.
      const { outcome, answer } = decidePod({ pod, namespace, policy, limits: limits(namespace), workload: undefined }, patch, false);
      return (
        outcome === 'patched' && (answer.patch ?? []).some((each) => each.path === `/metadata/annotations/${observedContainersAnnotation}`)
      );
    },
  };
}
