import { cappedIntegral, maximum } from './load-series.ts';
import type { LoadSeries } from './load-series.ts';
import type { ServerGroup } from './fluid-queue.ts';
import type { ContainerUsage, PodIdentity } from './types.ts';
import type { Workload } from './workload.ts';

/** Use of a container that no workload is defined for: milli-cores and bytes since its start. */
export interface StaticProfile {
  readonly cpu: LoadSeries;
  readonly memory: LoadSeries;
}

/** A running container: under a workload that sends it requests, or on its own by a static profile. */
export class RunningContainer implements ContainerUsage {
  readonly pod: PodIdentity;
  readonly name: string;
  readonly startedAt: number;
  readonly #profile: StaticProfile;
  readonly #onRelease: (container: RunningContainer) => void;
  #workload: Workload | undefined;
  #group: ServerGroup | undefined;
  #groupServed = 0;
  #groupSaturated = 0;
  #serving = false;
  #ceiling = Number.POSITIVE_INFINITY;
  /** Own work (idle use, start-up, static profile) is counted up to here. */
  #countedTo: number;
  #work = 0;
  #throttled = 0;
  /** Milli-core × milliseconds of the start-up burst that are still to be done. */
  #startupLeft = 0;
  #released = false;

  constructor(
    identity: { readonly pod: PodIdentity; readonly name: string; readonly startedAt: number },
    profile: StaticProfile,
    onRelease: (container: RunningContainer) => void,
  ) {
    this.pod = identity.pod;
    this.name = identity.name;
    this.startedAt = identity.startedAt;
    this.#countedTo = identity.startedAt;
    this.#profile = profile;
    this.#onRelease = onRelease;
  }

  get serving(): boolean {
    return this.#serving && !this.#released;
  }

  get ceiling(): number {
    return this.#ceiling;
  }

  /** Comes under a workload, or under none. A start-up burst is due only if the container starts under it. */
  attach(workload: Workload | undefined, at: number): void {
    this.#count(at);
    this.#leave(at);
    this.#workload?.running.delete(this);
    this.#workload = workload;
    if (workload === undefined) return;
    workload.running.add(this);
    const burst = workload.definition.startup;
    if (burst !== undefined && at === this.startedAt) this.#startupLeft = burst.cpuMilli * burst.durationMs;
    this.#join(at);
  }

