import type { PodShape } from '../../../core/model/pod-shape.ts';
import type { Labels } from '../../../core/model/selector.ts';
import type { EstimationConfig } from '../../config.ts';
import type { AggregateSettings, Aggregates } from './aggregates.kernel.ts';
import type { CpuBlock } from './cpu-feed.kernel.ts';
import type { ContainerWindows, MemoryStep } from './container-windows.kernel.ts';
import type { Estimates, EstimationPlan } from './estimator.kernel.ts';
import type { IndexKey, PolicyIndex } from './policy-index.ts';
import type { TrackedPolicy } from './types.ts';
import type { UsageRows } from './usage-rows.kernel.ts';

/** What one namespace has: policies and pods never meet across namespaces. */
export interface NamespaceState {
  readonly name: string;
  readonly policies: Map<string, PolicyState>;
  readonly index: PolicyIndex<PolicyState>;
  /** By {@link LabelSet.key}. */
  readonly sets: Map<string, LabelSet>;
  readonly pods: Map<string, PodState>;
  /** Label sets by the value of a label, made when policies come after pods and kept until the next collection of garbage. Some may be gone. */
  setsByLabel: Map<string, Map<string, LabelSet[]>> | undefined;
  /** How many policies ask for per-run labels, and which of them some policy wants to be absent. */
  naming: number;
  absentBits: number;
}

/** Labels whose pods share their aggregates. */
export interface LabelSet {
  readonly namespace: NamespaceState;
  readonly key: string;
  readonly labels: Labels;
  /** Per-run labels that pods of it have and that {@link labels} leaves out. */
  dropped: number;
  /** Pods that have it; −1: it is gone. */
  pods: number;
  /** Its first aggregate, −1: none. */
  head: number;
  /** The oldest first. */
  policies: readonly PolicyState[];
}

export interface PodState {
  readonly namespace: NamespaceState;
  readonly name: string;
  labels: Labels;
  shape: PodShape;
  set: LabelSet;
  /** Its first container, −1: none. */
  head: number;
  /** Where its usage stands in the columns, −1: not known. */
  row: number;
  finished: boolean;
}

export interface PolicyState {
  readonly key: string;
  readonly namespace: NamespaceState;
  policy: TrackedPolicy;
  indexKey: IndexKey | undefined;
  /** Per-run labels that its selector asks for, and those of them that it wants to be absent. */
  naming: number;
  absent: number;
  sets: LabelSet[];
  /** Loaded checkpoints: aggregates by container. */
  loaded: Map<string, number> | undefined;
  /** Its aggregates by container name, then by label set, a loaded checkpoint last; `undefined`: to be made anew. */
  members: readonly number[] | undefined;
  /** By container name, made when asked for. */
  plans: Map<string, EstimationPlan> | undefined;
  /** The list of just this policy: most label sets have no other. */
  alone: readonly PolicyState[];
}

/** What OOM kills did to an aggregate. */
export interface OomNote {
  kills: number;
  at: number;
  from: number;
  to: number;
}

export interface EngineOptions {
  /** Aggregates are told apart by all labels of a pod, as upstream: every rollout and every run of a Job starts anew. */
  readonly upstreamKeys?: boolean;
}

/** All that the engine remembers; its parts are functions on it. */
export interface EngineState {
  readonly config: EstimationConfig;
  readonly groups: boolean;
  readonly aggregates: Aggregates;
  readonly windows: ContainerWindows;
  /** By number of the aggregate; `undefined`: a loaded checkpoint. */
  readonly setOf: (LabelSet | undefined)[];
  /** By number of the container. */
  readonly podOf: (PodState | undefined)[];
  readonly names: string[];
  readonly nameNumbers: Map<string, number>;
  readonly namespaces: Map<string, NamespaceState>;
  readonly policies: Map<string, PolicyState>;
  readonly oomNotes: Map<number, OomNote>;
  readonly settings: Map<string, AggregateSettings>;
  readonly defaultSettings: AggregateSettings;
  readonly defaultPlan: EstimationPlan;
  readonly rows: UsageRows;
  readonly step: MemoryStep;
  readonly cpuBlock: CpuBlock;
  readonly estimates: Estimates;
  containers: number;
  pods: number;
  /** The latest time that was heard of, −Infinity: none. */
  latest: number;
}

/** A list that begins by pushing holds room for 17. */
export function addSet(policy: PolicyState, set: LabelSet): void {
  if (policy.sets.length === 0) policy.sets = [set];
  else policy.sets.push(set);
}

export const noPolicies: readonly PolicyState[] = Object.freeze([]);

export function nameNumber({ names, nameNumbers }: EngineState, name: string): number {
  const known = nameNumbers.get(name);
  if (known !== undefined) return known;
  const number = names.push(name) - 1;
  nameNumbers.set(name, number);
  return number;
}
