import { messageOf } from '../errors.ts';
import { sleep, type Clock, type Random } from '../model/clock.ts';
import { resourceTypes, type KubeObject } from '../model/object.ts';
import type { Fence, KubeClient } from './api.ts';
import { fenced } from './fence.ts';
import { isConflict, isAlreadyExists, isNotFound } from './status-error.ts';

/** Options of {@link createLeaseElector}. All durations in milliseconds. */
export interface LeaseElectorOptions {
  /** Must carry no fence of this elector: its own writes decide whether the fence is open. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process (host name and a random part), or two processes may both believe that they hold the lease. */
  readonly identity: string;
  /** How long others wait after the last change that they saw before they take over; default 15 000. */
  readonly leaseDurationMs?: number | undefined;
  /** After so long without a successful renewal this process stops writing; default 10 000. Must be shorter than the lease. */
  readonly renewDeadlineMs?: number | undefined;
  /** Between attempts; default 2 000. */
  readonly retryPeriodMs?: number | undefined;
  /** The lease was acquired and the fence is open. */
  readonly onStartedLeading?: (() => void) | undefined;
  /** The fence has closed. `stop` waits for the promise before it gives the lease up, so that running work can end. */
  readonly onStoppedLeading?: ((why: string) => void | Promise<void>) | undefined;
  /** Somebody else holds the lease now; the empty string: nobody does. */
  readonly onNewLeader?: ((identity: string) => void) | undefined;
  /** An attempt failed; leadership may still stand. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** Elects one process among those that share a Lease. */
export interface LeaseElector {
  start(): void;
  /** Closes the fence, waits for `onStoppedLeading`, and frees the lease so that another takes over at once. */
  stop(): Promise<void>;
  /** True while the fence would let a write pass. */
  isLeader(): boolean;
  /** Who held the lease when it was last seen; empty when nobody did. */
  leader(): string;
  /** Open only while the lease is held and the last renewal is younger than the renew deadline, by the monotonic clock, at the moment of asking. */
  fence(): Fence;
}

interface LeaseSpec {
  holderIdentity?: string | null;
  leaseDurationSeconds?: number | null;
  acquireTime?: string | null;
  renewTime?: string | null;
  leaseTransitions?: number | null;
}

interface Observed {
  readonly lease: KubeObject;
  readonly spec: LeaseSpec;
  /** Monotonic time when this very content was first seen: remote clocks are never compared with ours. */
  readonly at: number;
}

/**
 * Leader election on a coordination.k8s.io/v1 Lease, as client-go does it (15 s lease, 10 s renew deadline, 2 s retry), with two differences:
 * validity counts from the moment a renewal was *sent*, and the fence looks at the clock itself, so that a process that was paused
 * cannot write even before its timers fire.
 */
export function createLeaseElector(options: LeaseElectorOptions): LeaseElector {
  return new RunningElector(options);
}

class RunningElector implements LeaseElector {
  readonly #options: LeaseElectorOptions;
  readonly #leaseMs: number;
  readonly #deadlineMs: number;
  readonly #retryMs: number;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #observed: Observed | undefined;
  #leading = false;
  /** Monotonic time at which the last successful write of the lease was sent. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** acquireTime of our last attempt to acquire: recognises our own write when its answer was lost. */
  #attempted: string | undefined;
  #announced: string | undefined;

