import { upstreamGroupOptions, upstreamLoopOptions } from '../../cluster-autoscaler/engine/loop/options.ts';
import { defaultGroupOptions, defaultLoopOptions, type LoopOptions } from '../../cluster-autoscaler/engine/loop/index.ts';
import type { Instance, LoopInput, NodeGroup } from '../../cluster-autoscaler/engine/model.ts';
import {
  createInterner,
  formatTime,
  projectNode,
  projectPod,
  type Interner,
  type NodeRecord,
  type PodRecord,
} from '../../core/model/index.ts';

/** What whole loops of the node controller are measured on: records as mirrors keep them, groups as a provider tells of them. */

/** Time of the loop. */
export const loopTime = Date.UTC(2026, 0, 1, 12);

const minute = 60_000;

/** A whole loop's input and flags. */
export interface LoopLoad {
  readonly input: LoopInput;
  readonly options: LoopOptions;
}

interface NodeParts {
  readonly name: string;
  readonly resources: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

function makeNode({ name, resources, labels = {} }: NodeParts, interner: Interner): NodeRecord {
  return projectNode(
    {
      metadata: {
        name,
        uid: `uid-${name}`,
        creationTimestamp: formatTime(loopTime - 60 * minute),
        labels: { 'kubernetes.io/hostname': name, ...labels },
      },
      spec: { providerID: providerId(name) },
      status: {
        capacity: resources,
        allocatable: resources,
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(loopTime - 59 * minute) }],
      },
    },
    interner,
  );
}

function providerId(node: string): string {
  return `bench:///${node}`;
}

interface PodParts {
  readonly name: string;
  readonly requests: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly node?: string | undefined;
  readonly owner?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Bound to `node`, else found unschedulable. */
function makePod({ name, requests, namespace = 'default', node, owner, annotations }: PodParts, interner: Interner): PodRecord {
  return projectPod(
    {
      metadata: {
        name,
        namespace,
        uid: `uid-${namespace}-${name}`,
        creationTimestamp: formatTime(loopTime - 5 * minute),
        ...(annotations === undefined ? {} : { annotations }),
        ...(owner === undefined
          ? {}
          : {
              labels: { app: owner },
              ownerReferences: [
                { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: `uid-${namespace}-${owner}`, controller: true },
              ],
            }),
      },
      spec: { ...(node === undefined ? {} : { nodeName: node }), containers: [{ name: 'c', resources: { requests } }] },
      status:
        node === undefined
          ? { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] }
          : { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(loopTime - 4 * minute) }] },
    },
    interner,
  );
}

function makeInput(parts: Pick<LoopInput, 'nodes' | 'pods' | 'groups'>): LoopInput {
  return {
    now: loopTime,
    pdbs: [],
    daemonPods: [],
    namespaces: new Map(),
    deletions: { running: [], ended: [] },
    intents: [],
    ...parts,
  };
}

/** C, upstream's BenchmarkRunOnceScaleUp (specs/peers.md, part 2): 50,000 ownerless pods of 200m and 200 B, an empty group of nodes for 50 of them each. */
export function upstreamScaleUp(): LoopLoad {
  const interner = createInterner();
  const resources = { cpu: '10000m', memory: '10000', pods: '100' };
  const group: NodeGroup = {
    id: 'ng1',
    minSize: 0,
    maxSize: 10_000,
    targetSize: 0,
    instances: [],
    template: { node: makeNode({ name: 'template', resources }, interner), pods: [] },
    options: upstreamGroupOptions,
  };
  const requests = { cpu: '200m', memory: '200' };
  const pods = Array.from({ length: 50_000 }, (_, index) => makePod({ name: `pod-${index}`, requests }, interner));
  return {
    input: makeInput({ nodes: [], pods, groups: [group] }),
    options: { ...upstreamLoopOptions, expanders: ['least-waste'], maxNodesPerScaleUp: 10_000 },
  };
}

/**
 * D, upstream's BenchmarkRunOnceScaleDown: 2,000 nodes of 10,000m and 10,000 B, 80,000 pods of 100m and 100 B, pod i on node i mod 2,000; threshold 0.5,
 * no unneeded time, 2,000 deletions at a time.
 */
