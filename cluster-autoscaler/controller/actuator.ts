import { setMaxListeners } from 'node:events';
import { isConcertinaError, messageOf } from '../../core/errors.ts';
import type { Fence, KubeClient } from '../../core/kube/index.ts';
import { sleep, type Clock, type NodeRecord, type PodRecord } from '../../core/model/index.ts';
import type { Logger } from '../../core/runtime/index.ts';
import type { ActuationConfig } from '../config.ts';
import type { DeletionProgress, EffectResult, PlannedDeletion, ProviderFailure } from '../engine/model.ts';
import type { RecheckResult } from '../engine/scale-down/index.ts';
import { deletionTaintKey } from '../engine/templates/index.ts';
import type { Provider } from '../providers/provider.ts';
import { createDeletionBatcher, type DeletionBatcher } from './deletion-batcher.ts';
import { createDeletionTracker } from './deletion-tracker.ts';
import { drain, evictDaemons, type DrainOptions } from './drain.ts';
import { atMost, changeNode, toBeDeleted } from './node-taints.ts';
import { createWholeGroup, type WholeGroup } from './whole-group.ts';

/** Whether a node that was chosen may still go, on the picture of now, and which pods are to be evicted before. */
export type FreshCheck = RecheckResult;

/** What is told of a node that goes. */
export interface DeletionObserver {
  /** Tainted and cordoned. */
  marked(deletion: PlannedDeletion, node: NodeRecord): void;
  /** Its instance was given back. */
  deleted(deletion: PlannedDeletion, node: NodeRecord): void;
  /** It stays: taint and cordon were taken back, as far as that was possible. */
  failed(deletion: PlannedDeletion, node: NodeRecord, message: string): void;
  pod(deletion: PlannedDeletion, pod: PodRecord, what: 'begun' | 'evicted' | 'failed', message: string): void;
}

export interface ActuatorOptions {
  /** Fenced. */
  readonly client: KubeClient;
  /** Of calls to the cloud. */
  readonly fence: Fence;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly config: ActuationConfig;
  readonly nodeAt: (name: string) => NodeRecord | undefined;
  readonly podAt: (key: string) => PodRecord | undefined;
  readonly check: (deletion: PlannedDeletion) => FreshCheck;
  /** Whether a group goes as a whole or not at all. */
  readonly isWhole: (group: string) => boolean;
  readonly observer: DeletionObserver;
  readonly logger: Logger;
}

/** Takes nodes out of the cluster, in the background. */
export interface Actuator {
  /** Taints and cordons all of them, or none, and goes on in the background. */
  start(nodes: readonly PlannedDeletion[]): Promise<EffectResult>;
  /** What runs, and what has ended since the last call. */
  takeProgress(): DeletionProgress;
  running(): DeletionProgress['running'];
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
  /** Gives up what the cloud was not told yet, and waits until taints are taken back. */
  stop(): Promise<void>;
}

/** Annotations with this prefix say that something still has to happen before the node may go (a volume to be detached, say). */
const delayPrefix = 'delay-deletion.cluster-autoscaler.kubernetes.io/';

export function createActuator(options: ActuatorOptions): Actuator {
  return new RunningActuator(options);
}

/** A node with what was there when it was chosen. */
interface Going {
  readonly deletion: PlannedDeletion;
  readonly node: NodeRecord;
  /** The nodes that go with it or stay with it. */
  readonly whole?: WholeGroup<Problem | undefined> | undefined;
}

class RunningActuator implements Actuator {
  readonly #options: ActuatorOptions;
  readonly #tracker = createDeletionTracker();
  readonly #abort = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #batcher: DeletionBatcher<Problem>;

