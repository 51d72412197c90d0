import { messageOf } from '../../../../core/errors.ts';
import { resourceTypes } from '../../../../core/model/object.ts';
import { compileNodeRequirements, type NodeMatcher } from '../../scheduler/filters/node-affinity.ts';
import { isTolerated } from '../../scheduler/filters/taints.ts';
import {
  type Affinity,
  controllerOf,
  type DaemonSet,
  isReady,
  keyOf,
  type KubeNode,
  type Pod,
  type PodTemplate,
  splitKey,
  type Toleration,
  uidOf,
} from '../kinds.ts';
import { claim } from '../runtime/adoption.ts';
import { ignoreNotFound } from '../runtime/api-errors.ts';
import { sameJson } from '../runtime/canonical.ts';
import { type ControllerContext, recorderFor, type RunningController } from '../runtime/controller.ts';
import { resolveIntOrPercent } from '../runtime/int-or-percent.ts';
import { coalesceMs, createKeyedQueue } from '../runtime/keyed-queue.ts';
import { compileSelector, labelsOf } from '../runtime/label-selector.ts';
import { needsSync } from '../runtime/needs-sync.ts';
import { availableInMs, isAvailable } from '../runtime/pod-ranking.ts';
import { podFromTemplate } from '../runtime/pod-template.ts';
import { slowStart } from '../runtime/slow-start.ts';
import { currentRevision, type Revision, revisionHashLabel, truncateHistory } from './revisions.ts';

const burst = 250;

/** What every daemon pod tolerates: it belongs to the node, whatever the node's state. */
const daemonTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

interface Eligibility {
  /** A pod should be created there. */
  readonly run: boolean;
  /** A pod that is there may stay. */
  readonly stay: boolean;
}

/** The rule by which a DaemonSet wants a node. */
function eligibilityOf(template: PodTemplate): (node: KubeNode) => Eligibility {
  const { nodeName, nodeSelector, affinity, hostNetwork, tolerations = [] } = template.spec;
  const matches: NodeMatcher | undefined = compileNodeRequirements(nodeSelector, affinity);
  const all = [...tolerations, ...daemonTolerations, ...(hostNetwork === true ? [networkToleration] : [])];
  return (node) => {
    const { name } = node.metadata;
    if (nodeName !== undefined && nodeName !== '' && nodeName !== name) return { run: false, stay: false };
    if (matches !== undefined && !matches({ name, labels: labelsOf(node) })) return { run: false, stay: false };
    const taints = node.spec?.taints ?? [];
    const stay = taints.every((taint) => taint.effect !== 'NoExecute' || isTolerated(taint, all));
    const run = stay && taints.every((taint) => taint.effect !== 'NoSchedule' || isTolerated(taint, all));
    return { run, stay };
  };
}

const networkToleration: Toleration = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' };

/** The node that a daemon pod is for: where it runs, or the one that its affinity names. */
function nodeOf(pod: Pod): string | undefined {
  if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== '') return pod.spec.nodeName;
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms?.[0]?.matchFields?.find(({ key }) => key === 'metadata.name')?.values?.[0];
}

