import type { Expander, ExpansionOption, Filtered } from './model.ts';

/** The options with the lowest score; those without a score are left out. Equality is exact. */
export function lowest<Option extends { readonly group: string }>(
  options: readonly Option[],
  scoreOf: (option: Option) => number | undefined,
  what: string,
): Filtered<Option> {
  const scores = new Map<string, number>();
  let best = Number.POSITIVE_INFINITY;
  let kept: Option[] = [];
  for (const option of options) {
    const score = scoreOf(option);
    if (score === undefined) continue;
    scores.set(option.group, score);
    if (score > best) continue;
    if (score < best) kept = [];
    best = score;
    kept.push(option);
  }
  return { kept, scores, note: kept.length === 0 ? `${what} cannot be said of any option` : `${what} ${formatScore(best)}` };
}

function formatScore(score: number): string {
  return String(Number(score.toPrecision(6)));
}

/** Options that help the most pods. */
export const mostPods: Expander = (options) => {
  const { kept, scores } = lowest(options, ({ pods }) => -pods, '');
  return {
    kept,
    scores: new Map([...(scores ?? [])].map(([group, score]) => [group, -score])),
    note: `most pods ${kept[0]?.pods ?? 0}`,
  };
};

/** Options that need the fewest nodes; those that need none are no options. */
export const leastNodes: Expander = (options) => lowest(options, ({ nodes }) => (nodes === 0 ? undefined : nodes), 'fewest nodes');

/**
 * Options that leave the smallest share of cpu and memory of their new nodes unused. As upstream: capacity, not allocatable; only cpu and memory,
 * whatever else pods ask for; how many pods are helped plays no part; exact equality ties.
 */
export const leastWaste: Expander = (options) => lowest(options, waste, 'least waste');

function waste({ capacity, nodes, requests }: ExpansionOption): number | undefined {
  if (capacity === undefined) return undefined;
  const cpu = (capacity['cpu'] ?? 0) * nodes;
  const memory = Math.ceil((capacity['memory'] ?? 0) / 1000) * nodes;
  return (cpu - requests.cpuMilli) / cpu + (memory - requests.memoryBytes) / memory;
}
