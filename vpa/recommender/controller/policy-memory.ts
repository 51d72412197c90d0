import type { ScalingHistory } from '../../../core/model/cooldown.ts';
import type { KubeObject } from '../../../core/model/object.ts';
import type { Selector } from '../../../core/model/selector.ts';
import type { Recommendation, SizingPolicy } from '../../model.ts';
import type { TargetResolution } from '../../ports.ts';
import type { Clamp } from '../engine/post-processors.ts';
import type { ContainerEvidence } from '../engine/types.ts';
import type { UpdateReport } from './ports.ts';
import type { KeptAmount } from './refine.ts';

/** A live container without samples. */
export interface SilentContainer {
  readonly container: string;
  /** Its last sample, epoch milliseconds; `undefined`: never one. */
  readonly since: number | undefined;
}

/** What the last look at a policy came to. */
export type Outcome =
  /** Nothing is known that would change the status. */
  | { readonly state: 'waiting' }
  | { readonly state: 'unsupported'; readonly message: string }
  | {
      readonly state: 'recommended';
      readonly recommendation: Recommendation;
      readonly podCount: number;
      readonly silent: readonly SilentContainer[];
      readonly clamps: readonly Clamp[];
      /** One sentence each. */
      readonly warnings: readonly string[];
    };

/** What is kept of a policy between passes. */
export interface PolicyMemory {
  readonly key: string;
  readonly uid: string | undefined;
  /** Its checkpoints, and its past, are in the engine. */
  prepared: boolean;
  /** What the engine was told, to tell it only of changes. */
  tracked: TrackedFrom | undefined;
  resolution: TargetResolution | undefined;
  outcome: Outcome;
  /** Of the containers in the recommendation. */
  evidence: readonly ContainerEvidence[];
  kept: readonly KeptAmount[];
  /** When a live pod last had the container, epoch milliseconds. */
  readonly seen: Map<string, number>;
  vanished: ReadonlySet<string>;
  /** Epoch milliseconds of the last recommendation. */
  recommendedAt: number | undefined;
  /** Scalings that may not be stored yet; the later ones of these and of the stored ones count. */
  history: ScalingHistory;
  report: UpdateReport | undefined;
  /** What was last sent and what the server made of it. */
  written: WrittenStatus | undefined;
  /** Said in an Event already. */
  warned: string | undefined;
  waiters: ((stored: boolean) => void)[];
  /** What was last compared with what is stored. */
  compared: ComparedStatus | undefined;
  /** What was last found to be stored already. */
  checked: { readonly raw: KubeObject; readonly text: string } | undefined;
}

export interface ComparedStatus {
  readonly raw: KubeObject;
  readonly outcome: Outcome;
  readonly report: UpdateReport | undefined;
  readonly history: ScalingHistory;
  readonly written: WrittenStatus | undefined;
  /** `undefined`: there is nothing to write. */
  readonly change: StatusChange | undefined;
}

export interface StatusChange {
  readonly observed: Readonly<Record<string, unknown>>;
  readonly next: Readonly<Record<string, unknown>>;
  /** Of a merge patch. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TrackedFrom {
  readonly policy: SizingPolicy;
  readonly selector: Selector;
  readonly text: string;
}

export interface WrittenStatus {
  /** resourceVersion of the object that the write was made from. */
  readonly seenVersion: string | undefined;
  readonly sent: Readonly<Record<string, unknown>>;
  /** `status` in the server's answer; `undefined` when it gave none. */
  readonly stored: Readonly<Record<string, unknown>> | undefined;
}

export function emptyMemory(key: string, uid: string | undefined): PolicyMemory {
  return {
    key,
    uid,
    prepared: false,
    tracked: undefined,
    resolution: undefined,
    outcome: { state: 'waiting' },
    evidence: [],
    kept: [],
    seen: new Map(),
    vanished: new Set(),
    recommendedAt: undefined,
    history: {},
    report: undefined,
    written: undefined,
    warned: undefined,
    waiters: [],
    compared: undefined,
    checked: undefined,
  };
}

/** The later of both times, each way. */
export function mergedHistory(a: ScalingHistory, b: ScalingHistory): ScalingHistory {
  return { lastScaleUp: later(a.lastScaleUp, b.lastScaleUp), lastScaleDown: later(a.lastScaleDown, b.lastScaleDown) };
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.max(a, b);
}
