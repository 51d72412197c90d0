import type { Clock, Random } from '../../../core/model/clock.ts';
import { resourceTypes } from '../../../core/model/object.ts';
import type { Registry } from '../api-server/types.ts';
import type { PodDisruptionBudget } from '../controllers/kinds.ts';
import { isConflict } from '../controllers/runtime/api-errors.ts';
import { createEventRecorder } from '../controllers/runtime/event-recorder.ts';
import { labelsOf } from '../controllers/runtime/label-selector.ts';
import { watchCluster } from './cluster-watch.ts';
import { type Cycle, startCycle } from './cycle.ts';
import { volumeState } from './filters/volumes.ts';
import { fitMessage } from './messages.ts';
import type { NodeInfo } from './node-info.ts';
import { createNodeTable } from './node-table.ts';
import { createNominations } from './nominations.ts';
import { createOwnerSelectors } from './owner-selectors.ts';
import { createPlacer, type Diagnosis } from './placement.ts';
import type { PodInfo } from './pod-info.ts';
import { createPodWrites } from './pod-writes.ts';
import { findPreemption, type PreemptionOutcome } from './preemption.ts';
import { createSchedulingQueue } from './queue.ts';
import { createVolumeBinder } from './volume-binding.ts';

export interface SchedulerInput {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly options?: SchedulerOptions | undefined;
}

export interface SchedulerOptions {
  /** Pods of this `spec.schedulerName` are scheduled; default `default-scheduler`. */
  readonly schedulerName?: string | undefined;
  /** First back-off of a pod that did not fit, doubling; default 1 000 ms. */
  readonly initialBackoffMs?: number | undefined;
  /** Default 10 000 ms. */
  readonly maxBackoffMs?: number | undefined;
  /** A pod that no event woke is tried again after this time; default 300 000 ms. */
  readonly flushUnschedulableMs?: number | undefined;
  /** Record Scheduled and FailedScheduling events; default true. */
  readonly events?: boolean | undefined;
  /** Told about refused writes, which are tried again; conflicts are not failures. */
  readonly onError?: ((podKey: string, error: unknown) => void) | undefined;
}

/** Pods placed before the event loop gets a turn: sockets and other controllers wait no longer than these take. */
const pausePods = 256;