  constructor(options: ActuatorOptions) {
    this.#options = options;
    this.#batcher = createDeletionBatcher({
      clock: options.clock,
      intervalMs: options.config.deletionBatcherIntervalMs,
      signal: this.#abort.signal,
      send: (group, ids) => this.#giveBack(group, ids),
      stopped,
    });
    // Every pod that is waited for listens: Node warns from eleven on.
    setMaxListeners(0, this.#abort.signal);
  }

  async start(nodes: readonly PlannedDeletion[]): Promise<EffectResult> {
    const { nodeAt, clock, config, observer } = this.#options;
    const going: Going[] = [];
    for (const deletion of nodes) {
      const node = nodeAt(deletion.node);
      if (node === undefined) return refused(`node ${deletion.node} is not there any more`);
      going.push({ deletion, node });
    }
    const outcomes = await atMost(config.taintsAtOnce, going, ({ node }) => this.#mark(node));
    const problem = outcomes.find((outcome) => !outcome.ok);
    if (problem !== undefined && !problem.ok) {
      await atMost(config.taintsAtOnce, going, ({ node }) => this.#unmark(node));
      for (const { deletion, node } of going) {
        observer.failed(deletion, node, `failed to mark the node as toBeDeleted/unschedulable: ${problem.message}`);
      }
      return refused(problem.message);
    }
    const now = clock.now();
    const wholes = this.#wholesOf(nodes);
    for (const each of going) {
      this.#tracker.begin(each.deletion, now);
      observer.marked(each.deletion, each.node);
      const task = this.#run({ ...each, whole: wholes.get(each.deletion.group) }).finally(() => this.#tasks.delete(task));
      this.#tasks.add(task);
    }
    return { ok: true };
  }

  #wholesOf(nodes: readonly PlannedDeletion[]): ReadonlyMap<string, WholeGroup<Problem | undefined>> {
    const sizes = new Map<string, number>();
    for (const { group } of nodes) if (this.#options.isWhole(group)) sizes.set(group, (sizes.get(group) ?? 0) + 1);
    return new Map(
      [...sizes].map(([group, size]) => [
        group,
        createWholeGroup<Problem | undefined>({
          size,
          release: (ids) => this.#batcher.add(group, ids),
          broken: { message: `its group ${group} goes as a whole or not at all, and another node of it stays`, refused: false },
        }),
      ]),
    );
  }

  takeProgress(): DeletionProgress {
    return this.#tracker.take();
  }

  running(): DeletionProgress['running'] {
    return this.#tracker.running();
  }

  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.idle();
  }

  #mark({ name }: NodeRecord) {
    const { client, clock, config } = this.#options;
    return changeNode(client, name, { add: [toBeDeleted(clock.now())], ...(config.cordonNode ? { unschedulable: true } : {}) });
  }

  /** A node that somebody else had cordoned before stays so. */
  #unmark({ name, unschedulable }: NodeRecord) {
    const { client, config } = this.#options;
    return changeNode(client, name, {
      remove: [deletionTaintKey],
      ...(config.cordonNode && !unschedulable ? { unschedulable: false } : {}),
    });
  }

  async #run(going: Going): Promise<void> {
    const { clock, observer, logger } = this.#options;
    const { deletion, node } = going;
    let problem: Problem | undefined;
    try {
      problem = await this.#carryOut(going);
    } catch (error) {
      problem = { message: messageOf(error), refused: false };
    }
    if (problem === undefined) {
      logger.info('a node was removed', { node: node.name, group: deletion.group, reason: deletion.reason });
      observer.deleted(deletion, node);
      this.#tracker.end(node.name, { at: clock.now(), result: 'deleted', message: '' });
      return;
    }
    going.whole?.fail();
    logger.warn('a node was not removed', { node: node.name, group: deletion.group, problem: problem.message });
    const undone = await this.#unmark(node);
    if (!undone.ok && !undone.fenced) logger.warn('a node keeps its deletion taint', { node: node.name, error: undone.message });
    observer.failed(deletion, node, problem.message);
    this.#tracker.end(node.name, { at: clock.now(), result: problem.refused ? 'refused' : 'failed', message: problem.message });
  }

  async #carryOut({ deletion, node, whole }: Going): Promise<Problem | undefined> {
    const { clock, config, check } = this.#options;
    const { signal } = this.#abort;
    if (!(await sleep(clock, config.deleteDelayAfterTaintMs, signal))) return stopped;
    const fresh = check(deletion);
    if (!fresh.ok) return { message: fresh.message, refused: false };
    const problem = await this.#empty(deletion, fresh);
    if (problem !== undefined) return { message: problem, refused: false };
    if (!(await this.#waitForDelays(node.name))) return stopped;
    return whole === undefined ? this.#batcher.add(deletion.group, [node.providerId]) : whole.ready(node.providerId);
  }

  async #empty(deletion: PlannedDeletion, { evict, daemons }: Extract<FreshCheck, { ok: true }>): Promise<string | undefined> {
    const { client, clock, config, podAt, observer } = this.#options;
    const options: DrainOptions = {
      client,
      clock,
      config,
      podAt,
      onPod: (pod, what, message) => observer.pod(deletion, pod, what, message),
    };
    if (deletion.kind === 'drain') return drain(evict, daemons, options, this.#abort.signal);
    await evictDaemons(daemons, options, this.#abort.signal);
    return undefined;
  }

  /** Answers false when it was stopped; a delay that lasts too long is over. */
  async #waitForDelays(node: string): Promise<boolean> {
    const { clock, config, nodeAt } = this.#options;
    const deadline = clock.monotonic() + config.deletionDelayTimeoutMs;
    const isDelayed = (): boolean => Object.keys(nodeAt(node)?.annotations ?? {}).some((key) => key.startsWith(delayPrefix));
    while (isDelayed() && clock.monotonic() < deadline) {
      if (!(await sleep(clock, config.podPollMs, this.#abort.signal))) return false;
    }
    return !this.#abort.signal.aborted;
  }

  async #giveBack(group: string, ids: readonly string[]): Promise<Problem | undefined> {
    const { fence, provider } = this.#options;
    try {
      fence.check({ method: 'DELETE', path: `/${provider.name}/groups/${group}/instances` });
      const result = await provider.deleteInstances(group, ids);
      return result.ok ? undefined : { message: failureText(result.failure), refused: true };
    } catch (error) {
      return { message: messageOf(error), refused: false };
    }
  }
}

interface Problem {
  readonly message: string;
  /** By the cloud. */
  readonly refused: boolean;
}

const stopped: Problem = { message: 'this copy of the program stopped before the node had gone', refused: false };

function refused(message: string): EffectResult {
  return { ok: false, failure: { class: 'other', code: 'ActuationFailed', message } };
}

/** `InsufficientInstanceCapacity: no room`. */
export function failureText({ code, message }: ProviderFailure): string {
  return `${code}: ${message}`;
}

/** The refusal of a fence, as a result. */
export function fencedResult(error: unknown): EffectResult {
  const code = isConcertinaError(error, 'FENCED') ? 'Fenced' : 'Fault';
  return { ok: false, failure: { class: 'other', code, message: messageOf(error) } };
}
