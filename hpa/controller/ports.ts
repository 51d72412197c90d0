import type { Registry } from 'prom-client';
import type { KubeClient } from '../../core/kube/api.ts';
import type { Clock, Random } from '../../core/model/clock.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { RequestReference } from '../../core/model/intent.ts';
import type { MetricQuery } from '../../core/model/metric-query.ts';
import type { MetricsView } from '../../core/model/metrics-view.ts';
import type { KubeObject, ObjectReference } from '../../core/model/object.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import type { Selector } from '../../core/model/selector.ts';
import type { Logger } from '../../core/runtime/logging.ts';
import type { PodSource } from '../batch/index.ts';
import type { HpaConfig } from '../config.ts';
import type { ControllerOf, EventNote } from '../engine/index.ts';

/** A change of a policy; `Delta` of a Reflector is one. */
export interface PolicyChange {
  readonly type: 'added' | 'updated' | 'deleted';
  /** `namespace/name` */
  readonly key: string;
  readonly old: KubeObject | undefined;
  readonly new: KubeObject | undefined;
}

/** A live list of whole objects by `namespace/name`; a `Reflector<KubeObject>` is one. */
export interface PolicySource {
  get(key: string): KubeObject | undefined;
  items(): readonly KubeObject[];
  /** Calls for every change, at once for what is there; answers the unsubscriber. */
  onDelta(handler: (change: PolicyChange) => void): () => void;
  hasSynced(): boolean;
}

/** Pods by namespace and selector; a `ClusterView` is one. */
export interface PodLister {
  podsMatching(namespace: string, selector: Selector): readonly PodRecord[];
}

/** Where Events go: fire and forget, deduplicated and limited by whoever writes them. */
export interface EventSink {
  emit(regarding: ObjectReference, note: EventNote): void;
}

export interface HpaControllerOptions {
  /** Fenced: throws `FENCED` when this process must not write. */
  readonly client: KubeClient;
  readonly reads: {
    readonly policies: PolicySource;
    /** The pods now; called once for each evaluation. `undefined` until they are known. */
    readonly pods: () => PodLister | undefined;
    /** All pods and what becomes of them: with it, many policies are decided at once; absent: one after the other. */
    readonly podChanges?: PodSource | undefined;
    /** Milliseconds since anything was heard of pods, a bookmark at the least; absent: they are always up to date. */
    readonly podsAgeMs?: (() => number | undefined) | undefined;
    /** Native autoscaling/v2 objects, to see that one target is not scaled twice; with `config.adoptHpas` they are policies too. */
    readonly nativeHpas?: PolicySource | undefined;
    /** What controls an owner of pods, by uid; absent: pods of a target are told by their labels. */
    readonly controllerOf?: ControllerOf | undefined;
    /** Whether a requests policy moves the requests of a target's pods; absent: none does. */
    readonly requestReferenceOf?: ((target: ObjectReference) => RequestReference | undefined) | undefined;
  };
  readonly metrics: () => MetricsView;
  /** Declares what a policy (`namespace/name`) wants asked of other sources than usage; replaces what it wanted before, `[]` forgets it. */
  readonly demand?: ((policy: string, queries: readonly MetricQuery[]) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly config: HpaConfig;
  /** Every decision as it is taken, also those that change nothing. A throw is logged and goes no further. */
  readonly onDecision?: ((decision: Decision) => void) | undefined;
}
