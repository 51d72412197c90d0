import { tryParseMilli } from '../../../core/units/index.ts';
import type { ContainerUsage } from '../../workload/index.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import type { PodRuntime } from './pod-runtime.ts';
import type { NodeSpec } from './types.ts';

/** What the system takes of a node by itself. */
export interface SystemUse {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

/** A container with its usage, which it has only while it runs. */
export interface RunningContainer {
  readonly pod: PodRuntime;
  readonly container: ContainerRuntime;
  readonly usage: ContainerUsage;
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
  #running: readonly RunningContainer[] | undefined;
  #sharesStand = false;

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

  /** Running containers of all pods: a list that stands until one starts or ends. */
  running(): readonly RunningContainer[] {
    if (this.#running === undefined) {
      const list: RunningContainer[] = [];
      for (const pod of this.pods.values()) {
        for (const container of pod.containers) if (container.usage !== undefined) list.push({ pod, container, usage: container.usage });
      }
      this.#running = list;
    }
    return this.#running;
  }

  /** A container has started, ended, or has other limits. */
  runningChanged(): void {
    this.#running = undefined;
    this.#sharesStand = false;
  }

  /** Total CPU of the node up to `at`, in core-seconds: never goes back, whatever containers end. */
  totalCpuSeconds(at: number): number {
    let work = this.#endedWork + this.system.cpuMilli * (at - this.bootedAt);
    for (const { usage } of this.running()) work += usage.cpu(at);
    return 0.001 + work / 1e6;
  }

  /** Keeps the CPU of a container that ends. */
  keepWork(work: number): void {
    this.#endedWork += work;
    this.runningChanged();
  }

  /**
   * Gives every running container its ceiling for the time until `until`: its limit, or, when more is wanted than the node has, a share by
   * CPU weight (the request), as the kernel's scheduler does.
   */
  shareCpu(now: number, until: number): void {
    // Where even all limits together fit, ceilings change only with the containers.
    if (this.#sharesStand) return;
    const usable = this.usableCpu;
    let possible = 0;
    for (const { container } of this.running()) possible += Math.min(usable, container.cpuLimit);
    if (possible > usable && this.#wanted(now, until) > usable) {
      this.#shareByWeight(now, until);
      return;
    }
    for (const { container, usage } of this.running()) usage.setCeiling(now, Math.min(usable, container.cpuLimit));
    this.#sharesStand = possible <= usable;
  }

  #wanted(now: number, until: number): number {
    let sum = 0;
    for (const running of this.running()) sum += this.#want(running, now, until);
    return sum;
  }

  #want({ container, usage }: RunningContainer, now: number, until: number): number {
    return Math.min(this.usableCpu, container.cpuLimit, usage.wanted(now, until));
  }

  #shareByWeight(now: number, until: number): void {
    const open = this.running().map((running) => ({
      usage: running.usage,
      want: this.#want(running, now, until),
      weight: running.container.cpuShares,
    }));
    // Who wants least for its weight is served first; the rest share what is left.
    open.sort((left, right) => left.want / left.weight - right.want / right.weight);
    let left = this.usableCpu;
    let weights = open.reduce((sum, { weight }) => sum + weight, 0);
    for (const { usage, want, weight } of open) {
      const given = Math.min(want, (left * weight) / weights);
      usage.setCeiling(now, given);
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
