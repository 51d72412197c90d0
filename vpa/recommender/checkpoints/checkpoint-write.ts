import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import type { RateLimiter } from '../../../core/kube/rate-limit.ts';
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from '../../../core/kube/status-error.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { CheckpointStatus } from '../../model.ts';
import { checkpointName, distinctCheckpointName, fitsName } from './checkpoint-name.ts';
import type { ContainerMemory } from './checkpoint-memory.ts';
import {
  checkpointKinds,
  checkpointObject,
  checkpointOwner,
  checkpointPatch,
  type CheckpointKind,
  type CheckpointOwner,
} from './checkpoint-object.ts';

export interface WriteContext {
  readonly client: Pick<KubeClient, 'patch' | 'create' | 'get'>;
  readonly limiter: RateLimiter;
  readonly logger: Logger;
}

export interface CheckpointWrite {
  readonly kind: CheckpointKind;
  readonly owner: CheckpointOwner;
  readonly status: CheckpointStatus;
  readonly memory: ContainerMemory;
  readonly signal: AbortSignal | undefined;
}

/** `fenced`: this process may not write now. `stopped`: the signal aborted. */
export type WriteOutcome = 'written' | 'failed' | 'fenced' | 'stopped';

/** Patches the checkpoint and creates it when it is missing. Never throws for what the server says. */
export async function writeCheckpoint(context: WriteContext, write: CheckpointWrite): Promise<WriteOutcome> {
  const { owner, memory, signal } = write;
  const plain = checkpointName(owner.policy, owner.container);
  try {
    await context.limiter.take(signal);
    const first = memory.name ?? (fitsName(plain) ? plain : distinctCheckpointName(owner.policy, owner.container));
    if ((await store(context, write, first)) === 'ours') return 'written';
    const second = distinctCheckpointName(owner.policy, owner.container);
    context.logger.warn(
      `checkpoint ${owner.namespace}/${first} belongs to another policy and is left alone; that of container ${owner.container} of ` +
        `${write.kind} ${owner.namespace}/${owner.policy} is stored as ${second}`,
    );
    memory.name = second;
    await context.limiter.take(signal);
    if ((await store(context, write, second)) === 'ours') return 'written';
    throw new Error(`${second} belongs to another policy too: delete it`);
  } catch (thrown) {
    if (signal?.aborted === true) return 'stopped';
    if (isConcertinaError(thrown, 'FENCED')) return 'fenced';
    context.logger.warn(
      `the checkpoint of container ${owner.container} of ${write.kind} ${owner.namespace}/${owner.policy} could not be written`,
      {
        cause: messageOf(thrown),
      },
    );
    return 'failed';
  }
}

/** A checkpoint that is created and deleted while it is written is given up for this pass. */
const maxAttempts = 4;

async function store(
  { client }: WriteContext,
  { kind, owner, status, signal }: CheckpointWrite,
  name: string,
): Promise<'ours' | 'another'> {
  const type = checkpointKinds[kind].checkpoints;
  const key = { namespace: owner.namespace, name };
  for (let attempt = 1; ; attempt++) {
    try {
      await client.patch(type, key, { type: 'json', body: checkpointPatch(owner, status) }, { signal });
      return 'ours';
    } catch (thrown) {
      if (isInvalid(thrown)) {
        // A failed `test` is answered like any other patch that cannot be applied: only the object tells.
        const stored = checkpointOwner(await client.get(type, key, { signal }));
        if (stored?.policy === owner.policy && stored.container === owner.container) throw thrown;
        return 'another';
      }
      if (attempt >= maxAttempts || !(isNotFound(thrown) || isConflict(thrown))) throw thrown;
      if (isConflict(thrown)) continue;
    }
    try {
      await client.create(type, checkpointObject(kind, name, owner, status), { signal });
      return 'ours';
    } catch (thrown) {
      if (attempt >= maxAttempts || !isAlreadyExists(thrown)) throw thrown;
    }
  }
}
