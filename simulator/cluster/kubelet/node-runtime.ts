import { tryParseMilli } from '../../../core/units/index.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import type { PodRuntime } from './pod-runtime.ts';
import { cpuLimitMilli, requestMilli } from './pod-spec.ts';
import type { NodeSpec } from './types.ts';

/** What the system takes of a node by itself. */
export interface SystemUse {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

/** One node: capacity, what is taken of it, and what it publishes. */
export class NodeRuntime {
  readonly spec: NodeSpec;
  /** Thousandths by resource. */
  readonly capacity: ReadonlyMap<string, number>;
  readonly allocatable: ReadonlyMap<string, number>;
  readonly maxPods: number;
  readonly system: SystemUse;
  readonly address: string;
  readonly pods = new Map<string, PodRuntime>();
  readonly images = new Set<string>();
  uid = '';
  registered = false;
  /** The kubelet runs and reaches the API server. */
  alive = true;
  /** The containers run. */
  powered = true;
  /** What the kubelet says of itself when it is not ready. */
  notReadyReason: string | undefined;
  memoryPressure = false;
  /** Pressure is taken back only some time after it has gone. */
  pressureSince = 0;
  readonly conditionSince = new Map<string, { readonly status: string; readonly at: number }>();
  /** Room may have appeared for deferred resizes. */
  roomChanged = false;
  housekeepingAt = 0;
  cpuSeconds = 0.001;
  memoryBytes = 0;
  readonly bootedAt: number;
  readonly #used = new Map<string, number>();
  readonly #accounted = new Map<PodRuntime, ReadonlyMap<string, number>>();
  /** Core-milliseconds × 1000 of containers that have ended. */
  #endedWork = 0;

  constructor(spec: NodeSpec, address: string, system: SystemUse, now: number) {
    this.spec = spec;
    this.address = address;
    this.maxPods = spec.pods ?? 110;
    this.capacity = milliMap({ ...spec.resources, cpu: spec.cpu, memory: spec.memory });
    this.allocatable = milliMap({ ...spec.resources, cpu: spec.cpu, memory: spec.memory, ...spec.allocatable });
    const twentieth = (name: string): number => (this.capacity.get(name) ?? 0) / 20;
    this.system = {
      cpuMilli: Math.min(system.cpuMilli, twentieth('cpu')),
      memoryBytes: Math.min(system.memoryBytes, twentieth('memory') / 1000),
    };
    this.memoryBytes = this.system.memoryBytes;
    this.bootedAt = now;
  }

  /** Milli-cores that containers can use. */
  get usableCpu(): number {
    return (this.capacity.get('cpu') ?? 0) - this.system.cpuMilli;
  }

  get memoryCapacity(): number {
    return (this.capacity.get('memory') ?? 0) / 1000;
  }

  used(resource: string): number {
    return this.#used.get(resource) ?? 0;
  }

  /** What of a resource is left beside the pods, one of them not counted. */
  room(resource: string, without?: PodRuntime): number {
    const own = without === undefined ? 0 : (this.#accounted.get(without)?.get(resource) ?? 0);
    return (this.allocatable.get(resource) ?? 0) - this.used(resource) + own;
  }

  /** Counts what the pod takes now, in place of what it took before. */
  account(pod: PodRuntime): void {
    this.#add(this.#accounted.get(pod), -1);
    const requests = this.pods.get(pod.key) === pod ? pod.requests() : new Map<string, number>();
    if (requests.size > 0) this.#accounted.set(pod, requests);
    else this.#accounted.delete(pod);
    this.#add(requests, 1);
    this.roomChanged = true;
  }

  /** Running containers of all pods. */
  *running(): IterableIterator<{ readonly pod: PodRuntime; readonly container: ContainerRuntime }> {
    for (const pod of this.pods.values()) {
      for (const container of pod.containers) if (container.usage !== undefined) yield { pod, container };
    }
  }

  /** Total CPU of the node up to `at`, in core-seconds: never goes back, whatever containers end. */
  totalCpuSeconds(at: number): number {
    let running = 0;
    for (const { container } of this.running()) {
      const work = container.usage?.cpu(at) ?? 0;
      running += work;
    }
    return 0.001 + (this.#endedWork + running) / 1e6 + (this.system.cpuMilli * (at - this.bootedAt)) / 1e6;
  }

  /** Keeps the CPU of a container that ends. */
  keepWork(work: number): void {
    this.#endedWork += work;
  }

  /**
   * Gives every running container its ceiling for the time until `until`: its limit, or, when more is wanted than the node has, a share by
   * CPU weight (the request), as the kernel's scheduler does.
   */
  shareCpu(now: number, until: number): void {
    const usable = this.usableCpu;
    let possible = 0;
    for (const { container } of this.running()) possible += Math.min(usable, cpuLimitMilli(container.actual));
    const crowded = possible > usable && this.#wanted(now, until) > usable;
    if (crowded) {
      this.#shareByWeight(now, until);
      return;
    }
    for (const { container } of this.running()) {
      container.usage?.setCeiling(now, Math.min(usable, cpuLimitMilli(container.actual)));
    }
  }

  #wanted(now: number, until: number): number {
    let sum = 0;
    for (const { container } of this.running()) sum += this.#want(container, now, until);
    return sum;
  }

  #want(container: ContainerRuntime, now: number, until: number): number {
    return Math.min(this.usableCpu, cpuLimitMilli(container.actual), container.usage?.wanted(now, until) ?? 0);
  }

  #shareByWeight(now: number, until: number): void {
    const open = [...this.running()].map(({ container }) => ({
      container,
      want: this.#want(container, now, until),
      // Two shares are the kernel's least, a thousand and twenty-four stand for a core.
      weight: Math.max(2, (requestMilli(container.actual, 'cpu') * 1024) / 1000),
    }));
    // Who wants least for its weight is served first; the rest share what is left.
    open.sort((left, right) => left.want / left.weight - right.want / right.weight);
    let left = this.usableCpu;
    let weights = open.reduce((sum, { weight }) => sum + weight, 0);
    for (const { container, want, weight } of open) {
      const given = Math.min(want, (left * weight) / weights);
      container.usage?.setCeiling(now, given);
      left -= given;
      weights -= weight;
    }
  }

  #add(requests: ReadonlyMap<string, number> | undefined, sign: number): void {
    if (requests === undefined) return;
    for (const [name, milli] of requests) this.#used.set(name, this.used(name) + sign * milli);
  }
}

function milliMap(list: Readonly<Record<string, string | number | undefined>>): Map<string, number> {
  const result = new Map<string, number>();
  for (const [name, value] of Object.entries(list)) {
    if (value !== undefined) result.set(name, tryParseMilli(value) ?? 0);
  }
  return result;
}
