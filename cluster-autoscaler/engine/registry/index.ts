/** Cluster state registry: classes of nodes, health, open scale-up requests, backoff, wrong sizes, nodes on their way (§4). */
export type { Backoff } from './backoff.ts';
export type { Readiness } from './readiness.ts';
export { countsOf, isReady } from './readiness.ts';
export type { Registry, RegistryFacts, Upcoming } from './registry.ts';
export { createRegistry } from './registry.ts';
export type { IncorrectSize, RegistryState, ScaleUpRequest } from './state.ts';
export { emptyRegistryState } from './state.ts';
export { statusEvent } from './status-event.ts';
