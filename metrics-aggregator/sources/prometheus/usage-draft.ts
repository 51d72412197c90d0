import { nextTurn } from '../../../core/kube/turn.ts';
import type { NodeUsage } from '../../../core/model/metrics-view.ts';
import { createUsageTableBuilder, finishUsageTable, roomForContainer, roomForPod } from '../../store/usage-table-builder.ts';
import type { UsageTable } from '../../store/usage-table.ts';
import { parseFloatText } from './sample-value.ts';
import type { InstantItem } from './series-item.ts';

/** Sentences kept of what cannot be used. */
const MAX_REJECTED = 20;
const PODS_PER_TURN = 5000;

interface PodDraft {
  readonly namespace: string;
  readonly name: string;
  timestamp: number;
  readonly containers: Map<string, { cpuMilli: number; memoryMilli: number }>;
}

interface NodeDraft {
  timestamp: number;
  cpuMilli: number | undefined;
  memoryMilli: number | undefined;
}

/** Usage that is put together out of several answers that arrive at the same time. */
export interface UsageDraft {
  readonly cpu: (item: InstantItem) => void;
  readonly memory: (item: InstantItem) => void;
  readonly timestamp: (item: InstantItem) => void;
  readonly nodeCpu: (item: InstantItem) => void;
  readonly nodeMemory: (item: InstantItem) => void;
  readonly nodeTimestamp: (item: InstantItem) => void;
  readonly reject: (sentence: string) => void;
  readonly finish: () => Promise<DraftedUsage>;
}

export interface DraftedUsage {
  readonly pods: UsageTable;
  readonly nodes: readonly NodeUsage[];
  readonly rejected: readonly string[];
}

export function createUsageDraft(windowMs: number): UsageDraft {
  const pods = new Map<string, PodDraft>();
  const nodes = new Map<string, NodeDraft>();
  const rejected: string[] = [];
  const reject = (sentence: string): void => {
    if (rejected.length < MAX_REJECTED) rejected.push(sentence);
  };

  const podOf = ({ labels }: InstantItem, what: string): PodDraft | undefined => {
    const { namespace = '', pod: name = '' } = labels;
    if (namespace === '' || name === '') {
      reject(`a series of ${what} has no label namespace or pod`);
      return undefined;
    }
    const key = `${namespace}/${name}`;
    let pod = pods.get(key);
    if (pod === undefined) {
      pod = { namespace, name, timestamp: Number.NaN, containers: new Map() };
      pods.set(key, pod);
    }
    return pod;
  };
  const nodeOf = ({ labels }: InstantItem): NodeDraft | undefined => {
    const { node: name = '' } = labels;
    if (name === '') {
      reject('a series of node usage has no label node');
      return undefined;
    }
    let node = nodes.get(name);
    if (node === undefined) {
      node = { timestamp: Number.NaN, cpuMilli: undefined, memoryMilli: undefined };
      nodes.set(name, node);
    }
    return node;
  };
  const takeContainer = (item: InstantItem, column: 'cpuMilli' | 'memoryMilli', what: string): void => {
    const { container = '' } = item.labels;
    if (container === '') return reject(`a series of ${what} has no label container`);
    const value = usageMilli(item);
    const pod = podOf(item, what);
    if (pod === undefined) return;
    if (value === undefined)
      reject(`${what} of container ${container} of pod ${pod.namespace}/${pod.name} is not a number that usage can be`);
    let container_ = pod.containers.get(container);
    if (container_ === undefined) {
      container_ = { cpuMilli: Number.NaN, memoryMilli: Number.NaN };
      pod.containers.set(container, container_);
    }
    container_[column] = value ?? Number.NaN;
  };
  const takeNode = (item: InstantItem, column: 'cpuMilli' | 'memoryMilli'): void => {
    const node = nodeOf(item);
    if (node !== undefined) node[column] = usageMilli(item);
  };

  return {
    cpu: (item) => takeContainer(item, 'cpuMilli', 'cpuUsage'),
    memory: (item) => takeContainer(item, 'memoryMilli', 'memoryUsage'),
    timestamp: (item) => {
      const pod = podOf(item, 'usageTimestamps');
      if (pod !== undefined) pod.timestamp = sampleTime(item);
    },
    nodeCpu: (item) => takeNode(item, 'cpuMilli'),
    nodeMemory: (item) => takeNode(item, 'memoryMilli'),
    nodeTimestamp: (item) => {
      const node = nodeOf(item);
      if (node !== undefined) node.timestamp = sampleTime(item);
    },
    reject,
    finish: async () => {
      const table = await tableOf(pods, windowMs, reject);
      return { pods: table, nodes: nodesOf(nodes, windowMs, reject), rejected };
    },
  };
}

/** Thousandths, to the nearest: the noise of a float's last bits is no usage. `undefined` for NaN, infinite, negative and histograms. */
function usageMilli({ value, histogram }: InstantItem): number | undefined {
  const number = histogram ? undefined : parseFloatText(value);
  return number === undefined || !Number.isFinite(number) || number < 0 ? undefined : Math.round(number * 1000);
}

/** The value of `timestamp()` in epoch milliseconds. */
function sampleTime({ value, histogram }: InstantItem): number {
  const seconds = histogram ? undefined : parseFloatText(value);
  return seconds === undefined ? Number.NaN : Math.round(seconds * 1000);
}

async function tableOf(pods: ReadonlyMap<string, PodDraft>, windowMs: number, reject: (sentence: string) => void): Promise<UsageTable> {
  const builder = createUsageTableBuilder(pods.size);
  let seen = 0;
  let undated = 0;
  for (const pod of pods.values()) {
    if (++seen % PODS_PER_TURN === 0) await nextTurn();
    // Timestamps are asked for at the same time as usage: a pod may be in one answer and not in the other.
    if (pod.containers.size === 0) continue;
    if (!Number.isFinite(pod.timestamp)) {
      if (undated++ === 0)
        reject(`usage of pod ${pod.namespace}/${pod.name} has no timestamp (query usageTimestamps): it cannot be told how old it is`);
      continue;
    }
    roomForPod(builder);
    const row = builder.podCount++;
    builder.namespaces.push(pod.namespace);
    builder.names.push(pod.name);
    builder.timestamps[row] = pod.timestamp;
    builder.windowsMs[row] = windowMs;
    for (const [name, { cpuMilli, memoryMilli }] of pod.containers) {
      roomForContainer(builder);
      const at = builder.containerCount++;
      builder.containers.push(name);
      builder.cpuMilli[at] = cpuMilli;
      builder.memoryMilli[at] = memoryMilli;
    }
    builder.firstContainer[row + 1] = builder.containerCount;
  }
  if (undated > 1) reject(`so it is with ${undated - 1} more pods`);
  return finishUsageTable(builder);
}

function nodesOf(nodes: ReadonlyMap<string, NodeDraft>, windowMs: number, reject: (sentence: string) => void): NodeUsage[] {
  const usage: NodeUsage[] = [];
  for (const [name, { timestamp, cpuMilli, memoryMilli }] of nodes) {
    if (cpuMilli === undefined && memoryMilli === undefined) continue;
    if (Number.isFinite(timestamp)) usage.push({ name, timestamp, windowMs, cpuMilli, memoryMilli });
    else reject(`usage of node ${name} has no timestamp (query nodeTimestamps)`);
  }
  return usage;
}
