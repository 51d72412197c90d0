import type { Clock } from '../../../core/model/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { OwnerRecord } from '../../../core/model/pod.ts';
import type { NamespaceLimits } from '../../model.ts';
import type { PolicyBook, TargetResolver, TopmostController } from '../../ports.ts';
import { admissionBook, decidePod, failed, skipped, type PodDecision, type PodPatcher } from '../engine/pod-decision.ts';
import { isJson, type AdmissionRequest } from '../engine/review.ts';

/** What pods are reviewed with. */
export interface PodReviewOptions {
  readonly clock: Clock;
  readonly book: PolicyBook;
  readonly targets: TargetResolver;
  /** What the LimitRanges of a namespace say. */
  readonly limits: (namespace: string) => NamespaceLimits | undefined;
  readonly patch: PodPatcher;
  readonly dryRun: boolean;
}

/** Decides about a pod that is being created. Never refuses; faults of its parts are for the caller to catch. */
export type PodReview = (
  request: AdmissionRequest,
  time: { readonly limitMs: number; readonly signal: AbortSignal },
) => Promise<PodDecision>;

export function createPodReview(options: PodReviewOptions): PodReview {
  const { clock, targets, limits, patch, dryRun } = options;
  const book = admissionBook(options.book);
  return async (request, { limitMs, signal }) => {
    const pod = request.object;
    if (pod === undefined || request.operation !== 'CREATE' || request.subresource !== undefined) return skipped;
    // Pods made for a controller come without a name and often without a namespace: the request has it.
    const namespace = request.namespace === '' ? (pod.metadata.namespace ?? '') : request.namespace;
    const owner = controllerOf(pod);
    // Most pods of most namespaces have nothing to do with us: no look-up for those.
    if (owner === undefined || options.book.inNamespace(namespace).length === 0) return skipped;
    const topmost = await withLimit(clock, { limitMs, signal }, (limited) => targets.topmostOf(namespace, owner, limited));
    switch (topmost.state) {
      case 'none':
        return skipped;
      case 'pending':
        return failed(
          `the controller of ${owner.kind} ${namespace}/${owner.name} was not found within ${limitMs} ms, the pod keeps what it asks for`,
        );
      case 'failed':
        return failed(
          `the controller of ${owner.kind} ${namespace}/${owner.name} was not found, the pod keeps what it asks for: ${topmost.message}`,
        );
      case 'known':
        break;
    }
    const policy = targets.controlling({ namespace, labels: labelsOf(pod), topmost: topmost.owner }, book);
    if (policy === undefined) return skipped;
    return decidePod(
      { pod, namespace, policy, limits: limits(namespace), workload: targets.workload(namespace, topmost.owner) },
      patch,
      dryRun,
    );
  };
}

/** Ends a look-up that does not end by itself, whatever it makes of its signal. */
async function withLimit(
  clock: Clock,
  time: { readonly limitMs: number; readonly signal: AbortSignal },
  lookUp: (signal: AbortSignal) => Promise<TopmostController>,
): Promise<TopmostController> {
  const control = new AbortController();
  const abort = (): void => control.abort();
  const timer = clock.setTimeout(abort, time.limitMs);
  time.signal.addEventListener('abort', abort, { once: true });
  if (time.signal.aborted) abort();
  const ended = new Promise<TopmostController>((resolve) => {
    const pending = (): void => resolve({ state: 'pending' });
    if (control.signal.aborted) pending();
    else control.signal.addEventListener('abort', pending, { once: true });
  });
  try {
    return await Promise.race([lookUp(control.signal), ended]);
  } finally {
    timer.cancel();
    time.signal.removeEventListener('abort', abort);
  }
}

/** The owner reference with `controller: true`, of a pod that nobody has validated yet. */
export function controllerOf(pod: KubeObject): OwnerRecord | undefined {
  const references: unknown = pod.metadata.ownerReferences;
  if (!Array.isArray(references)) return undefined;
  for (const reference of references as readonly unknown[]) {
    if (!isJson(reference) || reference['controller'] !== true) continue;
    const { apiVersion, kind, name, uid } = reference;
    if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') return undefined;
    return { apiVersion, kind, name, uid: typeof uid === 'string' ? uid : '' };
  }
  return undefined;
}

export function labelsOf(pod: KubeObject): Readonly<Record<string, string>> {
  const labels: unknown = pod.metadata.labels;
  if (!isJson(labels)) return {};
  return Object.fromEntries(Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
