/** The groups as last read, with our own changes applied at once. */
import type { ProviderFailure, Instance } from '../../engine/model.ts';
import { liveInstances, type AsgFacts } from './asg.ts';
import { placeholderIds, type Compat, type ListedGroup } from './engine/index.ts';

/** A group that we know. */
export interface GroupState {
  readonly name: string;
  /** Named by flag: stays also when AWS does not have it. */
  readonly explicit: boolean;
  readonly min: number;
  readonly max: number;
  /** As last read; `undefined` when AWS does not list it. */
  readonly cloud: AsgFacts | undefined;
  /** What AWS was asked for, by us or by somebody else. */
  readonly target: number;
  /** When we last set its capacity, epoch milliseconds. */
  readonly lastChange: number | undefined;
  /** Why what is missing will not come. */
  readonly failure: ProviderFailure | undefined;
}

export interface GroupBook {
  /** In the order of the last refresh. */
  groups(): readonly GroupState[];
  get(name: string): GroupState | undefined;
  /** Group that lists the id, placeholders too. */
  groupOf(providerId: string): string | undefined;
  lifecycleOf(providerId: string): string | undefined;
  /** A group that still exists once listed the id, and does no longer. */
  isGone(providerId: string): boolean;
  instances(state: GroupState): readonly Instance[];
  placeholders(state: GroupState): readonly string[];
  /** A change begins: what is being read of the group now is worth nothing. The answer ends it. */
  changing(name: string): () => void;
  /** What a reading has found since `mark` was taken; groups that we changed meanwhile stay as they are. True when there was none. */
  take(mark: ReadMark, listed: readonly ListedGroup<AsgFacts>[], failures: ReadonlyMap<string, ProviderFailure>): boolean;
  mark(): ReadMark;
  /** One group was read anew, by whoever is changing it. */
  seen(cloud: AsgFacts): void;
  /** Its capacity was set. */
  setTarget(name: string, target: number, at: number): void;
  /** Instances were ended, the capacity with them. */
  ended(name: string, instances: readonly string[]): void;
}

/** Number of changes of each group when a reading began. */
export type ReadMark = ReadonlyMap<string, number>;

/** In place of a lifecycle state of AWS. */
const placeholderState = '';

/** Ids that are remembered as gone; far more than are of any use. */
const goneLimit = 20_000;

export function createGroupBook(compat: Compat): GroupBook {
  let states = new Map<string, GroupState>();
  let owners = new Map<string, { readonly group: string; readonly lifecycle: string }>();
  const gone = new Map<string, string>();
  const changes = new Map<string, number>();
  const underWay = new Map<string, number>();

  // Upstream counts all that AWS lists; ours only those that the capacity counts.
  const realOf = (cloud: AsgFacts): number => (compat === 'cluster-autoscaler' ? cloud.instances.length : liveInstances(cloud).length);

  const placeholders = ({ cloud, target }: GroupState): readonly string[] =>
    cloud === undefined || cloud.weighted
      ? []
      : placeholderIds({ name: cloud.name, zones: cloud.zones, desired: target, real: realOf(cloud) });

  const index = (): void => {
    const before = owners;
    owners = new Map();
    for (const { name, cloud } of states.values()) {
      for (const { providerId, lifecycle } of cloud?.instances ?? []) {
        owners.set(providerId, { group: name, lifecycle });
        gone.delete(providerId);
      }
    }
    for (const [id, owner] of before) if (owner.lifecycle !== placeholderState && !owners.has(id)) gone.set(id, owner.group);
    // The oldest go first; a Map keeps the order in which keys came.
    for (const id of gone.keys()) {
      if (gone.size <= goneLimit) break;
      gone.delete(id);
    }
    for (const state of states.values()) {
      for (const id of placeholders(state)) owners.set(id, { group: state.name, lifecycle: placeholderState });
    }
  };

  const change = (name: string, next: (state: GroupState) => GroupState): void => {
    const state = states.get(name);
    if (state === undefined) return;
    states.set(name, next(state));
    index();
  };

  const count = (name: string, step: 1 | -1): void => {
    changes.set(name, (changes.get(name) ?? 0) + 1);
    underWay.set(name, (underWay.get(name) ?? 0) + step);
  };
  const isStale = (name: string, mark: ReadMark): boolean => (underWay.get(name) ?? 0) > 0 || changes.get(name) !== mark.get(name);

  return {
    groups: () => [...states.values()],
    get: (name) => states.get(name),
    groupOf: (id) => owners.get(id)?.group,
    lifecycleOf: (id) => owners.get(id)?.lifecycle,
    isGone: (id) => {
      const group = gone.get(id);
      return group !== undefined && !owners.has(id) && states.get(group)?.cloud !== undefined;
    },
    instances: (state) => [
      ...(state.cloud?.instances ?? []).map(({ providerId, lifecycle }) => ({ id: providerId, state: stateOf(lifecycle) })),
      ...placeholders(state).map((id) => ({ id, state: 'creating' as const, failure: state.failure })),
    ],
    placeholders,
    changing: (name) => {
      count(name, 1);
      return () => count(name, -1);
    },
    mark: () => new Map(changes),
    take: (mark, listed, failures) => {
      let complete = true;
      const next = new Map<string, GroupState>();
      for (const { name, explicit, min, max, cloud } of listed) {
        const before = states.get(name);
        if (before !== undefined && isStale(name, mark)) {
          complete = false;
          next.set(name, before);
          continue;
        }
        const target = cloud?.desired ?? 0;
        next.set(name, { name, explicit, min, max, cloud, target, lastChange: before?.lastChange, failure: failures.get(name) });
      }
      states = next;
      index();
      return complete;
    },
    seen: (cloud) => change(cloud.name, (state) => ({ ...state, cloud, target: cloud.desired })),
    setTarget: (name, target, at) => change(name, (state) => ({ ...state, target, lastChange: at, failure: undefined })),
    ended: (name, instances) =>
      change(name, (state) => ({ ...state, target: state.target - instances.length, cloud: withEnded(state.cloud, instances) })),
  };
}

/** Upstream keeps the state as it was read; ours, that nothing is ended twice. */
function withEnded(cloud: AsgFacts | undefined, ended: readonly string[]): AsgFacts | undefined {
  if (cloud === undefined) return undefined;
  const instances = cloud.instances.map((instance) =>
    ended.includes(instance.instance) ? { ...instance, lifecycle: 'Terminating' } : instance,
  );
  return { ...cloud, instances };
}

function stateOf(lifecycle: string): Instance['state'] {
  if (lifecycle.startsWith('Terminat')) return 'deleting';
  return lifecycle.startsWith('Pending') ? 'creating' : 'running';
}
