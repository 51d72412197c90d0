import { formatDuration } from '../../../core/units/index.ts';
import type { NodeRecord } from '../../../core/model/index.ts';
import type { LoopEvent, LoopOptions, NodeCounts } from '../loop/model.ts';
import type { NodeGroup, ProviderFailure } from '../model.ts';
import type { AcceptableRange } from './acceptable-range.ts';
import { acceptableRange, isGroupHealthy, missingNodes, tooManyUnready } from './acceptable-range.ts';
import type { Backoff } from './backoff.ts';
import { backOff, isBackedOff, isStale } from './backoff.ts';
import { failuresByCode, isFailed } from './instance-failures.ts';
import type { Readiness } from './readiness.ts';
import { countsOf, noReadiness } from './readiness.ts';
import { takeStock } from './stock.ts';
import type { IncorrectSize, RegistryState, ScaleUpRequest } from './state.ts';
import { statusEvent } from './status-event.ts';

/** What the registry is told of the world at the start of a loop. */
export interface RegistryFacts {
  readonly now: number;
  /** All nodes; those that are still starting for a reason of ours marked not ready. */
  readonly nodes: readonly NodeRecord[];
  /** Names of nodes that are unready only because a device is missing. */
  readonly resourceUnready: ReadonlySet<string>;
  /** In the cloud's order. */
  readonly groups: readonly NodeGroup[];
  /** Group of a node; `undefined`: not managed. */
  readonly groupOf: (node: NodeRecord) => string | undefined;
  /** The cloud has the node's instance no more (§27.13). */
  readonly isGone: (node: NodeRecord) => boolean;
  /** A group without a template cannot back off (nothing could be bought of it anyway). */
  readonly hasTemplate: (group: string) => boolean;
}

/** Nodes that are on their way. */
export interface Upcoming {
  readonly group: NodeGroup;
  readonly count: number;
  /** Of them: those that have registered and are not started. */
  readonly notStarted: readonly string[];
}

/** What is known about the groups' health and growth (§4). Made once a loop; what the loop does is registered in it. */
export interface Registry {
  /** Asked-for increases that did not come in time and are to be taken back. */
  readonly reverts: readonly { readonly group: string; readonly delta: number }[];
  readonly events: readonly LoopEvent[];
  readonly total: Readiness;
  readonly counts: NodeCounts;
  readonly clusterHealthy: boolean;
  readiness(group: string): Readiness;
  isHealthy(group: string): boolean;
  /** The backoff that holds now. */
  backoff(group: string): Backoff | undefined;
  /** Healthy and in no backoff. */
  mayScaleUp(group: string): boolean;
  /** A request is open and nodes are missing. */
  isScalingUp(group: string): boolean;
  /** Groups with nodes on their way that are believed in: with an open request, in no backoff. */
  upcoming(): readonly Upcoming[];
  /** Ids of instances that have been without a node for longer than may be, by group. */
  longUnregistered(): ReadonlyMap<string, readonly string[]>;
  /** Ids of instances that report a creation error, by group. */
  failedInstances(): ReadonlyMap<string, readonly string[]>;
  incorrectSize(group: string): IncorrectSize | undefined;
  registerScaleUp(group: string, delta: number): void;
  registerFailure(group: string, failure: ProviderFailure): void;
  /** To be called when target sizes have changed. */
  recalculate(targets: ReadonlyMap<string, number>): void;
  state(): RegistryState;
}

