import type { NodeRecord } from '../../core/model/node.ts';
import { allowsNode, isFinished, type PodRecord } from '../../core/model/pod.ts';
import type { PodShape } from '../../core/model/pod-shape.ts';
import type { Toleration } from '../../core/model/raw-pod.ts';
import type { ResourceList } from '../../core/model/resource-list.ts';
import { containerSizing, type Amounts, type SizingPolicy } from '../model.ts';
import type { NodeRoom } from '../recommender/engine/post-processors.ts';

/** What nodes have for pods of a workload, for the cap by node size. */
export interface NodeRooms {
  of(policy: SizingPolicy, pods: readonly PodRecord[]): NodeRoom | undefined;
}

export interface NodeRoomSources {
  readonly nodes: () => readonly NodeRecord[];
  /** All pods: what DaemonSets take of each node is read out of them. */
  readonly pods: () => readonly PodRecord[];
  /** Monotonic milliseconds: nodes and DaemonSets are looked at anew after {@link maxAgeMs}. */
  readonly monotonic: () => number;
}

const maxAgeMs = 60_000;

/** The size of nodes changes seldom, and thousands of policies ask: nodes are summed up once a minute, and once for each kind of constraint. */
export function createNodeRooms(sources: NodeRoomSources): NodeRooms {
  let picture: Picture | undefined;
  const present = (): Picture => {
    const at = sources.monotonic();
    if (picture === undefined || at - picture.at >= maxAgeMs) picture = { at, nodes: freeNodes(sources), byConstraint: new Map() };
    return picture;
  };
  return {
    of: (policy, pods) => {
      const newest = pods.reduce<PodRecord | undefined>(
        (a, b) => (a === undefined || (b.created ?? 0) > (a.created ?? 0) ? b : a),
        undefined,
      );
      if (newest === undefined) return undefined;
      const { nodes, byConstraint } = present();
      const key = constraintKey(newest);
      let allowed = byConstraint.get(key);
      if (allowed === undefined) {
        const { shape } = newest;
        // A DaemonSet's pod is pinned to its node, and is itself what DaemonSets take: its siblings run on nodes of every size.
        const daemon = newest.owner?.kind === 'DaemonSet';
        const constraint = { shape, pinnedNode: undefined };
        allowed = nodes
          .filter(({ node }) => allowsNode(constraint, node) && tolerates(shape.tolerations, node))
          .map(({ free, whole }) => (daemon ? whole : free));
        byConstraint.set(key, allowed);
      }
      return {
        nodes: allowed,
        others: othersOf(policy, newest.shape),
        containers: new Set(newest.shape.containers.map(({ name }) => name)),
      };
    },
  };
}

interface Picture {
  readonly at: number;
  readonly nodes: readonly { readonly node: NodeRecord; readonly free: Amounts; readonly whole: Amounts }[];
  readonly byConstraint: Map<string, readonly Amounts[]>;
}

function freeNodes({ nodes, pods }: NodeRoomSources): Picture['nodes'] {
  const daemons = new Map<string, { cpu: number; memory: number }>();
  for (const pod of pods()) {
    if (pod.owner?.kind !== 'DaemonSet' || pod.nodeName === undefined || isFinished(pod)) continue;
    const sum = daemons.get(pod.nodeName) ?? { cpu: 0, memory: 0 };
    sum.cpu += pod.shape.requests['cpu'] ?? 0;
    sum.memory += pod.shape.requests['memory'] ?? 0;
    daemons.set(pod.nodeName, sum);
  }
  return nodes()
    .filter(({ deleted }) => deleted === undefined)
    .map((node) => ({ node, free: freeOf(node, daemons.get(node.name)), whole: freeOf(node, undefined) }));
}

function freeOf({ allocatable }: NodeRecord, daemons: { readonly cpu: number; readonly memory: number } | undefined): Amounts {
  const { cpu, memory } = allocatable;
  return {
    ...(cpu === undefined ? {} : { cpu: Math.max(0, cpu - (daemons?.cpu ?? 0)) }),
    ...(memory === undefined ? {} : { memory: Math.max(0, Math.floor((memory - (daemons?.memory ?? 0)) / 1000)) }),
  };
}

/** A cordoned node counts: it says what the pool has. */
function tolerates(tolerations: readonly Toleration[], { taints }: NodeRecord): boolean {
  return taints.every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' ||
      // Passing states of a node say nothing about its size.
      taint.key.startsWith('node.kubernetes.io/') ||
      tolerations.some(
        ({ key = '', operator = 'Equal', value = '', effect = '' }) =>
          (effect === '' || effect === taint.effect) &&
          (key === '' ? operator === 'Exists' : key === taint.key) &&
          (operator === 'Exists' || value === (taint.value ?? '')),
      ),
  );
}

function constraintKey({ shape, owner }: PodRecord): string {
  return JSON.stringify([shape.nodeSelector, shape.affinity?.nodeAffinity ?? null, shape.tolerations, owner?.kind === 'DaemonSet']);
}

/** What containers that this policy does not size ask for. */
function othersOf({ containers }: SizingPolicy, shape: PodShape): Amounts {
  const sum = { cpu: 0, memory: 0 };
  const add = (requests: ResourceList, controlled: readonly string[]): void => {
    if (!controlled.includes('cpu')) sum.cpu += requests['cpu'] ?? 0;
    if (!controlled.includes('memory')) sum.memory += Math.ceil((requests['memory'] ?? 0) / 1000);
  };
  for (const { name, requests } of shape.containers) {
    const sizing = containerSizing(containers, name);
    add(requests, sizing?.mode === 'Off' ? [] : (sizing?.controlledResources ?? ['cpu', 'memory']));
  }
  for (const { sidecar, requests } of shape.initContainers) if (sidecar) add(requests, []);
  add(shape.overhead, []);
  return sum;
}
