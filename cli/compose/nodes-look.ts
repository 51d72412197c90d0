import type { LoopReport, NodesOutlook, PendingPodReport } from '../../cluster-autoscaler/index.ts';
import type { ScaleIntent } from '../../core/model/intent.ts';
import type { ClusterSnapshot } from '../../core/model/snapshot.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { tryParseDurationMs } from '../../core/units/index.ts';
import { loopOptionsOf, nodesFrom, type PodsAndNodes } from './nodes-from.ts';
import type { DecisionSettings } from './settings.ts';

/** One look at the node groups: what would be done now, for pods that wait and for those to come. */
export interface NodesLook {
  /** With all pending pods taken for old enough, and with the pods that horizontal policies are about to want. */
  readonly outlook: NodesOutlook;
  /** Pods in it that the running controller would still leave alone, in the order of namespace and name. */
  readonly young: readonly YoungPod[];
  /** What pods to come do to groups; by group, those alone that they make grow. */
  readonly ahead: ReadonlyMap<string, GroupAhead>;
  /** Targets that want more replicas while nobody knows what their pods ask for; one sentence each. */
  readonly unknown: readonly string[];
}

export interface YoungPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Until the running controller would buy a node for it, seconds, 1 or more. */
  readonly seconds: number;
  readonly why: 'delayed' | 'new';
}

export interface GroupAhead {
  /** Pods that do not exist yet and that the group grows for. */
  readonly pods: number;
  /** Whose they are, `Deployment shop/web`, in order. */
  readonly targets: readonly string[];
  /** Nodes that the group would be given without them. */
  readonly nodesWithout: number;
}

/** The loop waits for more pods until the oldest, also of those that ask for GPUs, has this age at most. Milliseconds. */
const oldEnoughMs = 30_000;

/** What the node controller would do at the instant of a snapshot; `undefined` where the snapshot does not say which node groups there are. */
export function lookAtNodes(
  snapshot: Pick<ClusterSnapshot, 'takenAt' | 'nodePools'>,
  settings: DecisionSettings,
  { reading, intents }: { readonly reading: PodsAndNodes; readonly intents: readonly ScaleIntent[] },
): NodesLook | undefined {
  const delayOf = delays(settings, snapshot.nodePools);
  const shift = missingAge(reading.pods.pods, { now: snapshot.takenAt, delayOf });
  const aged = shift === 0 ? reading : withAge(reading, shift);
  const outlook = nodesFrom(snapshot, settings, aged, intents);
  if (outlook === undefined) return undefined;
  const known = new Set(reading.pods.pods.map(({ uid }) => uid));
  const isAsked = shift > 0 && outlook.report.pods.some((pod) => isLookedAt(pod) && known.has(pod.uid));
  const real = isAsked ? nodesFrom(snapshot, settings, reading, intents) : undefined;
  const toCome = outlook.report.pods.filter(({ uid, state }) => state === 'helped' && !known.has(uid));
  const without = toCome.length === 0 ? undefined : nodesFrom(snapshot, settings, aged);
  return {
    outlook,
    young:
      real === undefined
        ? []
        : youngPods(outlook.report, real.report, {
            pods: reading.pods.pods,
            delayOf,
            stateAfter: (ms) => statesOf(nodesFrom(snapshot, settings, withAge(reading, ms), intents)?.report),
          }),
    ahead: without === undefined ? new Map() : aheadOf(toCome, { intents, without: without.report }),
    unknown: intents
      .filter(({ shape, currentReplicas, wantedReplicas }) => shape === undefined && wantedReplicas > currentReplicas)
      .map(
        (intent) =>
          `${targetText(intent)} wants ${intent.wantedReplicas - intent.currentReplicas} replicas more, and what a pod of it asks for is not known: no nodes are counted for them`,
      )
      .toSorted(),
  };
}

/** Whether nodes were sought for it. */
function isLookedAt({ state }: PendingPodReport): boolean {
  return state !== 'skipped' && state !== 'scheduled';
}

type DelayOf = (pod: PodRecord) => number;

/** Time that a pod waits before nodes are bought for it: the flag's, or that of its annotation if it is longer. */
function delays(settings: DecisionSettings, nodePools: ClusterSnapshot['nodePools']): DelayOf {
  const { newPodScaleUpDelayMs } = loopOptionsOf(settings, nodePools?.cloud);
  return ({ shape }) => {
    const own = tryParseDurationMs(shape.annotations['cluster-autoscaler.kubernetes.io/pod-scale-up-delay']);
    return own === undefined ? newPodScaleUpDelayMs : Math.max(own, newPodScaleUpDelayMs);
  };
}

