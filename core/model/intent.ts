import type { ObjectReference } from './object.ts';
import type { PodShape } from './pod-shape.ts';

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
}