/** Takes stock of the world and settles what became of the open requests. */
export function createRegistry(before: RegistryState, facts: RegistryFacts, options: LoopOptions): Registry {
  const { now } = facts;
  const groups = new Map(facts.groups.map((group) => [group.id, group]));
  const stock = takeStock(before.unregistered, facts);
  const requests = new Map(before.requests);
  const backoffs = new Map([...before.backoffs].filter(([, backoff]) => !isStale(backoff, now, options)));
  const events: LoopEvent[] = [];
  const reverts: { group: string; delta: number }[] = [];
  let targets: ReadonlyMap<string, number> = new Map(facts.groups.map(({ id, targetSize }) => [id, targetSize]));
  let ranges = new Map<string, AcceptableRange>();

  const readiness = (group: string): Readiness => stock.byGroup.get(group) ?? noReadiness;
  const updateRanges = (): void => {
    ranges = new Map();
    for (const id of groups.keys()) {
      ranges.set(id, acceptableRange(targets.get(id) ?? 0, readiness(id), requests.get(id)?.increase ?? 0));
    }
  };
  const missing = (group: string): number => {
    const range = ranges.get(group);
    return range === undefined ? 0 : missingNodes(range, readiness(group));
  };
  /** Upstream waits only for nodes that it has asked for itself; ours for every young instance that is there, whoever has asked for it. */
  const coming = (group: string): number => {
    const count = missing(group);
    if (requests.has(group)) return count;
    if (options.compat === 'cluster-autoscaler') return 0;
    const { unregistered, notStarted } = readiness(group);
    return Math.min(count, unregistered.length + notStarted.length);
  };
  const isScalingUp = (group: string): boolean => requests.has(group) && missing(group) > 0;
  const registerFailure = (group: string, failure: ProviderFailure): void => {
    if (!facts.hasTemplate(group)) return;
    backoffs.set(group, backOff(backoffs.get(group), failure, { now, options }));
  };
  const change = (group: string, delta: number): void => {
    const changed = changedRequest(requests.get(group), delta, { now, maxProvisionMs: groups.get(group)?.options.maxProvisionMs ?? 0 });
    if (changed === undefined) requests.delete(group);
    else requests.set(group, changed);
  };

  const settleRequests = (): void => {
    for (const [group, request] of requests) {
      if (missing(group) <= 0) {
        requests.delete(group);
        continue;
      }
      if (request.expectedBy >= now) continue;
      const took = formatDuration(now - request.at);
      events.push(statusEvent('Warning', 'ScaleUpTimedOut', `Nodes added to group ${group} failed to register within ${took}`));
      registerFailure(group, { class: 'other', code: 'timeout', message: `Scale-up timed out for node group ${group} after ${took}` });
      reverts.push({ group, delta: -request.increase });
      requests.delete(group);
    }
  };
  const handleCreationErrors = (): void => {
    for (const group of facts.groups) {
      for (const { failure, ids, text } of failuresByCode(group.instances)) {
        const unseen = ids.filter((id) => !before.failedInstances.has(id));
        if (unseen.length === 0 || !isScalingUp(group.id)) continue;
        const message = `Failed adding ${unseen.length} nodes to group ${group.id} due to ${failure.class}.${failure.code}; source errors: ${text}`;
        events.push(statusEvent('Warning', 'ScaleUpFailed', message));
        change(group.id, -unseen.length);
        registerFailure(group.id, { ...failure, message: text });
      }
    }
  };

  // Requests are settled with ranges that know the requests; what came of them changes the ranges again.
  updateRanges();
  settleRequests();
  handleCreationErrors();
  updateRanges();
  const incorrectSizes = new Map<string, IncorrectSize>();
  for (const { id } of facts.groups) {
    const known = stock.byGroup.get(id);
    const size =
      known === undefined ? undefined : incorrectSize(targets.get(id) ?? 0, known, { before: before.incorrectSizes.get(id), now });
    if (size !== undefined) incorrectSizes.set(id, size);
  }

  const isHealthy = (group: string): boolean => {
    const range = ranges.get(group);
    return range !== undefined && isGroupHealthy(range, stock.byGroup.get(group), options);
  };
  const backoff = (group: string): Backoff | undefined => {
    const held = backoffs.get(group);
    return isBackedOff(held, now) && facts.hasTemplate(group) ? held : undefined;
  };

  return {
    reverts,
    events,
    total: stock.total,
    counts: countsOf(stock.total),
    clusterHealthy: !tooManyUnready(stock.total.unready.length, facts.nodes.length, options),
    readiness,
    isHealthy,
    backoff,
    mayScaleUp: (group) => isHealthy(group) && backoff(group) === undefined,
    isScalingUp,
    upcoming: () =>
      facts.groups.flatMap((group) => {
        const count = coming(group.id);
        if (count <= 0 || backoff(group.id) !== undefined) return [];
        return [{ group, count, notStarted: readiness(group.id).notStarted }];
      }),
    longUnregistered: () => listsOf(facts.groups, ({ id }) => readiness(id).longUnregistered),
    failedInstances: () => listsOf(facts.groups, ({ instances }) => instances.filter(isFailed).map(({ id }) => id)),
    incorrectSize: (group) => incorrectSizes.get(group),
    registerScaleUp: change,
    registerFailure,
    recalculate: (changed) => {
      targets = changed;
      updateRanges();
    },
    state: () => ({
      requests,
      backoffs,
      incorrectSizes,
      unregistered: stock.unregistered,
      failedInstances: new Set(facts.groups.flatMap(({ instances }) => instances.filter(isFailed).map(({ id }) => id))),
    }),
  };
}

/** A request after an increase (the clock starts again) or a decrease (it does not); `undefined` when nothing is asked for any more. */
function changedRequest(
  request: ScaleUpRequest | undefined,
  delta: number,
  { now, maxProvisionMs }: { readonly now: number; readonly maxProvisionMs: number },
): ScaleUpRequest | undefined {
  const increase = (request?.increase ?? 0) + delta;
  if (increase <= 0) return undefined;
  if (delta > 0) return { at: now, expectedBy: now + maxProvisionMs, increase };
  return request === undefined ? undefined : { ...request, increase };
}

/** The difference between target and nodes (§3.12), with the time since when it has been the same; `undefined` when there is none. */
function incorrectSize(
  target: number,
  known: Readiness,
  { before, now }: { readonly before: IncorrectSize | undefined; readonly now: number },
): IncorrectSize | undefined {
  const current = known.registered.length;
  const coming = known.unregistered.length + known.longUnregistered.length;
  if (current <= target && current >= target - coming) return undefined;
  if (before !== undefined && before.current === current && before.expected === target) return before;
  return { current, expected: target, since: now };
}

function listsOf(groups: readonly NodeGroup[], list: (group: NodeGroup) => readonly string[]): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, readonly string[]>();
  for (const group of groups) {
    const ids = list(group);
    if (ids.length > 0) lists.set(group.id, ids);
  }
  return lists;
}
