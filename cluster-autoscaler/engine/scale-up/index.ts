/** Scale-up: which groups grow for pending pods. */
export { balance } from './balancing.ts';
export type { BalancedGroup, Share } from './balancing.ts';
export * from './expanders/index.ts';
export { intentPods, intentUidPrefix, lookAhead } from './intents.ts';
export type { LookAhead } from './intents.ts';
export { limitedGroups } from './limited-groups.ts';
export { raiseToMinimum } from './min-size.ts';
export type { RaiseInput } from './min-size.ts';
export type { ChosenOption, ScaleUpGroup, ScaleUpInput, ScaleUpResult, SizeChange } from './model.ts';
export { comparePods, groupPods } from './pod-groups.ts';
export type { PodGroup } from './pod-groups.ts';
export { scaleUp } from './scale-up.ts';
export { awsIgnoredLabels, basicIgnoredLabels, createSimilarity, similarityOptions } from './similarity.ts';
export type { SimilarityOptions } from './similarity.ts';
