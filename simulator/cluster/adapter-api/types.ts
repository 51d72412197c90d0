import type { Clock } from '../../../core/model/clock.ts';
import type { KubeObject, ResourceType } from '../../../core/model/object.ts';
import type { Labels } from '../../../core/model/selector.ts';
import type { ApiHandler, Registry } from '../api-server/types.ts';

export type AdapterGroupVersion = 'custom.metrics.k8s.io/v1beta1' | 'custom.metrics.k8s.io/v1beta2' | 'external.metrics.k8s.io/v1beta1';

/** A quantity as JSON has it (`250m`), or a number, which is given to the nearest thousandth; NaN and infinity are no value. */
export type Amount = string | number;

/** Fixed, or a function of the time (epoch milliseconds); `undefined`: there is no value now. */
export type AdapterValue = Amount | ((now: number) => Amount | undefined);

/** As {@link AdapterValue}, for each pod by itself. */
export type PodValue = Amount | ((now: number, pod: KubeObject) => Amount | undefined);

export interface SeriesOptions {
  /** Length of the measured window, whole seconds; absent: not told. */
  readonly windowSeconds?: number | undefined;
}

/** One series about one object. Several series of an object and metric that a selector leaves are summed. */
export interface ObjectSeries {
  /** A Namespace's metrics are those of type `namespaces`. */
  readonly type: ResourceType;
  /** Absent for what is in none. */
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly metric: string;
  /** What metricLabelSelector picks by. */
  readonly labels?: Labels | undefined;
}

/** One series about each pod that there is and that the selector matches, now or later. */
export interface PodSeries {
  readonly namespace: string;
  /** Label selector text; empty: all pods. */
  readonly selector: string;
  readonly metric: string;
  readonly labels?: Labels | undefined;
}

export interface ExternalSeries {
  readonly namespace: string;
  readonly metric: string;
  readonly labels?: Labels | undefined;
}

/** Ways in which an adapter lies or fails; they hold as long as they are set. Discovery of a version goes on unless it says otherwise. */
export interface AdapterFaults {
  /** Every request is answered 503. */
  unavailable: boolean;
  /** Every request is answered 429 with this Retry-After, seconds. */
  overloadedSeconds: number | undefined;
  /** Every list is empty; single objects too, which is an answer without a value. */
  emptyList: boolean;
  /** Every value is the text NaN, which is no quantity. */
  notANumber: boolean;
  /** Values and timestamps stand still at this time, epoch milliseconds. */
  frozenAt: number | undefined;
  /** Milliseconds added to every timestamp. */
  clockSkewMs: number;
  /** The body of every answer comes so much later by the clock, milliseconds. */
  latencyMs: number;
  /** Every answer is padded by so many bytes. */
  paddingBytes: number;
  /** Every request is answered 200 with a page of HTML, as a proxy with a sign-in does. */
  html: boolean;
  /** These are answered `404 page not found`, discovery included, although the API server lists (and may prefer) them. */
  readonly notServed: Set<AdapterGroupVersion>;
  /** Share of the pods that is answered, 0…1; always the same ones for the same share. */
  partial: number;
}

/** One entry of the discovery document. */
export interface AdapterResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** What `ApiServer.mount` takes. */
export interface AdapterGroup {
  readonly groupVersion: AdapterGroupVersion;
  readonly handler: ApiHandler;
  readonly discovery: readonly AdapterResource[];
}

export interface AdapterApiOptions {
  readonly clock: Clock;
  /** The objects that there are: what `*` and label selectors are answered by, and without which no pod has a metric. */
  readonly objects: Pick<Registry, 'get' | 'list'>;
}

export interface AdapterApi {
  readonly groups: readonly AdapterGroup[];
  readonly faults: AdapterFaults;
  /** Puts a series in the place of the one with equal type, object, metric and labels; `undefined` takes it away. */
  setObject(series: ObjectSeries, value: AdapterValue | undefined, options?: SeriesOptions): void;
  setPods(series: PodSeries, value: PodValue | undefined, options?: SeriesOptions): void;
  setExternal(series: ExternalSeries, value: AdapterValue | undefined, options?: SeriesOptions): void;
  /** Takes every series away; faults stay. */
  clear(): void;
}
