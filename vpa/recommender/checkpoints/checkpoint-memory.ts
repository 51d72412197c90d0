import { nextTurn } from '../../../core/kube/turn.ts';
import type { CheckpointKind } from './checkpoint-object.ts';

/** A policy as the store of checkpoints needs it. It must be known to the engine. */
export interface CheckpointPolicy {
  /** The engine's key. */
  readonly key: string;
  readonly kind: CheckpointKind;
  readonly namespace: string;
  readonly name: string;
  /** Its condition FetchingHistory is True. */
  readonly fetchingHistory?: boolean | undefined;
}

export interface ContainerMemory {
  /** Where it is stored when that is not upstream's name. */
  name: string | undefined;
  /** Of the state that was written last; `undefined`: not written since it was loaded. */
  digest: number | undefined;
}

/** What the store remembers of a policy, also of one that is gone until its checkpoints are. */
export interface PolicyMemory {
  readonly kind: CheckpointKind;
  /** Number of the last round that had the policy. */
  round: number;
  /** What is stored has been read: before, nothing is written over it. */
  loaded: boolean;
  /** Its turn when it was written last. */
  lastWritten: number | undefined;
  readonly containers: Map<string, ContainerMemory>;
}

export interface CheckpointMemory {
  of(policy: Pick<CheckpointPolicy, 'key' | 'kind'>): PolicyMemory;
  container(policy: Pick<CheckpointPolicy, 'key' | 'kind'>, container: string): ContainerMemory;
  get(key: string): PolicyMemory | undefined;
  /** Notes which policies there are; those that are gone must be read anew when they come back. */
  sync(policies: readonly CheckpointPolicy[]): Promise<void>;
  /** Forgets those of these kinds that were not there at the last note. */
  prune(kinds: readonly CheckpointKind[]): void;
  /** A number larger than all before. */
  nextTurn(): number;
}

export function createCheckpointMemory(): CheckpointMemory {
  const policies = new Map<string, PolicyMemory>();
  let turn = 0;
  let round = 0;
  const of = ({ key, kind }: Pick<CheckpointPolicy, 'key' | 'kind'>): PolicyMemory => {
    let memory = policies.get(key);
    if (memory === undefined) policies.set(key, (memory = { kind, round, loaded: false, lastWritten: undefined, containers: new Map() }));
    return memory;
  };
  return {
    of,
    get: (key) => policies.get(key),
    container: (policy, container) => {
      const { containers } = of(policy);
      let memory = containers.get(container);
      if (memory === undefined) containers.set(container, (memory = { name: undefined, digest: undefined }));
      return memory;
    },
    sync: async (present) => {
      round += 1;
      await inSlices(present, (policy) => {
        of(policy).round = round;
      });
      await inSlices(policies.values(), (memory) => {
        if (memory.round !== round) memory.loaded = false;
      });
    },
    prune: (kinds) => {
      for (const [key, memory] of policies) if (kinds.includes(memory.kind) && memory.round !== round) policies.delete(key);
    },
    nextTurn: () => ++turn,
  };
}

/** Items that are gone through before other work gets a turn: with less than a microsecond each, a few milliseconds. */
const itemsPerTurn = 4096;

export async function inSlices<T>(items: Iterable<T>, each: (item: T) => void): Promise<void> {
  let count = 0;
  for (const item of items) {
    each(item);
    if (++count % itemsPerTurn === 0) await nextTurn();
  }
}
