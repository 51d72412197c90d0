import { defaultLoopOptions } from '../../cluster-autoscaler/engine/loop/options.ts';
import { createPace } from '../../cluster-autoscaler/engine/loop/pace.ts';
import { scaleUp, type ScaleUpGroup, type ScaleUpResult } from '../../cluster-autoscaler/engine/scale-up/index.ts';
import { createSchedulingSnapshot, type SchedulingSnapshot } from '../../cluster-autoscaler/engine/scheduling/index.ts';
import type { PodRecord } from '../../core/model/index.ts';
import type { CheckedNode, CheckedPlacement } from './karpenter-check.ts';
import { karpenterGroups, podRecords, type DrawnPod } from './karpenter-workload.ts';

/** Limits of Karpenter's one NodePool. */
const options = {
  ...defaultLoopOptions,
  expanders: ['cost'],
  cores: { min: 0, max: 10_000_000 },
  memoryGiB: { min: 0, max: 10_000_000 },
} as const;

/** Milliseconds at a stretch, as the controller drives the loop. */
const sliceMs = 10;

/** A whole decision from an empty cluster: pods in, sizes asked for, every pod reported; and its longest stretch without a pause, wall milliseconds. */
export function decide(
  pods: readonly PodRecord[],
  groups: readonly ScaleUpGroup[],
  stopwatch?: () => number,
): { readonly result: ScaleUpResult; readonly snapshot: SchedulingSnapshot; readonly stretchMs: number } {
  const snapshot = createSchedulingSnapshot({ namespaces: new Map() });
  const steps = scaleUp({ now: 0, snapshot, pods, groups, options, stopwatch, pace: createPace({ stopwatch, sliceMs }) });
  let stretchMs = 0;
  for (;;) {
    const began = performance.now();
    const step = steps.next({ ok: true });
    stretchMs = Math.max(stretchMs, performance.now() - began);
    if (step.done === true) return { result: step.value, snapshot, stretchMs };
  }
}

/** A decision in the words of the check. */
export interface KarpenterPlan {
  readonly nodes: readonly CheckedNode[];
  readonly placements: readonly CheckedPlacement[];
  /** Of what was asked for; and what no mix can be below, once by sums of requests alone and once with a node for each pod that wants to be alone. */
  readonly price: number;
  readonly bound: number;
  readonly boundWithHosts: number;
  /** Pods that are not helped. */
  readonly left: number;
}

export function planKarpenter(drawn: readonly DrawnPod[], how: 'every-zone' | 'one-zone'): KarpenterPlan {
  const pods = podRecords(drawn);
  const groups = karpenterGroups(how);
  return readPlan(pods, groups, decide(pods, groups));
}

export function readPlan(
  pods: readonly PodRecord[],
  groups: readonly ScaleUpGroup[],
  { result, snapshot }: Pick<ReturnType<typeof decide>, 'result' | 'snapshot'>,
): KarpenterPlan {
  const prices = new Map(groups.map(({ group }) => [group.id, group.price ?? Number.NaN]));
  const indexOf = new Map(pods.map((pod, index) => [pod.uid, index]));
  const nodeOf = new Map<string, number>();
  const nodes: CheckedNode[] = result.planned.map((name) => {
    const id = snapshot.find(name);
    if (id === undefined) throw new Error(`planned node ${name} is not in the snapshot`);
    const { zone, allocatable } = snapshot.node(id);
    const of = (resource: string): number => allocatable[resource] ?? 0;
    return { zone, cpuMilli: of('cpu'), memoryMi: of('memory') / 1000 / 2 ** 20, podLimit: of('pods') / 1000 };
  });
  const nodeIndex = new Map(result.planned.map((name, index) => [name, index]));
  for (const { node, pods: on } of result.placed) for (const { uid } of on) nodeOf.set(uid, nodeIndex.get(node) ?? -1);
  const placements = result.helped.map(({ uid }) => ({ pod: indexOf.get(uid) ?? -1, node: nodeOf.get(uid) ?? -1 }));
  const values = result.trace.find(({ step }) => step === 'mix')?.values ?? {};
  return {
    nodes,
    placements,
    price: result.increases.reduce((sum, { group, from, to }) => sum + (to - from) * (prices.get(group) ?? Number.NaN), 0),
    bound: Number(values['bound']),
    boundWithHosts: Number(values['boundWithHosts']),
    left: result.pods.filter(({ state }) => state !== 'helped').length,
  };
}
