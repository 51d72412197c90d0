import type { ObjectReference, OwnerRecord, PodRecord, PodShape, ScaleIntent } from '../../../core/model/index.ts';
import { compareText } from './pod-groups.ts';

/** Pods by the object that scales them. */
interface IntentView {
  /** Pods of the target that hold or will hold a place: not finished, not on their way out. In any order. */
  podsOf(target: ObjectReference): readonly PodRecord[];
}

/** Virtual pods, and targets of which none could be made. */
export interface LookAhead {
  /** Pending pods that nobody has made yet; their uids begin with {@link intentUidPrefix}. */
  readonly pods: readonly PodRecord[];
  readonly unknown: readonly { readonly target: ObjectReference; readonly reason: string }[];
}

export const intentUidPrefix = 'intent:';

/** As many virtual pods as upstream injects at most (`--pod-injection-limit`). */
const defaultLimit = 5000;

/**
 * Pods that the replicas controller is about to want and that do not exist yet: wanted replicas less the pods that the target has, pending ones included
 * (those are helped anyway). They look like the newest pod of the target; names and uids are made of the target and a number, so that the same intents
 * give the same pods. A target without a known shape gives none: unknown is not zero, and it is named in the answer.
 */
export function lookAhead(intents: readonly ScaleIntent[], existing: readonly PodRecord[], limit = defaultLimit): LookAhead {
  const view = intentViewOf(existing);
  const pods: PodRecord[] = [];
  const unknown: { target: ObjectReference; reason: string }[] = [];
  const sorted = intents.toSorted((a, b) => compareText(keyOf(a.target), keyOf(b.target)));
  for (const intent of sorted) {
    const present = view.podsOf(intent.target);
    const missing = intent.wantedReplicas - present.length;
    if (missing <= 0) continue;
    if (intent.shape === undefined) {
      unknown.push({ target: intent.target, reason: `${missing} replicas are wanted, but what a pod of it asks for is not known` });
      continue;
    }
    if (pods.length >= limit) {
      unknown.push({ target: intent.target, reason: `${missing} replicas are left out: at most ${limit} pods are looked ahead for` });
      continue;
    }
    const like = newest(present);
    const count = Math.min(missing, limit - pods.length);
    for (let index = 0; index < count; index++) pods.push(virtualPod(intent, intent.shape, { like, index }));
  }
  return { pods, unknown };
}

/** The pods of {@link lookAhead}. */
export function intentPods(intents: readonly ScaleIntent[], existing: readonly PodRecord[]): readonly PodRecord[] {
  return intents.length === 0 ? [] : lookAhead(intents, existing).pods;
}

function virtualPod(
  { target, at }: ScaleIntent,
  shape: PodShape,
  { like, index }: { readonly like: PodRecord | undefined; readonly index: number },
): PodRecord {
  return {
    namespace: target.namespace ?? '',
    name: `${target.name}-intent-${index}`,
    uid: `${intentUidPrefix}${keyOf(target)}/${index}`,
    labels: like?.labels ?? {},
    shape,
    owner: like?.owner ?? ownerOf(target),
    phase: 'Pending',
    ready: undefined,
    readySince: undefined,
    created: at,
    started: undefined,
    deleted: undefined,
    nodeName: undefined,
    pinnedNode: undefined,
    nominatedNode: undefined,
    unschedulable: true,
    resize: undefined,
    mirror: false,
    // Claims of pods to come are not known; one that is wrong would keep the pod from every node.
    claims: [],
    statuses: [],
  };
}

function ownerOf({ apiVersion, kind, name, uid }: ObjectReference): OwnerRecord {
  return { apiVersion, kind, name, uid: uid ?? `${kind}/${name}` };
}

function keyOf({ kind, namespace, name }: ObjectReference): string {
  return `${namespace ?? ''}/${kind}/${name}`;
}

function newest(pods: readonly PodRecord[]): PodRecord | undefined {
  return pods.reduce<PodRecord | undefined>((best, pod) => {
    if (best === undefined) return pod;
    const later = (pod.created ?? 0) - (best.created ?? 0) || compareText(pod.name, best.name);
    return later > 0 ? pod : best;
  }, undefined);
}

/**
 * Pods by their controlling owner, and those of a ReplicaSet also by its Deployment: a Deployment names its ReplicaSets after itself and the label
 * `pod-template-hash` of their pods.
 */
function intentViewOf(pods: readonly PodRecord[]): IntentView {
  const byTarget = new Map<string, PodRecord[]>();
  const add = (key: string, pod: PodRecord): void => {
    const held = byTarget.get(key);
    if (held === undefined) byTarget.set(key, [pod]);
    else held.push(pod);
  };
  for (const pod of pods) {
    const { owner, namespace, phase, deleted, labels } = pod;
    if (owner === undefined || deleted !== undefined || phase === 'Succeeded' || phase === 'Failed') continue;
    add(`${namespace}/${owner.kind}/${owner.name}`, pod);
    const hash = labels['pod-template-hash'];
    if (owner.kind !== 'ReplicaSet' || hash === undefined || !owner.name.endsWith(`-${hash}`)) continue;
    add(`${namespace}/Deployment/${owner.name.slice(0, -hash.length - 1)}`, pod);
  }
  return { podsOf: (target) => byTarget.get(keyOf(target)) ?? [] };
}
