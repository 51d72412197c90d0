import { projectDaemonPod } from '../../cluster-autoscaler/index.ts';
import { clusterSnapshot } from '../../cluster-autoscaler/engine/loop/cluster-snapshot.ts';
import { contextOf } from '../../cluster-autoscaler/engine/loop/context.ts';
import {
  defaultLoopOptions,
  driveLoop,
  emptyLoopState,
  upstreamGroupOptions,
  upstreamLoopOptions,
  type LoopOptions,
  type PendingPodReport,
} from '../../cluster-autoscaler/engine/loop/index.ts';
import { atOnce, withoutBreak } from '../../cluster-autoscaler/engine/loop/pace.ts';
import { podsToHelp } from '../../cluster-autoscaler/engine/loop/pods-to-help.ts';
import { opened } from '../../cluster-autoscaler/engine/loop/state.ts';
import type { LoopInput, NodeGroup, NodeTemplate } from '../../cluster-autoscaler/engine/model.ts';
import type { ClassId, NodeId } from '../../cluster-autoscaler/engine/scheduling/index.ts';
import { scaleUp } from '../../cluster-autoscaler/engine/scale-up/index.ts';
import { sortedPods } from '../../cluster-autoscaler/engine/scale-up/pod-groups.ts';
import { templateNode } from '../../cluster-autoscaler/providers/template-node.ts';
import { projectPod, type Interner, type KubeObject, type NodeRecord, type PodRecord, type ResourceList } from '../../core/model/index.ts';
import { projectResources } from '../../core/model/resource-list.ts';
import { recordSnapshot, type Layer, type Recording } from './nodes-predictions-recording.ts';
import { hostname, staticPodOf, zoneLabel, type Pool, type Scene } from './nodes-predictions-scene.ts';

