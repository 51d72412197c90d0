import type { ResourceList } from '../../../../core/model/index.ts';
import type { ExpanderName, LoopEvent } from '../../loop/model.ts';

/** A scale-up option as expanders see it. */
export interface ExpansionOption {
  /** Id of the node group. */
  readonly group: string;
  /** Nodes to add. */
  readonly nodes: number;
  /** Number of pods that it helps. */
  readonly pods: number;
  /** What these pods ask for together: milli-cores and bytes. */
  readonly requests: { readonly cpuMilli: number; readonly memoryBytes: number };
  /** Capacity of one node (thousandths); `undefined`: not known, and expanders that look at it skip the option. */
  readonly capacity: ResourceList | undefined;
  /** Per node and hour; `undefined`: not known. */
  readonly nodePrice: number | undefined;
  /** Of all its pods for an hour; `undefined`: not known. */
  readonly podPrice: number | undefined;
  /** The node shows GPUs or carries the cloud's GPU label. */
  readonly hasGpu: boolean;
  /** False: the group would have to be created first, which the expander `price` does not like. */
  readonly exists: boolean;
  /** Priority of the group by policy. */
  readonly priority: number | undefined;
}

/** What expanders need beside the options. */
export interface ExpanderContext {
  /** Seed of `random`, and the time of the loop, so that it does not always draw the same. */
  readonly seed: number;
  readonly now: number;
  /** Text of the ConfigMap's `priorities`; `undefined`: there is none. */
  readonly priorities: string | undefined;
  /** Milli-cores of the node that suits the size of the cluster. */
  readonly preferredCpuMilli: number;
  /** Price of a pod of 500m and 500Mi for an hour. */
  readonly stabilizationPrice: number;
}

/** What an expander keeps, in the order of the options. */
export interface Filtered<Option> {
  readonly kept: readonly Option[];
  /** By which it compared, by group id; absent for those that compare nothing. */
  readonly scores?: ReadonlyMap<string, number> | undefined;
  readonly events?: readonly LoopEvent[] | undefined;
  /** It drew lots: what it left out was as good. */
  readonly drew?: boolean | undefined;
  /** What it did, a clause: "least waste 0.25". */
  readonly note: string;
}

export type Expander = (options: readonly ExpansionOption[], context: ExpanderContext) => Filtered<ExpansionOption>;

export type { ExpanderName };
