import { createReflector, isConflict, isNotFound, type KubeClient } from '../../core/kube/index.ts';
import {
  projectNode,
  projectPod,
  resourceTypes,
  type Interner,
  type KubeObject,
  type NodeRecord,
  type PodRecord,
} from '../../core/model/index.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { KubeletFleet, NodeSpec } from '../../simulator/index.ts';
import { podKey } from './nodes-predictions-forecast.ts';
import { podOf, sceneLabel, staticPodOf, type Machine, type Scene, type Workload } from './nodes-predictions-scene.ts';

/** A cluster with a scheduler, in which scenes are played. */
export interface PredictionsCluster {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly fleet: Pick<KubeletFleet, 'addNode' | 'removeNode'>;
  /** Requests in flight at a time. */
  readonly concurrency: number;
  /** Lets time pass until the scheduler has tried every pod and nothing waits for anything but a change of the cluster. */
  quiet(): Promise<void>;
  /** Lets time pass until it is so; false when the limit, in milliseconds of the cluster, has passed first. */
  until(condition: () => Promise<boolean>, limitMs: number): Promise<boolean>;
}

/** What there is of one scene. */
export interface SceneState {
  readonly nodes: readonly NodeRecord[];
  readonly pods: readonly PodRecord[];
  readonly daemonSets: readonly KubeObject[];
  readonly messages: ReadonlyMap<string, string>;
}

/** Puts scenes into a cluster, all of them at once, and reads what has become of them. */
export interface Stage {
  namespaces(scenes: readonly Scene[]): Promise<void>;
  /** The nodes that are there from the start, with their pods, and daemons. */
  ground(scenes: readonly Scene[]): Promise<void>;
  /** Makes the pods that have no node yet, of those that are meant. */
  pods(scenes: readonly Scene[], meant: (scene: Scene, pod: KubeObject) => boolean): Promise<void>;
  /** Makes the ReplicaSets, which take their pods over. */
  owners(scenes: readonly Scene[]): Promise<void>;
  addNodes(nodes: readonly { readonly scene: Scene; readonly name: string; readonly machine: Machine }[]): Promise<void>;
  /** Makes one more pod of the same workload, which no ReplicaSet counts; answers its key. */
  twin(scene: Scene, pod: PodRecord): Promise<string>;
  read(scenes: readonly Scene[]): Promise<ReadonlyMap<Scene, SceneState>>;
  /** Keys of all pods in the order in which they were bound. */
  bound(): readonly string[];
  clear(scenes: readonly Scene[]): Promise<void>;
  stop(): Promise<void>;
}

/** How long anything may take, in milliseconds of the cluster. */
const patience = 120_000;

