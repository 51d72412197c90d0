import { addResources, noResources, type ResourceList } from '../../../core/model/index.ts';
import type { LoopOptions } from '../loop/model.ts';
import type { NodeTemplate } from '../model.ts';

/** How templates are compared; shares as in the flags. */
export interface SimilarityOptions {
  /** Not empty: only these labels are compared, and both templates must have them. Resources are not looked at then. */
  readonly labels: readonly string[];
  /** Labels that may differ, beside {@link basicIgnoredLabels}. */
  readonly ignoredLabels: readonly string[];
  readonly memoryDifferenceRatio: number;
  readonly maxFreeDifferenceRatio: number;
  readonly maxAllocatableDifferenceRatio: number;
}

/** Labels that differ between equal groups of any cloud. */
export const basicIgnoredLabels: readonly string[] = [
  'kubernetes.io/hostname',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'beta.kubernetes.io/fluentd-ds-ready',
  'kops.k8s.io/instancegroup',
];

/** Further labels that differ between equal groups on AWS: what that provider hands over as `ignoredLabels`. */
export const awsIgnoredLabels: readonly string[] = [
  'alpha.eksctl.io/instance-id',
  'alpha.eksctl.io/nodegroup-name',
  'eks.amazonaws.com/nodegroup',
  'k8s.amazonaws.com/eniConfig',
  'lifecycle',
  'topology.ebs.csi.aws.com/zone',
  'topology.k8s.aws/zone-id',
];

/** The part of the loop's options that similarity reads. */
export function similarityOptions(options: LoopOptions): SimilarityOptions {
  return {
    labels: options.balancingLabels,
    ignoredLabels: [...options.providerIgnoredLabels, ...options.balancingIgnoreLabels],
    memoryDifferenceRatio: options.memoryDifferenceRatio,
    maxFreeDifferenceRatio: options.maxFreeDifferenceRatio,
    maxAllocatableDifferenceRatio: options.maxAllocatableDifferenceRatio,
  };
}

/** Compares templates of groups for balancing (§11). Taints are not compared. */
export function createSimilarity(options: SimilarityOptions): (a: NodeTemplate, b: NodeTemplate) => boolean {
  if (options.labels.length > 0) return (a, b) => options.labels.every((label) => sameLabel(a, b, label));
  const ignored = new Set([...basicIgnoredLabels, ...options.ignoredLabels]);
  // Free amounts are asked for once per pair otherwise.
  const frees = new WeakMap<NodeTemplate, ResourceList>();
  const freeOf = (template: NodeTemplate): ResourceList => {
    let free = frees.get(template);
    if (free === undefined) frees.set(template, (free = freeResources(template)));
    return free;
  };
  return (a, b) =>
    sameCapacity(a.node.capacity, b.node.capacity, options.memoryDifferenceRatio) &&
    sameWithin(a.node.allocatable, b.node.allocatable, options.maxAllocatableDifferenceRatio) &&
    sameWithin(freeOf(a), freeOf(b), options.maxFreeDifferenceRatio) &&
    sameLabels(a.node.labels, b.node.labels, ignored);
}

function sameLabel(a: NodeTemplate, b: NodeTemplate, label: string): boolean {
  const value = Object.hasOwn(a.node.labels, label) ? a.node.labels[label] : undefined;
  return value !== undefined && Object.hasOwn(b.node.labels, label) && b.node.labels[label] === value;
}

function sameCapacity(a: ResourceList, b: ResourceList, memoryRatio: number): boolean {
  return sameSet(a, b, (x, y, name) => (name === 'memory' ? within(x, y, memoryRatio) : x === y));
}

function sameWithin(a: ResourceList, b: ResourceList, ratio: number): boolean {
  return sameSet(a, b, (x, y) => within(x, y, ratio));
}

function sameSet(a: ResourceList, b: ResourceList, same: (x: number, y: number, name: string) => boolean): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => {
    const [x, y] = [a[name], b[name]];
    return x !== undefined && y !== undefined && same(x, y, name);
  });
}

/** Of two equal negative amounts the tolerance is negative, too: they count as different, as upstream's do. */
function within(x: number, y: number, ratio: number): boolean {
  const larger = Math.max(x, y);
  return larger - Math.min(x, y) <= larger * ratio;
}

/** What upstream's Resource type always lists; further resources only when a pod of the template asks for them. */
const alwaysListed = ['cpu', 'memory', 'pods', 'ephemeral-storage'] as const;

/** Allocatable without what the template's own pods ask for. Pods themselves take no place of `pods` here: upstream's sum of requests has none. */
function freeResources({ node, pods }: NodeTemplate): ResourceList {
  const requested = pods.reduce<ResourceList>((sum, pod) => addResources(sum, pod.shape.requests), noResources);
  const free: Record<string, number> = {};
  for (const name of [...alwaysListed, ...Object.keys(requested)]) free[name] = (node.allocatable[name] ?? 0) - (requested[name] ?? 0);
  return free;
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>, ignored: ReadonlySet<string>): boolean {
  let balance = 0;
  for (const key of Object.keys(a)) {
    if (ignored.has(key)) continue;
    if (!Object.hasOwn(b, key) || a[key] !== b[key]) return false;
    balance += 1;
  }
  for (const key of Object.keys(b)) if (!ignored.has(key)) balance -= 1;
  return balance === 0;
}
