import { parseTime } from '../../../core/model/condition.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { CheckpointStatus } from '../../model.ts';
import type { RecommenderEngine } from '../engine/types.ts';
import type { CheckpointIndex, StoredCheckpoint } from './checkpoint-index.ts';
import type { CheckpointMemory, CheckpointPolicy } from './checkpoint-memory.ts';
import { checkpointName } from './checkpoint-name.ts';
import { readCheckpoint } from './checkpoint-object.ts';

export interface LoaderContext {
  readonly index: CheckpointIndex;
  readonly logger: Logger;
  readonly engine: Pick<RecommenderEngine, 'loadCheckpoint'>;
  readonly memory: CheckpointMemory;
}

export interface LoadReport {
  /** Containers whose state was taken over. */
  readonly loaded: number;
  /** Checkpoints that cannot be used: each has its sentence in the log. */
  readonly skipped: number;
  /** The cluster does not have the kind: there is nothing. */
  readonly absent: boolean;
}

/**
 * Takes over what is stored of a policy (fixed quirk Q8: whenever it appears, not only at start). Throws when it cannot be known what is stored; until it is known
 * nothing of the policy counts as read.
 */
export async function loadCheckpoints(
  { index, logger, engine, memory }: LoaderContext,
  policy: CheckpointPolicy,
  signal?: AbortSignal,
): Promise<LoadReport> {
  // Whoever asks has nothing of it any more, also where the store has seen no pass without it: deleted and created again in between.
  memory.of(policy).loaded = false;
  const stored = await index.take(policy, signal);
  if (stored === 'absent') {
    memory.of(policy).loaded = true;
    return { loaded: 0, skipped: 0, absent: true };
  }
  const newest = new Map<string, { readonly written: number; readonly object: string; readonly status: CheckpointStatus }>();
  let skipped = 0;
  for (const each of stored) {
    const reading = readStored(policy, each);
    if (!reading.ok) {
      logger.warn(reading.message);
      skipped += 1;
      continue;
    }
    // Two objects for one container, one of them under a name of last resort: the newer one counts.
    const written = parseTime(reading.status.lastUpdateTime ?? undefined) ?? 0;
    if ((newest.get(each.container)?.written ?? -1) < written)
      newest.set(each.container, { written, object: each.object, status: reading.status });
  }
  let loaded = 0;
  for (const [container, { object, status }] of newest) {
    const known = memory.container(policy, container);
    known.name = object === checkpointName(policy.name, container) ? undefined : object;
    known.digest = undefined;
    // Of a policy that was away for a moment the engine may still have some of this, which then counts twice: better than to lose the rest.
    const result = engine.loadCheckpoint(policy.key, container, status);
    if (result.ok) loaded += 1;
    else {
      logger.warn(`checkpoint ${policy.namespace}/${object} is left out: ${result.message}`);
      skipped += 1;
    }
  }
  memory.of(policy).loaded = true;
  return { loaded, skipped, absent: false };
}

function readStored({ namespace }: CheckpointPolicy, { object, status }: StoredCheckpoint): ReturnType<typeof readCheckpoint> {
  return readCheckpoint({ metadata: { namespace, name: object }, status: JSON.parse(status) as unknown });
}