export async function createStage(cluster: PredictionsCluster, interner: Interner): Promise<Stage> {
  const { client, clock, random, fleet } = cluster;
  const order = new Map<string, number>();
  const watch = createReflector<boolean>({
    client,
    clock,
    random,
    type: resourceTypes.pods,
    labelSelector: sceneLabel,
    fieldSelector: 'spec.nodeName!=',
    project: () => true,
  });
  watch.onDelta(({ type, key }) => {
    if (type === 'added' && !order.has(key)) order.set(key, order.size);
  });
  watch.start();
  await watch.waitForSync();

  const each = <T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> => inParallel(items, cluster.concurrency, work);
  const wait = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    if (!(await cluster.until(condition, patience))) throw new Error(`${what}: not within ${patience / 1000} s`);
  };
  const nodesAreUp = async (names: ReadonlySet<string>): Promise<boolean> => {
    const { items } = await client.list(resourceTypes.nodes, { labelSelector: sceneLabel });
    return items.filter(({ metadata }) => names.has(metadata.name)).every(isUp);
  };
  const addNodes: Stage['addNodes'] = async (nodes) => {
    await each(nodes, async ({ scene, name, machine }) => {
      // Before the node, as its kubelet starts it before anything is scheduled there.
      if (machine.staticPodCpu !== undefined) await client.create(resourceTypes.pods, staticPodOf(scene, name, machine.staticPodCpu));
      await fleet.addNode(specOf(name, machine));
    });
    const names = new Set(nodes.map(({ name }) => name));
    await wait('the nodes are up', () => nodesAreUp(names));
  };
  const createPods = (pods: readonly KubeObject[]): Promise<void> =>
    each(pods, async (pod) => {
      await client.create(resourceTypes.pods, pod);
    });

  return {
    namespaces: async (scenes) => {
      const namespaces = scenes.flatMap((scene) => scene.namespaces);
      await each(namespaces, ({ name, labels }) => client.create(resourceTypes.namespaces, { metadata: { name, labels: { ...labels } } }));
      // Before its account is there every pod of a namespace is refused.
      const ready = async (): Promise<boolean> => {
        const { items } = await client.list(resourceTypes.serviceAccounts);
        const known = new Set(items.map(({ metadata }) => metadata.namespace));
        return namespaces.every(({ name }) => known.has(name));
      };
      await wait('the namespaces have their accounts', ready);
    },
    ground: async (scenes) => {
      await addNodes(scenes.flatMap((scene) => scene.nodes.map(({ name, machine }) => ({ scene, name, machine }))));
      const existing = scenes.flatMap((scene) =>
        scene.workloads.flatMap((workload) => workload.existing.map((node, index) => podOf(workload, index, node))),
      );
      await createPods(existing);
      await each(
        scenes.flatMap((scene) => scene.daemonSets),
        (set) => client.create(resourceTypes.daemonSets, set),
      );
      const cordoned = scenes.flatMap(({ nodes }) => nodes.filter((node) => node.cordoned));
      await each(cordoned, ({ name }) =>
        client.patch(resourceTypes.nodes, { name }, { type: 'merge', body: { spec: { unschedulable: true } } }),
      );
    },
    pods: (scenes, meant) => createPods(scenes.flatMap((scene) => scene.workloads.flatMap(pendingPods).filter((pod) => meant(scene, pod)))),
    owners: async (scenes) => {
      const owned = scenes.flatMap(({ workloads }) => workloads.filter((workload) => workload.owned));
      await each(owned, (workload) => client.create(resourceTypes.replicaSets, replicaSetOf(workload)));
      await wait('every pod has its owner', async () => {
        const { items } = await client.list(resourceTypes.pods, { labelSelector: sceneLabel });
        const orphans = new Set(
          items.filter(({ metadata }) => metadata.ownerReferences === undefined).map(({ metadata }) => metadata.labels?.['workload']),
        );
        return owned.every(({ name }) => !orphans.has(name));
      });
    },
    addNodes,
    twin: async (scene, { namespace, name: of, labels }) => {
      const workload = scene.workloads.find(({ name }) => name === labels['workload']);
      if (workload === undefined) throw new Error(`pod ${of} is of no workload of scene ${scene.id}`);
      const name = `${of}-again`;
      const { metadata } = await client.get(resourceTypes.namespaces, { name: namespace });
      // What has a controller is no orphan.
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Namespace', name: namespace, uid: metadata.uid ?? '', controller: true }];
      const pod = podOf(workload, 0);
      await client.create(resourceTypes.pods, { ...pod, metadata: { ...pod.metadata, name, ownerReferences } });
      return podKey({ namespace, name });
    },
    read: async (scenes) => {
      const [nodes, pods, daemonSets] = await Promise.all(
        [resourceTypes.nodes, resourceTypes.pods, resourceTypes.daemonSets].map(async (type) =>
          bySceneOf((await client.list(type, { labelSelector: sceneLabel })).items),
        ),
      );
      return new Map(
        scenes.map((scene) => {
          const raw = pods?.get(scene.id) ?? [];
          const made = raw.find(({ spec }) => (spec as { readonly schedulerName?: string } | undefined)?.schedulerName === nobody);
          if (made !== undefined)
            throw new Error(
              `a ReplicaSet of scene ${scene.id} has made pod ${made.metadata.name} instead of taking over one that is there`,
            );
          return [
            scene,
            {
              nodes: (nodes?.get(scene.id) ?? []).map((node) => projectNode(node, interner)),
              pods: raw.map((pod) => projectPod(pod, interner)),
              daemonSets: daemonSets?.get(scene.id) ?? [],
              messages: new Map(raw.flatMap((pod) => messageOf(pod))),
            },
          ];
        }),
      );
    },
    bound: () => [...order.keys()],
    clear: async (scenes) => {
      // Namespaces stay: to delete one the API server is asked for everything that might be in it.
      for (const type of [resourceTypes.replicaSets, resourceTypes.daemonSets]) {
        const owners = ofScenes(await client.list(type, { labelSelector: sceneLabel }), scenes);
        await each(owners, ({ metadata: { namespace, name } }) =>
          client.delete(type, { namespace, name }, { propagationPolicy: 'Background' }),
        );
      }
      const nodes = ofScenes(await client.list(resourceTypes.nodes, { labelSelector: sceneLabel }), scenes);
      await each(nodes, ({ metadata }) => fleet.removeNode(metadata.name));
      const left = ofScenes(await client.list(resourceTypes.pods, { labelSelector: sceneLabel }), scenes);
      await each(left, ({ metadata: { namespace, name } }) =>
        client.delete(resourceTypes.pods, { namespace, name }, { gracePeriodSeconds: 0 }).catch(ignoreGone),
      );
    },
    stop: () => watch.stop(),
  };
}

