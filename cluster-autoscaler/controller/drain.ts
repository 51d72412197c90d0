import { isConcertinaError, messageOf } from '../../core/errors.ts';
import { isConflict, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import { sleep, type Clock, type PodRecord } from '../../core/model/index.ts';
import type { ActuationConfig } from '../config.ts';
import { drainBuckets, type DrainBucket } from './drain-buckets.ts';

export interface DrainOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly config: ActuationConfig;
  /** The pod of that name as the mirror has it now. */
  readonly podAt: (key: string) => PodRecord | undefined;
  /** Told once for each pod: before it is evicted, and of the outcome. */
  readonly onPod: (pod: PodRecord, what: 'begun' | 'evicted' | 'failed', message: string) => void;
}

/** Why a drain was given up; `undefined`: every pod has gone. */
export type DrainProblem = string | undefined;

/**
 * Evicts pods, each tried again until the time for it is over, and waits until they have gone. All at once, or by priority, lowest first, each bucket when
 * the one before has gone. Daemon pods are evicted without waiting for them, and nothing fails because of one; by priority they are pods like the others (§15.4).
 */
export async function drain(
  pods: readonly PodRecord[],
  daemons: readonly PodRecord[],
  options: DrainOptions,
  signal: AbortSignal,
): Promise<DrainProblem> {
  const byPriority = options.config.drainPriorities.length > 0;
  const buckets = byPriority ? drainBuckets([...pods, ...daemons], [], options.config) : drainBuckets(pods, daemons, options.config);
  for (const bucket of buckets) {
    const problem = await drainBucket(bucket, options, signal);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function drainBucket({ graceMs, pods, daemons }: DrainBucket, options: DrainOptions, signal: AbortSignal): Promise<DrainProblem> {
  const retryUntil = options.clock.monotonic() + options.config.maxPodEvictionMs;
  // Their evictions go on while the others are waited for.
  for (const pod of daemons) void evictPod(pod, options, { retryUntil, signal, graceMs, daemon: true });
  const outcomes = await Promise.all(pods.map((pod) => evictPod(pod, options, { retryUntil, signal, graceMs, daemon: false })));
  const problems = outcomes.filter((problem) => problem !== undefined);
  if (problems.length > 0) return problems.length === 1 ? problems[0] : `${problems[0]} (and ${problems.length - 1} more pods)`;
  return waitUntilGone(pods, graceMs, options, signal);
}

/** Evictions of daemon pods that nobody waits for; by priority, lowest first. */
export async function evictDaemons(daemons: readonly PodRecord[], options: DrainOptions, signal: AbortSignal): Promise<void> {
  for (const { graceMs, daemons: together } of drainBuckets([], daemons, options.config)) {
    const retryUntil = options.clock.monotonic();
    await Promise.all(together.map((pod) => evictPod(pod, options, { retryUntil, signal, graceMs, daemon: true })));
  }
}

interface Trying {
  /** Monotonic. */
  readonly retryUntil: number;
  readonly signal: AbortSignal;
  /** Of its bucket. */
  readonly graceMs: number;
  readonly daemon: boolean;
}

/** A refusal of a budget and a fault of the server are tried again alike. */
async function evictPod(
  pod: PodRecord,
  { client, clock, config, onPod }: DrainOptions,
  { retryUntil, signal, graceMs, daemon }: Trying,
): Promise<DrainProblem> {
  const name = `${pod.namespace}/${pod.name}`;
  if (!daemon) onPod(pod, 'begun', 'deleting pod for node scale down');
  let last = 'it was not tried';
  do {
    try {
      const gracePeriodSeconds = graceMs > 0 ? Math.min(pod.shape.gracePeriod, Math.floor(graceMs / 1000)) : pod.shape.gracePeriod;
      await client.evict({ namespace: pod.namespace, name: pod.name }, { gracePeriodSeconds, preconditions: { uid: pod.uid }, signal });
      onPod(pod, 'evicted', '');
      return undefined;
    } catch (error) {
      // Gone, or another pod of that name.
      if (isNotFound(error) || isConflict(error)) {
        onPod(pod, 'evicted', '');
        return undefined;
      }
      last = messageOf(error);
      if (isConcertinaError(error, 'FENCED') || signal.aborted) break;
    }
    if (clock.monotonic() + config.evictionRetryMs >= retryUntil) break;
  } while (await sleep(clock, config.evictionRetryMs, signal));
  const problem = `pod ${name} could not be evicted: ${last}`;
  onPod(pod, 'failed', problem);
  return problem;
}

async function waitUntilGone(
  pods: readonly PodRecord[],
  graceMs: number,
  { clock, config, podAt }: DrainOptions,
  signal: AbortSignal,
): Promise<DrainProblem> {
  const deadline = clock.monotonic() + graceMs + config.podHeadroomMs;
  for (;;) {
    const there = pods.filter((pod) => podAt(`${pod.namespace}/${pod.name}`)?.uid === pod.uid);
    const [first] = there;
    if (first === undefined) return undefined;
    if (clock.monotonic() >= deadline) {
      return `${there.length} of ${pods.length} pods have not gone in time, among them ${first.namespace}/${first.name}`;
    }
    if (!(await sleep(clock, config.podPollMs, signal))) return 'it was stopped';
  }
}
