import type { NodesCloud } from './nodes-cloud.ts';
import type { NodesCluster } from './nodes-cluster.ts';
import type { DeletionProgress, PlannedDeletion } from './nodes-loop.ts';
import type { PathMeter } from './nodes-meter.ts';
import { podName, type WorldPod } from './nodes-objects.ts';
import { msOf } from './nodes-scene.ts';

/** How deletions are carried out (spec §15.3–4). Milliseconds. */
export interface DeletionOptions {
  readonly deleteDelayAfterTaintMs: number;
  readonly maxPodEvictionMs: number;
  readonly maxGracefulTerminationMs: number;
  readonly evictDaemonsFromOccupied: boolean;
  readonly evictDaemonsFromEmpty: boolean;
}

const evictionRetrySeconds = 10;
const pollSeconds = 5;
/** Beyond the grace of the pods. */
const headroomSeconds = 30;

export const deletionTaintKey = 'ToBeDeletedByClusterAutoscaler';

/** Deletions that go on in the background. Times in seconds. */
export interface NodesDeletions {
  start(plans: readonly PlannedDeletion[], now: number): void;
  /** When something is to be done next; Infinity: never. */
  next(): number;
  /** Does what is due. */
  run(now: number): void;
  /** What runs, and what ended since the last call. */
  take(): DeletionProgress;
}

interface Task {
  readonly plan: PlannedDeletion;
  readonly since: number;
  stage: 'delay' | 'evict' | 'wait';
  at: number;
  /** Evictions begin then. */
  begun: number;
  left: readonly string[];
  evicted: readonly string[];
}

export interface DeletionWorld {
  readonly cluster: NodesCluster;
  readonly cloud: NodesCloud;
  readonly meter: PathMeter;
}

export function createNodesDeletions({ cluster, cloud, meter }: DeletionWorld, options: DeletionOptions): NodesDeletions {
  let tasks: readonly Task[] = [];
  let ended: DeletionProgress['ended'] = [];

  const end = (task: Task, now: number, result: 'deleted' | 'failed' | 'refused', message = ''): void => {
    tasks = tasks.filter((each) => each !== task);
    ended = [...ended, { node: task.plan.node, group: task.plan.group, at: msOf(now), result, message }];
    const node = cluster.nodes.get(task.plan.node);
    if (result === 'deleted' || node === undefined) return;
    node.taints = node.taints.filter(({ key }) => key !== deletionTaintKey);
    node.cordoned = false;
  };
  const remove = (task: Task, now: number): void => {
    const { node, group } = task.plan;
    const result = cloud.remove(group, [node]);
    if (!result.ok) return end(task, now, 'refused', result.failure.message);
    meter.removed(group, now);
    return end(task, now, 'deleted');
  };
  const podsOn = (node: string): readonly WorldPod[] =>
    [...cluster.pods.values()].filter((pod) => pod.node === node && pod.deleted === undefined);
  const begin = (task: Task, now: number): void => {
    const all = podsOn(task.plan.node);
    const movable = all.filter(({ shape }) => shape !== 'mirror' && !shape.startsWith('ds:'));
    if (task.plan.kind === 'empty' && movable.length > 0) return end(task, now, 'failed', 'it is not empty any more');
    const daemons = task.plan.kind === 'empty' ? options.evictDaemonsFromEmpty : options.evictDaemonsFromOccupied;
    if (daemons) for (const { name, shape } of all) if (shape.startsWith('ds:')) cluster.evict(name, now);
    task.begun = now;
    task.left = movable.map(({ name }) => name);
    return evict(task, now);
  };
  const evict = (task: Task, now: number): void => {
    task.left = task.left.filter((name) => !cluster.evict(name, now));
    if (task.left.length === 0) return wait(task, now);
    task.stage = 'evict';
    task.at = now + evictionRetrySeconds;
    if (task.at >= task.begun + options.maxPodEvictionMs / 1000) return end(task, now, 'failed', 'a budget did not allow its evictions');
    return undefined;
  };
  const wait = (task: Task, now: number): void => {
    const there = task.plan.evict.map(podName).filter((name) => cluster.pods.get(name)?.node === task.plan.node);
    if (there.length === 0) return remove(task, now);
    if (now >= task.begun + options.maxGracefulTerminationMs / 1000 + headroomSeconds)
      return end(task, now, 'failed', 'its pods did not go in time');
    task.stage = 'wait';
    task.at = now + pollSeconds;
    return undefined;
  };

  return {
    start: (plans, now) => {
      const at = now + options.deleteDelayAfterTaintMs / 1000;
      for (const plan of plans) {
        const node = cluster.nodes.get(plan.node);
        if (node === undefined) continue;
        node.taints = [...node.taints, { key: deletionTaintKey, value: String(msOf(now) / 1000), effect: 'NoSchedule' }];
        node.cordoned = true;
        tasks = [...tasks, { plan, since: now, stage: 'delay', at, begun: at, left: [], evicted: [] }];
      }
    },
    next: () => Math.min(...tasks.map(({ at }) => at)),
    run: (now) => {
      for (const task of tasks.filter(({ at }) => at <= now)) {
        if (!cluster.nodes.has(task.plan.node)) end(task, now, 'failed', 'the node is not there any more');
        else if (task.stage === 'delay') begin(task, now);
        else if (task.stage === 'evict') evict(task, now);
        else wait(task, now);
      }
    },
    take: () => {
      const progress = {
        running: tasks.map(({ plan, since }) => ({ node: plan.node, group: plan.group, kind: plan.kind, since: msOf(since) })),
        ended,
      };
      ended = [];
      return progress;
    },
  };
}
