/** What the node controller needs of a cloud. A provider caches and retries by itself; it decides nothing. */
import type { NodeRecord } from '../../core/model/index.ts';
import type { Instance, NodeTemplate, ProviderFailure } from '../engine/model.ts';

/** Options of a group that its cloud knows (tags, annotations); absent: the flag's default. Durations in milliseconds. */
export interface ProviderGroupOptions {
  readonly utilizationThreshold?: number | undefined;
  readonly gpuUtilizationThreshold?: number | undefined;
  readonly unneededMs?: number | undefined;
  readonly unreadyMs?: number | undefined;
  readonly maxProvisionMs?: number | undefined;
  readonly maxStartupMs?: number | undefined;
  readonly zeroOrMax?: boolean | undefined;
  readonly ignoreDaemonSetsUtilization?: boolean | undefined;
}

/** A group as the cloud has it now. */
export interface ProviderGroup {
  readonly id: string;
  readonly minSize: number;
  readonly maxSize: number;
  readonly targetSize: number;
  readonly options: ProviderGroupOptions;
  /** Per node and hour, if the provider knows. */
  readonly price?: number | undefined;
  /** For a person: zones, types, warnings such as a missing suspension of AZRebalance. */
  readonly notes: readonly string[];
  /** Tags (Cluster API: labels) of the group in its cloud, for the selectors of policies; absent: the cloud has none. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** A call that changes something: done, or refused with the cloud's reason. Network faults after retries are refusals of class `other`. */
export type ProviderResult = { readonly ok: true } | { readonly ok: false; readonly failure: ProviderFailure };

export interface Provider {
  /** `aws`, `clusterapi`, `simulated`. */
  readonly name: string;
  /** Label that marks nodes with GPUs; empty when the cloud has none. */
  readonly gpuLabel: string;
  /** Labels that differ between equal groups of this cloud and are ignored when templates are compared. */
  readonly ignoredLabels: readonly string[];
  /** Reads what has changed, at most as often as the provider's cache allows. Throws a coded fault (`PROVIDER_…`) when the cloud cannot be read. */
  refresh(signal?: AbortSignal): Promise<void>;
  /** As of the last refresh, own changes applied. In a fixed order. */
  groups(): readonly ProviderGroup[];
  /** Group of a node by its providerID; `undefined` when no group is known for it. */
  groupOf(node: NodeRecord): string | undefined;
  /** Whether the cloud still has the node's instance; `undefined` when it cannot tell. */
  hasInstance(node: NodeRecord): boolean | undefined;
  instances(group: string): Promise<readonly Instance[]>;
  /** The provider's own template of an empty node; `undefined` and a reason when it cannot make one. */
  template(group: string): Promise<{ readonly template: NodeTemplate } | { readonly problem: string }>;
  increaseSize(group: string, delta: number): Promise<ProviderResult>;
  /** `delta` is negative; refuses to remove instances that exist. */
  decreaseTargetSize(group: string, delta: number): Promise<ProviderResult>;
  /** Ends these instances (provider ids) and lowers the target by as many. */
  deleteInstances(group: string, ids: readonly string[], options?: { readonly forced?: boolean }): Promise<ProviderResult>;
  close(): Promise<void>;
}

/** One request to the cloud, retries counted singly: what a duration histogram is fed with. */
export interface ProviderCall {
  /** The cloud's name of the call, for example `DescribeAutoScalingGroups`. */
  readonly call: string;
  /** Milliseconds of the provider's clock. */
  readonly ms: number;
  /** `ok`, or the cloud's code of the error. */
  readonly outcome: string;
}
