import type { ScalingHistory } from '../../core/model/cooldown.ts';
import type { Decision } from '../../core/model/decision.ts';
import type { KubeObject } from '../../core/model/object.ts';
import type { PodShape } from '../../core/model/pod-shape.ts';
import type { HpaState } from '../engine/index.ts';
import { historyOf, restoredState, type PolicyResult } from '../policy.ts';
import type { HorizontalPolicyStatus } from '../policy-schema.ts';
import type { UnsureWrite } from './unrecorded.ts';

/** What is remembered of one policy between evaluations. */
export interface PolicyMemory {
  uid: string | undefined;
  parsed: { readonly revision: string; readonly result: PolicyResult } | undefined;
  state: HpaState;
  history: ScalingHistory;
  /** This process has read the target's scale at least once. */
  seenScale: boolean;
  /** A write whose answer was lost. */
  unsure: UnsureWrite | undefined;
  /** The size that was read last, and when it was first read. */
  size: { readonly replicas: number; readonly since: number } | undefined;
  /** The controller itself has set the 0 replicas that the target has; status may not say so yet. */
  ownZero: boolean;
  /** The status that was written last, while the mirror still shows one of the versions from before. */
  written: WrittenStatus | undefined;
  /** Warnings that stand: the same one is not said again every 15 seconds. */
  warned: ReadonlySet<string>;
  decision: Decision | undefined;
  /** What would be set without cooldowns and mode. */
  proposed: number | undefined;
  /** Of the pods that the target gets; `unknown`: it was looked for in vain. */
  shape: PodShape | 'unknown' | undefined;
  /** To be evaluated again soon. */
  again: boolean;
  /** When a schedule next changes what is allowed, epoch milliseconds. */
  boundsChangeAt: number | undefined;
  /** Until when a first evaluation waits for first answers, on the monotonic clock. */
  waitsUntil: number | undefined;
}

/** A status that was stored. */
export interface WrittenStatus {
  /** resourceVersions of the object that are older. */
  readonly older: ReadonlySet<string | undefined>;
  readonly version: string | undefined;
  readonly status: Partial<HorizontalPolicyStatus>;
}

export function emptyMemory(uid: string | undefined, raw: KubeObject): PolicyMemory {
  return {
    uid,
    parsed: undefined,
    state: restoredState(raw),
    history: historyOf(raw),
    seenScale: false,
    unsure: undefined,
    ownZero: false,
    size: undefined,
    written: undefined,
    warned: new Set(),
    decision: undefined,
    proposed: undefined,
    shape: undefined,
    again: false,
    boundsChangeAt: undefined,
    waitsUntil: undefined,
  };
}
