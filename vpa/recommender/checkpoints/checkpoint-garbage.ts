import { isConcertinaError, messageOf } from '../../../core/errors.ts';
import type { KubeClient } from '../../../core/kube/api.ts';
import type { RateLimiter } from '../../../core/kube/rate-limit.ts';
import { ApiStatusError, isConflict, isNotFound } from '../../../core/kube/status-error.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import { checkpointKinds, checkpointOwner, type CheckpointKind, type CheckpointOwner } from './checkpoint-object.ts';
import { eachCheckpoint } from './checkpoint-pages.ts';

export interface GarbageContext {
  readonly client: Pick<KubeClient, 'listPage' | 'get' | 'delete'>;
  readonly limiter: RateLimiter;
  readonly logger: Logger;
  /**
   * `namespace/name` of every object of the kind in the cluster, whoever's it is; `undefined` while the list is not whole, and for a kind that is not
   * watched: unknown is not gone.
   */
  readonly existing: (kind: CheckpointKind) => ReadonlySet<string> | undefined;
  readonly ignoredNamespaces: ReadonlySet<string>;
}

export interface GarbageReport {
  /** Checkpoints looked at. */
  readonly seen: number;
  readonly deleted: number;
  readonly failed: number;
  /** Kinds that were left out: not watched, not listed whole, or not there. */
  readonly leftOut: readonly CheckpointKind[];
}

/** Deletes checkpoints whose policy does not exist (spec §3.9). That it does not is asked of the API server once more before each deletion. */
export async function collectCheckpoints(
  context: GarbageContext,
  kinds: readonly CheckpointKind[],
  signal?: AbortSignal,
): Promise<GarbageReport> {
  const totals = { seen: 0, deleted: 0, failed: 0 };
  const leftOut: CheckpointKind[] = [];
  for (const kind of kinds) {
    const orphans = await findOrphans(context, kind, { signal, saw: () => (totals.seen += 1) });
    if (orphans === undefined) leftOut.push(kind);
    for (const orphan of orphans ?? []) {
      const outcome = await deleteOrphan(context, kind, orphan, signal);
      if (outcome === 'stopped') return { ...totals, leftOut };
      if (outcome === 'deleted') totals.deleted += 1;
      if (outcome === 'failed') totals.failed += 1;
    }
  }
  return { ...totals, leftOut };
}

interface Orphan {
  readonly name: string;
  readonly owner: CheckpointOwner;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
}

async function findOrphans(
  { client, logger, existing, ignoredNamespaces }: GarbageContext,
  kind: CheckpointKind,
  { signal, saw }: { readonly signal: AbortSignal | undefined; readonly saw: () => void },
): Promise<readonly Orphan[] | undefined> {
  const before = existing(kind);
  if (before === undefined) return undefined;
  // By key, for a list that starts again gives objects twice.
  const found = new Map<string, Orphan>();
  try {
    const state = await eachCheckpoint({ client, kind, signal }, (raw) => {
      saw();
      // An object that does not say whose it is stays: somebody may be at it.
      const owner = checkpointOwner(raw);
      if (owner === undefined || ignoredNamespaces.has(owner.namespace) || before.has(`${owner.namespace}/${owner.policy}`)) return;
      const { name, uid, resourceVersion } = raw.metadata;
      found.set(`${owner.namespace}/${name}`, {
        name,
        owner,
        preconditions: { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
      });
    });
    // Policies may have come while the pages did.
    const after = existing(kind);
    if (state === 'absent' || after === undefined) return undefined;
    return [...found.values()].filter(({ owner }) => !after.has(`${owner.namespace}/${owner.policy}`));
  } catch (thrown) {
    logger.warn(`checkpoints of ${kind} could not be listed: none is deleted now, trying again with the next collection`, {
      cause: messageOf(thrown),
    });
    return undefined;
  }
}

async function deleteOrphan(
  { client, limiter, logger }: GarbageContext,
  kind: CheckpointKind,
  { name, owner, preconditions }: Orphan,
  signal: AbortSignal | undefined,
): Promise<'deleted' | 'kept' | 'failed' | 'stopped'> {
  const { checkpoints, policies } = checkpointKinds[kind];
  const what = `checkpoint ${owner.namespace}/${name}`;
  try {
    await limiter.take(signal);
    const gone = await isGone(client, { type: policies, owner, signal });
    if (!gone) return 'kept';
    await client.delete(checkpoints, { namespace: owner.namespace, name }, { signal, preconditions });
    logger.info(`${what} deleted: its ${kind} ${owner.policy} does not exist any more`);
    return 'deleted';
  } catch (thrown) {
    if (signal?.aborted === true || isConcertinaError(thrown, 'FENCED')) return 'stopped';
    // Written in between, or deleted by somebody else.
    if (isConflict(thrown) || isNotFound(thrown)) return 'kept';
    logger.warn(`${what}, whose ${kind} ${owner.policy} does not exist any more, could not be deleted`, { cause: messageOf(thrown) });
    return 'failed';
  }
}

interface PolicyQuestion {
  readonly type: (typeof checkpointKinds)[CheckpointKind]['policies'];
  readonly owner: CheckpointOwner;
  readonly signal: AbortSignal | undefined;
}

/** Only a 404 about the very object counts: that of a kind which the cluster does not have (any more) names none. */
async function isGone(client: Pick<KubeClient, 'get'>, { type, owner, signal }: PolicyQuestion): Promise<boolean> {
  try {
    await client.get(type, { namespace: owner.namespace, name: owner.policy }, { signal });
    return false;
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
    return thrown instanceof ApiStatusError && thrown.status.details?.name === owner.policy;
  }
}
