export { createSchedulingSnapshot } from './scheduling-snapshot.ts';
export type {
  ClaimFacts,
  ClassId,
  ClassOptions,
  NodeId,
  PlaceAroundOptions,
  SchedulingFacts,
  SchedulingSnapshot,
  SearchOptions,
} from './snapshot.ts';
export { filterOutInSteps, filterOutSchedulable, hintKey } from './filter-out-schedulable.ts';
export type { FilterOutOptions, FilterOutResult, PlacementHints } from './filter-out-schedulable.ts';
