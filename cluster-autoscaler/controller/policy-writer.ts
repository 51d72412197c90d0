import { isConcertinaError, messageOf } from '../../core/errors.ts';
import { isConflict, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../core/model/index.ts';
import type { Logger } from '../../core/runtime/index.ts';
import type { NodePoolPolicyStatus } from '../policy-schema.ts';
import { statusOf } from '../policy-status.ts';

/** Stores statuses of policies where they say something else than what is stored. */
export interface PolicyWriter {
  /** The status of a policy as it is stored, what was just written included. */
  storedOf(raw: KubeObject): Partial<NodePoolPolicyStatus>;
  write(raw: KubeObject, status: NodePoolPolicyStatus): Promise<void>;
}

export function createPolicyWriter({
  client,
  logger,
  dryRun,
}: {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly dryRun: boolean;
}): PolicyWriter {
  /** What was written last and has not come back by the watch, by uid. */
  const written = new Map<string, { readonly seenVersion: string | undefined; readonly status: NodePoolPolicyStatus }>();
  const storedOf = (raw: KubeObject): Partial<NodePoolPolicyStatus> => {
    const last = written.get(raw.metadata.uid ?? '');
    return last !== undefined && last.seenVersion === raw.metadata.resourceVersion ? last.status : statusOf(raw);
  };
  return {
    storedOf,
    write: async (raw, status) => {
      if (dryRun) return;
      const { name, uid = '', resourceVersion } = raw.metadata;
      const patch = mergePatch(storedOf(raw), status);
      if (patch === undefined) return;
      try {
        const body = { ...(uid === '' ? {} : { metadata: { uid } }), status: patch };
        await client.patch(resourceTypes.nodePoolPolicies, { name }, { type: 'merge', body }, { subresource: 'status' });
        written.set(uid, { seenVersion: resourceVersion, status });
      } catch (error) {
        if (isConcertinaError(error, 'FENCED') || isNotFound(error) || isConflict(error)) return;
        logger.warn('the status of a policy could not be written; it is written again after the next loop', {
          policy: name,
          error: messageOf(error),
        });
      }
    },
  };
}

/** Fields that are different, whole; `null` for those that are to go. */
function mergePatch(stored: object, next: object): Record<string, unknown> | undefined {
  const [before, after] = [stored as Readonly<Record<string, unknown>>, next as Readonly<Record<string, unknown>>];
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(after)) if (canonical(value) !== canonical(before[key])) patch[key] = value;
  for (const key of Object.keys(before)) if (!(key in after)) patch[key] = null;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** The API server keeps the order of keys of a patch only where it likes. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
