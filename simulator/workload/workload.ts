import type { RunningContainer } from './container.ts';
import { FluidQueue } from './fluid-queue.ts';
import type { ServerGroup } from './fluid-queue.ts';
import { latencyOf } from './latency.ts';
import type { Latency } from './latency.ts';
import { maximum } from './load-series.ts';
import type { LoadSeries } from './load-series.ts';
import type { WorkloadDefinition, WorkloadResults } from './types.ts';

/** A defined workload with its queue and the containers that run under it. */
export class Workload {
  readonly definition: WorkloadDefinition;
  readonly running = new Set<RunningContainer>();
  readonly #queue: FluidQueue;
  #load: LoadSeries;
  #origin: number;
  #advancedTo: number;
  /** The highest demand of the span that all replicas ask about in turn. */
  #peak: { readonly from: number; readonly to: number; readonly demand: number } | undefined;
  #held: { at: number; requests: number } | undefined;

  constructor(definition: WorkloadDefinition, at: number) {
    this.definition = definition;
    this.#load = definition.load;
    this.#origin = definition.origin ?? at;
    this.#advancedTo = at;
    this.#queue = new FluidQueue({
      maxQueue: definition.maxQueue ?? Number.POSITIVE_INFINITY,
      holdWhenEmpty: definition.holdWhenEmpty ?? false,
    });
  }

  get origin(): number {
    return this.#origin;
  }

  setLoad(load: LoadSeries, origin: number, at: number): void {
    this.advance(at);
    this.#load = load;
    this.#origin = origin;
    this.#held = undefined;
    this.#peak = undefined;
  }

  /** Lets time pass for all replicas of the workload at once. */
  advance(at: number): void {
    if (at <= this.#advancedTo) return;
    const pieces = this.#load.pieces(this.#advancedTo - this.#origin, at - this.#origin);
    this.#queue.advance(pieces.some((piece) => piece.start < 0 || piece.end < 0) ? pieces.map(notNegative) : pieces);
    this.#advancedTo = at;
  }

  join(rate: number, at: number): ServerGroup {
    this.advance(at);
    this.#held = undefined;
    return this.#queue.join(rate);
  }

  leave(group: ServerGroup, at: number): void {
    this.advance(at);
    this.#held = undefined;
    this.#queue.leave(group);
  }

  /** Requests per second that a replica of the group serves at this instant. */
  rateOf(group: ServerGroup, at: number): number {
    this.advance(at);
    return this.#queue.rateOf(group, this.#demand(at));
  }

  /** Requests per second that a replica would get if it could serve any; infinite while requests wait. */
  wantedShare(from: number, to: number): number {
    this.advance(from);
    if (this.#queue.queue > 0) return Number.POSITIVE_INFINITY;
    if (this.#peak?.from !== from || this.#peak.to !== to) {
      this.#peak = { from, to, demand: Math.max(0, maximum(this.#load, from - this.#origin, to - this.#origin)) };
    }
    const { demand } = this.#peak;
    return demand >= this.#queue.capacity ? Number.POSITIVE_INFINITY : this.#queue.level(demand);
  }

  /** Requests in work or waiting, per serving replica (Little's law). */
  requestsHeld(at: number): number {
    if (this.#held?.at !== at) {
      this.advance(at);
      const latency = this.#latency(at, 0).meanMs;
      const serving = Math.max(1, this.#queue.count);
      const served = Math.min(this.#demand(at), this.#queue.capacity);
      const inWork = Number.isFinite(latency) ? (served * latency) / 1000 : 0;
      this.#held = { at, requests: (inWork + this.#queue.queue) / serving };
    }
    return this.#held.requests;
  }

  results(at: number): WorkloadResults {
    this.advance(at);
    const demand = this.#demand(at);
    const latency = this.#latency(at, this.#queue.queue);
    let cpu = 0;
    let memory = 0;
    for (const container of this.running) {
      if (container.serving) cpu += container.rate(at);
      memory += container.memory(at);
    }
    return {
      demand,
      demandCpu: demand * this.definition.cpuPerRequest,
      replicas: this.#queue.count,
      running: this.running.size,
      capacity: this.#queue.capacity,
      cpuPerReplica: this.#queue.count === 0 ? 0 : cpu / this.#queue.count,
      memoryPerReplica: this.running.size === 0 ? 0 : memory / this.running.size,
      queue: this.#queue.queue,
      latencyMs: latency.meanMs,
      latencyP95Ms: latency.p95Ms,
      totals: { arrived: this.#queue.arrived, served: this.#queue.served, dropped: this.#queue.dropped },
      throttled: this.#queue.queue > 0 || demand > this.#queue.capacity,
    };
  }

  #demand(at: number): number {
    return Math.max(0, this.#load.at(at - this.#origin));
  }

  #latency(at: number, queue: number): Latency {
    return latencyOf(this.definition.latency ?? { kind: 'mmc' }, {
      demand: this.#demand(at),
      capacity: this.#queue.capacity,
      servers: this.#queue.count * (this.definition.concurrency ?? 1),
      queue,
    });
  }
}

function notNegative<T extends { readonly start: number; readonly end: number }>(piece: T): T {
  return { ...piece, start: Math.max(0, piece.start), end: Math.max(0, piece.end) };
}
