import { lowest } from './simple.ts';
import type { Expander, ExpanderContext, ExpansionOption } from './model.ts';

/** Unfitness of GPU nodes, so that pods without GPU do not end up there; upstream's gpuUnfitnessOverride. */
const gpuUnfitness = 1000;

/** Factor of groups that would have to be created; upstream's notExistCoefficient. */
const notExistPenalty = 2;

/**
 * Options with the lowest score: (price of the nodes + s) / (price of the pods + s), with s the price of a small pod, so that few pods do not weigh too
 * much, times how badly the size of the node suits the size of the cluster, which counts less the more nodes are added. Options without prices are left out.
 */
export const price: Expander = (options, context) =>
  lowest(options, (option) => priceScore(option, context), 'lowest score of price and size');

/** The score; `undefined` without prices. */
export function priceScore(
  option: ExpansionOption,
  context: Pick<ExpanderContext, 'preferredCpuMilli' | 'stabilizationPrice'>,
): number | undefined {
  const { nodePrice, podPrice, nodes, capacity, hasGpu, exists } = option;
  if (nodePrice === undefined || podPrice === undefined) return undefined;
  const share = (nodePrice * nodes + context.stabilizationPrice) / (podPrice + context.stabilizationPrice);
  const unfitness = nodeUnfitness(context.preferredCpuMilli, capacity?.['cpu'] ?? 0);
  const suppressed = hasGpu ? gpuUnfitness : (unfitness - 1) * (1 - Math.tanh((nodes - 1) / 15)) + 1;
  return suppressed * share * (exists ? 1 : notExistPenalty);
}

/** How far the cpu of a node is from the preferred one, as a ratio of at least 1. */
export function nodeUnfitness(preferredCpuMilli: number, cpuMilli: number): number {
  return Math.max(preferredCpuMilli / cpuMilli, cpuMilli / preferredCpuMilli);
}

const preferredSizes = [
  { nodes: 2, cores: 1 },
  { nodes: 6, cores: 2 },
  { nodes: 20, cores: 4 },
  { nodes: 60, cores: 8 },
  { nodes: 200, cores: 16 },
] as const;

/** Milli-cores of a node that suits a cluster of so many nodes. */
export function preferredCpuMilli(clusterNodes: number): number {
  return (preferredSizes.find(({ nodes }) => clusterNodes <= nodes)?.cores ?? 32) * 1000;
}
