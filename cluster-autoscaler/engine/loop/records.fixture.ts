import { createInterner, projectNode, projectPod, selectNothing, selectorOf } from '../../../core/model/index.ts';
import type { NodeRecord, PdbRecord, PodRecord, Taint } from '../../../core/model/index.ts';
import type { Instance, LoopInput, NodeGroup, NodeGroupOptions, NodeTemplate } from '../model.ts';
import { upstreamGroupOptions } from './options.ts';

/** Small builders of what a loop reads. Times are milliseconds after {@link start}. */

export const start = Date.parse('2030-01-01T00:00:00Z');

const interner = createInterner();

function time(at: number): string {
  return new Date(start + at).toISOString();
}

export interface NodeParts {
  readonly group?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly created?: number;
  readonly ready?: boolean;
  readonly readySince?: number;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly allocatable?: Readonly<Record<string, string>>;
}

/** Provider id of a node by its name. */
export function providerId(name: string): string {
  return `test:///${name}`;
}

export function node(name: string, parts: NodeParts = {}): NodeRecord {
  const resources = { cpu: parts.cpu ?? '4', memory: parts.memory ?? '16Gi', pods: parts.pods ?? '110' };
  const ready = {
    type: 'Ready',
    status: (parts.ready ?? true) ? 'True' : 'False',
    lastTransitionTime: time(parts.readySince ?? -3_600_000),
  };
  return projectNode(
    {
      metadata: {
        name,
        uid: `node-${name}`,
        labels: { 'kubernetes.io/hostname': name, ...(parts.group === undefined ? {} : { group: parts.group }), ...parts.labels },
        annotations: { ...parts.annotations },
        creationTimestamp: time(parts.created ?? -3_600_000),
      },
      spec: { providerID: providerId(name), taints: parts.taints ?? [], unschedulable: parts.unschedulable === true },
      status: {
        capacity: resources,
        allocatable: { ...resources, ...parts.allocatable },
        conditions: [ready, ...(parts.conditions ?? [])],
      },
    },
    interner,
  );
}

export interface PodParts {
  readonly node?: string;
  readonly owner?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly created?: number;
  readonly deleted?: number;
  readonly mirror?: boolean;
  readonly phase?: string;
  readonly nominated?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Bound to `node`, else unschedulable; owned by a ReplicaSet unless `owner` is empty. */
export function pod(name: string, parts: PodParts = {}): PodRecord {
  const { owner = 'app', kind = 'ReplicaSet', namespace = 'default', cpu = '500m', memory = '512Mi', created = -600_000 } = parts;
  const owners = owner === '' ? [] : [{ apiVersion: 'apps/v1', kind, name: owner, uid: `uid-${owner}`, controller: true }];
  const metadata = {
    name,
    uid: `pod-${name}`,
    namespace,
    labels: { app: owner },
    annotations: { ...(parts.mirror === true ? { 'kubernetes.io/config.mirror': 'm' } : {}), ...parts.annotations },
    creationTimestamp: time(created),
    ...(parts.deleted === undefined ? {} : { deletionTimestamp: time(parts.deleted) }),
    ownerReferences: owners,
  };
  const containers = [{ name: 'c', resources: { requests: { cpu, memory } } }];
  return projectPod({ metadata, spec: { containers, nodeName: parts.node, ...parts.spec }, status: podStatus(parts) }, interner);
}

function podStatus({ node: bound, phase, nominated }: PodParts) {
  return {
    phase: phase ?? (bound === undefined ? 'Pending' : 'Running'),
    nominatedNodeName: nominated,
    conditions:
      bound === undefined ? [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] : [{ type: 'Ready', status: 'True' }],
  };
}

export function budget(app: string, allowed: number): PdbRecord {
  return {
    namespace: 'default',
    name: `budget-${app}`,
    uid: `budget-${app}`,
    selector: app === '' ? selectNothing : selectorOf({ matchLabels: { app } }),
    minAvailable: undefined,
    maxUnavailable: undefined,
    unhealthyPodEvictionPolicy: 'IfHealthyBudget',
    disruptionsAllowed: allowed,
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    generation: 1,
    observedGeneration: 1,
    disruptedPods: [],
  };
}

export function template(group: string, parts: NodeParts = {}): NodeTemplate {
  return { node: node(`template-${group}`, { group, ...parts }), pods: [] };
}

export interface GroupParts extends Partial<Omit<NodeGroup, 'id' | 'instances' | 'options' | 'template'>> {
  readonly instances?: readonly Instance[];
  /** Names of instances that run. */
  readonly running?: readonly string[];
  readonly options?: Partial<NodeGroupOptions>;
  readonly template?: NodeTemplate | undefined;
}

export function group(id: string, parts: GroupParts = {}): NodeGroup {
  const {
    running = [],
    instances = running.map((name): Instance => ({ id: providerId(name), state: 'running' })),
    options,
    ...rest
  } = parts;
  return {
    id,
    minSize: 0,
    maxSize: 10,
    targetSize: instances.length,
    template: 'template' in parts ? parts.template : template(id),
    ...rest,
    instances,
    options: { ...upstreamGroupOptions, ...options },
  };
}

export function input(now: number, parts: Partial<Omit<LoopInput, 'now'>> = {}): LoopInput {
  return {
    now: start + now,
    nodes: [],
    pods: [],
    pdbs: [],
    daemonPods: [],
    groups: [],
    namespaces: new Map(),
    deletions: { running: [], ended: [] },
    intents: [],
    ...parts,
  };
}
