import { createInterner, projectPod, type Interner, type KubeObject, type PodRecord } from '../../core/model/index.ts';
import { forecast, podKey, type Forecast } from './nodes-predictions-forecast.ts';
import { makeScene, type Scene } from './nodes-predictions-scene.ts';
import { createStage, pendingPods, type PredictionsCluster, type SceneState, type Stage } from './nodes-predictions-stage.ts';
import { describeScene, isFixed, judge, type Evidence, type Explanation } from './nodes-predictions-verdict.ts';

export type { PredictionsCluster } from './nodes-predictions-stage.ts';

/** What came of many scenes. */
export interface Summary {
  readonly scenes: number;
  readonly upstreamScenes: number;
  /** Pods that the loop was asked about, by what it said of them. */
  readonly pods: Readonly<Record<string, number>>;
  readonly placed: number;
  readonly addedNodes: number;
  /** Scenes in which several pools grow. */
  readonly severalPools: number;
  /** Pods that no pool can take, on which one more node of every pool was tried. */
  readonly probed: number;
  /** A text for each scene in which the simulation was wrong. */
  readonly wrong: readonly string[];
  /** How often what happened is not what was said for a reason; of scenes as upstream by the same name with `as upstream`. */
  readonly explained: Readonly<Record<string, number>>;
}

interface Counts {
  scenes: number;
  upstreamScenes: number;
  pods: Record<string, number>;
  placed: number;
  addedNodes: number;
  severalPools: number;
  probed: number;
  wrong: string[];
  explained: Record<string, number>;
}

export interface PredictionsOptions {
  readonly seeds: readonly number[];
  /** Scenes that are in the cluster at the same time. */
  readonly atOnce: number;
  readonly onBatch?: ((done: number) => void) | undefined;
}

/** Plays the scenes of the seeds in a cluster: decides with the loop, makes the nodes that it asks for, lets the scheduler place the pods, compares. */
export async function checkPredictions(cluster: PredictionsCluster, { seeds, atOnce, onBatch }: PredictionsOptions): Promise<Summary> {
  const interner = createInterner();
  const stage = await createStage(cluster, interner);
  const counts: Counts = {
    scenes: 0,
    upstreamScenes: 0,
    pods: {},
    placed: 0,
    addedNodes: 0,
    severalPools: 0,
    probed: 0,
    wrong: [],
    explained: {},
  };
  try {
    for (let from = 0; from < seeds.length; from += atOnce) {
      const scenes = seeds.slice(from, from + atOnce).map(makeScene);
      await play(scenes, { cluster, stage, interner, counts });
      onBatch?.(from + scenes.length);
      if (from + atOnce < seeds.length) await stage.clear(scenes);
    }
  } finally {
    await stage.stop();
  }
  return counts;
}

interface Play {
  readonly cluster: PredictionsCluster;
  readonly stage: Stage;
  readonly interner: Interner;
  readonly counts: Counts;
}

/** So long after the nodes came the loop looks: they are good examples of their groups by then. Milliseconds. */
const laterMs = 120_000;