/** Starts the scheduler of the embedded cluster; `idle` answers whether all is at rest until time passes or something changes. */
export function startScheduler(input: SchedulerInput): { stop(): void; idle(): boolean } {
  const { registry, clock, random, options = {} } = input;
  const schedulerName = options.schedulerName ?? 'default-scheduler';
  const table = createNodeTable();
  const nominations = createNominations();
  const writes = createPodWrites(registry, clock, schedulerName);
  const onError = (key: string, error: unknown): void => {
    if (!isConflict(error)) options.onError?.(key, error);
  };
  const events = createEventRecorder({ registry, clock, component: schedulerName, onError: (error) => onError('event', error) });
  const namespaceLabels = (name: string) => {
    const namespace = registry.get(resourceTypes.namespaces, undefined, name);
    return namespace === undefined ? undefined : labelsOf(namespace);
  };
  let pumping = false;
  let binding = 0;
  let stopped = false;

  const queue = createSchedulingQueue({
    clock,
    initialBackoffMs: options.initialBackoffMs ?? 1000,
    maxBackoffMs: options.maxBackoffMs ?? 10_000,
    flushUnschedulableMs: options.flushUnschedulableMs ?? 300_000,
    onReady: () => {
      if (pumping || stopped) return;
      pumping = true;
      // Not `pump` itself: the watches below deliver what exists before it is defined.
      setImmediate(() => pump());
    },
  });
  const cluster = watchCluster({ registry, table, queue, nominations, schedulerName });
  const binder = createVolumeBinder(registry, () => queue.wake({ kind: 'volume' }));
  const place = createPlacer({ table, random, nominations, namespaceLabels, ownerSelector: createOwnerSelectors(registry) });

  const pump = (): void => {
    pumping = false;
    for (let count = 0; count < pausePods && !stopped; count++) {
      const pod = queue.pop();
      if (pod === undefined) return;
      schedule(pod);
    }
    if (queue.ready > 0 && !stopped) {
      pumping = true;
      setImmediate(pump);
    }
  };

  const schedule = (pod: PodInfo): void => {
    const cycle = startCycle(
      pod,
      table,
      namespaceLabels,
      volumeState(pod, registry, (key) => table.claimUsers(key)),
    );
    const placement = place(cycle);
    if ('node' in placement) {
      table.addPod(pod, placement.node.name);
      nominations.clear(pod.key);
      track(pod, bind(pod, cycle, placement.node.name));
    } else {
      track(pod, giveUp(cycle, placement.diagnosis));
    }
  };

  /** Work in flight counts against `idle`; what it throws is a refused write. */
  const track = (pod: PodInfo, work: Promise<void>): void => {
    binding += 1;
    work
      .catch((error: unknown) => {
        onError(pod.key, error);
        forget(pod);
        queue.retry(pod);
      })
      .finally(() => {
        binding -= 1;
      });
  };

  const forget = (pod: PodInfo): void => {
    if (table.podOn(pod.key)?.pod === pod) table.removePod(pod.key);
  };

  const bind = async (pod: PodInfo, cycle: Cycle, node: string): Promise<void> => {
    const unbound = cycle.volumes?.unbound ?? [];
    if (unbound.length > 0) {
      const waiting = binder.bind(pod.key, unbound, node);
      // Provisioning takes as long as it takes: meanwhile the scheduler is at rest.
      binding -= 1;
      const bound = await waiting.finally(() => {
        binding += 1;
      });
      if (!bound) {
        forget(pod);
        queue.retry(pod);
        return;
      }
    }
    if (await writes.bind(pod, node)) {
      queue.done(pod.key);
      record(pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.namespace}/${pod.name} to ${node}`);
    } else {
      // Gone, or taken by another hand: the watch tells what it is now.
      forget(pod);
      queue.done(pod.key);
      cluster.readmit(pod.namespace, pod.name);
    }
  };

  const giveUp = async (cycle: Cycle, diagnosis: Diagnosis): Promise<void> => {
    const { pod } = cycle;
    const outcome = tryPreemption(cycle, diagnosis);
    const preempts = outcome !== undefined && 'node' in outcome;
    const note = outcome === undefined || preempts ? '' : outcome.message;
    const message = table.size === 0 ? 'no nodes available to schedule pods' : fitMessage(table.size, diagnosis, note);
    const rejections = diagnosis.everywhere === undefined ? [...diagnosis.byNode.values()] : [diagnosis.everywhere];
    const plugins = new Set(rejections.map(({ plugin }) => plugin));
    let nominated: string | undefined;
    if (preempts) {
      nominated = outcome.node.name;
      nominations.set(pod, nominated);
    } else if (outcome?.clearNomination === true) {
      nominated = '';
      nominations.clear(pod.key);
    }
    queue.fail(pod, plugins);
    record(pod, 'Warning', 'FailedScheduling', message);
    await writes.markUnschedulable(pod, message, nominated);
    if (preempts) await evict(pod, outcome.node, outcome.victims);
  };

  const tryPreemption = (cycle: Cycle, diagnosis: Diagnosis): PreemptionOutcome | undefined => {
    if (table.size === 0 || diagnosis.everywhere !== undefined) return undefined;
    const budgets = (): readonly PodDisruptionBudget[] =>
      registry.list(resourceTypes.podDisruptionBudgets) as readonly PodDisruptionBudget[];
    return findPreemption(cycle, diagnosis, { table, nominations, random, budgets });
  };

  const evict = async (pod: PodInfo, node: NodeInfo, victims: readonly PodInfo[]): Promise<void> => {
    for (const victim of victims) {
      await writes.preempt(victim);
      record(victim, 'Normal', 'Preempted', `Preempted by pod ${pod.uid} on node ${node.name}`);
    }
    for (const lower of nominations.after(pod, node.name)) {
      nominations.clear(lower.key);
      await writes.clearNomination(lower);
      queue.put(lower, true);
    }
  };

  const record = (pod: PodInfo, type: 'Normal' | 'Warning', reason: string, message: string): void => {
    if (options.events !== false) events.record(pod.pod, type, reason, message);
  };

  return {
    stop: () => {
      stopped = true;
      cluster.stop();
      binder.stop();
      queue.stop();
    },
    idle: () => stopped || (queue.ready === 0 && !pumping && binding === 0 && events.idle()),
  };
}
