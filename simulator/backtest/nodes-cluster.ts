import type { PdbRecord, Taint } from '../../core/model/index.ts';
import { createPodCompiler } from '../cluster/scheduler/pod-info.ts';
import { countBudget, covers } from './nodes-budget.ts';
import { daemonOf, notReadyTaint, runsOn } from './nodes-daemons.ts';
import type { PathMeter } from './nodes-meter.ts';
import { hopelessShapes } from './nodes-hopeless.ts';
import { createWorldObjects, type WorldNode, type WorldObjects, type WorldPod } from './nodes-objects.ts';
import { placePending, type PlacementRule } from './nodes-placement.ts';
import { compareText, type NodesScene, type WorkloadChange } from './nodes-scene.ts';

/** Nodes, pods, the sets that make pods, the budgets, and the scheduler. Times in seconds. */
export interface NodesCluster {
  readonly objects: WorldObjects;
  readonly nodes: ReadonlyMap<string, WorldNode>;
  readonly pods: ReadonlyMap<string, WorldPod>;
  /** spec.replicas by set. */
  readonly replicas: ReadonlyMap<string, number>;
  readonly budgets: ReadonlyMap<string, PdbRecord>;
  addNode(name: string, group: string, now: number): void;
  /** The Node object goes, and every pod on it. */
  removeNode(name: string, now: number): void;
  breakNode(name: string, until: number): void;
  /** Nodes become ready or not; deleted pods whose time is over go. */
  settle(now: number): void;
  change(change: WorkloadChange, now: number): void;
  /** A pod is deleted; a bound one goes on for the grace of its shape. */
  deletePod(name: string, now: number): void;
  /** As the eviction API: false when a budget does not allow it. */
  evict(name: string, now: number): boolean;
  /** Sets and DaemonSets make what they lack, the scheduler places what fits, budgets are counted. */
  reconcile(now: number, runs: (node: string) => boolean): void;
  /** Pods of a set that are not being deleted. */
  live(set: string): readonly WorldPod[];
}

export interface ClusterOptions {
  readonly meter: PathMeter;
  readonly placement: PlacementRule;
}