async function play(scenes: readonly Scene[], { cluster, stage, interner, counts }: Play): Promise<void> {
  const podsFirst = scenes.filter(({ mode }) => mode.podsFirst);
  const nodesFirst = scenes.filter(({ mode }) => !mode.podsFirst);
  await stage.namespaces(scenes);
  await stage.ground(scenes);
  await stage.pods(podsFirst, () => true);
  await cluster.quiet();
  await stage.owners(podsFirst);
  const seen = await stage.read(scenes);
  const now = cluster.clock.now() + laterMs;
  const forecasts = new Map<
    Scene,
    { readonly said: Forecast; readonly pending: readonly PodRecord[]; readonly before: readonly PodRecord[] }
  >();
  for (const scene of scenes) {
    const { nodes, pods, daemonSets } = stateOf(seen, scene);
    const pending = scene.mode.podsFirst
      ? pods.filter((pod) => pod.nodeName === undefined && !isFixed(pod))
      : imagined(scene, now, interner);
    const all = scene.mode.podsFirst ? pods : [...pods, ...pending];
    const said = forecast(scene, { nodes, pods: all, daemonSets, now }, interner);
    forecasts.set(scene, { said, pending, before: pods.filter(({ nodeName }) => nodeName !== undefined) });
  }
  // Pods for which there is room already do not wait for new nodes.
  const isEarly = (scene: Scene, pod: KubeObject): boolean => forecasts.get(scene)?.said.reports.get(keyOf(pod))?.state === 'scheduled';
  await stage.pods(nodesFirst, isEarly);
  await cluster.quiet();
  const between = await stage.read(scenes);
  const added = new Map(scenes.map((scene) => [scene, newNodes(scene, forecasts.get(scene)?.said.growth ?? new Map())]));
  await stage.addNodes([...added].flatMap(([scene, groups]) => machines(scene, groups)));
  await stage.pods(nodesFirst, (scene, pod) => !isEarly(scene, pod));
  await cluster.quiet();
  const after = await stage.read(scenes);
  const bound = stage.bound();
  const hopeless = new Map<Scene, readonly string[]>();
  const overlooked: Overlooked[] = [];
  for (const scene of scenes) {
    const { said, pending, before } = forecasts.get(scene) ?? missing(scene);
    const { nodes, pods: present, messages } = stateOf(after, scene);
    const early = new Set(stateOf(between, scene).pods.flatMap((pod) => (pod.nodeName === undefined ? [] : [podKey(pod)])));
    const came = { nodes, pods: present, messages, bound, added: added.get(scene) ?? new Map<string, readonly string[]>() };
    const evidence: Evidence = { scene, before, pending, said, came, early };
    const { wrong, explained, overlooked: pods } = judge(evidence);
    overlooked.push(...onePerWorkload(pods).map(({ pod, text }) => ({ evidence, pod, text })));
    if (wrong.length > 0) counts.wrong.push([...wrong, describeScene(evidence)].join('\n'));
    for (const { why } of explained) explain(counts, scene, why);
    count(counts, evidence);
    // Where daemons may take the room, it is a race who is first.
    const lost = scene.daemonSets.length > 0 ? [] : pending.map(podKey).filter((key) => isHopeless(said, key));
    if (lost.length > 0) hopeless.set(scene, lost);
  }
  await lookAgain(overlooked, { cluster, stage, interner, counts });
  await probe(hopeless, { cluster, stage, interner, counts });
}

interface Overlooked {
  readonly evidence: Evidence;
  readonly pod: PodRecord;
  readonly text: string;
}

/** The scheduler cannot tell pods of a workload apart. */
function onePerWorkload<T extends { readonly pod: PodRecord }>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [item.pod.labels['workload'], item])).values()];
}

/** Whether the scheduler accepts a new pod like those that it has left out. */
async function lookAgain(overlooked: readonly Overlooked[], { cluster, stage, counts }: Play): Promise<void> {
  if (overlooked.length === 0) return;
  const names = new Map<Overlooked, string>();
  for (const item of overlooked) names.set(item, await stage.twin(item.evidence.scene, item.pod));
  await cluster.quiet();
  const states = await stage.read([...new Set(overlooked.map(({ evidence }) => evidence.scene))]);
  for (const item of overlooked) {
    const { evidence, text } = item;
    const twin = stateOf(states, evidence.scene).pods.find((pod) => podKey(pod) === names.get(item));
    if (twin?.nodeName === undefined) counts.wrong.push([text, describeScene(evidence)].join('\n'));
    else explain(counts, evidence.scene, 'late');
  }
}

function explain(counts: Counts, { mode }: Scene, why: Explanation): void {
  const name = mode.compat ? `${why} as upstream` : why;
  counts.explained[name] = (counts.explained[name] ?? 0) + 1;
}

function missing(scene: Scene): never {
  throw new Error(`there is nothing of scene ${scene.id}`);
}

function stateOf(states: ReadonlyMap<Scene, SceneState>, scene: Scene): SceneState {
  return states.get(scene) ?? missing(scene);
}

