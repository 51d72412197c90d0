import {
  clusterCapacity,
  createLimiter,
  decreasingOrder,
  estimate,
  fastPathGroup,
  minLimit,
  similarGroupsCapacity,
  type GroupRoom,
} from '../../cluster-autoscaler/engine/packing/index.ts';
import type { NodeTemplate } from '../../cluster-autoscaler/engine/model.ts';
import { nodeOf, podOf, snapshotOf, type Fragment, type PlacedNode } from './ca-scheduling.ts';
import type { VectorCase } from './runners.ts';

/** `ca-binpacking.json`: the estimator and what goes with it. */
export function caBinpackingRunner(vector: VectorCase): readonly string[] {
  const run = kinds[vector.kind];
  return run === undefined ? [`kind ${vector.kind} is not known`] : run(vector as never);
}

const kinds: Readonly<Record<string, (vector: never) => readonly string[]>> = {
  estimate: runEstimate,
  limiter: runLimiter,
  'min-limit': ({ base, target, expected }: MinLimitCase) => same(expected.limit, minLimit(base, target)),
  'similar-groups-capacity': ({ group, similar, expected }: SimilarCase) => same(expected.limit, similarGroupsCapacity(group, similar)),
  'cluster-capacity': ({ maxNodesTotal, currentNodes, expected }: ClusterCase) =>
    same(expected.limit, clusterCapacity(maxNodesTotal, currentNodes)),
  order: runOrder,
  'fastpath-group': runFastPathGroup,
};

interface MinLimitCase {
  readonly base: number;
  readonly target: number;
  readonly expected: { readonly limit: number };
}

interface SimilarCase {
  readonly group: GroupRoom;
  readonly similar: readonly GroupRoom[];
  readonly expected: { readonly limit: number };
}

interface ClusterCase {
  readonly maxNodesTotal: number;
  readonly currentNodes: number;
  readonly expected: { readonly limit: number };
}

interface EstimateResult {
  readonly nodes: number;
  readonly pods: number;
  readonly perGroup?: Readonly<Record<string, number>>;
}

interface EstimateCase {
  readonly template: Fragment;
  readonly templatePods: readonly Fragment[];
  readonly existing: readonly PlacedNode[];
  readonly groups: readonly { readonly id: string; readonly count: number; readonly pod: Fragment }[];
  readonly maxNodes: number;
  readonly expected: EstimateResult;
  readonly acceptable?: readonly EstimateResult[];
}

/** Each case is run by division and pod by pod; both must agree. */
function runEstimate(vector: EstimateCase): readonly string[] {
  const quick = packed(vector, false);
  const slow = packed(vector, true);
  const differences = same(JSON.stringify(slow), JSON.stringify(quick)).map((line) => `pod by pod and by division: ${line}`);
  const accepted = [vector.expected, ...(vector.acceptable ?? [])];
  if (!accepted.some((wanted) => matches(wanted, quick))) {
    differences.push(`expected ${accepted.map((each) => JSON.stringify(each)).join(' or ')}, got ${JSON.stringify(quick)}`);
  }
  return differences;
}

function matches(wanted: EstimateResult, given: EstimateResult): boolean {
  const groups = Object.entries(wanted.perGroup ?? {});
  return wanted.nodes === given.nodes && wanted.pods === given.pods && groups.every(([id, count]) => given.perGroup?.[id] === count);
}

function packed({ template, templatePods, existing, groups, maxNodes }: EstimateCase, podByPod: boolean): EstimateResult {
  const snapshot = snapshotOf(existing);
  const nodeTemplate: NodeTemplate = {
    node: nodeOf(template),
    pods: templatePods.map((pod, index) => podOf(pod, `daemon-${index}`)),
  };
  const { nodes, pods, perGroup } = estimate(
    snapshot,
    nodeTemplate,
    groups.map(({ id, count, pod }) => ({ podClass: snapshot.classOf(podOf(pod, id)), count })),
    { limiter: createLimiter([{ nodes: maxNodes, durationMs: 0 }]), podByPod },
  );
  return { nodes, pods, perGroup: Object.fromEntries(groups.map(({ id }, index) => [id, perGroup[index] ?? 0])) };
}

interface LimiterCase {
  readonly thresholds: readonly { readonly nodes?: number; readonly seconds?: number; readonly dynamicStart?: number }[];
  readonly startedSecondsAgo: number;
  readonly operations: readonly ('allow' | 'deny' | 'reset')[];
  readonly expected: { readonly nodesGranted: number };
}

function runLimiter({ thresholds, startedSecondsAgo, operations, expected }: LimiterCase): readonly string[] {
  let now = 0;
  const limiter = createLimiter(
    thresholds.map(({ nodes = 0, seconds = 0, dynamicStart }) => {
      let starts = dynamicStart ?? 0;
      return { nodes: dynamicStart === undefined ? nodes : () => ++starts, durationMs: seconds * 1000 };
    }),
    () => now,
  );
  limiter.start();
  now += startedSecondsAgo * 1000;
  const differences = operations.flatMap((operation, index) => {
    if (operation === 'reset') {
      limiter.start();
      return [];
    }
    const answer = limiter.permit() ? 'allow' : 'deny';
    return answer === operation ? [] : [`operation ${index}: expected ${operation}, got ${answer}`];
  });
  return [...differences, ...same(expected.nodesGranted, limiter.granted)];
}

interface SizedGroup {
  readonly id?: string;
  readonly count?: number;
  readonly fastpathEligible?: boolean;
  readonly cpu?: string;
  readonly memory?: string;
}

function sizedPod({ id = 'pod', cpu, memory, fastpathEligible = true }: SizedGroup) {
  const requests = cpu === undefined && memory === undefined ? undefined : { cpu, memory };
  const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' };
  const spec = { containers: [{ name: 'c', resources: { requests } }], topologySpreadConstraints: fastpathEligible ? undefined : [spread] };
  return podOf({ metadata: {}, spec }, id);
}

function sizedNode(resources: Readonly<Record<string, string>>) {
  return nodeOf({ metadata: { name: 'n' }, status: { allocatable: resources, capacity: resources } });
}

interface OrderCase {
  readonly node: Readonly<Record<string, string>>;
  readonly groups: readonly SizedGroup[];
  readonly expected: { readonly order: readonly string[] };
}

function runOrder({ node, groups, expected }: OrderCase): readonly string[] {
  const order = decreasingOrder(groups.map(sizedPod), sizedNode(node));
  return same(expected.order.join(), order.map((index) => groups[index]?.id).join());
}

interface FastPathCase {
  readonly node: Readonly<Record<string, string>>;
  readonly groups: readonly SizedGroup[];
  readonly expected: { readonly index: number };
}

function runFastPathGroup({ node, groups, expected }: FastPathCase): readonly string[] {
  const candidates = groups.map((group) => ({ exemplar: sizedPod(group), count: group.count ?? 0 }));
  return same(expected.index, fastPathGroup(candidates, sizedNode(node)));
}

function same(wanted: unknown, given: unknown): string[] {
  return wanted === given ? [] : [`expected ${String(wanted)}, got ${String(given)}`];
}
