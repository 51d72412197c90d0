import { parseSnapshot, formatSnapshot } from '../../../core/model/snapshot.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import { createInterner } from '../../../core/model/interner.ts';
import { projectNode } from '../../../core/model/node.ts';
import { takenAt, type Snapshot } from './scene.fixture.ts';

/** Scenes for tests of node groups: `general` of nodes with 4 cores and 16 GiB, and `gpu`, which is tainted. */

const long = '2026-11-22T05:00:00Z';

export interface SceneNode {
  readonly group?: string;
  readonly taints?: readonly object[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export function sceneNode(name: string, { group = 'general', taints, annotations }: SceneNode = {}): KubeObject {
  const resources = { cpu: '4', memory: '16Gi', pods: '110' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      uid: `uid-${name}`,
      creationTimestamp: long,
      labels: { 'kubernetes.io/hostname': name, pool: group },
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: { providerID: `x:///${name}`, ...(taints === undefined ? {} : { taints }) },
    status: { capacity: resources, allocatable: resources, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: long }] },
  };
}

export interface ScenePod {
  readonly node?: string;
  readonly cpu?: string;
  readonly spec?: object;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owned?: boolean;
}

export function scenePod(name: string, { node, cpu = '500m', spec = {}, annotations, owned = true }: ScenePod = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      creationTimestamp: long,
      ...(annotations === undefined ? {} : { annotations }),
      ...(owned ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-web', controller: true }] } : {}),
    },
    spec: {
      containers: [{ name: 'c', resources: { requests: { cpu, memory: '1Gi' } } }],
      ...(node === undefined ? {} : { nodeName: node }),
      ...spec,
    },
    status: {
      phase: node === undefined ? 'Pending' : 'Running',
      conditions:
        node === undefined ? [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] : [{ type: 'Ready', status: 'True' }],
    },
  };
}

function group(id: string, parts: object, nodes: readonly KubeObject[]): Record<string, unknown> {
  const own = nodes.filter(({ metadata }) => metadata.labels?.['pool'] === id);
  const taints = id === 'gpu' ? [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }] : [];
  const template = { ...sceneNode(`template-${id}`, { group: id }), spec: { taints } };
  return {
    group: { id, minSize: 0, maxSize: 5, targetSize: own.length, options: {}, notes: [], ...parts },
    instances: own.map(({ metadata }) => ({ id: `x:///${metadata.name}`, state: 'running' })),
    template: { template: { node: projectNode(template as KubeObject, createInterner()), pods: [] } },
  };
}

export interface PoolScene {
  readonly nodes?: readonly KubeObject[];
  readonly pods?: readonly KubeObject[];
  readonly policies?: readonly KubeObject[];
  readonly budgets?: readonly KubeObject[];
  readonly general?: object;
  readonly memory?: string;
}

/** As `concertina snapshot` writes it and reads it back. */
export function poolSnapshot({
  nodes = [sceneNode('n0')],
  pods = [],
  policies = [],
  budgets = [],
  general = {},
  memory,
}: PoolScene = {}): Snapshot {
  const written = formatSnapshot({
    kind: 'ConcertinaSnapshot',
    version: 1,
    takenAt,
    server: 'https://cluster',
    horizontalPolicies: [],
    horizontalPodAutoscalers: [],
    scales: [],
    pods,
    replicaSets: [],
    nodes,
    nodePools: {
      nodePoolPolicies: policies,
      namespaces: [],
      daemonSets: [],
      controllers: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          metadata: { name: 'web', namespace: 'shop', uid: 'rs-web' },
          spec: { replicas: 3 },
          status: { replicas: 3 },
        },
      ],
      podDisruptionBudgets: budgets,
      volumes: [],
      ...(memory === undefined ? {} : { memory }),
      cloud: {
        provider: 'simulated',
        gpuLabel: '',
        ignoredLabels: [],
        groups: [group('general', general, nodes), group('gpu', {}, nodes)],
        groupOfNode: Object.fromEntries(nodes.map(({ metadata }) => [metadata.name, metadata.labels?.['pool'] ?? ''])),
        gone: [],
        unknown: [],
      },
    },
    metrics: { source: { healthy: true, lastSuccess: takenAt }, pods: [], nodes: [] },
  });
  return parseSnapshot(written, 'scene.json');
}
