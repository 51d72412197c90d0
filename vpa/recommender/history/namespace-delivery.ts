import { nextTurn } from '../../../core/kube/turn.ts';
import type { Labels } from '../../../core/model/selector.ts';
import type { SampleSeries } from '../engine/types.ts';
import type { BlockSeries, HistoryBlock } from './block-cache.ts';
import type { HistoryGrid } from './history-grid.ts';
import type { HistoryProgress } from './history-report.ts';
import { createPodMatcher, type HistoryTarget, type PodMatch } from './history-targets.ts';

/** Points that are given away before other work gets a turn: a few milliseconds. A series is 192 of them by default, and 11,520 at a resolution of a minute. */
const pointsPerTurn = 16_384;

export interface NamespaceMemory {
  /** Failures in a row. */
  attempts: number;
  /** Batches that were read before the first of them. */
  servedBefore: number;
  /** Keys of targets that have had their past. */
  readonly delivered: Set<string>;
  /** Pods whose samples were of no use when it was given away last. */
  dropped: { readonly unknownOwner: number; readonly noTarget: number };
}

export interface Delivery {
  readonly namespace: string;
  readonly grid: HistoryGrid;
  readonly progress: HistoryProgress;
  readonly each: (series: SampleSeries) => number;
  readonly memory: NamespaceMemory;
}

export interface NamespaceContent {
  /** One for each block of the grid. */
  readonly blocks: readonly HistoryBlock[];
  readonly targets: readonly HistoryTarget[];
  readonly live: ReadonlyMap<string, Labels>;
}

/**
 * Gives away the whole past of each container of a namespace, oldest first, that some target is about and none has had yet. Series are put together only now,
 * one after the other.
 */
export async function deliverNamespace(delivery: Delivery, { blocks, targets, live }: NamespaceContent): Promise<void> {
  const { grid, memory, namespace, progress, each } = delivery;
  const match = createPodMatcher({ targets, live, blocks });
  const matches = new Map<string, PodMatch>();
  const dropped = { unknownOwner: 0, noTarget: 0 };
  let given = 0;
  for (const [id, parts] of byContainer(blocks)) {
    const [pod = '', container = ''] = id.split('\n');
    let found = matches.get(pod);
    if (found === undefined) {
      matches.set(pod, (found = match(pod)));
      if (!found.found) dropped[found.why === 'no-target' ? 'noTarget' : 'unknownOwner'] += 1;
    }
    if (!found.found || found.targets.some(({ key }) => memory.delivered.has(key))) continue;
    // Targets share the aggregates of a pod that is theirs.
    const columns = joinBlocks(parts, grid, Math.min(...found.targets.map(({ before = Infinity }) => before)));
    if (columns.timestamps.length === 0) continue;
    progress.series += 1;
    progress.samples += columns.timestamps.length;
    progress.accepted += each({ namespace, pod, container, labels: found.labels, ...columns });
    given += columns.timestamps.length;
    if (given < pointsPerTurn) continue;
    given = 0;
    await nextTurn();
  }
  memory.dropped = dropped;
}

type Part = readonly [block: number, series: BlockSeries];

function byContainer(blocks: readonly HistoryBlock[]): ReadonlyMap<string, readonly Part[]> {
  const found = new Map<string, Part[]>();
  for (const [index, { series }] of blocks.entries()) {
    for (const one of series) {
      const id = `${one.pod}\n${one.container}`;
      const parts = found.get(id);
      if (parts === undefined) found.set(id, [[index, one]]);
      else parts.push([index, one]);
    }
  }
  return found;
}

function joinBlocks(
  parts: readonly Part[],
  { blocks, stepMs, from }: HistoryGrid,
  before: number,
): Pick<SampleSeries, 'timestamps' | 'cpu' | 'memory'> {
  const most = parts.reduce((sum, [, { cpu }]) => sum + cpu.length, 0);
  const timestamps = new Float64Array(most);
  const cpu = new Float64Array(most);
  const memory = new Float64Array(most);
  let count = 0;
  for (const [index, series] of parts) {
    const start = blocks[index]?.start ?? 0;
    for (let point = 0; point < series.cpu.length; point++) {
      const time = start + (point + 1) * stepMs;
      const used = series.cpu[point] ?? NaN;
      const held = series.memory[point] ?? NaN;
      if (time <= from || time >= before || (Number.isNaN(used) && Number.isNaN(held))) continue;
      timestamps[count] = time;
      cpu[count] = used;
      memory[count] = held;
      count += 1;
    }
  }
  return { timestamps: timestamps.slice(0, count), cpu: cpu.slice(0, count), memory: memory.slice(0, count) };
}
