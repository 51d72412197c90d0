import type { KubeClient } from '../../../core/kube/api.ts';
import { isGone, isNotFound } from '../../../core/kube/status-error.ts';
import { nextTurn } from '../../../core/kube/turn.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { checkpointKinds, type CheckpointKind } from './checkpoint-object.ts';

/** A list that outlives its snapshot starts again so often. */
const maxRestarts = 3;
/** Objects handled before other work gets a turn: with 12 µs each, 2 ms. */
const objectsPerTurn = 128;

export interface PagesOptions {
  readonly client: Pick<KubeClient, 'listPage'>;
  readonly kind: CheckpointKind;
  readonly namespace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Goes over all checkpoints of a kind, page by page. An object may be given twice, when the list had to start again. Answers `absent` when the cluster does
 * not have the kind; throws what the client throws.
 */
export async function eachCheckpoint(
  { client, kind, namespace, signal }: PagesOptions,
  each: (raw: KubeObject) => void,
): Promise<'whole' | 'absent'> {
  const type = checkpointKinds[kind].checkpoints;
  let continueToken: string | undefined;
  for (let restarts = 0; ;) {
    try {
      const page = await client.listPage(type, { namespace, signal, continueToken });
      for (const [index, raw] of page.items.entries()) {
        if (index % objectsPerTurn === objectsPerTurn - 1) await nextTurn();
        each(raw);
      }
      if (page.continueToken === undefined) return 'whole';
      ({ continueToken } = page);
    } catch (thrown) {
      if (isNotFound(thrown)) return 'absent';
      if (!isGone(thrown) || ++restarts > maxRestarts) throw thrown;
      continueToken = undefined;
    }
  }
}