export function createNodesCluster(scene: NodesScene, { meter, placement }: ClusterOptions): NodesCluster {
  const objects = createWorldObjects(scene);
  const compiler = createPodCompiler();
  const nodes = new Map<string, WorldNode>();
  const pods = new Map<string, WorldPod>();
  const replicas = new Map(Object.entries(scene.start.replicas));
  const budgets = new Map<string, PdbRecord>();
  const serials = new Map<string, number>();
  const hopeless = hopelessShapes(scene);
  const daemons = scene.daemonSets.map((set) => daemonOf(set, objects.interner));

  const addPod = (pod: WorldPod): void => {
    pods.set(pod.name, pod);
    const serial = Number(/-(\d+)$/.exec(pod.name)?.[1] ?? 0);
    serials.set(pod.shape, Math.max(serials.get(pod.shape) ?? 0, serial));
    if (pod.node === undefined) meter.podWaits(pod.name, pod.created, hopeless.has(pod.shape));
  };
  const newPod = (name: string, shape: string, { created, node }: { readonly created: number; readonly node?: string | undefined }): void =>
    addPod({ name, shape, created, node, deleted: undefined, endsAt: Number.POSITIVE_INFINITY });
  const dropPod = (name: string, now: number): void => {
    if (pods.delete(name)) meter.podGone(name, now);
  };
  const live = (set: string): readonly WorldPod[] =>
    [...pods.values()]
      .filter(({ shape, deleted }) => shape === set && deleted === undefined)
      .toSorted((a, b) => compareText(a.name, b.name));
  const deletePod = (name: string, now: number): void => {
    const pod = pods.get(name);
    if (pod === undefined || pod.deleted !== undefined) return;
    const grace = scene.graceOf[pod.shape] ?? 0;
    if (pod.node === undefined || grace === 0) dropPod(name, now);
    else Object.assign(pod, { deleted: now, endsAt: now + grace });
  };
  const addNode = (node: WorldNode): void => {
    nodes.set(node.name, node);
    meter.nodeCame(node.name, node.created, coresOf(scene, node.group));
  };
  const scale = ({ set, to, gone }: Extract<WorkloadChange, { what: 'scale' }>, now: number): void => {
    replicas.set(set, to);
    const there = live(set);
    for (const place of leaving(there.length, there.length - to, gone)) deletePod(there[place]?.name ?? '', now);
  };
  /** DaemonSet pods that a node lacks; one that was evicted comes again under another name. */
  const runDaemons = (node: WorldNode, now: number): void => {
    for (const daemon of daemons) {
      const { name } = daemon;
      const has = [...pods.values()].some((each) => each.shape === `ds:${name}` && each.node === node.name);
      if (has || !runsOn(daemon, objects.nodeRecord(node))) continue;
      const first = `${name}-${node.name}`;
      const again = (serials.get(first) ?? -1) + 1;
      serials.set(first, again);
      newPod(again === 0 ? first : `${first}-${again}`, `ds:${name}`, { created: now, node: node.name });
    }
  };
  const makePods = (now: number): void => {
    for (const { name } of scene.sets) {
      for (let missing = (replicas.get(name) ?? 0) - live(name).length; missing > 0; missing--)
        newPod(`${name}-${String((serials.get(name) ?? 0) + 1).padStart(3, '0')}`, name, { created: now });
    }
  };
  const schedule = (now: number): void => {
    const pending = [...pods.values()].filter(({ node }) => node === undefined);
    if (pending.length === 0) return;
    const found = placePending(compiler, {
      nodes: [...nodes.values()]
        .filter(({ ready }) => ready)
        .toSorted((a, b) => compareText(a.name, b.name))
        .map(objects.nodeObject),
      placed: [...pods.values()].flatMap((pod) => (pod.node === undefined ? [] : [{ pod: objects.podObject(pod), node: pod.node }])),
      pending: pending.toSorted((a, b) => a.created - b.created || compareText(a.name, b.name)).map(objects.podObject),
      namespaceLabels: (namespace) => ({ 'kubernetes.io/metadata.name': namespace }),
      rule: placement,
    });
    for (const [name, node] of found) {
      const pod = pods.get(name);
      if (pod === undefined) continue;
      pod.node = node;
      meter.podBound(name, now);
    }
  };
  const countBudgets = (): void => {
    const records = [...pods.values()].map(objects.podRecord);
    for (const raw of scene.budgets) budgets.set(raw.metadata.name, countBudget(raw, records, objects.interner));
  };
  const reconcile: NodesCluster['reconcile'] = (now, runs) => {
    makePods(now);
    for (const node of nodes.values()) if (runs(node.name)) runDaemons(node, now);
    schedule(now);
    countBudgets();
  };

  for (const { name, group, created, ready, since, taints, annotations } of scene.start.nodes)
    addNode({
      name,
      group,
      created,
      annotations,
      readyAt: created,
      brokenUntil: Number.NEGATIVE_INFINITY,
      started: true,
      ready,
      since,
      taints,
      cordoned: false,
    });
  for (const { name, shape, created, node } of scene.start.pods) newPod(name, shape, { created, node });
  // A pod of a DaemonSet that is there has taken its name.
  for (const { name, shape } of scene.start.pods) if (shape.startsWith('ds:')) serials.set(name, 0);
  countBudgets();

  return {
    objects,
    nodes,
    pods,
    replicas,
    budgets,
    live,
    deletePod,
    reconcile,
    addNode: (name, group, now) => {
      const readyAt = now + scene.cloud.readyAfter;
      const taints = [...templateTaints(scene, group), ...(readyAt > now && scene.cloud.taintsNotReady ? [notReadyTaint] : [])];
      const [brokenUntil, ready] = [Number.NEGATIVE_INFINITY, readyAt <= now];
      const node = {
        name,
        group,
        created: now,
        annotations: {},
        readyAt,
        brokenUntil,
        started: ready,
        ready,
        since: now,
        taints,
        cordoned: false,
      };
      addNode(node);
      if (scene.shapes['mirror'] !== undefined) newPod(`proxy-${name}`, 'mirror', { created: now, node: name });
      runDaemons(node, now);
    },
    removeNode: (name, now) => {
      if (!nodes.delete(name)) return;
      meter.nodeGone(name, now);
      for (const pod of pods.values()) if (pod.node === name) dropPod(pod.name, now);
    },
    breakNode: (name, until) => {
      const node = nodes.get(name);
      if (node !== undefined) node.brokenUntil = Math.max(node.brokenUntil, until);
    },
    settle: (now) => {
      for (const node of nodes.values()) {
        const starts = !node.started && node.readyAt <= now;
        const ready = node.readyAt <= now && node.brokenUntil <= now;
        node.started ||= starts;
        if (ready === node.ready && !starts) continue;
        node.ready = ready;
        node.since = now;
        const others = node.taints.filter(({ key }) => key !== notReadyTaint.key);
        node.taints = !ready && scene.cloud.taintsNotReady ? [...others, notReadyTaint] : others;
      }
      for (const { name, endsAt } of pods.values()) if (endsAt <= now) dropPod(name, now);
    },
    change: (change, now) => {
      if (change.what === 'scale') scale(change, now);
      else if (change.what === 'stray') newPod(change.name, change.shape, { created: now });
      else deletePod(change.name, now);
    },
    evict: (name, now) => {
      const pod = pods.get(name);
      if (pod === undefined || pod.deleted !== undefined) return true;
      const record = objects.podRecord(pod);
      const mine = [...budgets].filter(([, budget]) => covers(budget, record));
      if (mine.some(([, { disruptionsAllowed }]) => disruptionsAllowed < 1)) return false;
      for (const [key, budget] of mine) budgets.set(key, { ...budget, disruptionsAllowed: budget.disruptionsAllowed - 1 });
      meter.evicted();
      deletePod(name, now);
      return true;
    },
  };
}

function templateTaints({ groups }: NodesScene, group: string): readonly Taint[] {
  const { taints } = (groups.find(({ id }) => id === group)?.template.spec ?? {}) as { readonly taints?: readonly Taint[] };
  return taints ?? [];
}

function coresOf({ groups }: NodesScene, group: string): number {
  const { capacity } = (groups.find(({ id }) => id === group)?.template.status ?? {}) as { readonly capacity?: { readonly cpu?: string } };
  return Number(capacity?.cpu ?? 0);
}

/** Places in a row of `there` pods of which `count` go: where they went in the recording, stretched to the row; what is missing from the end. */
function leaving(
  there: number,
  count: number,
  gone: { readonly places: readonly number[]; readonly of: number } | undefined,
): ReadonlySet<number> {
  const chosen = new Set<number>();
  for (const place of gone?.places ?? []) if (chosen.size < count) chosen.add(Math.floor((place * there) / (gone?.of ?? 1)));
  for (let place = there - 1; chosen.size < count && place >= 0; place--) chosen.add(place);
  return chosen;
}