async function inParallel<T>(items: readonly T[], limit: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

function ignoreGone(error: unknown): void {
  if (!(isNotFound(error) || isConflict(error))) throw error;
}

function ofScenes({ items }: { readonly items: readonly KubeObject[] }, scenes: readonly Scene[]): readonly KubeObject[] {
  const ids = new Set(scenes.map(({ id }) => id));
  return items.filter(({ metadata }) => ids.has(metadata.labels?.[sceneLabel] ?? ''));
}

function bySceneOf(items: readonly KubeObject[]): Map<string, KubeObject[]> {
  const found = new Map<string, KubeObject[]>();
  for (const item of items) {
    const scene = item.metadata.labels?.[sceneLabel] ?? '';
    const list = found.get(scene);
    if (list === undefined) found.set(scene, [item]);
    else list.push(item);
  }
  return found;
}

/** Ready, and nothing of its first moments left that keeps pods away. */
function isUp({ spec, status }: KubeObject): boolean {
  const { taints = [] } = (spec ?? {}) as { readonly taints?: readonly { readonly key: string }[] };
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  return (
    conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True') &&
    !taints.some(({ key }) => key.startsWith('node.kubernetes.io/'))
  );
}

function messageOf(pod: KubeObject): readonly (readonly [string, string])[] {
  const { conditions = [] } = (pod.status ?? {}) as {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
  const scheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  const { namespace = '', name } = pod.metadata;
  return scheduled === undefined ? [] : [[podKey({ namespace, name }), `${scheduled.reason ?? ''}: ${scheduled.message ?? ''}`]];
}

/** The pods of a workload that have no node yet; their names go on after those that have. */
export function pendingPods(workload: Workload): readonly KubeObject[] {
  const { existing, pending } = workload;
  return Array.from({ length: pending }, (_, index) => podOf(workload, existing.length + index));
}

/** A scheduler that does not exist. */
const nobody = 'nobody';

/** As many replicas as there are pods: it takes them over and makes none. */
function replicaSetOf({ name, namespace, labels, existing, pending }: Workload): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace, labels: { ...labels } },
    spec: {
      replicas: existing.length + pending,
      selector: { matchLabels: { workload: name } },
      // Should it make one all the same, nobody places it.
      template: {
        metadata: { labels: { ...labels } },
        spec: { schedulerName: nobody, containers: [{ name: 'main', image: 'registry.local/app:1' }] },
      },
    },
  };
}

/** Id of a node at the cloud. */
export function providerIdOf(name: string): string {
  return `predictions:///${name}`;
}

/** A node as the template of its group has it. */
function specOf(name: string, { cpu, memory, maxPods, zone, labels, taints, gpus }: Machine): NodeSpec {
  return {
    name,
    cpu,
    memory,
    pods: maxPods,
    zone,
    labels,
    taints,
    providerID: providerIdOf(name),
    ...(gpus > 0 ? { resources: { 'example.com/gpu': `${gpus}` } } : {}),
  };
}
