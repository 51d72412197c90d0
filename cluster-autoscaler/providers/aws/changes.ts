/** The three changes of a group's size, one after the other for each group (§16). */
import { isConcertinaError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { Fence } from '../../../core/kube/api.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { ProviderFailure } from '../../engine/model.ts';
import type { ProviderResult } from '../provider.ts';
import type { AwsApi } from './api.ts';
import { liveInstances, type AsgFacts } from './asg.ts';
import { capacityWithout, planDeletion, refuse, type Compat } from './engine/index.ts';
import { failureOf } from './faults.ts';
import type { GroupBook, GroupState } from './group-book.ts';

export interface SizeChanges {
  increase(group: string, delta: number): Promise<ProviderResult>;
  decrease(group: string, delta: number): Promise<ProviderResult>;
  delete(group: string, ids: readonly string[], forced: boolean): Promise<ProviderResult>;
}

export interface SizeChangesOptions {
  readonly api: AwsApi;
  readonly book: GroupBook;
  readonly clock: Clock;
  readonly compat: Compat;
  readonly logger: Logger;
  /** What is known of the groups is out of date: read again in the next loop. */
  readonly outdated: () => void;
  readonly fence?: Fence | undefined;
}

const done: ProviderResult = { ok: true };

export function createSizeChanges(options: SizeChangesOptions): SizeChanges {
  const { api, book, clock, compat, logger } = options;
  const queues = new Map<string, Promise<unknown>>();

  /** Runs the change when those before it have ended, and refuses it for groups that cannot be changed. */
  const inTurn = (group: string, change: (state: GroupState) => Promise<ProviderResult>): Promise<ProviderResult> => {
    const turn = (queues.get(group) ?? Promise.resolve()).then(async () => {
      const state = book.get(group);
      if (state === undefined) return refused('GroupUnknown', `group ${group} is not known to this provider: nothing is changed`);
      if (state.cloud === undefined) return refused('GroupNotFound', `group ${group} does not exist in ${api.region}: nothing is changed`);
      if (state.cloud.weighted)
        return refused('WeightedCapacityUnsupported', `group ${group} has weighted instance types: nothing is changed`);
      const end = book.changing(group);
      try {
        return await change(state);
      } finally {
        end();
      }
    });
    const settled = turn.catch(() => undefined);
    queues.set(group, settled);
    void settled.then(() => {
      if (queues.get(group) === settled) queues.delete(group);
    });
    return turn;
  };

  const cached = { groupOf: (id: string) => book.groupOf(id), lifecycleOf: (id: string) => book.lifecycleOf(id) };

  const setCapacity = async (group: string, size: number): Promise<ProviderResult> => {
    options.fence?.check({ method: 'POST', path: `/SetDesiredCapacity/${group}` });
    // The time of the request: an activity that starts while it is under way is its consequence.
    const at = clock.now();
    const result = await api.setDesiredCapacity(group, size);
    if (!result.ok) {
      options.outdated();
      return { ok: false, failure: failureOf(result.fault, api.region) };
    }
    book.setTarget(group, size, at);
    return done;
  };

  const fresh = async (group: string): Promise<AsgFacts | undefined> => (await api.groupsByName([group]))[0];

  /** What only counts as missing is given up; what exists stays. */
  const decrease = async (state: GroupState, delta: number): Promise<ProviderResult> => {
    const { name, target } = state;
    if (delta >= 0) return refused('InvalidDelta', `group ${name}: a decrease by ${delta} is none`);
    // Upstream counts placeholders as existing, so that it always refuses while something is missing. Ours asks how many there are now.
    const now = compat === 'cluster-autoscaler' ? undefined : await fresh(name);
    const existing = now === undefined ? book.instances(state).length : liveInstances(now).length;
    const size = (now?.desired ?? target) + delta;
    if (size < existing) {
      return refused(
        'WouldRemoveInstances',
        `group ${name}: a target of ${size} would remove some of its ${existing} instances: nothing is changed`,
      );
    }
    options.outdated();
    return setCapacity(name, size);
  };

  /** Placeholders first, by one call, then the real ones, each by its own. */
  const remove = async (state: GroupState, ids: readonly string[], forced: boolean): Promise<ProviderResult> => {
    const { name, min, target } = state;
    if (ids.length === 0) return done;
    const plan = planDeletion({ group: name, min, target, ids, ...cached, forced });
    if (plan.refused !== undefined) return { ok: false, failure: plan.refused };
    options.outdated();
    if (plan.placeholders > 0) {
      const cleared = await clearPlaceholders(state, plan.placeholders);
      if (!cleared.ok) return cleared;
    }
    const ended: string[] = [];
    for (const instance of plan.terminate) {
      options.fence?.check({ method: 'POST', path: `/TerminateInstanceInAutoScalingGroup/${instance}` });
      const result = await api.terminate(name, instance);
      if (!result.ok) {
        const failure = failureOf(result.fault, api.region);
        return { ok: false, failure: withCount(failure, ended.length, plan.terminate.length) };
      }
      ended.push(instance);
      book.ended(name, [instance]);
    }
    if (plan.going.length > 0)
      logger.debug('instances that are terminating already are left alone', { group: name, instances: plan.going });
    return done;
  };

  const clearPlaceholders = async (state: GroupState, placeholders: number): Promise<ProviderResult> => {
    const now = await fresh(state.name);
    if (now === undefined) return refused('GroupNotFound', `group ${state.name} does not exist in ${api.region}: nothing is changed`);
    const size = capacityWithout({
      compat,
      desired: now.desired,
      listed: now.instances.length,
      live: liveInstances(now).length,
      placeholders,
    });
    logger.info('capacity is lowered by what does not come', { group: state.name, from: now.desired, to: size });
    return setCapacity(state.name, size);
  };

  return {
    increase: (group, delta) =>
      inTurn(group, async ({ name, target, max }) => {
        if (!(delta > 0)) return refused('InvalidDelta', `group ${name}: an increase by ${delta} is none`);
        if (target + delta > max) {
          return refused('MaxSizeReached', `group ${name}: ${target} + ${delta} is more than its maximum of ${max}: nothing is changed`);
        }
        return setCapacity(name, target + delta);
      }),
    decrease: (group, delta) => inTurn(group, (state) => answered(() => decrease(state, delta))),
    delete: (group, ids, forced) => inTurn(group, (state) => answered(() => remove(state, ids, forced))),
  };
}

/** A change that begins with a reading is refused when that fails. */
async function answered(change: () => Promise<ProviderResult>): Promise<ProviderResult> {
  try {
    return await change();
  } catch (error) {
    if (!isConcertinaError(error) || error.code === 'FENCED') throw error;
    return refused(typeof error.details['code'] === 'string' ? error.details['code'] : error.code, error.message);
  }
}

function refused(code: string, message: string): ProviderResult {
  return { ok: false, failure: refuse(code, message).refused };
}

function withCount(failure: ProviderFailure, ended: number, wanted: number): ProviderFailure {
  return wanted === 1 ? failure : { ...failure, message: `${ended} of ${wanted} instances were ended; ${failure.message}` };
}