export function upstreamScaleDown(compat: LoopOptions['compat']): LoopLoad {
  const interner = createInterner();
  const resources = { cpu: '10000m', memory: '10000', pods: '100' };
  const nodes = Array.from({ length: 2_000 }, (_, index) => makeNode({ name: `n-${index}`, resources }, interner));
  const annotations = { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' };
  const requests = { cpu: '100m', memory: '100' };
  const pods = Array.from({ length: 80_000 }, (_, index) =>
    makePod({ name: `pod-${index}`, requests, node: nodes[index % 2_000]?.name, annotations }, interner),
  );
  const group: NodeGroup = {
    id: 'ng1',
    minSize: 0,
    maxSize: 10_000,
    targetSize: 2_000,
    instances: nodes.map((node) => ({ id: node.providerId, state: 'running' })),
    template: undefined,
    options: { ...upstreamGroupOptions, unneededMs: 0 },
  };
  return {
    input: makeInput({ nodes, pods, groups: [group] }),
    options: {
      ...(compat === 'none' ? defaultLoopOptions : upstreamLoopOptions),
      maxScaleDownParallelism: 2_000,
      maxDrainParallelism: 2_000,
      scaleDownSimulationTimeoutMs: 60_000,
    },
  };
}

/** A cluster in daily use. */
export interface ClusterSize {
  readonly nodes: number;
  readonly podsPerNode: number;
  /** Share of the pods that are pending: half of them find room on nodes that are there, half ask for more than any node has free. */
  readonly pendingShare: number;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

const groupCount = 12;
const sizes = [0.5, 0.75, 1, 1.25, 1.5];

/**
 * Nodes of 16 cores and 64 GiB in 12 groups over three zones, pods of workloads of 30 in 100 namespaces, on each third node four fifths of it in use and on
 * the others a fifth: two thirds of the nodes are candidates. The flags are the program's own, 10 nodes at a time.
 */
export function busyCluster({ nodes: count, podsPerNode, pendingShare }: ClusterSize): LoopLoad {
  const interner = createInterner();
  const resources = { cpu: '16', memory: '64Gi', pods: '110' };
  const zone = (index: number): string => `zone-${index % 3}`;
  const nodes = Array.from({ length: count }, (_, index) => {
    const name = `ip-10-${(index >> 16) & 255}-${(index >> 8) & 255}-${index & 255}.compute.internal`;
    const group = index % groupCount;
    return makeNode(
      {
        name,
        resources,
        labels: { 'topology.kubernetes.io/zone': zone(group), 'node.kubernetes.io/instance-type': 'm6i.4xlarge', pool: `pool-${group}` },
      },
      interner,
    );
  });
  const pods: PodRecord[] = [];
  const total = count * podsPerNode;
  for (let index = 0; index < total; index++) {
    const node = index % count;
    // Pods of a workload of one size class stand on nodes of one use.
    const workload = `app-${Math.floor(index / count / 5)}-${Math.floor(node / 30)}-${node % 3 === 0 ? 'busy' : 'idle'}`;
    const share = ((node % 3 === 0 ? 0.8 : 0.2) / podsPerNode) * (sizes[Math.floor(node / 30) % sizes.length] ?? 1);
    pods.push(
      makePod(
        {
          name: `${workload}-${index.toString(36)}`,
          namespace: `team-${Math.floor(node / 30) % 100}`,
          owner: workload,
          node: nodes[node]?.name,
          requests: { cpu: `${Math.floor(16_000 * share)}m`, memory: `${Math.floor(65_536 * share)}Mi` },
        },
        interner,
      ),
    );
  }
  const pending = Math.round(total * pendingShare);
  for (let index = 0; index < pending; index++) {
    const workload = `new-${Math.floor(index / 50)}`;
    const large = Math.floor(index / 50) % 2 === 1;
    const requests = large ? { cpu: '7', memory: '60Gi' } : { cpu: '250m', memory: '512Mi' };
    pods.push(makePod({ name: `${workload}-${index}`, namespace: 'team-new', owner: workload, requests }, interner));
  }
  // As the API server lists them.
  pods.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
  const groups = Array.from({ length: groupCount }, (_, group): NodeGroup => {
    const instances = nodes
      .filter((_node, index) => index % groupCount === group)
      .map((node): Instance => ({ id: node.providerId, state: 'running' }));
    return {
      id: `pool-${group}`,
      minSize: 0,
      maxSize: 2 * count,
      targetSize: instances.length,
      instances,
      template: undefined,
      options: defaultGroupOptions,
      price: 0.768,
    };
  });
  return {
    input: makeInput({ nodes, pods, groups }),
    options: { ...defaultLoopOptions, maxDrainParallelism: 10 },
  };
}
