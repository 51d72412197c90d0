export { chooseOption, filterOptions, runChain } from './chain.ts';
export type { ChainLink, ChainResult, Choice } from './chain.ts';
export { compileGoPattern } from './go-pattern.ts';
export type { Expander, ExpanderContext, ExpansionOption, Filtered } from './model.ts';
export { nodeUnfitness, preferredCpuMilli, priceScore } from './price.ts';
export { createPriceModel, guessedPrices } from './price-model.ts';
export type { PricedPool, PriceModel } from './price-model.ts';
export { findPriorities, parsePriorities, priorityConfigMap } from './priority.ts';
export type { FoundPriorities } from './priority.ts';
