import type { PodUsage } from '../../core/model/metrics-view.ts';
import type { UsageTable } from './usage-table.ts';

/** A {@link UsageTable} that grows. Whoever writes to the columns calls {@link roomForPod} or {@link roomForContainer} first. */
export interface UsageTableBuilder {
  podCount: number;
  containerCount: number;
  readonly namespaces: string[];
  readonly names: string[];
  timestamps: Float64Array;
  windowsMs: Float64Array;
  firstContainer: Int32Array;
  readonly containers: string[];
  cpuMilli: Float64Array;
  memoryMilli: Float64Array;
}

/** With room for so many before anything has to be copied. */
export function createUsageTableBuilder(pods = 64, containers = pods): UsageTableBuilder {
  const podRoom = Math.max(1, pods);
  const containerRoom = Math.max(1, containers);
  return {
    podCount: 0,
    containerCount: 0,
    namespaces: [],
    names: [],
    timestamps: new Float64Array(podRoom),
    windowsMs: new Float64Array(podRoom),
    firstContainer: new Int32Array(podRoom + 1),
    containers: [],
    cpuMilli: new Float64Array(containerRoom),
    memoryMilli: new Float64Array(containerRoom),
  };
}

export function roomForPod(builder: UsageTableBuilder): void {
  if (builder.podCount < builder.timestamps.length) return;
  const room = builder.podCount * 2;
  builder.timestamps = grown(builder.timestamps, new Float64Array(room));
  builder.windowsMs = grown(builder.windowsMs, new Float64Array(room));
  builder.firstContainer = grown(builder.firstContainer, new Int32Array(room + 1));
}

export function roomForContainer(builder: UsageTableBuilder): void {
  if (builder.containerCount < builder.cpuMilli.length) return;
  const room = builder.containerCount * 2;
  builder.cpuMilli = grown(builder.cpuMilli, new Float64Array(room));
  builder.memoryMilli = grown(builder.memoryMilli, new Float64Array(room));
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

export function addPod(builder: UsageTableBuilder, pod: PodUsage): void {
  roomForPod(builder);
  const row = builder.podCount++;
  builder.namespaces.push(pod.namespace);
  builder.names.push(pod.name);
  builder.timestamps[row] = pod.timestamp;
  builder.windowsMs[row] = pod.windowMs;
  for (const { name, cpuMilli, memoryMilli } of pod.containers) {
    roomForContainer(builder);
    const at = builder.containerCount++;
    builder.containers.push(name);
    builder.cpuMilli[at] = cpuMilli ?? Number.NaN;
    builder.memoryMilli[at] = memoryMilli ?? Number.NaN;
  }
  builder.firstContainer[row + 1] = builder.containerCount;
}

/** The table so far, in columns of their exact length; the builder must not be used any more. */
export function finishUsageTable(builder: UsageTableBuilder): UsageTable {
  const { podCount, containerCount } = builder;
  return {
    ...builder,
    timestamps: exact(builder.timestamps, podCount),
    windowsMs: exact(builder.windowsMs, podCount),
    firstContainer: builder.firstContainer.length === podCount + 1 ? builder.firstContainer : builder.firstContainer.slice(0, podCount + 1),
    cpuMilli: exact(builder.cpuMilli, containerCount),
    memoryMilli: exact(builder.memoryMilli, containerCount),
  };
}

/** A copy rather than a part, which would hold the whole. */
function exact(column: Float64Array, length: number): Float64Array {
  return column.length === length ? column : column.slice(0, length);
}

/** The usage of some pods as a table. */
export function usageTableOf(pods: Iterable<PodUsage>): UsageTable {
  const builder = createUsageTableBuilder();
  for (const pod of pods) addPod(builder, pod);
  return finishUsageTable(builder);
}

/** The pods of a table one by one, as objects; of very many that takes long. */
export function* podsOfTable(table: UsageTable): Generator<PodUsage, undefined> {
  for (let row = 0; row < table.podCount; row++) {
    const start = table.firstContainer[row] ?? 0;
    const end = table.firstContainer[row + 1] ?? 0;
    yield {
      namespace: table.namespaces[row] ?? '',
      name: table.names[row] ?? '',
      timestamp: table.timestamps[row] ?? 0,
      windowMs: table.windowsMs[row] ?? 0,
      containers: table.containers.slice(start, end).map((name, at) => ({
        name,
        cpuMilli: known(table.cpuMilli[start + at]),
        memoryMilli: known(table.memoryMilli[start + at]),
      })),
    };
  }
}

function known(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
