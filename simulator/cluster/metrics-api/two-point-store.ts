import type { NodeScrape } from '../kubelet/index.ts';

/** One point of a container or node: cumulative CPU in nano-core-seconds, working set in bytes. */
interface Point {
  readonly startTime: number;
  readonly timestamp: number;
  readonly cpuNano: number;
  readonly memoryBytes: number;
}

/** What was used between two points. */
export interface Usage {
  /** End of the window, epoch milliseconds. */
  readonly timestamp: number;
  readonly windowMs: number;
  /** Average over the window, whole nano-cores. */
  readonly cpuNano: number;
  /** Bytes at the end of the window. */
  readonly memoryBytes: number;
}

export interface PodUsagePoints {
  readonly timestamp: number;
  readonly windowMs: number;
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[];
}

/** A container must have run so long before its start may stand in for the earlier point. */
const freshContainerMinMs = 10_000;

/**
 * The memory of metrics-server: the last two points of every container and node, replaced as a whole by every round of scrapes. Its rules
 * are upstream's; each comment below names one that a client can see.
 */
export class TwoPointStore {
  readonly #resolutionMs: number;
  #lastPods = new Map<string, Map<string, Point>>();
  #previousPods = new Map<string, Map<string, Point>>();
  #lastNodes = new Map<string, Point>();
  #previousNodes = new Map<string, Point>();

  constructor(resolutionMs: number) {
    this.#resolutionMs = resolutionMs;
  }

  /** Takes one round in. Nodes that did not answer are simply not in it: they and their pods are gone until the next round. */
  store(round: readonly NodeScrape[]): void {
    const lastPods = new Map<string, Map<string, Point>>();
    const previousPods = new Map<string, Map<string, Point>>();
    const lastNodes = new Map<string, Point>();
    const previousNodes = new Map<string, Point>();
    for (const { node, pods } of round) {
      const point = pointOf({ ...node, startTime: 0 });
      if (point.cpuNano > 0 && point.memoryBytes > 0) {
        lastNodes.set(node.name, point);
        const previous = earlier(point, this.#lastNodes.get(node.name), this.#previousNodes.get(node.name));
        if (previous !== undefined) previousNodes.set(node.name, previous);
      }
      for (const pod of pods) {
        // One zero or missing figure, and the whole pod is left out.
        if (pod.containers.some(({ cpuSeconds, memoryBytes }) => !(cpuSeconds > 0) || !(memoryBytes > 0))) continue;
        const key = `${pod.namespace}/${pod.name}`;
        const last = new Map(pod.containers.map((container) => [container.name, pointOf(container)]));
        const previous = this.#earlierPoints(key, last);
        lastPods.set(key, last);
        if (previous.size > 0) previousPods.set(key, previous);
      }
    }
    this.#lastPods = lastPods;
    this.#previousPods = previousPods;
    this.#lastNodes = lastNodes;
    this.#previousNodes = previousNodes;
  }

  /** Whether anything could be answered. */
  get filled(): boolean {
    return this.#previousNodes.size > 0 || this.#previousPods.size > 0;
  }

  /** Usage of a pod; `undefined` when one of its containers has no earlier point. */
  pod(namespace: string, name: string): PodUsagePoints | undefined {
    const key = `${namespace}/${name}`;
    const last = this.#lastPods.get(key);
    const previous = this.#previousPods.get(key);
    if (last === undefined || previous === undefined) return undefined;
    const containers: { name: string; usage: Usage }[] = [];
    let first: Usage | undefined;
    for (const [container, point] of last) {
      const before = previous.get(container);
      if (before === undefined) return undefined;
      const usage = usageBetween(before, point);
      // A counter that went back leaves this container out and keeps the others.
      if (usage === undefined) continue;
      containers.push({ name: container, usage });
      if (first === undefined || usage.timestamp < first.timestamp) first = usage;
    }
    return first === undefined ? undefined : { timestamp: first.timestamp, windowMs: first.windowMs, containers };
  }

  node(name: string): Usage | undefined {
    const last = this.#lastNodes.get(name);
    const previous = this.#previousNodes.get(name);
    return last === undefined || previous === undefined ? undefined : usageBetween(previous, last);
  }

  #earlierPoints(key: string, last: ReadonlyMap<string, Point>): Map<string, Point> {
    const result = new Map<string, Point>();
    for (const [name, point] of last) {
      const age = point.timestamp - point.startTime;
      const previous =
        age >= freshContainerMinMs && age < this.#resolutionMs
          ? // A young container counts from its start, with nothing used before.
            { ...point, timestamp: point.startTime, cpuNano: 0 }
          : earlier(point, this.#lastPods.get(key)?.get(name), this.#previousPods.get(key)?.get(name));
      if (previous !== undefined) result.set(name, previous);
    }
    return result;
  }
}

/** The earlier point for a new one: the last, or, when the new one is no newer, the one before it; none after a restart. */
function earlier(point: Point, last: Point | undefined, previous: Point | undefined): Point | undefined {
  if (last === undefined || point.startTime >= last.timestamp) return undefined;
  return point.timestamp > last.timestamp ? last : previous;
}

function usageBetween(previous: Point, last: Point): Usage | undefined {
  if (last.startTime < previous.startTime || last.cpuNano < previous.cpuNano) return undefined;
  const windowMs = last.timestamp - previous.timestamp;
  if (windowMs <= 0) return undefined;
  const cpuNano = Math.floor((last.cpuNano - previous.cpuNano) / (windowMs / 1000));
  return { timestamp: last.timestamp, windowMs, cpuNano, memoryBytes: last.memoryBytes };
}

function pointOf(from: {
  readonly startTime: number;
  readonly timestamp: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}): Point {
  return {
    startTime: from.startTime,
    timestamp: from.timestamp,
    cpuNano: Math.floor(from.cpuSeconds * 1e9),
    memoryBytes: from.memoryBytes,
  };
}
