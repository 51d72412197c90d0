import { createNodesCloud, nearest, type NodesCloud } from './nodes-cloud.ts';
import { createNodesCluster, type NodesCluster } from './nodes-cluster.ts';
import { createNodesDeletions, type DeletionOptions, type NodesDeletions } from './nodes-deletions.ts';
import { granted, type Effect, type EffectResult, type GroupOptions, type LoopInput } from './nodes-loop.ts';
import type { PathMeter } from './nodes-meter.ts';
import { instanceName } from './nodes-objects.ts';
import type { PlacementRule } from './nodes-placement.ts';
import { firstStepFrom, loopSeconds, msOf, type NodesScene } from './nodes-scene.ts';
import { factsOf, loopInput } from './nodes-view.ts';

/**
 * A scene that lives: a cluster, its cloud and its workload in virtual time, in which what the autoscaler does takes effect. Pure: the same scene, options
 * and effects give the same world. Times in seconds.
 */
export interface NodesWorld {
  readonly cluster: NodesCluster;
  readonly cloud: NodesCloud;
  /** Everything until `now` happens: steps of the world, and what the autoscaler has under way in the background. */
  advance(now: number): void;
  /** What a loop at the time of the last `advance` is shown. `stale`: groups whose lists of instances are read anew. */
  input(stale: ReadonlySet<string>): LoopInput;
  answer(effect: Effect): EffectResult;
}

export interface NodesWorldOptions {
  /** Of every group. */
  readonly group: GroupOptions;
  readonly deletion: DeletionOptions;
  readonly placement: PlacementRule;
  readonly meter: PathMeter;
  /** How long before the workload's own step the replicas controller says what it is about to want; 0: at the step. */
  readonly intentLead?: number | undefined;
}

/** The autoscaler was started at this second; lists of instances are read anew then and every 2 minutes (spec §27.7). */
const startedAt = 4;
const listSeconds = 120;
const candidateTaintKey = 'DeletionCandidateOfClusterAutoscaler';

export function createNodesWorld(scene: NodesScene, options: NodesWorldOptions): NodesWorld {
  const { meter } = options;
  const cloud = createNodesCloud(scene);
  const cluster = createNodesCluster(scene, { meter, placement: options.placement });
  const deletions = createNodesDeletions({ cluster, cloud, meter }, options.deletion);
  const facts = factsOf(scene, cluster.objects);
  const listed = new Map<string, readonly string[]>();
  /** When the Node object of an instance that is gone goes. */
  const lingering = new Map<string, number>();
  let now = 0;
  let nextStep = firstStepFrom(startedAt + 1, scene.stepLead);
  let nextList = startedAt + listSeconds;
  let next = 0;
  const firstStep = nextStep;

  /** Nodes of instances that are gone go after a while. */
  const collect = (at: number): void => {
    for (const name of cluster.nodes.keys())
      if (cloud.instance(name) === undefined && !lingering.has(name)) lingering.set(name, at + scene.cloud.nodeLingers);
    for (const [name, until] of lingering) {
      if (until > at) continue;
      cluster.removeNode(name, at);
      lingering.delete(name);
    }
  };
  const breakDown = (at: number): void => {
    for (const incident of scene.cloud.incidents) {
      // What broke before the first step is told with the nodes of the start.
      if (incident.what !== 'broken' || incident.at > at || (incident.at <= at - loopSeconds && at > firstStep)) continue;
      const there = [...cluster.nodes.values()].filter(({ group }) => group === incident.group).map(({ name }) => name);
      const victim = nearest(incident.name, there);
      if (victim !== undefined) cluster.breakNode(victim, incident.until);
    }
  };
  const step = (at: number): void => {
    collect(at);
    const { booted, lost } = cloud.step(at, (name) => cluster.nodes.has(name));
    for (const { name, group } of booted) cluster.addNode(name, group, at);
    for (const name of lost) lingering.set(name, at + scene.cloud.nodeLingers);
    breakDown(at);
    cluster.settle(at);
    for (let change = scene.workload[next]; change !== undefined && change.at <= at; change = scene.workload[++next])
      cluster.change(change, at);
    cluster.reconcile(at, (name) => cloud.instance(name) !== undefined);
  };

  return {
    cluster,
    cloud,
    advance: (until) => {
      for (;;) {
        const at = Math.min(nextStep, nextList, deletions.next());
        if (at > until) break;
        if (at === nextStep) {
          step(at);
          nextStep += loopSeconds;
        } else if (at === nextList) {
          for (const { id } of scene.groups) listed.set(id, cloud.list(id));
          nextList += listSeconds;
        } else deletions.run(at);
      }
      now = until;
    },
    input: (stale) => {
      for (const { id } of scene.groups) if (stale.has(id) || !listed.has(id)) listed.set(id, cloud.list(id));
      return loopInput(
        { scene, facts, cluster, cloud, listed, now, group: options.group, intentLead: options.intentLead ?? 0 },
        deletions.take(),
      );
    },
    answer: (effect) => answerOf(effect, { cluster, cloud, deletions, meter, now }),
  };
}

interface Acting {
  readonly cluster: NodesCluster;
  readonly cloud: NodesCloud;
  readonly deletions: NodesDeletions;
  readonly meter: PathMeter;
  readonly now: number;
}

function answerOf(effect: Effect, { cluster, cloud, deletions, meter, now }: Acting): EffectResult {
  switch (effect.type) {
    case 'increase-size': {
      const result = cloud.increase(effect.group, effect.delta, now);
      if (result.ok) meter.asked(effect.group, effect.delta, now);
      return result;
    }
    case 'decrease-target-size':
      return cloud.decrease(effect.group, effect.delta);
    case 'delete-instances':
      return cloud.remove(effect.group, effect.instances.map(instanceName));
    case 'start-deletion':
      deletions.start(effect.nodes, now);
      return granted;
    case 'soft-taint':
      for (const name of effect.add)
        changeTaints(cluster, name, { add: { key: candidateTaintKey, value: String(msOf(now) / 1000), effect: 'PreferNoSchedule' } });
      for (const name of effect.remove) changeTaints(cluster, name, { remove: [candidateTaintKey] });
      return granted;
    case 'clean-taints':
      for (const { node, taints, uncordon } of effect.nodes) {
        changeTaints(cluster, node, { remove: taints });
        const there = cluster.nodes.get(node);
        if (there !== undefined && uncordon) there.cordoned = false;
      }
      return granted;
  }
}

function changeTaints(
  cluster: NodesCluster,
  name: string,
  { add, remove = [] }: { readonly add?: LoopInput['nodes'][number]['taints'][number]; readonly remove?: readonly string[] },
): void {
  const node = cluster.nodes.get(name);
  if (node === undefined) return;
  const kept = node.taints.filter(({ key }) => !remove.includes(key) && key !== add?.key);
  node.taints = add === undefined ? kept : [...kept, add];
}
