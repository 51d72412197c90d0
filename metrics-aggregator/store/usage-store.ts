import type { NodeUsage, UsageSnapshot } from '../../core/model/metrics-view.ts';
import { createContainerHistories } from './container-histories.ts';
import { mergeColumns } from './merge-rows.kernel.ts';
import { freshness, type PodShape, type UsageGeneration } from './usage-generation.ts';
import { ingestAnswer, type IngestReport } from './usage-ingest.ts';
import { createUsageSnapshot } from './usage-snapshot.ts';
import type { UsageTable } from './usage-table.ts';

export type { IngestReport } from './usage-ingest.ts';

/** Bounds of the memory of usage. */
export interface UsageStoreConfig {
  /** Points of history that one container keeps, the newest; 1 to 65 535. Default 12: three minutes at 15 s; 24 bytes each. */
  readonly containerHistoryPoints: number;
  /** Milliseconds after which a container that is no longer listed is forgotten. Default 10 minutes. */
  readonly forgetAfterMs: number;
  /**
   * Containers with a history, listed or not. Default 200 000: 55 MiB with 12 points. When a listed one finds no room, those that have been away for longest
   * are given up, all that left with the same answer; when all are listed, those that came last have no history but their newest sample. Usage itself is
   * held of whatever the last answer listed: leaving a part of it out would look like pods without a sample.
   */
  readonly maxContainers: number;
}

export const defaultUsageStoreConfig: UsageStoreConfig = { containerHistoryPoints: 12, forgetAfterMs: 600_000, maxContainers: 200_000 };

export interface SnapshotOptions {
  readonly at: number;
  /** A sample that is older at `at` does not exist in the snapshot. */
  readonly maxAgeMs: number;
  /**
   * This snapshot is the one that consumers see: what it shows as fresh is not shown again, so that each observation is counted once. Without it a look at
   * the store changes nothing. Default false.
   */
  readonly publish?: boolean | undefined;
}

export interface UsageStore {
  /**
   * Takes in one complete answer; the table and the nodes are the store's from then on and must not be changed. Works in slices of a few milliseconds; until it
   * resolves, snapshots are of the answer before. Calls that overlap are taken one after the other.
   */
  ingest(answer: { readonly pods: UsageTable; readonly nodes: readonly NodeUsage[] }, now: number): Promise<IngestReport>;
  /** What is known now; the snapshot answers the same for ever. As fresh it shows what was observed since the last one that was published. */
  snapshot(options: SnapshotOptions): UsageSnapshot;
}

/**
 * The memory of usage. What one answer listed stands in columns that never change, so that a snapshot is a look at them and costs nothing; what a container
 * used before is in rings (container-rings.kernel.ts).
 */
export function createUsageStore(config: UsageStoreConfig = defaultUsageStoreConfig): UsageStore {
  const { forgetAfterMs, maxContainers } = config;
  const historyPoints = Math.min(65_535, Math.max(1, Math.floor(config.containerHistoryPoints)));
  const histories = createContainerHistories(historyPoints, maxContainers);
  let current: UsageGeneration = emptyGeneration(histories.rings.commit());
  let currentAt = -Infinity;
  let isPublished = false;
  let underWay: Promise<unknown> = Promise.resolve();

  const ingest = async (
    answer: { readonly pods: UsageTable; readonly nodes: readonly NodeUsage[] },
    now: number,
  ): Promise<IngestReport> => {
    const { generation, report } = await ingestAnswer({
      answer,
      now,
      previous: current,
      previousAt: currentAt,
      histories,
      historyPoints,
      forgetAfterMs,
    });
    current = { ...generation, unpublished: isPublished ? freshness.now : freshness.carried };
    currentAt = now;
    isPublished = false;
    return report;
  };

  return {
    ingest: (answer, now) => {
      checkTable(answer.pods);
      const done = underWay.then(() => ingest(answer, now));
      underWay = done.catch(() => undefined);
      return done;
    },
    snapshot: ({ at, maxAgeMs, publish = false }) => {
      const freshFrom = isPublished ? Infinity : current.unpublished;
      if (publish) isPublished = true;
      return createUsageSnapshot(current, { oldest: at - maxAgeMs, freshFrom });
    },
  };
}

function emptyGeneration(rings: UsageGeneration['rings']): UsageGeneration {
  const shape: PodShape = {
    podCount: 0,
    containerCount: 0,
    namespaces: [],
    names: [],
    firstContainer: new Int32Array(1),
    containers: [],
    rows: new Map(),
    slots: new Int32Array(0),
  };
  return {
    ...mergeColumns(shape),
    shape,
    rings,
    departures: [],
    nodes: new Map(),
    oldest: Infinity,
    unpublished: freshness.carried,
  };
}

/** A table whose columns do not fit each other would be half taken in before it shows: it is refused before anything changes. */
function checkTable(table: UsageTable): void {
  const { podCount, containerCount, firstContainer } = table;
  const pods = [table.namespaces, table.names, table.timestamps, table.windowsMs].every(({ length }) => length >= podCount);
  const containers = [table.containers, table.cpuMilli, table.memoryMilli].every(({ length }) => length >= containerCount);
  if (!pods || !containers || firstContainer.length <= podCount || firstContainer[podCount] !== containerCount) {
    throw new RangeError(`a usage table of ${podCount} pods and ${containerCount} containers has columns of other lengths`);
  }
}