/** Pods that will be made when the nodes stand, as the loop would see them before. */
function imagined(scene: Scene, now: number, interner: Interner): readonly PodRecord[] {
  return scene.workloads.flatMap((workload) =>
    pendingPods(workload).map((pod) => {
      const { name, namespace = '' } = pod.metadata;
      const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: workload.name, uid: workload.name, controller: true };
      const raw: KubeObject = {
        ...pod,
        metadata: {
          ...pod.metadata,
          uid: `${namespace}/${name}`,
          creationTimestamp: new Date(now - laterMs).toISOString(),
          ...(workload.owned ? { ownerReferences: [owner] } : {}),
        },
        status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] },
      };
      return projectPod(raw, interner);
    }),
  );
}

function keyOf({ metadata: { namespace = '', name } }: KubeObject): string {
  return podKey({ namespace, name });
}

/** Names of nodes to be made, by group. */
function newNodes(scene: Scene, growth: ReadonlyMap<string, number>, suffix = 'n'): ReadonlyMap<string, readonly string[]> {
  return new Map(scene.pools.map(({ id }) => [id, Array.from({ length: growth.get(id) ?? 0 }, (_, index) => `${id}-${suffix}${index}`)]));
}

function machines(scene: Scene, groups: ReadonlyMap<string, readonly string[]>) {
  return scene.pools.flatMap(({ id, machine }) => (groups.get(id) ?? []).map((name) => ({ scene, name, machine })));
}

/** What a node refuses by itself, whatever runs beside the pod. */
const lasting: ReadonlySet<string | undefined> = new Set(['TaintToleration', 'NodeAffinity', 'NodeResourcesFit']);

/** No pool can take it, ever, as far as its machines are concerned. */
function isHopeless({ reports }: Forecast, key: string): boolean {
  const report = reports.get(key);
  return report?.state === 'refused' && report.refusals.length > 0 && report.refusals.every(({ failure }) => lasting.has(failure?.filter));
}

/** One more node of every pool, though nobody asked for it: pods that no pool can take must not be placed. */
async function probe(hopeless: ReadonlyMap<Scene, readonly string[]>, { cluster, stage, counts }: Play): Promise<void> {
  const scenes = [...hopeless.keys()];
  if (scenes.length === 0) return;
  const one = (scene: Scene): ReadonlyMap<string, number> => new Map(scene.pools.map(({ id }) => [id, 1]));
  await stage.addNodes(scenes.flatMap((scene) => machines(scene, newNodes(scene, one(scene), 'probe'))));
  await cluster.quiet();
  const states = await stage.read(scenes);
  for (const [scene, keys] of hopeless) {
    const homes = new Map(stateOf(states, scene).pods.map((pod) => [podKey(pod), pod.nodeName]));
    counts.probed += keys.length;
    for (const key of keys) {
      const node = homes.get(key);
      if (node?.includes('-probe') === true)
        counts.wrong.push(`seed ${scene.seed}: no pool can take pod ${key}, it was said, but it is on ${node}`);
    }
  }
}

function count(counts: Counts, { scene, pending, said, came }: Evidence): void {
  counts.scenes += 1;
  if (scene.mode.compat) counts.upstreamScenes += 1;
  for (const pod of pending) {
    const state = said.reports.get(podKey(pod))?.state ?? 'unknown';
    counts.pods[state] = (counts.pods[state] ?? 0) + 1;
  }
  const keys = new Set(pending.map(podKey));
  counts.placed += came.pods.filter((pod) => keys.has(podKey(pod)) && pod.nodeName !== undefined).length;
  const grown = [...said.growth.values()];
  counts.addedNodes += grown.reduce((sum, delta) => sum + delta, 0);
  if (grown.length > 1) counts.severalPools += 1;
}

/** One line of numbers, for the log of a test. */
export function summaryText({ scenes, upstreamScenes, pods, placed, addedNodes, severalPools, probed, wrong, explained }: Summary): string {
  const states = Object.entries(pods).map(([state, number]) => `${number} ${state}`);
  const total = Object.values(pods).reduce((sum, number) => sum + number, 0);
  const why = Object.entries(explained).map(([name, number]) => `${number} ${name}`);
  return (
    `predictions: ${scenes} scenes (${upstreamScenes} as upstream, ${severalPools} with several pools), ${total} pods (${states.join(', ')}), ${placed} placed, ` +
    `${addedNodes} nodes added, ${probed} hopeless pods probed; scenes with a mis-prediction: ${wrong.length}; explained: ${why.join(', ') || 'none'}`
  );
}
