import { createInterner, projectNode, projectPdb, projectPod } from '../../core/model/index.ts';
import type { KubeObject, NodeRecord, PdbRecord, PodRecord } from '../../core/model/index.ts';
import type {
  ControllerFacts,
  DaemonPod,
  Instance,
  LoopInput,
  NodeGroup,
  NodeGroupOptions,
  NodeTemplate,
} from '../../cluster-autoscaler/engine/model.ts';
import { inOrder } from '../../simulator/backtest/nodes-recording.ts';
import type { RecordedEvent, RecordedInstanceState, RecordedNode, RecordedPod } from '../../simulator/backtest/nodes-recording.ts';
import type { Expected, GroupVector, LoopVector, TrajectoryInput } from './ca-trajectory-vector.ts';

/** Second 0 of the vectors as epoch milliseconds. */
const epochMs = 946_684_800_000;
/** Upstream was started at this second; its lists of instances are read anew then and every 2 minutes (§27.7). */
const startedAt = 4;
const listSeconds = 120;
const loopSeconds = 10;

export function msOf(seconds: number): number {
  return epochMs + seconds * 1000;
}

function textOf(seconds: number): string {
  return new Date(msOf(seconds)).toISOString();
}

interface NodeState {
  readonly group: string;
  raw: KubeObject;
  record: NodeRecord;
}

/** The cluster and the cloud of a case, changed by its events. */
export interface World {
  /** What one loop at `t` is shown. `stale`: groups whose lists of instances must be read anew. */
  input(t: number, stale: ReadonlySet<string>): LoopInput;
  apply(events: readonly RecordedEvent[]): void;
  /** Takes over what upstream's loop did, and what its background work did until the next one. */
  follow(loop: LoopVector): void;
  readonly targets: ReadonlyMap<string, number>;
  readonly shapeOf: (uid: string) => string;
  podNamed(name: string): PodRecord | undefined;
  readonly podOf: (uid: string) => string;
}

