/** Which calls take instances out of a group (§16). Pure. */
import type { ProviderFailure } from '../../../engine/model.ts';
import { instanceOfProviderId, isPlaceholder } from './provider-id.ts';
import type { Compat } from './template.ts';

export interface DeletionQuestion {
  readonly group: string;
  readonly min: number;
  readonly target: number;
  /** Provider ids. */
  readonly ids: readonly string[];
  /** Group of an id as the cache has it. */
  readonly groupOf: (id: string) => string | undefined;
  /** Lifecycle state of an id as the cache has it. */
  readonly lifecycleOf: (id: string) => string | undefined;
  /** Not stopped by the minimum. */
  readonly forced: boolean;
}

export type DeletionPlan =
  | { readonly refused: ProviderFailure }
  | {
      readonly refused?: undefined;
      /** EC2 ids, in the order given. */
      readonly terminate: readonly string[];
      /** Going already: nothing is asked for and the size stays. */
      readonly going: readonly string[];
      /** Placeholders among the ids: with one or more the group is read again and its capacity set. */
      readonly placeholders: number;
    };

/** Upstream's refusals: at the minimum, an id that no group or another group has. */
export function planDeletion(question: DeletionQuestion): DeletionPlan {
  const { group, min, target, ids, groupOf, lifecycleOf, forced } = question;
  if (target <= min && !forced) {
    return refuse('MinSizeReached', `group ${group} has a target of ${target} at a minimum of ${min}: nothing is deleted`);
  }
  const terminate: string[] = [];
  const going: string[] = [];
  let placeholders = 0;
  for (const id of new Set(ids)) {
    const owner = groupOf(id);
    const instance = instanceOfProviderId(id);
    if (instance === undefined || owner === undefined) return refuse('InstanceUnknown', `${id} is not an instance of group ${group}`);
    if (owner !== group) return refuse('InstanceOfOtherGroup', `${id} is of group ${owner}, not of ${group}: nothing is deleted`);
    if (isPlaceholder(instance)) placeholders += 1;
    else if (isGoing(lifecycleOf(id))) going.push(instance);
    else terminate.push(instance);
  }
  return { terminate, going, placeholders };
}

/** The capacity without placeholders, by the group as it is now. */
export function capacityWithout(question: {
  readonly compat: Compat;
  readonly desired: number;
  /** All that the group lists. */
  readonly listed: number;
  /** Of these the ones that are not going. */
  readonly live: number;
  readonly placeholders: number;
}): number {
  const { compat, desired, listed, live, placeholders } = question;
  // Upstream takes away everything that is missing, however few were named.
  if (compat === 'cluster-autoscaler') return listed;
  // Ours takes away as many as were named, never one that has come meanwhile, and never raises the capacity.
  return Math.min(desired, Math.max(live, desired - placeholders));
}

/** Terminating, Terminating:Wait, Terminating:Proceed, Terminated. */
export function isGoing(lifecycle: string | undefined): boolean {
  return lifecycle !== undefined && lifecycle.startsWith('Terminat');
}

/** Refused with our own reason, before AWS was asked. */
export function refuse(code: string, message: string): { readonly refused: ProviderFailure } {
  return { refused: { class: 'other', code, message } };
}
