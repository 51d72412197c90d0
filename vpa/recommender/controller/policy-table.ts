import type { KnownPolicy, PolicyBook } from '../../ports.ts';
import { handlesPolicy } from '../engine/conditions-tracking.ts';
import { emptyMemory, type PolicyMemory } from './policy-memory.ts';

export interface PolicyTableOptions {
  readonly book: PolicyBook;
  /** Name of this recommender. */
  readonly name: string;
  /** Called when a policy is gone, or is no more this recommender's. */
  readonly onForget: (memory: PolicyMemory) => void;
}

/** What is remembered, by policy. */
export interface PolicyTable {
  get(key: string): PolicyMemory | undefined;
  memories(): readonly PolicyMemory[];
  /** The policy's memory; a new one for an object that took another's name. */
  memoryOf(known: Pick<KnownPolicy, 'key' | 'raw'>): PolicyMemory;
  forget(key: string): void;
  /** Forgets what is not in the book at all. */
  sweep(): void;
  /** Whether the policy is this recommender's. */
  isOwn(known: KnownPolicy): boolean;
  own(): readonly KnownPolicy[];
  /** Policies that are remembered and in the book. */
  each<T>(look: (known: KnownPolicy, memory: PolicyMemory) => readonly T[]): readonly T[];
}

export function createPolicyTable({ book, name, onForget }: PolicyTableOptions): PolicyTable {
  const memories = new Map<string, PolicyMemory>();
  const forget = (key: string): void => {
    const memory = memories.get(key);
    if (memory === undefined) return;
    memories.delete(key);
    for (const waiter of memory.waiters.splice(0)) waiter(false);
    onForget(memory);
  };
  const isOwn = ({ policy: { recommenders, reference } }: KnownPolicy): boolean =>
    handlesPolicy({ recommenders, namespace: reference.namespace }, { name });
  return {
    get: (key) => memories.get(key),
    memories: () => [...memories.values()],
    memoryOf: ({ key, raw }) => {
      const { uid } = raw.metadata;
      const held = memories.get(key);
      if (held !== undefined && held.uid === uid) return held;
      forget(key);
      const memory = emptyMemory(key, uid);
      memories.set(key, memory);
      return memory;
    },
    forget,
    sweep: () => {
      const rejected = new Set(book.rejected().map(({ key }) => key));
      for (const key of memories.keys()) if (book.get(key) === undefined && !rejected.has(key)) forget(key);
    },
    isOwn,
    own: () => book.all().filter(isOwn),
    each: (look) =>
      [...memories.values()].flatMap((memory) => {
        const known = book.get(memory.key);
        return known === undefined ? [] : look(known, memory);
      }),
  };
}
