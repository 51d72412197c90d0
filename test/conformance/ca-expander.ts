import { createInterner, projectPod, projectResources, type KubeObject } from '../../core/model/index.ts';
import {
  chooseOption,
  filterOptions,
  nodeUnfitness,
  preferredCpuMilli,
  runChain,
  type ChainResult,
  type ExpanderContext,
  type ExpansionOption,
} from '../../cluster-autoscaler/engine/scale-up/index.ts';
import type { VectorCase, VectorRunner } from './runners.ts';

type Expanded = 'least-waste' | 'most-pods' | 'least-nodes' | 'price' | 'priority';

interface ExpanderCase {
  readonly expander: Expanded | 'price-preferred-node' | 'price-unfitness' | 'chain';
  readonly options: readonly (RawOption | string)[];
  readonly preferredCpuMilli?: number;
  readonly evaluatedCpuMilli?: number;
  readonly stabilizationPodPrice?: number;
  readonly clusterSize?: number;
  readonly priorities?: Readonly<Record<string, readonly string[]>> | null;
  readonly filters?: readonly string[];
  readonly fallback?: string;
  readonly expected: Readonly<Record<string, unknown>>;
}

interface RawOption {
  readonly id: string;
  readonly nodeCount?: number;
  readonly podCount?: number;
  readonly node?: Readonly<Record<string, string>>;
  readonly pods?: readonly object[];
  readonly missingNodeInfo?: boolean;
  readonly nodeCpuMilli?: number;
  readonly nodePrice?: number | null;
  readonly podPrices?: readonly (number | null)[];
  readonly exists?: boolean;
  readonly hasGpu?: boolean;
}

/** Cases of `ca-expander.json`: what an expander keeps, with its scores; formulas of the price expander; chains. */
export const expanderRunner: VectorRunner = (vector: VectorCase) => {
  const it = vector as unknown as ExpanderCase;
  switch (it.expander) {
    case 'price-preferred-node':
      return compare('cpu', it.expected['cpu'], preferredCpuMilli(it.clusterSize ?? 0) / 1000);
    case 'price-unfitness':
      return compare('unfitness', it.expected['unfitness'], nodeUnfitness(it.preferredCpuMilli ?? 0, it.evaluatedCpuMilli ?? 0));
    case 'chain':
      return compare('best', it.expected['best'], chain(it).choice?.option);
    case 'least-waste':
    case 'most-pods':
    case 'least-nodes':
    case 'price':
    case 'priority':
      return filtered(it, it.expander);
  }
};

function filtered(it: ExpanderCase, name: Expanded): readonly string[] {
  const context: ExpanderContext = {
    seed: 0,
    now: 0,
    priorities: prioritiesOf(it),
    preferredCpuMilli: it.preferredCpuMilli ?? 1000,
    stabilizationPrice: it.stabilizationPodPrice ?? 0,
  };
  const options = it.options.map(optionOf);
  const { kept, scores } = filterOptions(name, options, context);
  const differences = [
    ...compare(
      'best',
      it.expected['best'],
      kept.map(({ group }) => group),
    ),
  ];
  for (const [id, score] of Object.entries((it.expected['scores'] ?? {}) as Readonly<Record<string, number>>)) {
    const got = scores?.get(id);
    if (got === undefined || Math.abs(got - score) > 1e-9 * Math.abs(score))
      differences.push(`score of ${id}: expected ${score}, got ${got}`);
  }
  differences.push(...choiceProblems(chooseOption(options, [name], context), kept));
  return differences;
}

/** The choice is one of those that are kept, and a tie is said to be one. */
function choiceProblems({ choice }: ChainResult<ExpansionOption>, kept: readonly ExpansionOption[]): readonly string[] {
  const right = choice === undefined ? kept.length === 0 : choice.tie === kept.length > 1 && kept.includes(choice.option);
  return right ? [] : [`choice: ${choice?.option.group ?? 'none'}, tie ${choice?.tie}, of ${kept.map(({ group }) => group).join(', ')}`];
}

/** Null stands for an empty text. */
function prioritiesOf({ priorities }: ExpanderCase): string | undefined {
  if (priorities === undefined) return undefined;
  return priorities === null ? '' : JSON.stringify(priorities);
}

function optionOf(raw: RawOption | string): ExpansionOption {
  const option = typeof raw === 'string' ? { id: raw } : raw;
  const capacity = option.nodeCpuMilli === undefined ? projectResources(option.node) : { cpu: option.nodeCpuMilli };
  return {
    group: option.id,
    nodes: option.nodeCount ?? 1,
    pods: option.podCount ?? option.pods?.length ?? 0,
    requests: requestsOf(option.pods ?? []),
    capacity: option.missingNodeInfo === true ? undefined : capacity,
    nodePrice: option.nodePrice ?? undefined,
    podPrice: sum(option.podPrices ?? []),
    hasGpu: option.hasGpu === true,
    exists: option.exists !== false,
    priority: undefined,
  };
}

/** One that is not known makes the sum unknown. */
function sum(prices: readonly (number | null)[]): number | undefined {
  let total = 0;
  for (const price of prices) {
    if (price === null) return undefined;
    total += price;
  }
  return total;
}

function requestsOf(pods: readonly object[]): ExpansionOption['requests'] {
  const interner = createInterner();
  let cpuMilli = 0;
  let memoryBytes = 0;
  for (const pod of pods) {
    const fragment = pod as Partial<KubeObject>;
    const { shape } = projectPod({ apiVersion: 'v1', kind: 'Pod', ...fragment, metadata: { name: 'pod', ...fragment.metadata } }, interner);
    cpuMilli += shape.requests['cpu'] ?? 0;
    memoryBytes += (shape.requests['memory'] ?? 0) / 1000;
  }
  return { cpuMilli, memoryBytes: Math.ceil(memoryBytes) };
}

/** Filters keep what contains a text; the fallback picks the first that contains one. */
function chain({ options, filters = [], fallback = '' }: ExpanderCase): ChainResult<string> {
  const links = filters.map((text) => ({
    name: text,
    filter: (left: readonly string[]) => ({ kept: left.filter((option) => option.includes(text)), note: text }),
  }));
  return runChain(options as readonly string[], links, (left) => {
    const option = left.find((each) => each.includes(fallback));
    return option === undefined ? undefined : { option, rule: 'the first' };
  });
}

function compare(what: string, expected: unknown, got: unknown): readonly string[] {
  const [wanted, is] = [JSON.stringify(expected ?? null), JSON.stringify(got ?? null)];
  return wanted === is ? [] : [`${what}: expected ${wanted}, got ${is}`];
}
