import { isConcertinaError, messageOf } from '../../core/errors.ts';
import { isConflict, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import { sleep, type Clock, type PodRecord } from '../../core/model/index.ts';
import type { ActuationConfig } from '../config.ts';

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
 * Evicts pods at once, each tried again until the time for it is over, and waits until they have gone. Daemon pods are evicted without waiting for them, and nothing
 * fails because of one (§15.4).
 */
export async function drain(
  pods: readonly PodRecord[],
  daemons: readonly PodRecord[],
  options: DrainOptions,
  signal: AbortSignal,
): Promise<DrainProblem> {
  const retryUntil = options.clock.monotonic() + options.config.maxPodEvictionMs;
  // Their evictions go on while the others are waited for.
  for (const pod of daemons) void evictPod(pod, options, { retryUntil, signal, daemon: true });
  const outcomes = await Promise.all(pods.map((pod) => evictPod(pod, options, { retryUntil, signal, daemon: false })));
  const problems = outcomes.filter((problem) => problem !== undefined);
  if (problems.length > 0) return problems.length === 1 ? problems[0] : `${problems[0]} (and ${problems.length - 1} more pods)`;
  return waitUntilGone(pods, options, signal);
}

/** Evictions of daemon pods that nobody waits for. */
export async function evictDaemons(daemons: readonly PodRecord[], options: DrainOptions, signal: AbortSignal): Promise<void> {
  const retryUntil = options.clock.monotonic();
  await Promise.all(daemons.map((pod) => evictPod(pod, options, { retryUntil, signal, daemon: true })));
}

interface Trying {
  /** Monotonic. */
  readonly retryUntil: number;
  readonly signal: AbortSignal;
  readonly daemon: boolean;
}

/** A refusal of a budget and a fault of the server are tried again alike. */
async function evictPod(
  pod: PodRecord,
  { client, clock, config, onPod }: DrainOptions,
  { retryUntil, signal, daemon }: Trying,
): Promise<DrainProblem> {
  const name = `${pod.namespace}/${pod.name}`;
  if (!daemon) onPod(pod, 'begun', 'deleting pod for node scale down');
  let last = 'it was not tried';
  do {
    try {
      const gracePeriodSeconds = Math.min(pod.shape.gracePeriod, Math.floor(config.maxGracefulTerminationMs / 1000));
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
  { clock, config, podAt }: DrainOptions,
  signal: AbortSignal,
): Promise<DrainProblem> {
  const deadline = clock.monotonic() + config.maxGracefulTerminationMs + config.podHeadroomMs;
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
