import type { ObjectReference } from './object.ts';
import type { PodShape } from './pod-shape.ts';
import type { ResourceList } from './resource-list.ts';

/** What the replicas controller is about to want, said before pods exist, so that the node controller can buy nodes in time. */
export interface ScaleIntent {
  readonly target: ObjectReference;
  readonly currentReplicas: number;
  readonly wantedReplicas: number;
  /** What a new pod asks for: that of the newest pod, or of the target's template while there are none; `undefined` when neither could be read. */
  readonly shape: PodShape | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Which resource of which target a controller steers, so that two of them do not chase each other. */
export interface Claim {
  readonly controller: string;
  readonly policy: ObjectReference;
  readonly target: ObjectReference;
  /** `replicas`, or `requests/cpu`, `requests/memory`. */
  readonly dimension: string;
  /** For a replicas policy: the resource whose utilization it measures. */
  readonly measures?: string;
  /** It is carried out by somebody else (a native object that this program has not adopted): nothing can be asked of it. */
  readonly foreign?: boolean;
}

/**
 * The requests of a target's pods are moved by a requests policy. Whoever measures utilization goes by what the pod template asks for instead, so that a resize
 * changes no utilization: a target of 60 % of a template's 500m stays 300m a pod, whatever the pods request at the moment.
 */
export interface RequestReference {
  /** The policy that moves them. */
  readonly policy: ObjectReference;
  /** `cpu`, `memory`. */
  readonly resources: readonly string[];
  /** Requests of the template's containers by name, in thousandths. `undefined`: the template is not known, and neither is a utilization. */
  readonly template: ReadonlyMap<string, ResourceList> | undefined;
}
