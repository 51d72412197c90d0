import { sleep, type Clock } from '../../core/model/index.ts';

/** What became of instances that were to be given back; `undefined`: they were. */
export type BatchOutcome<Problem> = Problem | undefined;

/** Collects instances of a group that may go, so that its cloud is told once for all of them. */
export interface DeletionBatcher<Problem> {
  /** Resolves when the cloud has answered for the batch that they are in: one refusal is that of all. */
  add(group: string, ids: readonly string[]): Promise<BatchOutcome<Problem>>;
}

export interface DeletionBatcherOptions<Problem> {
  readonly clock: Clock;
  /** From the first instance of a batch until the cloud is told; 0: each at once, by itself. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
  /** Tells the cloud. Never throws. */
  readonly send: (group: string, ids: readonly string[]) => Promise<BatchOutcome<Problem>>;
  /** What those are told that were collected when the signal came. */
  readonly stopped: Problem;
}

interface Batch<Problem> {
  readonly ids: string[];
  readonly outcome: Promise<BatchOutcome<Problem>>;
}

/** `--node-deletion-batcher-interval` (§15.6). What was not told yet when the signal comes is given up. */
export function createDeletionBatcher<Problem>(options: DeletionBatcherOptions<Problem>): DeletionBatcher<Problem> {
  const { clock, intervalMs, signal, send, stopped } = options;
  const open = new Map<string, Batch<Problem>>();
  const collect = async (group: string, ids: readonly string[]): Promise<BatchOutcome<Problem>> => {
    const waited = await sleep(clock, intervalMs, signal);
    // What comes from now on makes another batch.
    open.delete(group);
    return waited ? send(group, ids) : stopped;
  };
  return {
    add: (group, ids) => {
      if (intervalMs <= 0) return send(group, ids);
      const known = open.get(group);
      if (known !== undefined) {
        known.ids.push(...ids);
        return known.outcome;
      }
      const collected = [...ids];
      const batch: Batch<Problem> = { ids: collected, outcome: collect(group, collected) };
      open.set(group, batch);
      return batch.outcome;
    },
  };
}
