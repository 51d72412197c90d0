/** The three changes of a group's size, one after the other for each group (§16). */
import { isConcertinaError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/model/clock.ts';
import type { Fence } from '../../../core/kube/api.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import type { ProviderFailure } from '../../engine/model.ts';
import type { ProviderResult } from '../provider.ts';
import type { AwsApi } from './api.ts';
import { liveInstances, type AsgFacts } from './asg.ts';
import { capacityWithout, planDeletion, raisedCapacity, refuse, type Compat } from './engine/index.ts';
import { failureOf, type AwsFault } from './faults.ts';
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

const lowerAttempts = 6;

/** A group that AWS has. */
type ReadState = GroupState & { readonly cloud: AsgFacts };

export function createSizeChanges(options: SizeChangesOptions): SizeChanges {
  const { api, book, clock, compat, logger } = options;
  const queues = new Map<string, Promise<unknown>>();
  /** Groups with a change of which nobody knows whether it had an effect. */
  const unclear = new Set<string>();

  const notFound = (group: string): ProviderResult =>
    refused('GroupNotFound', `group ${group} does not exist in ${api.region}: nothing is changed`);

  /** Reads the group anew; `undefined` when it is gone. */
  const seen = async (group: string): Promise<ReadState | undefined> => {
    const [now] = await api.groupsByName([group]);
    if (now === undefined) return undefined;
    unclear.delete(group);
    book.seen(now);
    const state = book.get(group);
    return state === undefined ? undefined : { ...state, cloud: now };
  };

  const failed = (fault: AwsFault, group: string): ProviderFailure => {
    if (fault.kind === 'unclear' || fault.kind === 'aborted') unclear.add(group);
    options.outdated();
    return failureOf(fault, api.region);
  };

  /** Runs the change when those before it have ended, and refuses it for groups that cannot be changed. */
  const inTurn = (group: string, change: (state: GroupState) => Promise<ProviderResult>): Promise<ProviderResult> => {
    const turn = (queues.get(group) ?? Promise.resolve()).then(async () => {
      const state = book.get(group);
      if (state === undefined) return refused('GroupUnknown', `group ${group} is not known to this provider: nothing is changed`);
      if (state.cloud === undefined) return notFound(group);
      if (state.cloud.weighted)
        return refused('WeightedCapacityUnsupported', `group ${group} has weighted instance types: nothing is changed`);
      const end = book.changing(group);
      try {
        // What became of an earlier change is not known: nothing is built on the size that it would have left.
        if (!unclear.has(group)) return await change(state);
        const now = await seen(group);
        return now === undefined ? notFound(group) : await change(now);
      } catch (error) {
        // A change that begins with a reading is refused when that fails.
        if (!isConcertinaError(error) || error.code === 'FENCED') throw error;
        return refused(typeof error.details['code'] === 'string' ? error.details['code'] : error.code, error.message);
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
    if (!result.ok) return { ok: false, failure: failed(result.fault, group) };
    book.setTarget(group, size, at);
    return done;
  };

  /** Upstream builds on what it has read; ours asks how many there are now, so that it never takes back what somebody else has raised. */
  const current = (state: GroupState): Promise<GroupState | undefined> =>
    compat === 'cluster-autoscaler' ? Promise.resolve(state) : seen(state.name);

  const increase = async (state: GroupState, delta: number): Promise<ProviderResult> => {
    const { name, target, max } = state;
    const early = raisedCapacity({ group: name, delta, target, max, desired: undefined });
    if ('refused' in early) return { ok: false, failure: early.refused };
    const now = await current(state);
    if (now === undefined) return notFound(name);
    const raised = raisedCapacity({ group: name, delta, target, max, desired: now.target });
    return 'refused' in raised ? { ok: false, failure: raised.refused } : setCapacity(name, raised.size);
  };

  /**
   * Sets a lower capacity. What is right was computed from what was there: each attempt reads anew, for an instance may have come while AWS had no
   * time for us, and lowering the capacity then would end it.
   */
  const lower = async (name: string, sizeOf: (now: ReadState) => number | ProviderResult): Promise<ProviderResult> => {
    for (let attempt = 1; ; attempt++) {
      const now = await seen(name);
      if (now === undefined) return notFound(name);
      const size = sizeOf(now);
      if (typeof size !== 'number') return size;
      options.fence?.check({ method: 'POST', path: `/SetDesiredCapacity/${name}` });
      const at = clock.now();
      const result = await api.setDesiredCapacity(name, size, { once: attempt - 1 });
      if (result.ok) {
        book.setTarget(name, size, at);
        logger.info('the capacity was lowered by what does not come', { group: name, from: now.target, to: size });
        return done;
      }
      const failure = failed(result.fault, name);
      if ((result.fault.kind !== 'throttled' && result.fault.kind !== 'unreachable') || attempt >= lowerAttempts)
        return { ok: false, failure };
    }
  };

  /** What only counts as missing is given up; what exists stays. Upstream counts placeholders as existing and so refuses while something is missing. */
  const decrease = async (state: GroupState, delta: number): Promise<ProviderResult> => {
    const { name } = state;
    if (delta >= 0) return refused('InvalidDelta', `group ${name}: a decrease by ${delta} is none`);
    const wouldRemove = (size: number, existing: number): ProviderResult =>
      refused(
        'WouldRemoveInstances',
        `group ${name}: a target of ${size} would remove some of its ${existing} instances: nothing is changed`,
      );
    if (compat === 'cluster-autoscaler') {
      const listed = book.instances(state).length;
      if (state.target + delta < listed) return wouldRemove(state.target + delta, listed);
    }
    options.outdated();
    return lower(name, ({ cloud, target }) => {
      const existing = liveInstances(cloud).length;
      return target + delta < existing ? wouldRemove(target + delta, existing) : target + delta;
    });
  };

  /** Placeholders first, by one call, then the real ones, each by its own. */
  const remove = async (state: GroupState, ids: readonly string[], forced: boolean): Promise<ProviderResult> => {
    const { name, min, target } = state;
    if (ids.length === 0) return done;
    const plan = planDeletion({ group: name, min, target, ids, ...cached, forced });
    if (plan.refused !== undefined) return { ok: false, failure: plan.refused };
    options.outdated();
    if (plan.placeholders > 0) {
      const cleared = await clearPlaceholders(name, plan.placeholders);
      if (!cleared.ok) return cleared;
    }
    const ended: string[] = [];
    for (const instance of plan.terminate) {
      options.fence?.check({ method: 'POST', path: `/TerminateInstanceInAutoScalingGroup/${instance}` });
      const result = await api.terminate(name, instance);
      if (!result.ok) {
        return { ok: false, failure: withCount(failed(result.fault, name), ended.length, plan.terminate.length) };
      }
      ended.push(instance);
      book.ended(name, [instance]);
    }
    if (plan.going.length > 0)
      logger.debug('instances that are terminating already are left alone', { group: name, instances: plan.going });
    return done;
  };

  const clearPlaceholders = (name: string, placeholders: number): Promise<ProviderResult> =>
    lower(name, ({ cloud, target }) =>
      capacityWithout({ compat, desired: target, listed: cloud.instances.length, live: liveInstances(cloud).length, placeholders }),
    );

  return {
    increase: (group, delta) => inTurn(group, (state) => increase(state, delta)),
    decrease: (group, delta) => inTurn(group, (state) => decrease(state, delta)),
    delete: (group, ids, forced) => inTurn(group, (state) => remove(state, ids, forced)),
  };
}

function refused(code: string, message: string): ProviderResult {
  return { ok: false, failure: refuse(code, message).refused };
}

function withCount(failure: ProviderFailure, ended: number, wanted: number): ProviderFailure {
  return wanted === 1 ? failure : { ...failure, message: `${ended} of ${wanted} instances were ended; ${failure.message}` };
}
