import type { Registry } from 'prom-client';
import type { Fence, KubeClient } from '../../core/kube/index.ts';
import type {
  Clock,
  Decision,
  KubeObject,
  NodeRecord,
  ObjectReference,
  PdbRecord,
  PodRecord,
  Random,
  ScaleIntent,
} from '../../core/model/index.ts';
import type { Logger } from '../../core/runtime/index.ts';
import type { NodesConfig } from '../config.ts';
import type { ControllerFacts, DaemonPod } from '../engine/model.ts';
import type { Provider } from '../providers/provider.ts';
import type { DeviceReads } from './devices.ts';
import type { VolumeReads } from './volumes.ts';

/** A live list of something, as a mirror keeps it. */
export interface ListSource<T> {
  items(): readonly T[];
  hasSynced(): boolean;
}

/** One that can be looked up, by `namespace/name` or by `name`. */
export interface KeyedSource<T> extends ListSource<T> {
  get(key: string): T | undefined;
}

export interface Change<T> {
  readonly key: string;
  readonly old: T | undefined;
  readonly new: T | undefined;
}

/** One that tells of its changes; what is there already comes before the call returns. Answers the unsubscriber. */
export interface WatchedSource<T> extends KeyedSource<T> {
  onDelta(handler: (change: Change<T>) => void): () => void;
}

export interface NamespaceLabels {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Live copies of what the loop looks at. */
export interface NodesReads {
  readonly pods: WatchedSource<PodRecord>;
  readonly nodes: KeyedSource<NodeRecord>;
  readonly budgets: ListSource<PdbRecord>;
  readonly daemonPods: ListSource<DaemonPod>;
  readonly namespaces: ListSource<NamespaceLabels>;
  readonly policies: WatchedSource<KubeObject>;
  /** Workload controllers by `kind/namespace/name`; kept up to date. */
  readonly controllers: ReadonlyMap<string, ControllerFacts>;
  /** Absent: volumes are not looked at. */
  readonly volumes?: VolumeReads | undefined;
  /** Absent: pods with claims on devices are not simulated. */
  readonly devices?: DeviceReads | undefined;
  /** Milliseconds since the staler one of the mirrors of pods and nodes heard anything; `undefined`: not known. */
  readonly ageMs?: (() => number | undefined) | undefined;
}

export interface EventSink {
  emit(object: ObjectReference, event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }): void;
}

/** What the node controller needs. */
export interface NodesControllerOptions {
  /** Fenced by leadership and dry run. */
  readonly client: KubeClient;
  /** The same fence, for calls to the cloud, which the client does not make. */
  readonly fence: Fence;
  readonly reads: NodesReads;
  readonly provider: Provider;
  /** What the replicas controller is about to want. */
  readonly intents: () => readonly ScaleIntent[];
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly config: NodesConfig;
  readonly onDecision?: ((decision: Decision) => void) | undefined;
}
