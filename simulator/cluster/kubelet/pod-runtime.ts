import type { KubeObject } from '../../../core/model/object.ts';
import type { Wakeable } from './wakeups.ts';
import { ContainerRuntime } from './container-runtime.ts';
import type { NodeRuntime } from './node-runtime.ts';
import { podRequests, readPodSpec } from './pod-spec.ts';
import type { PodSpec } from './pod-spec.ts';

export interface PodCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

/** Why the node gave the pod up: phase Failed with this reason. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
  readonly disruption?: string;
}

export interface ResizeState {
  /** `pending`: the new figures are not accepted; `progress`: accepted, being done. */
  pending: { readonly reason: 'Deferred' | 'Infeasible'; readonly message: string } | undefined;
  progress: { readonly generation: number; readonly error: string | undefined } | undefined;
  /** When the accepted resize is (tried to be) done. */
  actuateAt: number;
  /** Since when it waits for room: the oldest goes first. */
  since: number;
}

/** One pod on its node: what the kubelet knows of it. Behaviour is in pod-life.ts and resize.ts. */
export class PodRuntime implements Wakeable {
  readonly node: NodeRuntime;
  readonly key: string;
  readonly uid: string;
  spec: PodSpec;
  generation: number;
  readonly containers: ContainerRuntime[];
  readonly acceptedAt: number;
  startTime: number;
  readonly #onWake: (pod: PodRuntime, now: number) => void;
  wakeAt = Number.POSITIVE_INFINITY;

  podIP: string | undefined;
  /** Whether the object already has addresses: lists that merge by address must not be sent again. */
  addressesWritten = false;
  scheduledWritten = false;
  ready = false;
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' = 'Pending';
  failure: PodFailure | undefined;
  /** Deletion was asked for. */
  terminating = false;
  stopAt = Number.POSITIVE_INFINITY;
  /** Containers have ended; the object can go. */
  stopped = false;
  deleteSent = false;
  hasFinalizers = false;
  removed = false;
  readonly resize: ResizeState = { pending: undefined, progress: undefined, actuateAt: Number.POSITIVE_INFINITY, since: 0 };
  /** Conditions with the time of their last change of status. */
  readonly conditionSince = new Map<string, { readonly status: string; readonly at: number }>();
  /** Resize conditions that the object in the API server has. */
  readonly serverResizeConditions = new Set<string>();
  /** Conditions that have a reason or message in the API server. */
  readonly serverExplained = new Set<string>();
  /** Conditions that others write and readiness gates name. */
  gates: ReadonlyMap<string, string> = new Map();
  /** resourceVersion of the newest state known: older events are skipped. */
  resourceVersion = 0n;
  /** Status has changed since it was written. */
  dirty = false;
  /** Ready condition as last written, to see when somebody else changed it. */
  writtenReady: string | undefined;

  constructor(node: NodeRuntime, object: KubeObject, acceptedAt: number, onWake: (pod: PodRuntime, now: number) => void) {
    this.node = node;
    this.spec = readPodSpec(object);
    this.key = podKey(object);
    this.uid = object.metadata.uid ?? '';
    this.generation = object.metadata.generation ?? 1;
    this.acceptedAt = acceptedAt;
    this.startTime = acceptedAt;
    this.containers = this.spec.containers.map((container) => new ContainerRuntime(container, this.uid, (work) => node.keepWork(work)));
    this.#onWake = onWake;
  }

  get terminal(): boolean {
    return this.phase === 'Succeeded' || this.phase === 'Failed';
  }

  /** What it takes of the node, in thousandths by resource; nothing once it is over. */
  requests(): Map<string, number> {
    if (this.terminal) return new Map();
    return podRequests(
      this.containers.map(({ spec, allocated }) => ({ kind: spec.kind, resources: allocated })),
      this.spec.overhead,
    );
  }

  wake(now: number): void {
    this.#onWake(this, now);
  }
}

export function podKey(object: KubeObject): string {
  return `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`;
}
