/** What the order of writing goes by. */
export interface CheckpointTurn {
  /** When the policy's checkpoints were gone through last, milliseconds of any clock; `undefined`: never. */
  readonly lastWritten: number | undefined;
  /** Its condition FetchingHistory is True: nothing is written, for what is stored is not yet read. */
  readonly fetchingHistory: boolean;
}

/** Policies whose checkpoints are written, in order (spec §3.9): never written first, then the oldest; equal ones stay in the order given. */
export function checkpointOrder<T extends CheckpointTurn>(policies: readonly T[]): T[] {
  return policies
    .filter(({ fetchingHistory }) => !fetchingHistory)
    .toSorted((a, b) => (a.lastWritten ?? -Infinity) - (b.lastWritten ?? -Infinity) || 0);
}

/** Hands policies to workers. */
export interface WriteQueue<T> {
  /** The worker's next policy; none when all are taken, or when time is up and this worker has had one. */
  take(worker: number): T | undefined;
  readonly left: number;
}

/**
 * A worker takes no more when time is up, but always has one policy, all of whose containers it completes: passes that are too short still get through all
 * policies in time (spec §3.9).
 */
export function createWriteQueue<T>(ordered: readonly T[], timeIsUp: () => boolean): WriteQueue<T> {
  const served = new Set<number>();
  let next = 0;
  return {
    take: (worker) => {
      if (next >= ordered.length || (served.has(worker) && timeIsUp())) return undefined;
      served.add(worker);
      return ordered[next++];
    },
    get left() {
      return ordered.length - next;
    },
  };
}
