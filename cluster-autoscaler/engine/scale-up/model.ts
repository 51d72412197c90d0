/** What scale-up is handed and what it answers. Pure data; sizes are numbers of nodes, times epoch milliseconds. */
import type { PodRecord, TraceStep } from '../../../core/model/index.ts';
import type { LoopEvent, LoopOptions, OptionReport, PendingPodReport, ScaleUpOutcome } from '../loop/model.ts';
import type { Pace } from '../loop/pace.ts';
import type { NodeGroup, NodeTemplate, ProviderFailure } from '../model.ts';
import type { SchedulingSnapshot } from '../scheduling/snapshot.ts';

/** A node group as scale-up sees it in one loop. */
export interface ScaleUpGroup {
  readonly group: NodeGroup;
  /** The template that simulation uses (§5), daemon pods included; `undefined`: there is none, the group is `not ready for scale-up`. */
  readonly template: NodeTemplate | undefined;
  /** Whether the registry lets it grow (§4.3, §4.4). */
  readonly state: 'healthy' | 'unhealthy' | 'backoff';
  /** House: why it may not be changed now (cooldown, mode of its policy), a few words; it is then skipped for this reason. */
  readonly hold?: string | undefined;
}

export interface ScaleUpInput {
  readonly now: number;
  /** The cluster with upcoming nodes in it and without nodes that have not started (§3.13). Changed only where {@link ScaleUpResult.planned} says so. */
  readonly snapshot: SchedulingSnapshot;
  /** Pods to help (§7), in any order. */
  readonly pods: readonly PodRecord[];
  /** In the provider's order. */
  readonly groups: readonly ScaleUpGroup[];
  readonly options: LoopOptions;
  /** Text of the expander ConfigMap's `priorities`. */
  readonly priorities?: string | undefined;
  /** When there are breaks; absent: none. */
  readonly pace?: Pace | undefined;
  /** Monotonic milliseconds, for time limits and `took`; absent: no limit of time applies. */
  readonly stopwatch?: (() => number) | undefined;
}

/** One chosen option. */
export interface ChosenOption {
  readonly group: string;
  readonly similar: readonly string[];
  /** How it was chosen, a sentence. */
  readonly reason: string;
  /** Several were left and upstream would have drawn lots; ours is the first by group id (or of the seed, for the expander `random`). */
  readonly tie: boolean;
}

/** A size that was asked for. */
export interface SizeChange {
  readonly group: string;
  readonly from: number;
  readonly to: number;
  readonly max: number;
}

export interface ScaleUpResult {
  readonly outcome: Extract<ScaleUpOutcome, 'Successful' | 'Error' | 'NoOptionsAvailable' | 'NotNeeded'>;
  /** As offered to the expander; of every round, in order. */
  readonly options: readonly OptionReport[];
  readonly chosen: readonly ChosenOption[];
  /** Done, in order; also when a later one failed. The registry opens requests for them. */
  readonly increases: readonly SizeChange[];
  /** Refused by the cloud; the registry puts the group into backoff. */
  readonly failures: readonly { readonly change: SizeChange; readonly failure: ProviderFailure }[];
  /** Pods that the chosen options cover, also if the cloud then refused (as upstream reports them). */
  readonly helped: readonly PodRecord[];
  /** One for each pod handed in, by creation, namespace, name, uid. */
  readonly pods: readonly PendingPodReport[];
  readonly events: readonly LoopEvent[];
  readonly trace: readonly TraceStep[];
  /** Names of nodes that were added to the snapshot, with the helped pods on them (house mode only), in the order in which they were planned. */
  readonly planned: readonly string[];
  /** Where pods were placed, on planned nodes or on others, in an order in which each passes the scheduler's filters (house mode only). */
  readonly placed: readonly { readonly node: string; readonly pods: readonly PodRecord[] }[];
  readonly error: string | undefined;
  /** Milliseconds by step. */
  readonly took: Readonly<Record<string, number>>;
}