  cpu(at: number): number {
    if (!this.#released) this.#count(at);
    return this.#work + this.#requestsSinceJoin(at) * (this.#workload?.definition.cpuPerRequest ?? 0) * 1000;
  }

  throttledMs(at: number): number {
    if (!this.#released) this.#count(at);
    return this.#throttled + this.#saturatedSinceJoin(at);
  }

  memory(at: number): number {
    const workload = this.#workload;
    if (workload === undefined) return Math.max(0, this.#profile.memory.at(at - this.startedAt));
    const { memory } = workload.definition;
    const held = memory.perRequest === undefined || !this.serving ? 0 : memory.perRequest * workload.requestsHeld(at);
    const leaked = ((memory.leak ?? 0) * (at - this.startedAt)) / 1000;
    return memory.base + held + leaked + (memory.series?.at(at - workload.origin) ?? 0);
  }

  rate(at: number): number {
    if (this.#released) return 0;
    this.#count(at);
    const workload = this.#workload;
    if (workload === undefined) return Math.min(this.#ceiling, this.#profile.cpu.at(at - this.startedAt));
    return this.#ownRate() + (this.#group === undefined ? 0 : workload.rateOf(this.#group, at) * workload.definition.cpuPerRequest);
  }

  wanted(from: number, to: number): number {
    const workload = this.#workload;
    if (workload === undefined) return maximum(this.#profile.cpu, from - this.startedAt, to - this.startedAt);
    this.#count(from);
    const own = this.#base() + (this.#startupLeft > 0 ? (workload.definition.startup?.cpuMilli ?? 0) : 0);
    return this.#group === undefined ? own : own + workload.wantedShare(from, to) * workload.definition.cpuPerRequest;
  }

  setCeiling(at: number, milli: number): void {
    if (milli === this.#ceiling || this.#released) return;
    this.#count(at);
    const before = this.#serveRate();
    this.#ceiling = milli;
    if (this.#group !== undefined && this.#serveRate() !== before) {
      this.#leave(at);
      this.#join(at);
    }
  }

  setServing(at: number, serving: boolean): void {
    if (serving === this.#serving || this.#released) return;
    this.#count(at);
    this.#serving = serving;
    // Whoever serves has started: a burst that was still to come is dropped rather than added to the load.
    if (serving) this.#startupLeft = 0;
    if (serving) this.#join(at);
    else this.#leave(at);
  }

  startupEnd(at: number): number {
    this.#count(at);
    if (this.#startupLeft <= 0) return at;
    const rate = this.#startupRate();
    return rate > 0 ? at + this.#startupLeft / rate : Number.POSITIVE_INFINITY;
  }

  release(at: number): void {
    if (this.#released) return;
    this.#count(at);
    this.#leave(at);
    this.#released = true;
    this.#workload?.running.delete(this);
    this.#onRelease(this);
  }

  #base(): number {
    return this.#workload?.definition.baseCpu ?? 1;
  }

  #ownRate(): number {
    return Math.min(this.#ceiling, this.#base()) + (this.#startupLeft > 0 ? this.#startupRate() : 0);
  }

  #startupRate(): number {
    return Math.max(0, Math.min(this.#workload?.definition.startup?.cpuMilli ?? 0, this.#ceiling - this.#base()));
  }

  /** Requests per second that it can serve under its ceiling. */
  #serveRate(): number {
    const definition = this.#workload?.definition;
    if (definition === undefined) return 0;
    const byCpu =
      definition.cpuPerRequest > 0 ? Math.max(0, this.#ceiling - this.#base()) / definition.cpuPerRequest : Number.POSITIVE_INFINITY;
    const service = definition.latency?.kind === 'constant' ? undefined : definition.latency?.serviceMs;
    const bySlots = service === undefined ? Number.POSITIVE_INFINITY : ((definition.concurrency ?? 1) * 1000) / service;
    return Math.min(byCpu, bySlots, definition.capacity ?? Number.POSITIVE_INFINITY);
  }

  #join(at: number): void {
    if (!this.#serving || this.#released || this.#workload === undefined || this.#group !== undefined) return;
    this.#group = this.#workload.join(this.#serveRate(), at);
    this.#groupServed = this.#group.served;
    this.#groupSaturated = this.#group.saturatedMs;
  }

  #leave(at: number): void {
    if (this.#group === undefined || this.#workload === undefined) return;
    this.#work += this.#requestsSinceJoin(at) * this.#workload.definition.cpuPerRequest * 1000;
    this.#throttled += this.#saturatedSinceJoin(at);
    this.#workload.leave(this.#group, at);
    this.#group = undefined;
  }

  #requestsSinceJoin(at: number): number {
    if (this.#group === undefined || this.#workload === undefined) return 0;
    this.#workload.advance(at);
    return this.#group.served - this.#groupServed;
  }

  #saturatedSinceJoin(at: number): number {
    if (this.#group === undefined || this.#workload === undefined) return 0;
    this.#workload.advance(at);
    return this.#group.saturatedMs - this.#groupSaturated;
  }

  /** Counts the container's own work up to `at`. */
  #count(at: number): void {
    const from = this.#countedTo;
    if (at <= from) return;
    this.#countedTo = at;
    if (this.#workload === undefined) {
      const since = from - this.startedAt;
      const used = cappedIntegral(this.#profile.cpu, this.#ceiling, since, at - this.startedAt);
      if (Number.isFinite(this.#ceiling) && maximum(this.#profile.cpu, since, at - this.startedAt) > this.#ceiling) {
        this.#throttled += at - from;
      }
      this.#work += used;
      return;
    }
    this.#work += Math.min(this.#ceiling, this.#base()) * (at - from);
    if (this.#startupLeft > 0) this.#countStartup(at - from);
  }

  #countStartup(duration: number): void {
    const rate = this.#startupRate();
    const done = Math.min(this.#startupLeft, rate * duration);
    this.#work += done;
    this.#startupLeft -= done;
    const wanted = this.#workload?.definition.startup?.cpuMilli ?? 0;
    if (rate < wanted) this.#throttled += rate > 0 ? done / rate : duration;
  }
}
