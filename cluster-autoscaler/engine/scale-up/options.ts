import type { LoopOptions } from '../loop/model.ts';
import { clusterCapacity, createLimiter, estimate, similarGroupsCapacity } from '../packing/index.ts';
import type { SchedulingSnapshot } from '../scheduling/snapshot.ts';
import type { Candidate } from './eligibility.ts';
import type { ExpansionOption } from './expanders/index.ts';
import type { PriceModel } from './expanders/index.ts';
import type { PodGroup } from './pod-groups.ts';
import { createSimilarity, similarityOptions } from './similarity.ts';
import type { TemplateCheck } from './template-check.ts';

/** A way to help pods: so many nodes of one group. */
export interface ScaleUpOption extends ExpansionOption {
  readonly candidate: Candidate;
  readonly similar: readonly Candidate[];
  /** Groups of pods that fit the template, and of how many pods of each the option takes care: always the first ones. */
  readonly covered: readonly { readonly group: PodGroup; readonly count: number }[];
}

export interface OptionContext {
  readonly snapshot: SchedulingSnapshot;
  readonly options: LoopOptions;
  readonly prices: PriceModel;
  readonly stopwatch: (() => number) | undefined;
}

/** The options of all candidates (§8.4), in their order; those without nodes or pods are left out. */
export function computeOptions(
  candidates: readonly Candidate[],
  groups: readonly PodGroup[],
  check: TemplateCheck,
  context: OptionContext,
): readonly ScaleUpOption[] {
  const { maxBinpackingMs } = context.options;
  const started = context.stopwatch?.() ?? 0;
  const similarTo = findSimilar(candidates, groups, check, context.options);
  const options: ScaleUpOption[] = [];
  for (const candidate of candidates) {
    const schedulable = groups.filter(({ podClass }) => check.fits(candidate, podClass));
    if (schedulable.length > 0) {
      const option = computeOption(candidate, schedulable, similarTo(candidate), context);
      if (option.nodes > 0 && option.pods > 0) options.push(option);
    }
    if (context.stopwatch !== undefined && maxBinpackingMs > 0 && context.stopwatch() - started > maxBinpackingMs) break;
  }
  return options;
}

function computeOption(
  candidate: Candidate,
  groups: readonly PodGroup[],
  similar: readonly Candidate[],
  { snapshot, options, prices, stopwatch }: OptionContext,
): ScaleUpOption {
  const { source, template, max, size } = candidate;
  const room = similarGroupsCapacity(
    { max, current: size },
    similar.map((each) => ({ max: each.max, current: each.size })),
  );
  const limiter = createLimiter(
    [
      { nodes: options.maxNodesPerScaleUp, durationMs: options.maxNodeGroupBinpackingMs },
      { nodes: room, durationMs: 0 },
      { nodes: clusterCapacity(options.maxNodesTotal, snapshot.nodeCount), durationMs: 0 },
    ],
    stopwatch,
  );
  const packed = estimate(
    snapshot,
    template,
    groups.map(({ podClass, pods, apart }) => ({ podClass, count: pods.length, apart })),
    { limiter, prefix: `${candidate.id}~estimated-` },
  );
  const covered = groups.map((group, index) => ({ group, count: packed.perGroup[index] ?? 0 }));
  const requests = requestsOf(covered);
  return {
    group: candidate.id,
    candidate,
    similar,
    covered,
    nodes: source.group.options.zeroOrMax && packed.nodes > 0 ? max : packed.nodes,
    pods: packed.pods,
    requests,
    capacity: template.node.capacity,
    nodePrice: prices.nodePrice({ price: source.group.price, node: template.node }),
    podPrice: prices.podPrice(requests),
    hasGpu: hasGpu(candidate, options.gpuLabel),
    exists: true,
    priority: source.group.priority,
  };
}

function hasGpu({ template: { node } }: Candidate, label: string): boolean {
  return (label !== '' && Object.hasOwn(node.labels, label)) || (node.allocatable['nvidia.com/gpu'] ?? 0) > 0;
}

/** Sum of what the covered pods ask for; memory in whole bytes, rounded up once. */
function requestsOf(covered: ScaleUpOption['covered']): ExpansionOption['requests'] {
  let cpuMilli = 0;
  let bytes = 0;
  let thousandths = 0;
  for (const { group, count } of covered) {
    const requests = group.pods[0]?.shape.requests ?? {};
    const memory = requests['memory'] ?? 0;
    cpuMilli += (requests['cpu'] ?? 0) * count;
    // Thousandths of bytes of many pods would be beyond what a number holds exactly.
    bytes += Math.floor(memory / 1000) * count;
    thousandths += (memory % 1000) * count;
  }
  return { cpuMilli, memoryBytes: bytes + Math.ceil(thousandths / 1000) };
}

/**
 * For a candidate those with a similar template which take every group of pods that it takes; only with `--balance-similar-node-groups`, and not for
 * groups of all or nothing (which may be among the similar ones of others, as upstream). In the order of the candidates.
 */
function findSimilar(
  candidates: readonly Candidate[],
  groups: readonly PodGroup[],
  check: TemplateCheck,
  options: LoopOptions,
): (candidate: Candidate) => readonly Candidate[] {
  if (!options.balanceSimilarNodeGroups) return () => [];
  const isSimilar = createSimilarity(similarityOptions(options));
  return (candidate) => {
    if (candidate.source.group.options.zeroOrMax) return [];
    return candidates.filter(
      (other) =>
        other !== candidate &&
        isSimilar(candidate.template, other.template) &&
        groups.every(({ podClass }) => !check.fits(candidate, podClass) || check.fits(other, podClass)),
    );
  };
}
