import type { NodeRecord, ResourceList } from '../../../../core/model/index.ts';

/**
 * What a core and a gibibyte cost an hour where nobody says: a guess by which pools are put in order, about what the big clouds ask for general purpose
 * machines in dollars. Pools whose price is known set the level: the guess is multiplied by the median of known price to guessed price.
 */
export const guessedPrices = { core: 0.0365, gibibyte: 0.0033 } as const;

const gibibyte = 2 ** 30;

/** Prices of pools and pods, in one currency. */
export interface PriceModel {
  /** By what guessed prices were multiplied to match the known ones; 1 when there are none. */
  readonly level: number;
  /** Pools without a price of their own. */
  readonly guessed: number;
  /** Per node and hour. */
  nodePrice(pool: PricedPool): number;
  /** Of pods that ask for so much, for an hour. */
  podPrice(requests: { readonly cpuMilli: number; readonly memoryBytes: number }): number;
}

export interface PricedPool {
  readonly price: number | undefined;
  readonly node: Pick<NodeRecord, 'capacity'>;
}

/** The prices of these pools; see {@link guessedPrices} for those without. */
export function createPriceModel(pools: readonly PricedPool[]): PriceModel {
  const ratios = pools
    .flatMap(({ price, node }) => (isPrice(price) && guess(node.capacity) > 0 ? [price / guess(node.capacity)] : []))
    .toSorted((a, b) => a - b);
  const level = ratios.length === 0 ? 1 : ((ratios[(ratios.length - 1) >> 1] ?? 1) + (ratios[ratios.length >> 1] ?? 1)) / 2;
  return {
    level,
    guessed: pools.filter(({ price }) => !isPrice(price)).length,
    nodePrice: ({ price, node }) => (isPrice(price) ? price : level * guess(node.capacity)),
    podPrice: ({ cpuMilli, memoryBytes }) => level * guessOf(cpuMilli / 1000, memoryBytes),
  };
}

/** A price of 0 is one: pools that cost nothing more. Negative ones and NaN are not. */
function isPrice(price: number | undefined): price is number {
  return price !== undefined && price >= 0;
}

function guess(capacity: ResourceList): number {
  return guessOf((capacity['cpu'] ?? 0) / 1000, (capacity['memory'] ?? 0) / 1000);
}

function guessOf(cores: number, bytes: number): number {
  return cores * guessedPrices.core + (bytes / gibibyte) * guessedPrices.gibibyte;
}
