import type { KubeObject, ObjectReference } from '../core/model/object.ts';
import type { OwnerRecord, PodRecord } from '../core/model/pod.ts';
import type { ResourceList } from '../core/model/resource-list.ts';
import type { Labels, Selector } from '../core/model/selector.ts';
import type { PolicyFailure, Recommendation, SizingPolicy } from './model.ts';

/** How the parts of the requests controller see each other and the cluster. Whoever composes the program hands these over. */

/** A change of an object; `Delta` of a Reflector is one. */
export interface ObjectChange<T = KubeObject> {
  readonly type: 'added' | 'updated' | 'deleted';
  /** `namespace/name` */
  readonly key: string;
  readonly old: T | undefined;
  readonly new: T | undefined;
}

/** A live list by `namespace/name`; a `Reflector<T>` is one. */
export interface ObjectSource<T = KubeObject> {
  get(key: string): T | undefined;
  items(): readonly T[];
  /** Calls for every change, at once for what is there; answers the unsubscriber. */
  onDelta(handler: (change: ObjectChange<T>) => void): () => void;
  hasSynced(): boolean;
}

/** A policy as it is now. */
export interface KnownPolicy {
  /** `kind/namespace/name`: a VerticalPolicy and a VerticalPodAutoscaler may have one name. */
  readonly key: string;
  readonly raw: KubeObject;
  readonly policy: SizingPolicy;
  /** `status.recommendation`, when its condition RecommendationProvided is True. */
  readonly recommendation: Recommendation | undefined;
}

/** Every policy that this program carries out (adopted ones too), parsed once. */
export interface PolicyBook {
  all(): readonly KnownPolicy[];
  get(key: string): KnownPolicy | undefined;
  inNamespace(namespace: string): readonly KnownPolicy[];
  /** Policies whose targetRef is that kind and name. */
  forTarget(namespace: string, kind: string, name: string): readonly KnownPolicy[];
  /** Objects that could not be read. */
  rejected(): readonly { readonly key: string; readonly raw: KubeObject; readonly failure: PolicyFailure }[];
  /** Calls for every change; answers the unsubscriber. */
  onChange(
    handler: (change: { readonly key: string; readonly old: KnownPolicy | undefined; readonly new: KnownPolicy | undefined }) => void,
  ): () => void;
  hasSynced(): boolean;
}

/** A workload as far as the requests controller looks at it. */
export interface WorkloadFacts {
  readonly reference: ObjectReference;
  readonly selector: Selector;
  /** `spec.replicas` (a Job's parallelism); `undefined` for kinds without, or when it is not known. */
  readonly replicas: number | undefined;
  /** `status.numberReady` of a DaemonSet. */
  readonly ready: number | undefined;
  readonly owner: OwnerRecord | undefined;
  /** Container names of the pod template; `undefined` when there is no template to be read. */
  readonly templateContainers: readonly string[] | undefined;
  /** Requests of those containers by name, in thousandths; absent where they are not kept. */
  readonly templateRequests?: ReadonlyMap<string, ResourceList> | undefined;
  /** A new pod is ready before an old one goes: a Deployment that rolls with maxSurge of 1 or more. */
  readonly surges: boolean;
}

/** What became of a policy's targetRef. */
export type TargetResolution =
  | { readonly state: 'known'; readonly selector: Selector; readonly workload: WorkloadFacts | undefined }
  /** It is being looked up; ask again. */
  | { readonly state: 'pending' }
  /** It cannot be the target: no such kind, no scale, not the topmost controller. One sentence for a person: what to do. */
  | { readonly state: 'unsupported'; readonly message: string };

/** The topmost well-known or scalable controller of a pod. */
export type TopmostController =
  | { readonly state: 'known'; readonly owner: OwnerRecord }
  /** Nothing controls it, or a Node does (static pods). */
  | { readonly state: 'none' }
  | { readonly state: 'pending' }
  | { readonly state: 'failed'; readonly message: string };

/** Finds controllers and selectors (spec §7). Answers at once from what is mirrored and cached; what is not known is asked for behind. */
export interface TargetResolver {
  resolve(policy: SizingPolicy): TargetResolution;
  topmost(namespace: string, owner: OwnerRecord | undefined): TopmostController;
  /** The same, waiting for look-ups until the signal aborts: for the webhook. */
  topmostOf(namespace: string, owner: OwnerRecord | undefined, signal: AbortSignal): Promise<TopmostController>;
  /** A mirrored workload, by what a pod's owner reference says. */
  workload(namespace: string, owner: Pick<OwnerRecord, 'apiVersion' | 'kind' | 'name'>): WorkloadFacts | undefined;
  /**
   * Which of the policies controls a pod of that topmost controller and those labels: same kind and name as the targetRef, its selector matches; of several the
   * earliest created, then the smallest name (a VerticalPolicy before a native object).
   */
  controlling(
    pod: { readonly namespace: string; readonly labels: Labels; readonly topmost: OwnerRecord },
    book: PolicyBook,
  ): KnownPolicy | undefined;
  /** Calls when a look-up has ended, so that what was pending can be asked again. */
  onResolved(handler: () => void): () => void;
}

/** Where Events go: fire and forget, deduplicated and limited by whoever writes them. */
export interface EventSink {
  emit(
    regarding: ObjectReference,
    note: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string; readonly action?: string | undefined },
  ): void;
}

/** Pods by owner, namespace and selector; a `ClusterView` is one. */
export interface PodLister {
  readonly pods: readonly PodRecord[];
  podsInNamespace(namespace: string): readonly PodRecord[];
  podsMatching(namespace: string, selector: Selector): readonly PodRecord[];
  podsOwnedBy(uid: string): readonly PodRecord[];
}
