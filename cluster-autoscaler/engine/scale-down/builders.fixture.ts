import {
  createInterner,
  projectNode,
  projectPdb,
  projectPod,
  type NodeRecord,
  type PdbRecord,
  type PodRecord,
} from '../../../core/model/index.ts';
import { upstreamGroupOptions, upstreamLoopOptions } from '../loop/options.ts';
import type { NodeGroup, NodeGroupOptions } from '../model.ts';
import { createSchedulingSnapshot, type SchedulingSnapshot } from '../scheduling/index.ts';
import { createDisruptionTracker } from './disruption-tracker.ts';
import type { DrainContext } from './drain-rule.ts';
import type { ScaleDownInput, ScaleDownOptions, ScaleDownResult, ScaleDownState } from './model.ts';
import { createScaleDownPass } from './pass.ts';
import { emptyScaleDownState } from './state.ts';

/** Builders for tests: nodes of 4 cores and 8 GiB, pods of ReplicaSets that may go. */

export const now = Date.UTC(2026, 0, 1, 12);
export const second = 1_000;
export const minute = 60_000;

const interner = createInterner();
const iso = (time: number): string => new Date(time).toISOString();

export interface NodeParts {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly ready?: boolean;
  readonly unschedulable?: boolean;
}

/** Its group is the part of the name before the dash. */
export function node(name: string, { cpu = '4', memory = '8Gi', pods = '20', ...parts }: NodeParts = {}): NodeRecord {
  const size = { cpu, memory, pods };
  return projectNode(
    {
      metadata: { name, uid: name, labels: { 'kubernetes.io/hostname': name, ...parts.labels }, annotations: parts.annotations ?? {} },
      spec: { providerID: `test://${name}`, taints: parts.taints ?? [], ...(parts.unschedulable === true ? { unschedulable: true } : {}) },
      status: { capacity: size, allocatable: size, conditions: [{ type: 'Ready', status: parts.ready === false ? 'False' : 'True' }] },
    },
    interner,
  );
}

export interface PodParts {
  readonly node?: string;
  readonly namespace?: string;
  readonly cpu?: string;
  readonly memory?: string;
  /** Kind of the controller; null for none. */
  readonly owner?: string | null;
  readonly ownerName?: string;
  readonly apiVersion?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly phase?: string;
  readonly created?: number;
  readonly deleted?: number;
  /** Further fields of its spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

export function pod(name: string, parts: PodParts = {}): PodRecord {
  const { namespace = 'default', cpu = '500m', memory = '512Mi', owner = 'ReplicaSet', ownerName = `${name}-owner` } = parts;
  return projectPod(
    {
      metadata: {
        name,
        namespace,
        uid: `uid-${namespace}-${name}`,
        labels: parts.labels ?? {},
        annotations: parts.annotations ?? {},
        creationTimestamp: iso(parts.created ?? now - 120 * minute),
        ...(parts.deleted === undefined ? {} : { deletionTimestamp: iso(parts.deleted) }),
        ownerReferences:
          owner === null
            ? []
            : [{ apiVersion: parts.apiVersion ?? 'apps/v1', kind: owner, name: ownerName, uid: `uid-${ownerName}`, controller: true }],
      },
      spec: {
        containers: [{ name: 'c', resources: { requests: { cpu, memory } } }],
        ...(parts.node === undefined ? {} : { nodeName: parts.node }),
        ...parts.spec,
      },
      status: { phase: parts.phase ?? 'Running' },
    },
    interner,
  );
}

export function pdb(name: string, matchLabels: Record<string, string> | null, allowed: number, namespace = 'default'): PdbRecord {
  return projectPdb(
    {
      metadata: { name, namespace, uid: `uid-${name}` },
      spec: { selector: matchLabels === null ? null : { matchLabels } },
      status: { disruptionsAllowed: allowed },
    },
    interner,
  );
}

export function group(
  id: string,
  parts: Partial<Omit<NodeGroup, 'options'>> & { readonly options?: Partial<NodeGroupOptions> } = {},
): NodeGroup {
  return {
    id,
    minSize: 0,
    maxSize: 100,
    targetSize: 10,
    instances: [],
    template: undefined,
    ...parts,
    options: { ...upstreamGroupOptions, unneededMs: 0, ...parts.options },
  };
}

/** The house's way; many deletions at a time; no delays. */
export const options: ScaleDownOptions = {
  ...upstreamLoopOptions,
  compat: 'none',
  candidateTtlMs: 1_800_000,
  scaleDownDelayAfterAddMs: 0,
  scaleDownDelayAfterFailureMs: 0,
  maxScaleDownParallelism: 100,
  maxDrainParallelism: 100,
  maxBulkSoftTaintCount: 100,
};

export const drainContext: DrainContext = { now, options, budgets: createDisruptionTracker([]) };

export function snapshotOf(nodes: readonly NodeRecord[], pods: readonly PodRecord[]): SchedulingSnapshot {
  const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
  for (const each of nodes) {
    snapshot.addNode(
      each,
      pods.filter(({ nodeName }) => nodeName === each.name),
    );
  }
  return snapshot;
}

export interface Scene extends Partial<Omit<ScaleDownInput, 'nodes' | 'groups'>> {
  readonly nodes: readonly NodeRecord[];
  readonly pods?: readonly PodRecord[];
  readonly groups?: readonly NodeGroup[];
  readonly state?: ScaleDownState;
  readonly options?: Partial<ScaleDownOptions>;
  readonly stopwatch?: () => number;
}

/** What the groups of a scene's nodes are called. */
export function groupOf({ name }: NodeRecord): string {
  return name.split('-')[0] ?? '';
}

export function passOf({ nodes, pods = [], groups, state = emptyScaleDownState(), stopwatch, ...scene }: Scene) {
  const ids = [...new Set(nodes.map(groupOf))];
  const input: ScaleDownInput = {
    now,
    snapshot: snapshotOf(nodes, pods),
    groupOf,
    pdbs: [],
    deletions: { running: [], ended: [] },
    ...scene,
    nodes,
    groups: groups ?? ids.map((id) => group(id, { targetSize: nodes.filter((each) => groupOf(each) === id).length })),
  };
  return createScaleDownPass(input, state, { ...options, ...scene.options }, { stopwatch });
}

/** Runs a pass over a scene to its end. */
export function run(scene: Scene): ScaleDownResult {
  return passOf(scene).result();
}

export function reportOn(result: ScaleDownResult, name: string) {
  const report = result.nodes.find((each) => each.node === name);
  if (report === undefined) throw new Error(`no report on ${name}`);
  return report;
}
