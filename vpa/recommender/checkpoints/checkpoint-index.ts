import type { KubeClient } from '../../../core/kube/api.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { checkpointOwner, type CheckpointKind } from './checkpoint-object.ts';
import { eachCheckpoint } from './checkpoint-pages.ts';

/** How long a list serves those policies that ask a little later. */
const freshMs = 60_000;
/** Lists of single namespaces that are kept. */
const maxLists = 32;

/** A stored checkpoint that waits for its policy, its status as JSON text: a third of what it takes as objects. */
export interface StoredCheckpoint {
  readonly object: string;
  readonly container: string;
  readonly status: string;
}

/** Stored checkpoints by `namespace/policy`; what is taken is gone. `absent`: the cluster does not have the kind. */
export type StoredList = Map<string, StoredCheckpoint[]> | 'absent';

interface Asker {
  readonly kind: CheckpointKind;
  readonly namespace: string;
  readonly name: string;
}

export interface CheckpointIndex {
  /** What is stored of a policy, or `absent`. Throws what the client throws. */
  take(policy: Asker, signal?: AbortSignal): Promise<readonly StoredCheckpoint[] | 'absent'>;
}

interface CachedList {
  readonly startedAt: number;
  readonly list: Promise<StoredList>;
  /** Who has asked: a policy that asks again was away, and something may have been written since. */
  readonly served: Set<string>;
}

/**
 * Lists checkpoints for policies that ask one by one: all namespaces with the first question about a kind, single namespaces later, each list serving all who
 * ask within a minute. So a start takes one list, and a policy that appears later one of its namespace.
 */
export function createCheckpointIndex(client: Pick<KubeClient, 'listPage'>, clock: Clock): CheckpointIndex {
  const lists = new Map<string, CachedList>();
  const whole = new Set<CheckpointKind>();

  const listOf = ({ kind, namespace, name }: Asker, signal: AbortSignal | undefined): Promise<StoredList> => {
    const now = clock.monotonic();
    for (const [id, { startedAt }] of lists) if (now - startedAt >= freshMs) lists.delete(id);
    const asker = `${namespace}/${name}`;
    const cached = [lists.get(`${kind}/${namespace}`), lists.get(kind)].find((each) => each?.served.has(asker) === false);
    if (cached !== undefined) {
      cached.served.add(asker);
      return cached.list;
    }
    const all = !whole.has(kind);
    const id = all ? kind : `${kind}/${namespace}`;
    const list = readList({ client, kind, namespace: all ? undefined : namespace, signal });
    lists.set(id, { startedAt: now, list, served: new Set([asker]) });
    if (lists.size > maxLists) lists.delete(lists.keys().next().value ?? '');
    list.then(
      (found) => {
        if (found !== 'absent') whole.add(kind);
      },
      () => lists.delete(id),
    );
    return list;
  };

  return {
    take: async (asker, signal) => {
      const list = await listOf(asker, signal);
      if (list === 'absent') return 'absent';
      const { namespace, name } = asker;
      const stored = list.get(`${namespace}/${name}`) ?? [];
      list.delete(`${namespace}/${name}`);
      return stored;
    },
  };
}

interface ListScope {
  readonly client: Pick<KubeClient, 'listPage'>;
  readonly kind: CheckpointKind;
  readonly namespace: string | undefined;
  readonly signal: AbortSignal | undefined;
}

async function readList(scope: ListScope): Promise<StoredList> {
  const found = new Map<string, StoredCheckpoint[]>();
  const state = await eachCheckpoint(scope, (raw) => addTo(found, raw));
  return state === 'absent' ? 'absent' : found;
}

function addTo(found: Map<string, StoredCheckpoint[]>, raw: KubeObject): void {
  const owner = checkpointOwner(raw);
  if (owner === undefined) return;
  const key = `${owner.namespace}/${owner.policy}`;
  const { name: object } = raw.metadata;
  // A list that started again gives an object twice: the later one is newer.
  const others = (found.get(key) ?? []).filter((each) => each.object !== object);
  found.set(key, [...others, { object, container: owner.container, status: JSON.stringify(raw.status ?? null) }]);
}
