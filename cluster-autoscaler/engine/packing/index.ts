export { estimate } from './estimate.ts';
export type { Estimate, EstimateOptions, PackingGroup } from './estimate.ts';
export { fastPathGroup } from './fast-path.ts';
export type { FastPathCandidate } from './fast-path.ts';
export { createLimiter } from './limiter.ts';
export type { EstimationLimiter, Threshold } from './limiter.ts';
export { clusterCapacity, minLimit, similarGroupsCapacity } from './limits.ts';
export type { GroupRoom } from './limits.ts';
export { decreasingOrder, packingScore } from './order.ts';
