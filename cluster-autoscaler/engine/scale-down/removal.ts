import type { NodeRecord, PodRecord } from '../../../core/model/index.ts';
import type { UnremovableReason } from '../model.ts';
import type { NodeId, SchedulingSnapshot } from '../scheduling/index.ts';
import { createClassBounds } from './class-bounds.ts';
import { createClassOrder } from './class-order.ts';
import type { Blocker } from './drain.ts';
import { drainOf } from './drain.ts';
import type { DrainContext } from './drain-rule.ts';
import type { RemovalHints } from './model.ts';
import type { PodRun } from './moved-pods.ts';
import { createHintBook, createMovedPods } from './moved-pods.ts';
import { deletionTaint } from './names.ts';
import { createPlacing } from './placing.ts';

/** A node that can go, and what that means for its pods. */
export interface Removal {
  readonly removable: true;
  /** Pods that run on it and have to be evicted; uids are in {@link PodRecord}. */
  readonly evict: readonly PodRecord[];
  readonly daemons: readonly PodRecord[];
  readonly waitFor: readonly PodRecord[];
  /** Some pod had to find a place: one that runs on it, was about to come, or came in this simulation. */
  readonly moves: boolean;
  /** Budgets do not have enough for all of them at once. */
  readonly risky: boolean;
}

export interface RemovalFailure {
  readonly removable: false;
  readonly reason: UnremovableReason;
  readonly blocker?: Blocker | undefined;
  /** For NoPlaceToMovePods: a pod that found none. */
  readonly stuck?: PodRecord | undefined;
}

export interface RemovalSimulator {
  /** Tries to empty a node. If it can go, it is out of the snapshot afterwards, its pods are elsewhere and budgets are decreased; if not, nothing changed. */
  simulate(node: NodeId): Removal | RemovalFailure;
  hints(): RemovalHints;
}

/** What simulations of one pass share. */
export interface RemovalSetting {
  readonly snapshot: SchedulingSnapshot;
  readonly drain: DrainContext;
  readonly hints: RemovalHints;
  /** As upstream: pods that came in the simulation are put to the rules once more and weigh on budgets once more, and pods are placed in turn. */
  readonly asUpstream: boolean;
  /** Nodes that may take pods; a node that goes is taken out. */
  readonly destinations: Set<NodeId>;
  /** Nodes that will probably stay. */
  readonly kept: ReadonlySet<NodeId>;
}