/** The world when the loop looks. */
export interface View {
  /** Of the scene only. */
  readonly nodes: readonly NodeRecord[];
  readonly pods: readonly PodRecord[];
  readonly daemonSets: readonly KubeObject[];
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A pod on a node of the simulation: on one that is there, by its name, or on the nth (from 0) of those that a group is to get. */
export interface SimulatedPlace {
  readonly pod: PodRecord;
  readonly node: string | { readonly group: string; readonly index: number };
}

/** What the loop said. */
export interface Forecast {
  readonly reports: ReadonlyMap<string, PendingPodReport>;
  /** Nodes to be added, by group. */
  readonly growth: ReadonlyMap<string, number>;
  /** Where the simulation put the pods that it calls schedulable or helped, in an order of placing. With one option a loop some may be missing. */
  readonly places: readonly SimulatedPlace[];
  /** The replay for {@link places} decided as the loop did. */
  readonly replayAgrees: boolean;
}

export function podKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** Runs the loop once on a scene, and once more its steps on a snapshot that tells where pods are put. */
export function forecast(scene: Scene, view: View, interner: Interner): Forecast {
  const options = optionsOf(scene);
  const input = inputOf(scene, view, interner);
  const { report } = driveLoop(input, { state: emptyLoopState(), options, answer: () => ({ ok: true }) });
  const reports = new Map(report.pods.map((pod) => [podKey(pod), pod]));
  const growth = sumsOf(report.scaleUps);
  const { places, increases } = replay(input, options, report.chosen[0]?.group);
  const replayAgrees = [...growth].every(([group, delta]) => increases.get(group) === delta) && increases.size === growth.size;
  return { reports, growth, places, replayAgrees };
}

function optionsOf({ mode, seed }: Scene): LoopOptions {
  const base = mode.compat ? upstreamLoopOptions : defaultLoopOptions;
  return {
    ...base,
    seed,
    ...(mode.expander === undefined ? {} : { expanders: [mode.expander] }),
    balanceSimilarNodeGroups: mode.balance,
    balancingIgnoreLabels: ['pool', 'rack', 'disk'],
    scaleDownEnabled: false,
  };
}

function inputOf(scene: Scene, { nodes, pods, daemonSets, now }: View, interner: Interner): LoopInput {
  const poolOf = new Map(scene.nodes.map(({ name, pool }) => [name, pool]));
  return {
    now,
    nodes,
    pods,
    pdbs: [],
    daemonPods: daemonSets.map((raw) => projectDaemonPod(raw, interner)),
    groups: scene.pools.map((pool): NodeGroup => {
      const members = nodes.filter(({ name }) => poolOf.get(name) === pool.id);
      return {
        id: pool.id,
        minSize: 0,
        maxSize: pool.maxSize,
        targetSize: members.length,
        instances: members.map(({ providerId }) => ({ id: providerId, state: 'running' })),
        template: templateOf(scene, pool, interner),
        options: upstreamGroupOptions,
        price: pool.price,
      };
    }),
    namespaces: new Map(scene.namespaces.map(({ name, labels }) => [name, { ...labels, 'kubernetes.io/metadata.name': name }])),
    deletions: { running: [], ended: [] },
    intents: [],
  };
}

/** What the cloud says of the group's nodes: what {@link file://./nodes-predictions-stage.ts} makes them of. */
function templateOf(scene: Scene, { id, machine }: Pool, interner: Interner): NodeTemplate {
  const name = `template-${id}`;
  const capacity: ResourceList = projectResources({
    cpu: machine.cpu,
    memory: machine.memory,
    pods: `${machine.maxPods}`,
    'ephemeral-storage': '100Gi',
    ...(machine.gpus > 0 ? { 'example.com/gpu': `${machine.gpus}` } : {}),
  });
  const labels = {
    [hostname]: name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    [zoneLabel]: machine.zone,
    ...machine.labels,
  };
  const pods = machine.staticPodCpu === undefined ? [] : [projectPod(staticPodOf(scene, name, machine.staticPodCpu), interner)];
  return { node: templateNode({ name, labels, taints: machine.taints, capacity }), pods };
}

interface Replay {
  readonly places: readonly SimulatedPlace[];
  readonly increases: ReadonlyMap<string, number>;
}

/** The steps of the loop that place pods, on a snapshot that records. */
function replay(input: LoopInput, options: LoopOptions, chosen: string | undefined): Replay {
  const before = opened(emptyLoopState());
  const loop = atOnce(contextOf(input, before, { options, pace: withoutBreak }));
  const recording = recordSnapshot(atOnce(clusterSnapshot(loop)));
  const { snapshot } = recording;
  const help = atOnce(podsToHelp(loop.view, input, { snapshot, hints: before.hints, extra: [], options, pace: withoutBreak }));
  const groups = loop.groups().map((group) => ({ group, template: loop.templates.byGroup.get(group.id), state: 'healthy' as const }));
  const run = scaleUp({ now: input.now, snapshot, pods: help.pods, groups, options });
  let step = run.next();
  while (step.done !== true) step = run.next({ ok: true });
  const { increases, pods } = step.value;
  const groupOf = new Map(groups.flatMap(({ group, template }) => (template === undefined ? [] : [[template, group.id] as const])));
  const placed = new Set([...help.settled, ...pods].filter(({ state }) => state === 'scheduled' || state === 'helped').map(podKey));
  const promised = sortedPods(input.pods).filter((pod) => placed.has(podKey(pod)));
  return {
    places: placesOf(recording, promised, { groupOf, chosen: options.severalPoolsPerLoop ? undefined : chosen }),
    increases: sumsOf(increases.map(({ group, from, to }) => ({ group, delta: to - from }))),
  };
}

/** What each group is raised by, in all rounds together. */
function sumsOf(raises: readonly { readonly group: string; readonly delta: number }[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { group, delta } of raises) sums.set(group, (sums.get(group) ?? 0) + delta);
  return sums;
}

interface PlaceContext {
  readonly groupOf: ReadonlyMap<NodeTemplate, string>;
  /** Group whose estimation counts, where it was undone afterwards. */
  readonly chosen: string | undefined;
}

function placesOf(recording: Recording, promised: readonly PodRecord[], { groupOf, chosen }: PlaceContext): readonly SimulatedPlace[] {
  const { snapshot, kept, undone } = recording;
  const estimation = undone.findLast(
    ({ added, placed }) => placed.length > 0 && [...added.values()].some((template) => groupOf.get(template) === chosen),
  );
  const layers = chosen === undefined || estimation === undefined ? [kept] : [kept, estimation];
  const named = new Set(layers.flatMap(({ placed }) => placed.flatMap(({ pod }) => (pod === undefined ? [] : [pod]))));
  // Of pods that were only counted any will do: the scheduler cannot tell them apart.
  const counted = new Map<ClassId, PodRecord[]>();
  for (const pod of promised) {
    if (named.has(pod)) continue;
    const podClass = snapshot.classOf(pod);
    counted.set(podClass, [...(counted.get(podClass) ?? []), pod]);
  }
  return layers.flatMap(({ added, placed }) => {
    const nodes = newNodes(added, groupOf);
    return placed.flatMap(({ pod, podClass, node, name, count }) => {
      const pods = pod === undefined ? (counted.get(podClass)?.splice(0, count) ?? []) : [pod];
      return pods.map((each): SimulatedPlace => ({ pod: each, node: nodes.get(node) ?? name }));
    });
  });
}

/** Copies of templates as the nth of their groups. */
function newNodes(added: Layer['added'], groupOf: PlaceContext['groupOf']): ReadonlyMap<NodeId, SimulatedPlace['node']> {
  const counts = new Map<string, number>();
  return new Map(
    [...added].map(([node, template]) => {
      const group = groupOf.get(template) ?? '';
      const index = counts.get(group) ?? 0;
      counts.set(group, index + 1);
      return [node, { group, index }];
    }),
  );
}