  constructor(options: LeaseElectorOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseDurationMs ?? 15_000;
    this.#deadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryPeriodMs ?? 2_000;
    if (!(this.#leaseMs > this.#deadlineMs && this.#deadlineMs > this.#retryMs * 1.2 && this.#retryMs > 0)) {
      throw new RangeError(
        `lease ${this.#leaseMs} ms, renew deadline ${this.#deadlineMs} ms and retry period ${this.#retryMs} ms must fall in this order (deadline above 1.2 retries)`,
      );
    }
    if (options.identity === '') throw new RangeError('a lease holder needs an identity: the empty one means that nobody holds the lease');
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  isLeader(): boolean {
    return this.#leading && !this.#abort.signal.aborted && this.#options.clock.monotonic() < this.#renewedAt + this.#deadlineMs;
  }

  leader(): string {
    return this.#observed?.spec.holderIdentity ?? '';
  }

  fence(): Fence {
    return {
      check: ({ method, path }) => {
        if (!this.isLeader()) throw fenced(this.#whyClosed(), method, path);
      },
    };
  }

  #whyClosed(): string {
    const { namespace, name, identity } = this.#options;
    const holder = this.leader();
    if (this.#abort.signal.aborted) return `${identity} is shutting down`;
    if (this.#leading) {
      const age = Math.round((this.#options.clock.monotonic() - this.#renewedAt) / 100) / 10;
      return `${identity} last renewed lease ${namespace}/${name} ${age} s ago, more than its renew deadline of ${this.#deadlineMs / 1000} s`;
    }
    const who = holder === '' || holder === identity ? 'nobody is known to hold it' : `${holder} holds it`;
    return `${identity} does not hold lease ${namespace}/${name}: ${who}`;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await this.#attempt();
      if (signal.aborted) break;
      // A leader wakes at the renew deadline at the latest, to close the fence with a word.
      const untilDeadline = this.#renewedAt + this.#deadlineMs - clock.monotonic();
      const pause = this.#retryMs * (this.#leading ? 1 : 1 + 0.2 * random());
      await sleep(clock, this.#leading ? Math.max(0, Math.min(pause, untilDeadline)) : pause, signal);
      if (this.#leading && !this.isLeader()) await this.#stopLeading(`the lease was not renewed for ${this.#deadlineMs / 1000} s`);
    }
    if (this.#leading) await this.#stopLeading('shutdown');
    // Also what was acquired while stopping.
    await this.#release();
  }

  async #attempt(): Promise<void> {
    try {
      await this.#acquireOrRenew();
    } catch (thrown) {
      // Somebody else wrote: read before the next attempt. Everything else may pass by then.
      if (isConflict(thrown) || isAlreadyExists(thrown)) this.#forgetVersion();
      if (!this.#abort.signal.aborted) this.#notify(() => this.#options.onFailure?.(thrown));
    }
  }

  async #acquireOrRenew(): Promise<void> {
    const { clock, identity } = this.#options;
    if (this.#leading && this.#observed !== undefined && this.#hasVersion()) {
      await this.#write(this.#observed.lease, renewed(this.#observed.spec, clock.now()));
      return;
    }
    const lease = await this.#read();
    if (lease === undefined) {
      await this.#write(undefined, this.#acquired(undefined));
      return;
    }
    this.#observe(lease);
    const { spec, at } = this.#observed ?? { spec: {}, at: clock.monotonic() };
    const holder = spec.holderIdentity ?? '';
    if (holder === identity && this.#isOurs(spec)) {
      await this.#write(lease, renewed(spec, clock.now()));
      return;
    }
    if (this.#leading) await this.#stopLeading(holder === '' ? 'the lease was released by somebody' : `${holder} took the lease`);
    if (holder !== '' && clock.monotonic() < at + validMs(spec)) return;
    await this.#write(lease, this.#acquired(spec));
  }

  /** Held by this very process, not by one before it that had the same name. */
  #isOurs(spec: LeaseSpec): boolean {
    return this.#leading || (this.#attempted !== undefined && spec.acquireTime === this.#attempted);
  }

  #acquired(before: LeaseSpec | undefined): LeaseSpec {
    const now = microTime(this.#options.clock.now());
    this.#attempted = now;
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#leaseMs / 1000),
      acquireTime: now,
      renewTime: now,
      leaseTransitions: before === undefined ? 0 : (before.leaseTransitions ?? 0) + 1,
    };
  }

  async #read(): Promise<KubeObject | undefined> {
    const { client, namespace, name } = this.#options;
    try {
      return await client.get(resourceTypes.leases, { namespace, name }, { timeoutMs: this.#requestMs(), signal: this.#abort.signal });
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
  }

  /** Compare-and-swap on resourceVersion; `undefined` creates. Success is what makes and keeps a leader. */
  async #write(before: KubeObject | undefined, spec: LeaseSpec): Promise<void> {
    const { client, clock, namespace, name } = this.#options;
    const sentAt = clock.monotonic();
    // Not aborted by `stop`: a write whose outcome is unknown could not be released.
    const limits = { timeoutMs: this.#requestMs() };
    const stored: KubeObject =
      before === undefined
        ? await client.create(resourceTypes.leases, { metadata: { namespace, name }, spec }, limits)
        : await client.replace(resourceTypes.leases, { ...before, spec: { ...(before.spec as object), ...spec } }, limits);
    this.#observe(stored);
    // An answer that took longer than the deadline proves nothing any more.
    if (clock.monotonic() >= sentAt + this.#deadlineMs) return;
    this.#renewedAt = sentAt;
    if (this.#leading || this.#abort.signal.aborted) return;
    this.#leading = true;
    this.#notify(() => this.#options.onStartedLeading?.());
  }

  /** So that one hanging request cannot use up the whole deadline, and none outlives it. */
  #requestMs(): number {
    const half = this.#deadlineMs / 2;
    if (!this.#leading) return half;
    return Math.max(1, Math.min(half, this.#renewedAt + this.#deadlineMs - this.#options.clock.monotonic()));
  }

  #observe(lease: KubeObject): void {
    const spec = (lease.spec ?? {}) as LeaseSpec;
    const before = this.#observed;
    const same = before !== undefined && sameVersion(before.lease, lease) && sameRecord(before.spec, spec);
    this.#observed = { lease, spec, at: same ? before.at : this.#options.clock.monotonic() };
    const holder = spec.holderIdentity ?? '';
    if (holder === this.#announced) return;
    this.#announced = holder;
    this.#notify(() => this.#options.onNewLeader?.(holder));
  }

  #hasVersion(): boolean {
    return this.#observed?.lease.metadata.resourceVersion !== undefined;
  }

  #forgetVersion(): void {
    if (this.#observed === undefined) return;
    const { resourceVersion: _stale, ...metadata } = this.#observed.lease.metadata;
    this.#observed = { ...this.#observed, lease: { ...this.#observed.lease, metadata } };
  }

  /** The fence closes before anybody is told. */
  async #stopLeading(why: string): Promise<void> {
    this.#leading = false;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    try {
      await this.#options.onStoppedLeading?.(why);
    } catch (thrown) {
      this.#notify(() => this.#options.onFailure?.(thrown));
    }
  }

  async #release(): Promise<void> {
    const { client, clock, identity } = this.#options;
    const lease = this.#observed?.lease;
    if (lease === undefined || this.leader() !== identity || !this.#isOurs(lease.spec as LeaseSpec)) return;
    const now = microTime(clock.now());
    const spec: LeaseSpec = { ...(lease.spec as LeaseSpec), holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    try {
      await client.replace(resourceTypes.leases, { ...lease, spec }, { timeoutMs: Math.min(this.#deadlineMs / 2, 5_000) });
      this.#observe({ ...lease, spec });
    } catch (thrown) {
      // The others wait for the lease to run out.
      this.#notify(() => this.#options.onFailure?.(thrown));
    }
  }

  #notify(call: () => void): void {
    try {
      call();
    } catch (thrown) {
      // A listener's failure is no reason to lose or keep a lease.
      if (this.#options.onFailure !== undefined) reportQuietly(this.#options.onFailure, thrown);
    }
  }
}

function reportQuietly(report: (error: unknown) => void, thrown: unknown): void {
  try {
    report(new Error(`a listener of the lease elector failed: ${messageOf(thrown)}`, { cause: thrown }));
  } catch {
    // Nobody is left to tell.
  }
}

function renewed(spec: LeaseSpec, now: number): LeaseSpec {
  return { ...spec, renewTime: microTime(now) };
}

/** Any write of the lease is a sign of life, even one that leaves the record as it was. */
function sameVersion(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.resourceVersion === undefined || a.metadata.resourceVersion === b.metadata.resourceVersion;
}

/** Others may have been given longer leases than ours: what the holder wrote counts. */
function validMs(spec: LeaseSpec): number {
  return Math.max(spec.leaseDurationSeconds ?? 0, 1) * 1000;
}

function sameRecord(a: LeaseSpec, b: LeaseSpec): boolean {
  return (
    a.holderIdentity === b.holderIdentity &&
    a.renewTime === b.renewTime &&
    a.acquireTime === b.acquireTime &&
    a.leaseTransitions === b.leaseTransitions &&
    a.leaseDurationSeconds === b.leaseDurationSeconds
  );
}

/** `metav1.MicroTime`: the server refuses fewer than six digits. */
function microTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, -1)}000Z`;
}
