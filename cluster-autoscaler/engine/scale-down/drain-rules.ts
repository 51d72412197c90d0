import type { OwnerRecord, PodRecord } from '../../../core/model/index.ts';
import type { DrainContext, DrainRule, DrainVerdict } from './drain-rule.ts';
import { daemonPodAnnotation, localVolumesAnnotation, safeToEvictAnnotation } from './names.ts';

/** What a pod may take longer to end than its grace period allows, before it is not counted any more (upstream's PodLongTerminatingExtraThreshold). */
const terminatingToleranceMs = 30_000;

const skip: DrainVerdict = { outcome: 'skip' };
const drain: DrainVerdict = { outcome: 'drain' };
const drainDaemon: DrainVerdict = { outcome: 'drain', daemon: true };
const wait: DrainVerdict = { outcome: 'wait' };

/** Its kubelet should have removed it by now: it takes no room and holds no node. */
export function isLongTerminating({ deleted, shape }: PodRecord, now: number): boolean {
  return deleted !== undefined && deleted + shape.gracePeriod * 1000 + terminatingToleranceMs < now;
}

/** Of a DaemonSet (whatever its API group), or declared to be like one. */
export function isDaemonPod({ owner, shape }: PodRecord): boolean {
  return owner?.kind === 'DaemonSet' || shape.annotations[daemonPodAnnotation] === 'true';
}

const group = (apiVersion: string): string => apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')));

/** Kinds that are looked up; StatefulSet and DaemonSet only in their own API group. */
function isLookedUp({ kind, apiVersion }: OwnerRecord): boolean {
  if (kind === 'StatefulSet' || kind === 'DaemonSet') return group(apiVersion) === 'apps';
  return kind === 'ReplicationController' || kind === 'ReplicaSet' || kind === 'Job';
}

const counted = new Set(['ReplicationController', 'ReplicaSet']);
const replicated = new Set(['ReplicationController', 'Job', 'ReplicaSet', 'StatefulSet']);

function replicaCount(pod: PodRecord, { options, controllerOf }: DrainContext): DrainVerdict | undefined {
  const { owner } = pod;
  if (controllerOf === undefined || !options.skipNodesWithCustomControllerPods || owner === undefined || !isLookedUp(owner)) {
    return undefined;
  }
  const controller = controllerOf(pod);
  if (controller === undefined) {
    return { outcome: 'block', reason: 'ControllerNotFound', detail: `its ${owner.kind} ${owner.name} does not exist` };
  }
  const { specReplicas } = controller;
  if (!counted.has(owner.kind) || specReplicas === undefined || specReplicas >= options.minReplicaCount) return undefined;
  const detail = `its ${owner.kind} ${owner.name} wants ${specReplicas} replicas, fewer than the ${options.minReplicaCount} of --min-replica-count`;
  return { outcome: 'block', reason: 'MinReplicasReached', detail };
}

function terminal({ phase, shape }: PodRecord): DrainVerdict | undefined {
  const ended = phase === 'Succeeded' && (shape.restartPolicy === 'Never' || shape.restartPolicy === 'OnFailure');
  return phase === 'Failed' || ended ? drain : undefined;
}

function notReplicated({ owner }: PodRecord, { options }: DrainContext): DrainVerdict | undefined {
  if (owner === undefined) return { outcome: 'block', reason: 'NotReplicated', detail: 'no controller would make it again' };
  if (!options.skipNodesWithCustomControllerPods || replicated.has(owner.kind)) return undefined;
  return { outcome: 'block', reason: 'NotReplicated', detail: `nothing is known of its controller's kind ${owner.kind}` };
}

function system(pod: PodRecord, { now, options, budgets }: DrainContext): DrainVerdict | undefined {
  if (!options.skipNodesWithSystemPods || pod.namespace !== 'kube-system' || budgets.covers(pod)) return undefined;
  if (pod.created !== undefined && pod.created + options.blockingSystemPodMs < now) return drain;
  return { outcome: 'block', reason: 'UnmovableKubeSystemPod', detail: 'it is a young pod of kube-system that no budget covers' };
}

function localStorage({ shape }: PodRecord, { options }: DrainContext): DrainVerdict | undefined {
  const { volumes } = shape;
  if (volumes.length === 0 || !options.skipNodesWithLocalStorage) return undefined;
  const allowed = (shape.annotations[localVolumesAnnotation] ?? '').split(',');
  for (const { name, kind, detail } of volumes) {
    const local = kind === 'hostPath' || (kind === 'emptyDir' && detail !== 'Memory');
    if (!local || allowed.includes(name)) continue;
    return { outcome: 'block', reason: 'LocalStorageRequested', detail: `its volume ${name} (${kind}) would be lost` };
  }
  return undefined;
}

const markedUnsafe: DrainVerdict = {
  outcome: 'block',
  reason: 'NotSafeToEvictAnnotation',
  detail: `its annotation ${safeToEvictAnnotation} is "false"`,
};

function budget(pod: PodRecord, { budgets }: DrainContext): DrainVerdict | undefined {
  const pdb = budgets.exhausted(pod);
  if (pdb === undefined) return undefined;
  return { outcome: 'block', reason: 'NotEnoughPdb', detail: `its budget ${pdb} allows no disruption`, pdb };
}

/** The twelve rules of upstream (§14), in its order. */
export const drainRules: readonly DrainRule[] = [
  { name: 'mirror', decide: ({ mirror }) => (mirror ? skip : undefined) },
  { name: 'long-terminating', decide: (pod, { now }) => (isLongTerminating(pod, now) ? skip : undefined) },
  { name: 'replica-count', decide: replicaCount },
  { name: 'daemon-set', decide: (pod) => (isDaemonPod(pod) ? drainDaemon : undefined) },
  { name: 'safe-to-evict', decide: ({ shape }) => (shape.annotations[safeToEvictAnnotation] === 'true' ? drain : undefined) },
  { name: 'terminal', decide: terminal },
  { name: 'on-completion', decide: ({ shape }) => (shape.annotations[safeToEvictAnnotation] === 'on-completion' ? wait : undefined) },
  { name: 'replicated', decide: notReplicated },
  { name: 'system', decide: system },
  {
    name: 'not-safe-to-evict',
    decide: ({ shape }) => (shape.annotations[safeToEvictAnnotation] === 'false' ? markedUnsafe : undefined),
  },
  { name: 'local-storage', decide: localStorage },
  { name: 'budget', decide: budget },
];
