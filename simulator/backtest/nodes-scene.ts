import type { KubeObject, Taint } from '../../core/model/index.ts';

/**
 * A scene for node autoscalers: what a cluster is at the beginning, and everything that happens to it by itself. What the autoscaler does and what
 * follows from that is not in it. Times are seconds since 2000-01-01T00:00:00Z, durations seconds.
 */
export interface NodesScene {
  readonly id: string;
  /** Nothing happens by itself after this time. */
  readonly end: number;
  /** The world takes a step this long before every tenth second, at which loops run. */
  readonly stepLead: number;
  readonly groups: readonly SceneGroup[];
  /** Pod fragments by name of the shape. Of the shape `mirror` every node has one; those of DaemonSets are called `ds:<name>`. */
  readonly shapes: Readonly<Record<string, KubeObject>>;
  /** ReplicaSets; the pods of each have the shape of its name. */
  readonly sets: readonly SceneSet[];
  readonly daemonSets: readonly KubeObject[];
  readonly budgets: readonly KubeObject[];
  readonly start: SceneStart;
  readonly cloud: SceneCloud;
  readonly workload: readonly WorkloadChange[];
  /** How long a bound pod of a shape goes on after its deletion; 0 where a shape is absent. */
  readonly graceOf: Readonly<Record<string, number>>;
}

/** A group as its cloud describes it. */
export interface SceneGroup {
  readonly id: string;
  readonly min: number;
  readonly max: number;
  readonly template: KubeObject;
  readonly templatePods: readonly KubeObject[];
  /** Of real nodes; absent: the template's. */
  readonly nodeAllocatable?: Readonly<Record<string, string>> | undefined;
  /** Instances are listed only when they have booted. */
  readonly lateInstances: boolean;
}

export interface SceneSet {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What is there when the first loop runs. The target size of each group is the number of its instances. */
export interface SceneStart {
  readonly nodes: readonly StartNode[];
  readonly pods: readonly StartPod[];
  /** spec.replicas by set. */
  readonly replicas: Readonly<Record<string, number>>;
}

export interface StartNode {
  readonly name: string;
  readonly group: string;
  readonly created: number;
  readonly ready: boolean;
  readonly since: number;
  readonly taints: readonly Taint[];
  readonly annotations: Readonly<Record<string, string>>;
}

export interface StartPod {
  readonly name: string;
  readonly shape: string;
  readonly created: number;
  /** Absent: it waits. */
  readonly node?: string | undefined;
}

/** How the machines of the cloud behave. */
export interface SceneCloud {
  /** From the request to the Node object, by name of the instance. Names that nobody recorded follow {@link bootLike}. */
  readonly bootOf: ReadonlyMap<string, number>;
  /** By group: the boot of an instance by its number modulo 3, or of any (`undefined` in a place: not known). */
  readonly bootLike: ReadonlyMap<string, BootPattern>;
  /** From the Node object to Ready. */
  readonly readyAfter: number;
  /** New and broken nodes carry `node.kubernetes.io/not-ready:NoSchedule`. */
  readonly taintsNotReady: boolean;
  /** From the end of the instance to the end of the Node object. */
  readonly nodeLingers: number;
  /** For late groups: how long before the Node object an instance is listed. */
  readonly listedBefore: number;
  readonly incidents: readonly CloudIncident[];
}

export interface BootPattern {
  readonly byRemainder: readonly [number | undefined, number | undefined, number | undefined];
  readonly any: number;
}

/** Something that befalls machines. `name` is who it befell; where there is no such machine the nearest one of the group stands in. */
export type CloudIncident =
  /** The node is not ready for a while. */
  | { readonly what: 'broken'; readonly at: number; readonly until: number; readonly group: string; readonly name: string }
  /** The cloud takes an instance away and starts another one in its place. */
  | { readonly what: 'lost'; readonly at: number; readonly group: string; readonly name: string }
  /** IncreaseSize is refused; instances asked for report a stockout; instances asked for never boot. Both ends included. */
  | { readonly what: 'refuses' | 'stockout' | 'stuck'; readonly from: number; readonly to: number; readonly group: string };

/** The workload's own doing, at a step. */
export type WorkloadChange =
  /** spec.replicas of a set. `gone`: which of its pods go when it shrinks, as places in the order of their names, of how many. */
  | {
      readonly what: 'scale';
      readonly at: number;
      readonly set: string;
      readonly to: number;
      readonly gone?: { readonly places: readonly number[]; readonly of: number } | undefined;
    }
  /** A pod without controller comes. */
  | { readonly what: 'stray'; readonly at: number; readonly name: string; readonly shape: string }
  /** It goes, if it is still there. */
  | { readonly what: 'stray-gone'; readonly at: number; readonly name: string };

/** Second 0 of scenes as epoch milliseconds. */
const epochMs = 946_684_800_000;

/** Epoch milliseconds of a scene's second. */
export function msOf(seconds: number): number {
  return epochMs + seconds * 1000;
}

/** The same as text, as objects have it. */
export function textOf(seconds: number): string {
  return new Date(msOf(seconds)).toISOString();
}

/** Loops run at every tenth second. */
export const loopSeconds = 10;

/** The first step of the world that is not before a time. */
export function firstStepFrom(at: number, stepLead: number): number {
  return Math.ceil((at + stepLead) / loopSeconds) * loopSeconds - stepLead;
}

/** Orders texts by code unit. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
