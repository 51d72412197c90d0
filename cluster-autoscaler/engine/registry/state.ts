import type { Backoff } from './backoff.ts';

/** Nodes that were asked for and have not all come (§4.4). Times in epoch milliseconds. */
export interface ScaleUpRequest {
  /** Of the last increase. */
  readonly at: number;
  /** When it counts as failed. */
  readonly expectedBy: number;
  readonly increase: number;
}

/** A difference between a group's target and what is there of it. */
export interface IncorrectSize {
  readonly current: number;
  readonly expected: number;
  /** Since when both have been the same. */
  readonly since: number;
}

/** What the registry carries from loop to loop. */
export interface RegistryState {
  /** By group, as everything here where nothing else is said. */
  readonly requests: ReadonlyMap<string, ScaleUpRequest>;
  readonly backoffs: ReadonlyMap<string, Backoff>;
  readonly incorrectSizes: ReadonlyMap<string, IncorrectSize>;
  /** First time an instance was seen without a node, by instance id. */
  readonly unregistered: ReadonlyMap<string, number>;
  /** Instances that reported an error in the loop before, by id. */
  readonly failedInstances: ReadonlySet<string>;
}

export function emptyRegistryState(): RegistryState {
  return { requests: new Map(), backoffs: new Map(), incorrectSizes: new Map(), unregistered: new Map(), failedInstances: new Set() };
}