/** By how much pending pods must have been made earlier to be old enough, all of them: milliseconds. One figure for all keeps their order. */
function missingAge(pods: readonly PodRecord[], { now, delayOf }: { readonly now: number; readonly delayOf: DelayOf }): number {
  let missing = 0;
  for (const pod of pods) {
    if (pod.nodeName !== undefined || pod.created === undefined) continue;
    missing = Math.max(missing, Math.max(oldEnoughMs, delayOf(pod) + 1) - (now - pod.created));
  }
  return missing;
}

function withAge({ pods: view }: PodsAndNodes, shift: number): PodsAndNodes {
  const pods = view.pods.map((pod) =>
    pod.nodeName === undefined && pod.created !== undefined ? { ...pod, created: pod.created - shift } : pod,
  );
  return { pods: { pods, nodes: view.nodes, node: (name) => view.node(name) } };
}

interface Ages {
  readonly pods: readonly PodRecord[];
  readonly delayOf: DelayOf;
  /** What the loop says of pods, by uid, that are older by so many milliseconds. */
  readonly stateAfter: (ms: number) => ReadonlyMap<string, string>;
}

function statesOf(report: LoopReport | undefined): ReadonlyMap<string, string> {
  return new Map(report?.pods.map(({ uid, state }) => [uid, state]));
}

/** The running loop is asked too: whom it leaves alone where pods are as young as they are is told by what it does otherwise, whatever its rules are. */
function youngPods(aged: LoopReport, real: LoopReport, { pods, delayOf, stateAfter }: Ages): YoungPod[] {
  const recordOf = new Map(pods.map((pod) => [pod.uid, pod]));
  const realOf = statesOf(real);
  const now = real.at;
  const delayed: YoungPod[] = [];
  const waiting: PodRecord[] = [];
  const newborn: PodRecord[] = [];
  for (const { uid, state } of aged.pods.filter(isLookedAt)) {
    const pod = recordOf.get(uid);
    const left = realOf.get(uid);
    if (pod?.created === undefined) continue;
    const delayMs = delayOf(pod);
    if (left === 'waits' && state !== 'waits') waiting.push(pod);
    else if (left === 'skipped' && delayMs === 0) newborn.push(pod);
    else if (left === 'skipped') delayed.push(young(pod, Math.ceil((pod.created + delayMs + 1 - now) / 1000), 'delayed'));
  }
  // With nobody old enough all wait for the oldest, those too that are not even older than no delay at all.
  const fresh = waiting.length > 0 || !real.pods.some(isLookedAt) ? [...waiting, ...newborn] : [];
  const [first] = fresh;
  const seconds = first === undefined ? 0 : firstSecond((after) => !isLeft(stateAfter(after * 1000).get(first.uid)));
  return [...delayed, ...fresh.map((pod) => young(pod, seconds, 'new'))].toSorted(byName);
}

function isLeft(state: string | undefined): boolean {
  return state === 'waits' || state === 'skipped';
}

/** The least number of whole seconds after which it holds; it does after as many as make any pod old enough. */
function firstSecond(holds: (seconds: number) => boolean): number {
  let [before, after] = [0, oldEnoughMs / 1000];
  // Mostly it is one or two.
  for (let tried = 1; after - before > 1; tried = tried < 2 ? 2 : (before + after) >> 1) {
    if (holds(tried)) after = tried;
    else before = tried;
  }
  return after;
}

function young({ namespace, name, uid }: PodRecord, seconds: number, why: YoungPod['why']): YoungPod {
  return { namespace, name, uid, seconds: Math.max(1, seconds), why };
}

function aheadOf(
  toCome: readonly PendingPodReport[],
  { intents, without }: { readonly intents: readonly ScaleIntent[]; readonly without: LoopReport },
): Map<string, GroupAhead> {
  const ahead = new Map<string, GroupAhead>();
  for (const group of [...new Set(toCome.flatMap((pod) => pod.group ?? []))].toSorted()) {
    const own = toCome.filter((pod) => pod.group === group);
    const targets = intents.filter(({ target }) =>
      own.some(({ namespace, name }) => namespace === (target.namespace ?? '') && name.startsWith(`${target.name}-intent-`)),
    );
    ahead.set(group, {
      pods: own.length,
      targets: targets.map(targetText).toSorted(),
      nodesWithout: without.scaleUps.reduce((sum, each) => sum + (each.group === group ? each.delta : 0), 0),
    });
  }
  return ahead;
}

function targetText({ target: { kind, namespace = '', name } }: ScaleIntent): string {
  return `${kind} ${namespace}/${name}`;
}

function byName(a: YoungPod, b: YoungPod): number {
  const [left, right] = [`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`];
  return left < right ? -1 : Number(left > right);
}
