import { createHash } from 'node:crypto';
import { formatDuration } from '../../../core/units/index.ts';
import type { ContainerUsage } from '../../workload/index.ts';
import type { ContainerPoint } from './types.ts';
import { cpuLimitMilli, memoryLimitBytes, requestMilli } from './pod-spec.ts';
import type { ContainerSpec, ResourceRequirements } from './pod-spec.ts';

export interface Termination {
  readonly exitCode: number;
  readonly reason: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly containerID: string;
  readonly message?: string;
}

/**
 * Where a container is in its life: `blocked` (its turn has not come), `pulling`, `pull-error`, `pull-backoff`, `starting`, `running`, `backoff`
 * (CrashLoopBackOff), `ended` (for good).
 */
export type ContainerStage = 'blocked' | 'pulling' | 'pull-error' | 'pull-backoff' | 'starting' | 'running' | 'backoff' | 'ended';

const firstBackoffMs = 10_000;
const lastBackoffMs = 300_000;
/** A container that has kept its back-off unchanged for twice the longest one starts afresh (as upstream). */
const backoffMemoryMs = 2 * lastBackoffMs;

/** One container of a pod on its node. Instants are epoch milliseconds. */
export class ContainerRuntime {
  spec: ContainerSpec;
  stage: ContainerStage = 'blocked';
  /** When the stage ends by itself; for `running` when something is due (started, ready, exit). */
  nextAt = Number.POSITIVE_INFINITY;
  waitingReason = 'ContainerCreating';
  waitingMessage = '';
  startedAt = 0;
  startupAt = 0;
  readyAt = 0;
  exitAt = Number.POSITIVE_INFINITY;
  exitCode = 0;
  exitReason = 'Completed';
  started = false;
  ready = false;
  restarts = 0;
  /** How the run before the one that is shown ended: `lastState`. */
  last: Termination | undefined;
  /** Set while the state that is shown is `terminated`. */
  terminated: Termination | undefined;
  pullFailures = 0;
  /** Requests that the node has accepted; what counts for room. */
  allocated: ResourceRequirements;
  #actual: ResourceRequirements;
  /** Limits and weight of what it has: milli-cores, bytes, CPU shares. Kept as numbers, for they are read at every tick. */
  cpuLimit = Number.POSITIVE_INFINITY;
  memoryLimit = Number.POSITIVE_INFINITY;
  cpuShares = 2;
  memoryRequest = 0;
  usage: ContainerUsage | undefined;
  /** Numbers of the last housekeeping of this run. */
  published: ContainerPoint | undefined;
  readonly #uid: string;
  readonly #onWork: (work: number) => void;
  #backoffMs = 0;
  #backoffAt = 0;
  /** A container that was adopted while running: its identity stays. */
  adoptedID: string | undefined;

  /** `onWork` is told the CPU of every run that has ended, in milli-core × milliseconds. */
  constructor(spec: ContainerSpec, uid: string, onWork: (work: number) => void) {
    this.spec = spec;
    this.#onWork = onWork;
    this.allocated = spec.resources;
    this.#actual = spec.resources;
    this.actual = spec.resources;
    this.#uid = uid;
  }

  /** What the running container has. */
  get actual(): ResourceRequirements {
    return this.#actual;
  }

  set actual(resources: ResourceRequirements) {
    this.#actual = resources;
    this.cpuLimit = cpuLimitMilli(resources);
    this.memoryLimit = memoryLimitBytes(resources);
    // Two shares are the kernel's least, a thousand and twenty-four stand for a core.
    this.cpuShares = Math.max(2, (requestMilli(resources, 'cpu') * 1024) / 1000);
    this.memoryRequest = requestMilli(resources, 'memory') / 1000;
  }

  get name(): string {
    return this.spec.name;
  }

  get running(): boolean {
    return this.stage === 'running';
  }

  get containerID(): string {
    return this.adoptedID ?? `containerd://${sha(`${this.#uid}/${this.name}/${this.restarts}`)}`;
  }

  get imageID(): string {
    return `sha256:${sha(this.spec.image)}`;
  }

  /** It has run and ended at least once. */
  get hasEnded(): boolean {
    return this.last !== undefined || this.terminated !== undefined;
  }

  /** The end that is shown becomes the one before. */
  leaveTerminated(): void {
    this.last = this.terminated ?? this.last;
    this.terminated = undefined;
  }

  /** Enters a waiting stage. */
  wait(stage: ContainerStage, reason: string, until: number, message = ''): void {
    this.stage = stage;
    this.waitingReason = reason;
    this.waitingMessage = message;
    this.nextAt = until;
  }

  /** The process ends. What happens next is the pod's to decide. */
  terminate(at: number, exit: { readonly code: number; readonly reason: string; readonly message?: string }): void {
    if (this.usage !== undefined) this.#onWork(this.usage.cpu(at));
    this.usage?.release(at);
    this.usage = undefined;
    this.published = undefined;
    this.terminated = {
      exitCode: exit.code,
      reason: exit.reason,
      startedAt: this.startedAt,
      finishedAt: at,
      containerID: this.containerID,
      ...(exit.message === undefined ? {} : { message: exit.message }),
    };
    this.ready = false;
    this.started = false;
    this.stage = 'ended';
    this.nextAt = Number.POSITIVE_INFINITY;
  }

  /**
   * Plans a restart after a termination: the first at once, the following after 10 s, 20 s … 5 min from the end of the last run; ten minutes
   * without a crash forget it all.
   */
  planRestart(at: number, podName: string): void {
    if (at - this.#backoffAt > backoffMemoryMs) this.#backoffMs = 0;
    if (this.#backoffMs === 0) {
      this.#backoffMs = firstBackoffMs;
      this.#backoffAt = at;
      this.stage = 'backoff';
      this.nextAt = at;
      return;
    }
    const message = `back-off ${formatDuration(this.#backoffMs)} restarting failed container=${this.name} pod=${podName}`;
    this.leaveTerminated();
    this.wait('backoff', 'CrashLoopBackOff', at + this.#backoffMs, message);
    this.#backoffMs = Math.min(lastBackoffMs, this.#backoffMs * 2);
    // The entry is renewed when the wait is over and the container starts again.
    this.#backoffAt = this.nextAt;
  }

  /** Milliseconds to wait after the n-th failed pull. */
  pullBackoffMs(): number {
    return Math.min(lastBackoffMs, firstBackoffMs * 2 ** Math.max(0, this.pullFailures - 1));
  }
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