export function createWorld(input: TrajectoryInput, options: NodeGroupOptions): World {
  const interner = createInterner();
  const instances = new Map<string, { readonly group: string; readonly state: RecordedInstanceState }>();
  const nodes = new Map<string, NodeState>();
  const pods = new Map<string, { readonly shape: string; raw: KubeObject; record: PodRecord }>();
  const replicas = new Map<string, { readonly spec: number; readonly current: number }>();
  const pdbs = new Map<string, PdbRecord>();
  const targets = new Map<string, number>();
  const groups = new Map(input.groups.map((group) => [group.id, group]));
  const templates = new Map(input.groups.map((group) => [group.id, templateOf(group)]));
  const daemonPods = (input.daemonSets ?? []).map(daemonPod);
  const listed = new Map<string, readonly string[]>();
  let running: LoopInput['deletions']['running'] = [];
  /** Without a time: seen to have ended at the loop itself. */
  let ended: readonly (Omit<LoopInput['deletions']['ended'][number], 'at'> & { readonly at: number | undefined })[] = [];
  /** Nodes that were gone in the loop before though their deletion had not ended. */
  let absent: ReadonlySet<string> = new Set();

  function templateOf(group: GroupVector): NodeTemplate {
    return {
      node: projectNode(group.template, interner),
      pods: (group.templatePods ?? []).map((pod) => projectPod(pod, interner)),
    };
  }

  function daemonPod(set: KubeObject): DaemonPod {
    const { template } = set.spec as { readonly template: KubeObject };
    const uid = set.metadata.uid ?? '';
    const { name, namespace } = set.metadata;
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid, controller: true };
    const metadata = { ...template.metadata, name: `${name}-new`, uid: `${uid}-new`, ownerReferences: [owner] };
    return {
      owner: uid,
      pod: projectPod({ ...template, metadata: { ...metadata, ...(namespace === undefined ? {} : { namespace }) } }, interner),
    };
  }

  function setNode(name: string, group: string, raw: KubeObject): void {
    nodes.set(name, { group, raw, record: projectNode(raw, interner) });
  }

  function addNode(event: RecordedNode): void {
    const group = groups.get(event.group);
    if (group === undefined) throw new Error(`there is no group ${event.group}`);
    const { metadata, status } = group.template;
    setNode(event.name, event.group, {
      metadata: {
        name: event.name,
        uid: `node-${event.name}`,
        labels: { ...metadata.labels, 'kubernetes.io/hostname': event.name },
        annotations: { ...event.annotations },
        creationTimestamp: textOf(event.t),
      },
      spec: { providerID: instanceId(event.group, event.name), taints: event.taints ?? [], unschedulable: event.unschedulable === true },
      status: {
        capacity: status.capacity,
        allocatable: group.nodeAllocatable ?? status.allocatable,
        conditions: [readyCondition(event.ready, event.since)],
      },
    });
  }

  function changeNode(name: string, change: (raw: KubeObject) => KubeObject): void {
    const node = nodes.get(name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    setNode(name, node.group, change(node.raw));
  }

  function setPod(name: string, shape: string, raw: KubeObject): void {
    pods.set(name, { shape, raw, record: projectPod(raw, interner) });
  }

  function addPod(event: RecordedPod): void {
    const shape = input.shapes[event.shape];
    if (shape === undefined) throw new Error(`there is no shape ${event.shape}`);
    setPod(event.name, event.shape, {
      ...shape,
      metadata: {
        ...shape.metadata,
        name: event.name,
        uid: `pod-${event.name}`,
        creationTimestamp: textOf(event.t),
        ...(event.terminating === undefined ? {} : { deletionTimestamp: textOf(event.terminating) }),
      },
      spec: event.node === undefined ? shape.spec : { ...(shape.spec as object), nodeName: event.node },
      status: event.node === undefined ? pendingStatus(event.unschedulable) : runningStatus,
    });
  }

  function changePod(name: string, change: (raw: KubeObject) => KubeObject): void {
    const pod = pods.get(name);
    if (pod === undefined) throw new Error(`there is no pod ${name}`);
    setPod(name, pod.shape, change(pod.raw));
  }

  function applyOne(event: RecordedEvent): void {
    switch (event.e) {
      case 'instance':
        instances.set(event.name, { group: event.group, state: event.state });
        break;
      case 'instanceGone':
        instances.delete(event.name);
        break;
      case 'node':
        addNode(event);
        break;
      case 'nodeGone':
        nodes.delete(event.node);
        break;
      case 'ready':
      case 'notReady':
        changeNode(event.node, (raw) => ({
          ...raw,
          status: { ...(raw.status as object), conditions: [readyCondition(event.e === 'ready', event.t)] },
        }));
        break;
      case 'taints':
        changeNode(event.node, (raw) => ({
          ...raw,
          spec: { ...(raw.spec as object), taints: event.taints, unschedulable: event.unschedulable === true },
        }));
        break;
      case 'pod':
        addPod(event);
        break;
      case 'bound':
        changePod(event.pod, (raw) => ({ ...raw, spec: { ...(raw.spec as object), nodeName: event.node }, status: runningStatus }));
        break;
      case 'unschedulable':
        changePod(event.pod, (raw) => ({ ...raw, status: pendingStatus(event.t) }));
        break;
      case 'terminating':
        changePod(event.pod, (raw) => ({ ...raw, metadata: { ...raw.metadata, deletionTimestamp: textOf(event.t) } }));
        break;
      case 'podGone':
        pods.delete(event.pod);
        break;
      case 'replicas':
        replicas.set(event.set, { spec: event.spec, current: event.current });
        break;
      case 'pdb':
        setPdb(event.name, event.allowed);
        break;
    }
  }

  function setPdb(name: string, allowed: number): void {
    const raw = input.pdbs?.find(({ metadata }) => metadata.name === name);
    if (raw === undefined) throw new Error(`there is no budget ${name}`);
    pdbs.set(name, projectPdb({ ...raw, status: { ...(raw.status as object), disruptionsAllowed: allowed } }, interner));
  }

  function apply(events: readonly RecordedEvent[]): void {
    for (const event of inOrder(events)) applyOne(event);
    // Whoever gives a deletion up takes the taint off; without its node it goes on for one more round of its own.
    const given = running.filter(({ node }) => {
      const record = nodes.get(node)?.record;
      return record === undefined ? absent.has(node) : !record.taints.some(({ key }) => key === deletionTaint);
    });
    absent = new Set(running.map(({ node }) => node).filter((node) => !nodes.has(node)));
    for (const { node, group } of given)
      ended = [...ended, { node, group, at: undefined, result: 'failed', message: 'the drain was given up' }];
    running = running.filter((each) => !given.includes(each));
  }

  function follow({ t, expected }: LoopVector): void {
    readListsBetween(t);
    for (const [group, size] of Object.entries(expected.targetSizes)) targets.set(group, size);
    running = [...running, ...startedDeletions(expected, t)];
    ended = [];
    for (const { t: at, node, refused } of expected.deleted ?? []) {
      const deletion = running.find((each) => each.node === node);
      if (deletion === undefined) continue;
      running = running.filter((each) => each !== deletion);
      const result = refused === true ? 'refused' : 'deleted';
      ended = [...ended, { node, group: deletion.group, at: msOf(at), result, message: refused === true ? 'minimum size reached' : '' }];
      if (refused !== true) targets.set(deletion.group, (targets.get(deletion.group) ?? 0) - 1);
    }
  }

  function startedDeletions({ deletionStarted }: Expected, t: number): LoopInput['deletions']['running'] {
    return (['empty', 'drain'] as const).flatMap((kind) =>
      (deletionStarted?.[kind] ?? []).map((node) => ({ node, group: nodes.get(node)?.group ?? '', kind, since: msOf(t) })),
    );
  }

  function readList(id: string): void {
    listed.set(
      id,
      [...instances].flatMap(([name, { group }]) => (group === id ? [name] : [])),
    );
  }

  /** The background reads all lists anew between this loop and the next: it sees what the cloud lists now. */
  function readListsBetween(t: number): void {
    const reads = (until: number): number => Math.floor((until - startedAt) / listSeconds);
    if (reads(t + loopSeconds) > reads(t)) for (const id of groups.keys()) readList(id);
  }

  function groupInput({ id, min, max }: GroupVector): NodeGroup {
    const list = (listed.get(id) ?? []).flatMap((name): readonly Instance[] => {
      const instance = instances.get(name);
      return instance === undefined ? [] : [instanceRecord(instanceId(id, name), instance.state)];
    });
    const template = templates.get(id);
    return { id, minSize: min, maxSize: max, targetSize: targets.get(id) ?? 0, instances: list, template, options };
  }

  function controllers(): ReadonlyMap<string, ControllerFacts> {
    const sets = input.sets.map(({ kind, namespace, name, uid }): ControllerFacts => {
      const counts = replicas.get(name);
      return { kind, namespace, name, uid, specReplicas: counts?.spec, statusReplicas: counts?.current };
    });
    const daemons = (input.daemonSets ?? []).map(({ metadata }): ControllerFacts => {
      const { name, namespace = '', uid = '' } = metadata;
      return { kind: 'DaemonSet', namespace, name, uid, specReplicas: undefined, statusReplicas: undefined };
    });
    return new Map([...sets, ...daemons].map((facts) => [`${facts.kind}/${facts.namespace}/${facts.name}`, facts]));
  }

  apply(input.initial);
  for (const { id } of input.groups) targets.set(id, [...instances.values()].filter(({ group }) => group === id).length);

  return {
    apply,
    follow,
    targets,
    podNamed: (name) => pods.get(name)?.record,
    podOf: (uid) => uid.replace(/^pod-/, ''),
    shapeOf: (uid) => pods.get(uid.replace(/^pod-/, ''))?.shape ?? uid,
    input: (t, stale) => {
      for (const id of groups.keys()) if (stale.has(id) || !listed.has(id)) readList(id);
      return {
        now: msOf(t),
        nodes: [...nodes.values()].map(({ record }) => record),
        pods: [...pods.values()].map(({ record }) => record),
        pdbs: [...pdbs.values()],
        daemonPods,
        controllers: controllers(),
        groups: input.groups.map(groupInput),
        groupOfNode: new Map([...nodes].flatMap(([name, { group }]) => (instances.has(name) ? [[name, group] as const] : []))),
        gone: { nodes: new Set([...nodes.keys()].filter((name) => !instances.has(name))), unknown: new Set() },
        namespaces: new Map([...namespacesOf(input)].map((name) => [name, { 'kubernetes.io/metadata.name': name }])),
        deletions: { running, ended: ended.map((each) => ({ ...each, at: each.at ?? msOf(t) })) },
        intents: [],
      };
    },
  };
}

const deletionTaint = 'ToBeDeletedByClusterAutoscaler';

function namespacesOf({ shapes }: TrajectoryInput): ReadonlySet<string> {
  return new Set(Object.values(shapes).map(({ metadata }) => metadata.namespace ?? ''));
}

export function instanceId(group: string, name: string): string {
  return `traj://${group}/${name}`;
}

/** Name of an instance by its id. */
export function instanceName(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

function instanceRecord(id: string, state: RecordedInstanceState): Instance {
  if (state !== 'stockout') return { id, state };
  return { id, state: 'creating', failure: { class: 'out-of-resources', code: 'STOCKOUT', message: 'the zone is out of machines' } };
}

function readyCondition(ready: boolean, since: number) {
  return { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: textOf(since) };
}

const runningStatus = {
  phase: 'Running',
  conditions: [
    { type: 'Ready', status: 'True' },
    { type: 'PodScheduled', status: 'True' },
  ],
};

function pendingStatus(unschedulable: number | undefined) {
  if (unschedulable === undefined) return { phase: 'Pending' };
  return {
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', lastTransitionTime: textOf(unschedulable) }],
  };
}