export function createRemovalSimulator(setting: RemovalSetting): RemovalSimulator {
  const { snapshot, drain, asUpstream, destinations, kept } = setting;
  const { budgets } = drain;
  const moved = createMovedPods();
  const hintBook = createHintBook(setting.hints, snapshot);
  const bounds = createClassBounds(snapshot);
  const order = createClassOrder(snapshot);
  const isDestination = (node: NodeId): boolean => destinations.has(node);
  const placing = createPlacing(snapshot, { isDestination, isKept: (node) => kept.has(node), asUpstream });

  /** Who has to find a place; upstream asks the rules again about pods that only came in the simulation. */
  const planOf = (id: NodeId): Plan | Blocker => {
    const node = snapshot.node(id);
    const pods = inOrder(snapshot.podsOn(id));
    const isHere = ({ nodeName }: PodRecord): boolean => nodeName === node.name;
    const allHere = pods.every(isHere);
    const ruled = allHere || asUpstream ? pods : pods.filter(isHere);
    const { evict: moving, daemons, waitFor, blocking } = drainOf(ruled, drain);
    if (blocking !== undefined) return blocking;
    const evict = allHere ? moving : moving.filter(isHere);
    const first = ruled === pods ? moving : [...evict, ...pods.filter((pod) => !isHere(pod))];
    const plan = { node, pods, evict, daemons, waitFor, first, weighs: asUpstream ? moving : evict };
    const arrivals = moved.arrivals(id);
    if (!asUpstream || arrivals.length === 0) return { ...plan, arrivals };
    const arrived: PodRecord[] = [];
    for (const { start, count } of arrivals) for (let move = start; move < start + count; move++) arrived.push(moved.pod(move));
    const again = drainOf(arrived, drain);
    if (again.blocking !== undefined) return again.blocking;
    const weighs = [...moving, ...again.evict];
    if (again.evict.length === arrived.length) return { ...plan, arrivals, weighs };
    const stillMove = new Set(again.evict);
    return { ...plan, arrivals: arrivals.flatMap(oneByOne).filter(({ start }) => stillMove.has(moved.pod(start))), weighs };
  };

  /** Empties the node in the snapshot and takes it out; answers the pod that kept it from that. */
  const empty = (id: NodeId, { node, first, arrivals }: Plan): PodRecord | undefined => {
    const classes = order.classesOf(first);
    const pods = asUpstream ? first : order.sort(first, classes);
    const own = moved.register(pods, classes);
    const runs = arrivals.length === 0 ? own : [...own, ...arrivals];
    const fail = (stuck: PodRecord): PodRecord => {
      moved.forget(own);
      return stuck;
    };
    const exceeded = bounds.exceeded(runs, isDestination);
    if (exceeded !== undefined) return fail(moved.pod(exceeded.start));
    snapshot.fork();
    snapshot.removeNode(id);
    // While its pods look for a place the node still is a domain to spread over, as it will be while it is drained.
    const ghost = runs.some(({ podClass }) => order.spreads(podClass))
      ? snapshot.addNode({ ...node, taints: [...node.taints, { key: deletionTaint, effect: 'NoSchedule' }] })
      : undefined;
    const { placed, missing } = placing.place(runs, hintBook.of(node.name, pods), own[0]?.start ?? Infinity);
    if (missing !== undefined) {
      snapshot.revert();
      bounds.learn(id, missing, placed);
      return fail(moved.pod(missing.run.start + missing.at));
    }
    if (ghost !== undefined) snapshot.removeNode(ghost);
    snapshot.commit();
    moved.confirm(node.name, own);
    for (let index = 0; index < placed.size; index++) {
      moved.moveTo(placed.starts[index] as number, placed.counts[index] as number, placed.nodes[index] as NodeId);
    }
    return undefined;
  };

  return {
    hints: () => moved.hints(snapshot),
    simulate: (id) => {
      const plan = planOf(id);
      if ('rule' in plan) return { removable: false, reason: 'BlockedByPod', blocker: plan };
      const { pods, evict, daemons, waitFor, weighs, first, arrivals } = plan;
      destinations.delete(id);
      if (first.length + arrivals.length === 0) {
        snapshot.removeNode(id);
      } else {
        const stuck = empty(id, plan);
        if (stuck !== undefined) {
          destinations.add(id);
          return { removable: false, reason: 'NoPlaceToMovePods', stuck };
        }
      }
      const { inParallel } = budgets.check(weighs);
      budgets.take(weighs);
      bounds.left(pods);
      return { removable: true, evict, daemons, waitFor, moves: first.length + arrivals.length > 0, risky: !inParallel };
    },
  };
}

/** Pods of a node that is to be emptied. */
interface Plan {
  readonly node: NodeRecord;
  /** All that are on it. */
  readonly pods: readonly PodRecord[];
  /** Those that run on it and have to be evicted. */
  readonly evict: readonly PodRecord[];
  readonly daemons: readonly PodRecord[];
  readonly waitFor: readonly PodRecord[];
  /** Those that have to find a place for the first time: also pods that wait for the scheduler and were expected here. */
  readonly first: readonly PodRecord[];
  /** Those that came in this pass, and have to find one again. */
  readonly arrivals: readonly PodRun[];
  /** Those that count against budgets. */
  readonly weighs: readonly PodRecord[];
}

/** The pods of a run, each as a run. */
function oneByOne({ podClass, start, count }: PodRun): readonly PodRun[] {
  return Array.from({ length: count }, (_, index) => ({ podClass, start: start + index, count: 1 }));
}

function compare(a: PodRecord, b: PodRecord): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

/** In order of namespace and name, whatever the order in which they were listed; mostly they are. */
function inOrder(pods: readonly PodRecord[]): readonly PodRecord[] {
  for (let index = 1; index < pods.length; index++) {
    if (compare(pods[index - 1] as PodRecord, pods[index] as PodRecord) > 0) return pods.toSorted(compare);
  }
  return pods;
}
