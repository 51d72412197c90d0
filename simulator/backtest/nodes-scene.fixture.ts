import type { KubeObject } from '../../core/model/index.ts';
import type { DeletionOptions } from './nodes-deletions.ts';
import type { NodesScene, SceneGroup } from './nodes-scene.ts';

/** A group of nodes of so many cores that all start ready and empty. */
export function sceneGroup(id: string, parts: Partial<SceneGroup> & { readonly cpu?: string } = {}): SceneGroup {
  const { cpu = '4', ...rest } = parts;
  const resources = { cpu, memory: '16Gi', pods: '20' };
  const template: KubeObject = {
    metadata: { name: `template-${id}`, labels: { pool: id } },
    spec: {},
    status: { capacity: resources, allocatable: resources, conditions: [{ type: 'Ready', status: 'True' }] },
  };
  return { id, min: 0, max: 10, template, templatePods: [], lateInstances: false, ...rest };
}

/** Pods of a ReplicaSet of the same name. */
export function setShape(name: string, cpu: string, spec: object = {}): KubeObject {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: `uid-${name}`, controller: true };
  return {
    metadata: { name: '', namespace: 'default', labels: { app: name }, ownerReferences: [owner] },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu, memory: '64Mi' } } }], ...spec },
  };
}

export function sceneSet(name: string): NodesScene['sets'][number] {
  return { kind: 'ReplicaSet', namespace: 'default', name, uid: `uid-${name}` };
}

export function startNode(group: string, number: number): NodesScene['start']['nodes'][number] {
  return { name: `${group}-n0${number}`, group, created: -3600, ready: true, since: -3600, taints: [], annotations: {} };
}

/** A scene of one group `g1` with one node and one set `s1` of no pods, 10 minutes long; the world's steps are at 7, 17, … */
export function scene(parts: Partial<Omit<NodesScene, 'cloud'>> & { readonly cloud?: Partial<NodesScene['cloud']> } = {}): NodesScene {
  const { cloud, ...rest } = parts;
  return {
    id: 'small',
    end: 600,
    stepLead: 3,
    groups: [sceneGroup('g1')],
    shapes: { s1: setShape('s1', '1') },
    sets: [sceneSet('s1')],
    daemonSets: [],
    budgets: [],
    start: { nodes: [startNode('g1', 1)], pods: [], replicas: { s1: 0 } },
    workload: [],
    graceOf: {},
    ...rest,
    cloud: {
      bootOf: new Map(),
      bootLike: new Map((rest.groups ?? [{ id: 'g1' }]).map(({ id }) => [id, { byRemainder: [undefined, undefined, undefined], any: 47 }])),
      readyAfter: 20,
      taintsNotReady: true,
      nodeLingers: 10,
      listedBefore: 0,
      incidents: [],
      ...cloud,
    },
  };
}

/** Upstream's defaults. */
export const deletionOptions: DeletionOptions = {
  deleteDelayAfterTaintMs: 5_000,
  maxPodEvictionMs: 120_000,
  maxGracefulTerminationMs: 600_000,
  evictDaemonsFromOccupied: true,
  evictDaemonsFromEmpty: false,
};
