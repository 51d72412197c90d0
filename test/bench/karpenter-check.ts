import type { DrawnPod } from './karpenter-workload.ts';

/** A node as it was planned: its zone, what its type leaves for pods, and where it came from. */
export interface CheckedNode {
  readonly zone: string;
  readonly cpuMilli: number;
  readonly memoryMi: number;
  readonly podLimit: number;
}

/** Pods in the order in which they are placed: index of the drawn pod, index of its node. */
export interface CheckedPlacement {
  readonly pod: number;
  readonly node: number;
}

/**
 * Checks a plan pod by pod by the rules as Kubernetes words them, without anything of the planner: what the pods ask for and how many they are, spreading
 * (skew against the emptiest domain at the moment of placing), zone affinity, host anti-affinity. Answers what is broken, one line each; and, beyond what a
 * scheduler asks, whether the rules still hold when all pods are there.
 */
export function checkPlan(
  drawn: readonly DrawnPod[],
  nodes: readonly CheckedNode[],
  placements: readonly CheckedPlacement[],
): readonly string[] {
  const problems: string[] = [];
  const state = createState(nodes);
  for (const { pod: index, node } of placements) {
    const pod = drawn[index];
    const host = nodes[node];
    if (pod === undefined || host === undefined) {
      problems.push(`pod ${index} on node ${node}: there is none`);
      continue;
    }
    for (const problem of state.refusals(pod, node))
      problems.push(`pod ${index} (${pod.kind} ${pod.key ?? ''}) on node ${node}: ${problem}`);
    if (!state.place(index, pod, node)) problems.push(`pod ${index} is placed twice`);
  }
  for (const { pod: index, node } of placements) {
    const pod = drawn[index];
    if (pod === undefined) continue;
    for (const problem of state.brokenAtEnd(pod, node)) problems.push(`pod ${index} (${pod.kind} ${pod.key ?? ''}) in the end: ${problem}`);
  }
  return problems;
}

function createState(nodes: readonly CheckedNode[]) {
  const used = nodes.map(() => ({ cpu: 0, memory: 0, pods: 0, anti: 0, labels: new Map<string, number>() }));
  const zones = [...new Set(nodes.map(({ zone }) => zone))];
  // Pods with `my-label`, and those with `my-affininity`, by zone and value.
  const labelled = new Map(zones.map((zone) => [zone, new Map<string, number>()]));
  const affine = new Map(zones.map((zone) => [zone, new Map<string, number>()]));
  const placed = new Set<number>();
  const of = (counts: ReadonlyMap<string, number> | undefined, label: string): number => counts?.get(label) ?? 0;
  const add = (counts: Map<string, number> | undefined, label: string): void => void counts?.set(label, of(counts, label) + 1);

  /** How far the domain of the pod is above the emptiest one; `self`: the pod itself is still to be counted. */
  const skew = ({ key, label, selector = '' }: DrawnPod, node: number, self: boolean): number => {
    const more = self && label === selector ? 1 : 0;
    if (key === 'zone') {
      const counts = zones.map((zone) => of(labelled.get(zone), selector));
      return of(labelled.get(nodes[node]?.zone ?? ''), selector) + more - Math.min(...counts);
    }
    // The emptiest of thousands of nodes has none in all but tiny clusters; looked up all the same.
    const emptiest = used.reduce((least, { labels }) => Math.min(least, of(labels, selector)), Number.POSITIVE_INFINITY);
    return of(used[node]?.labels, selector) + more - emptiest;
  };

  const refusals = (pod: DrawnPod, node: number): string[] => {
    const problems: string[] = [];
    const host = nodes[node];
    const load = used[node];
    if (host === undefined || load === undefined) return ['no such node'];
    if (load.cpu + pod.cpu > host.cpuMilli) problems.push(`cpu ${load.cpu} + ${pod.cpu} of ${host.cpuMilli}`);
    if (load.memory + pod.memMi > host.memoryMi) problems.push(`memory ${load.memory} + ${pod.memMi} of ${host.memoryMi}`);
    if (load.pods + 1 > host.podLimit) problems.push(`${load.pods} pods of ${host.podLimit}`);
    if (pod.kind === 'spread' && skew(pod, node, true) > 1) problems.push(`skew ${skew(pod, node, true)} over ${pod.key}`);
    if (pod.kind === 'affinity') {
      const anywhere = zones.some((zone) => of(affine.get(zone), pod.label) > 0);
      if (anywhere && of(affine.get(host.zone), pod.label) === 0) problems.push(`no pod with ${pod.label} in ${host.zone}`);
    }
    if (pod.kind === 'anti' && load.anti > 0) problems.push('another such pod is there');
    return problems;
  };

  const place = (index: number, pod: DrawnPod, node: number): boolean => {
    const load = used[node];
    const zone = nodes[node]?.zone ?? '';
    if (placed.has(index) || load === undefined) return false;
    placed.add(index);
    load.cpu += pod.cpu;
    load.memory += pod.memMi;
    load.pods += 1;
    if (pod.kind === 'anti') load.anti += 1;
    else if (pod.kind === 'affinity') add(affine.get(zone), pod.label);
    else {
      add(load.labels, pod.label);
      add(labelled.get(zone), pod.label);
    }
    return true;
  };

  const brokenAtEnd = (pod: DrawnPod, node: number): string[] => {
    if (pod.kind === 'spread' && skew(pod, node, false) > 1) return [`skew ${skew(pod, node, false)} over ${pod.key}`];
    if (pod.kind === 'anti' && (used[node]?.anti ?? 0) > 1) return ['another such pod is there'];
    if (pod.kind === 'affinity' && zones.filter((zone) => of(affine.get(zone), pod.label) > 0).length > 1) return ['in two zones'];
    return [];
  };

  return { refusals, place, brokenAtEnd };
}
