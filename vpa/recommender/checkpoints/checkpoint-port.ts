import type { KnownPolicy } from '../../ports.ts';
import type { CheckpointPort } from '../controller/ports.ts';
import { conditionsOfStatus } from '../engine/conditions-status.ts';
import { conditionTypes } from '../engine/conditions.ts';
import type { CheckpointPolicy } from './checkpoint-memory.ts';
import { isCheckpointKind } from './checkpoint-object.ts';
import { createCheckpointStore, type CheckpointStore, type CheckpointStoreOptions } from './checkpoint-store.ts';

export interface CheckpointPortOptions extends Omit<CheckpointStoreOptions, 'policies'> {
  /** Longest writing of one pass, milliseconds; default 60 000, --checkpoints-timeout. */
  readonly passMs?: number | undefined;
  /** Longest last pass, milliseconds; default 5 000. */
  readonly flushMs?: number | undefined;
}

/** The store as the recommender's loop uses it. */
export function createCheckpointPort(options: CheckpointPortOptions): CheckpointPort & { readonly store: CheckpointStore } {
  let current: readonly CheckpointPolicy[] = [];
  const store = createCheckpointStore({ ...options, policies: () => current });
  return {
    store,
    loadFor: async (policy, signal) => {
      const stored = checkpointPolicy(policy);
      return stored === undefined ? 0 : (await store.load(stored, signal)).loaded;
    },
    pass: async (policies, signal) => {
      current = policies.flatMap((policy) => checkpointPolicy(policy) ?? []);
      await store.write({ deadlineMs: options.passMs ?? 60_000, signal });
    },
    collectGarbage: async ({ container }, signal) => {
      for (const policy of current) {
        for (const name of store.containers(policy.key)) {
          signal.throwIfAborted();
          if (!container(policy.key, name)) await store.removeContainer(policy, name);
        }
      }
      await store.collectGarbage(signal);
    },
    flush: async () => {
      await store.flush(options.flushMs ?? 5_000);
    },
  };
}

function checkpointPolicy({ key, raw, policy }: KnownPolicy): CheckpointPolicy | undefined {
  const { kind, namespace = '', name } = policy.reference;
  if (!isCheckpointKind(kind)) return undefined;
  const fetching = conditionsOfStatus(raw.status).find(({ type }) => type === conditionTypes.fetchingHistory);
  return { key, kind, namespace, name, fetchingHistory: fetching?.status === 'True' };
}
