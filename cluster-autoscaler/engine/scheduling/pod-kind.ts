import type { HostPort, Labels, PodShape } from '../../../core/model/index.ts';
import type { Demand } from './demand.ts';
import type { SelectionRule, TolerationRule } from './node-rules.ts';
import type { Incoming } from './relations.ts';
import type { Tally } from './tally.kernel.ts';

/** What a pod asks of a node by itself; equal ones are one object. */
export interface Profile {
  readonly demand: Demand;
  readonly tolerations: TolerationRule;
  readonly selection: SelectionRule | undefined;
  /** Number of gains of the snapshot at which no node would do; see `search.ts`. */
  hopelessAt: number;
}

/** Most kinds have no part in any. */
export const noTallies: readonly Tally[] = Object.freeze([]);

/** Pods that count the same once they are on a node: namespace, labels, shape, and whether they are terminating. */
export interface PodKind {
  readonly id: number;
  readonly namespace: string;
  readonly labels: Labels;
  /** Not terminating: only such pods count in spreading. */
  readonly live: boolean;
  readonly shape: PodShape;
  readonly profile: Profile;
  readonly ports: readonly HostPort[];
  /** Counts that a pod of the kind is part of. */
  tallies: readonly Tally[];
  /** Counts of pods whose required anti-affinity means this kind: it may not go where there is one. */
  repellers: readonly Tally[];
  /** How many there are by row; kept once there are tallies at all. */
  places: Map<number, number> | undefined;
  /** Its rules about other pods, for pods without a pinned node; made when they are first asked for. */
  incoming: Incoming | undefined;
}