/** Keeps one pod of a DaemonSet on each node that it wants. */
export function startDaemonSetController(context: ControllerContext): RunningController {
  const { registry, clock } = context;
  const type = resourceTypes.daemonSets;
  const events = recorderFor(context, 'daemonset-controller');

  const reconcile = async (key: string): Promise<number | undefined> => {
    const { namespace, name } = splitKey(key);
    const set = registry.get(type, namespace, name) as DaemonSet | undefined;
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
    const matches = compileSelector(set.spec.selector);
    const orphans = context.pods.orphans(namespace);
    await claim({ registry, type: resourceTypes.pods, owner: set, ownerType: type, matches, orphans });
    const revision = await currentRevision(registry, set, type);
    const nodes = registry.list(resourceTypes.nodes) as readonly KubeNode[];
    const eligible = eligibilityOf(set.spec.template);
    const wanted = new Map(nodes.map((node) => [node.metadata.name, eligible(node)]));
    const failure = await manage(set, wanted, revision);
    if (failure === undefined) await rollOut(set, wanted, revision);
    await writeStatus(set, wanted, revision);
    await truncateHistory(registry, set, new Set([revision.name, ...podsOf(set).map((pod) => `${name}-${hashOf(pod)}`)]));
    if (failure !== undefined) throw failure;
    return nextAvailability(set);
  };

  const podsOf = (set: DaemonSet): readonly Pod[] => registry.listOwned(resourceTypes.pods, uidOf(set)) as readonly Pod[];
  const hashOf = (pod: Pod): string => pod.metadata.labels?.[revisionHashLabel] ?? '';
  const hashFor = (set: DaemonSet, revision: Revision): string => revision.name.slice(set.metadata.name.length + 1);
  const byNode = (set: DaemonSet): Map<string, Pod[]> => {
    const grouped = new Map<string, Pod[]>();
    for (const pod of podsOf(set)) {
      const node = nodeOf(pod);
      if (node !== undefined) grouped.set(node, [...(grouped.get(node) ?? []), pod]);
    }
    return grouped;
  };

  /** Creates where a pod is missing, deletes where it may not be, and replaces pods that failed. */
  const manage = async (set: DaemonSet, wanted: ReadonlyMap<string, Eligibility>, revision: Revision): Promise<Error | undefined> => {
    const present = byNode(set);
    const missing = [...wanted].filter(([node, { run }]) => run && !present.has(node)).map(([node]) => node);
    for (const [node, pods] of present) {
      const alive = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
      // Pods of a node that is gone are the garbage collector's.
      const stay = wanted.get(node)?.stay ?? true;
      const surplus = stay ? [...alive.filter((pod) => pod.status?.phase === 'Failed'), ...newerTwins(alive)] : alive;
      for (const pod of new Set(surplus)) await remove(set, pod);
    }
    const { error } = await slowStart(Math.min(missing.length, burst), async (index) => create(set, missing[index] ?? '', revision));
    if (error === undefined && missing.length > burst) queue.add(keyOf(set));
    return error;
  };

  const create = async (set: DaemonSet, node: string, revision: Revision): Promise<void> => {
    const labels = {
      [revisionHashLabel]: hashFor(set, revision),
      'pod-template-generation': String(set.metadata.generation ?? 1),
    };
    const pod = podFromTemplate(set.spec.template, set, type, { generateName: `${set.metadata.name}-`, labels });
    const { spec } = set.spec.template;
    const tolerations = [...(spec.tolerations ?? []), ...daemonTolerations, ...(spec['hostNetwork'] === true ? [networkToleration] : [])];
    try {
      const created = await registry.create(resourceTypes.pods, {
        ...pod,
        spec: { ...spec, tolerations, affinity: pinnedTo(node, spec.affinity) },
      });
      events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
    } catch (error) {
      events.record(set, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  };

  const remove = async (set: DaemonSet, pod: Pod): Promise<void> => {
    const { namespace, name } = pod.metadata;
    await ignoreNotFound(registry.delete(resourceTypes.pods, namespace, name, { preconditions: { uid: uidOf(pod) } }));
    events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
  };

  /** Deletes old pods as far as unavailability allows; those that are not available anyway go first and cost nothing. */
  const rollOut = async (set: DaemonSet, wanted: ReadonlyMap<string, Eligibility>, revision: Revision): Promise<void> => {
    if ((set.spec.updateStrategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') return;
    const desired = [...wanted.values()].filter(({ run }) => run).length;
    const limit = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
    const allowed = Math.max(1, resolveIntOrPercent(limit, desired, 'up') ?? 1);
    const { unavailable, candidates, broken } = oldPods(set, wanted, hashFor(set, revision));
    for (const pod of broken) await remove(set, pod);
    for (const pod of candidates.slice(0, Math.max(0, allowed - unavailable))) await remove(set, pod);
  };

  /** Nodes without an available pod, and the old pods: those that are available and those that are not. */
  const oldPods = (set: DaemonSet, wanted: ReadonlyMap<string, Eligibility>, hash: string) => {
    const minReady = set.spec.minReadySeconds ?? 0;
    const present = byNode(set);
    const found = { unavailable: 0, candidates: [] as Pod[], broken: [] as Pod[] };
    for (const [node, { run }] of wanted) {
      if (!run) continue;
      const alive = present.get(node)?.find((pod) => pod.metadata.deletionTimestamp === undefined);
      const available = alive !== undefined && isAvailable(alive, minReady, clock.now());
      if (!available) found.unavailable += 1;
      if (alive !== undefined && hashOf(alive) !== hash) (available ? found.candidates : found.broken).push(alive);
    }
    return found;
  };

  const writeStatus = async (set: DaemonSet, wanted: ReadonlyMap<string, Eligibility>, revision: Revision): Promise<void> => {
    const hash = hashFor(set, revision);
    const minReady = set.spec.minReadySeconds ?? 0;
    const present = byNode(set);
    const figures = {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
      updatedNumberScheduled: 0,
      numberAvailable: 0,
      numberUnavailable: 0,
      observedGeneration: set.metadata.generation ?? 1,
    };
    for (const [node, { run }] of wanted) {
      const pods = present.get(node) ?? [];
      if (!run) {
        if (pods.length > 0) figures.numberMisscheduled += 1;
        continue;
      }
      figures.desiredNumberScheduled += 1;
      const [oldest] = pods;
      if (oldest === undefined) continue;
      figures.currentNumberScheduled += 1;
      if (isReady(oldest)) figures.numberReady += 1;
      if (isAvailable(oldest, minReady, clock.now())) figures.numberAvailable += 1;
      if (hashOf(oldest) === hash) figures.updatedNumberScheduled += 1;
    }
    figures.numberUnavailable = figures.desiredNumberScheduled - figures.numberAvailable;
    await registry.mutate(
      type,
      set.metadata.namespace,
      set.metadata.name,
      (object) => {
        const status = { ...(object as DaemonSet).status, ...figures };
        return uidOf(object) !== uidOf(set) || sameJson(status, object.status) ? object : { ...object, status };
      },
      { subresource: 'status' },
    );
  };

  const nextAvailability = (set: DaemonSet): number | undefined => {
    const minReady = set.spec.minReadySeconds ?? 0;
    if (minReady === 0) return undefined;
    const waits = podsOf(set)
      .filter(isReady)
      .map((pod) => availableInMs(pod, minReady, clock.now()))
      .filter((ms) => ms > 0);
    return waits.length === 0 ? undefined : Math.min(...waits);
  };

  const queue = createKeyedQueue({ clock, reconcile, onError: (key, error) => context.onError('daemonset', key, error) });
  let nodeCount = 0;
  context.pods.subscribe((_change, pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'DaemonSet') queue.addAfter(`${pod.metadata.namespace ?? ''}/${owner.name}`, coalesceMs(nodeCount));
  });
  const ends = [
    registry.watch(type, (event) => {
      if (event.type !== 'DELETED' && needsSync(event.object, event.previous)) queue.add(keyOf(event.object));
    }),
    registry.watch(resourceTypes.nodes, ({ type: change, object, previous }) => {
      if (change === 'ADDED') nodeCount += 1;
      if (change === 'DELETED') nodeCount -= 1;
      const before = previous as KubeNode | undefined;
      const same =
        sameJson(before?.spec?.taints, (object as KubeNode).spec?.taints) && sameJson(before?.metadata.labels, object.metadata.labels);
      if (change === 'MODIFIED' && same) return;
      for (const set of registry.list(type)) queue.addAfter(keyOf(set), coalesceMs(nodeCount));
    }),
  ];
  return {
    stop: () => {
      for (const end of ends) end();
      queue.stop();
    },
    idle: () => queue.idle() && events.idle(),
  };
}

/** All but the oldest of several pods for one node. */
function newerTwins(pods: readonly Pod[]): Pod[] {
  const age = (pod: Pod): string => `${pod.metadata.creationTimestamp ?? ''}|${pod.metadata.name}`;
  return [...pods].sort((a, b) => (age(a) < age(b) ? -1 : 1)).slice(1);
}

/** The affinity with every required term replaced by the node's name: the template's own terms were what chose the node. */
function pinnedTo(node: string, affinity: Affinity | undefined): Affinity {
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] };
  return {
    ...affinity,
    nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } },
  };
}
