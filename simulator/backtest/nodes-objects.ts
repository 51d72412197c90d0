import {
  createInterner,
  projectNode,
  projectPod,
  type Interner,
  type KubeObject,
  type NodeRecord,
  type PodRecord,
  type Taint,
} from '../../core/model/index.ts';
import type { KubeNode, Pod } from '../cluster/controllers/kinds.ts';
import { textOf, type NodesScene, type SceneGroup } from './nodes-scene.ts';

/** A node of the world. Times in seconds. */
export interface WorldNode {
  readonly name: string;
  readonly group: string;
  readonly created: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** Ready from this time on, unless it is broken. */
  readonly readyAt: number;
  brokenUntil: number;
  /** It was due to be ready once. */
  started: boolean;
  ready: boolean;
  /** Last change of `ready`. */
  since: number;
  taints: readonly Taint[];
  cordoned: boolean;
}

/** A pod of the world. Times in seconds. */
export interface WorldPod {
  readonly name: string;
  readonly shape: string;
  readonly created: number;
  node: string | undefined;
  /** It is being deleted since then, and is gone at the first step from `endsAt` on. */
  deleted: number | undefined;
  endsAt: number;
}

export const instanceIdPrefix = 'scene://';

/** providerID of a node, and id of its instance. */
export function instanceId(group: string, name: string): string {
  return `${instanceIdPrefix}${group}/${name}`;
}

/** Name of an instance by its id. */
export function instanceName(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** uid of a pod by its name; names are never used twice. */
export function podUid(name: string): string {
  return `pod-${name}`;
}

/** Name of a pod by its uid. */
export function podName(uid: string): string {
  return uid.slice('pod-'.length);
}

/** Objects and records of the world's nodes and pods, each made once for each state. */
export interface WorldObjects {
  readonly interner: Interner;
  readonly nodeObject: (node: WorldNode) => KubeNode;
  readonly nodeRecord: (node: WorldNode) => NodeRecord;
  readonly podObject: (pod: WorldPod) => Pod;
  readonly podRecord: (pod: WorldPod) => PodRecord;
}

export function createWorldObjects(scene: NodesScene): WorldObjects {
  const interner = createInterner();
  const groups = new Map(scene.groups.map((group) => [group.id, group]));
  const nodeObject = (node: WorldNode): KubeNode => nodeOf(node, groups.get(node.group));
  const podObject = (pod: WorldPod): Pod => podOf(pod, scene.shapes[pod.shape]);
  const nodes = memo((node: WorldNode) => {
    const { ready, since, taints, cordoned } = node;
    return JSON.stringify([ready, since, taints, cordoned]);
  }, nodeObject);
  const pods = memo(({ node, deleted }: WorldPod) => `${node ?? ''} ${deleted ?? ''}`, podObject);
  const nodeRecords = memo(nodes.key, (node: WorldNode) => projectNode(nodes.get(node), interner));
  const podRecords = memo(pods.key, (pod: WorldPod) => projectPod(pods.get(pod), interner));
  return { interner, nodeObject: nodes.get, nodeRecord: nodeRecords.get, podObject: pods.get, podRecord: podRecords.get };
}

/** What is made of a thing, made again only when the thing's state has another key. */
function memo<Thing extends object, Made>(key: (thing: Thing) => string, make: (thing: Thing) => Made) {
  const held = new WeakMap<Thing, { readonly key: string; readonly made: Made }>();
  return {
    key,
    get: (thing: Thing): Made => {
      const now = key(thing);
      const before = held.get(thing);
      if (before?.key === now) return before.made;
      const made = make(thing);
      held.set(thing, { key: now, made });
      return made;
    },
  };
}

function nodeOf({ name, group, created, annotations, ready, since, taints, cordoned }: WorldNode, like: SceneGroup | undefined): KubeNode {
  const { labels } = like?.template.metadata ?? {};
  const { capacity, allocatable } = (like?.template.status ?? {}) as { readonly capacity?: object; readonly allocatable?: object };
  return {
    metadata: {
      name,
      uid: `node-${name}`,
      labels: { ...labels, 'kubernetes.io/hostname': name },
      annotations: { ...annotations },
      creationTimestamp: textOf(created),
    },
    spec: { providerID: instanceId(group, name), taints: [...taints], unschedulable: cordoned },
    status: {
      capacity,
      allocatable: like?.nodeAllocatable ?? allocatable,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: textOf(since) }],
    },
  } as KubeNode;
}

function podOf({ name, created, node, deleted }: WorldPod, like: KubeObject | undefined): Pod {
  const spec = like?.spec as Pod['spec'];
  return {
    ...like,
    metadata: {
      ...like?.metadata,
      name,
      uid: podUid(name),
      creationTimestamp: textOf(created),
      ...(deleted === undefined ? {} : { deletionTimestamp: textOf(deleted) }),
    },
    spec: node === undefined ? spec : { ...spec, nodeName: node },
    status: node === undefined ? pendingStatus(created) : runningStatus,
  } as Pod;
}

const runningStatus = {
  phase: 'Running',
  conditions: [
    { type: 'Ready', status: 'True' },
    { type: 'PodScheduled', status: 'True' },
  ],
};

/** The scheduler looks at a pod at once when it is made. */
function pendingStatus(created: number) {
  return {
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', lastTransitionTime: textOf(created) }],
  };
}
