import { humanDuration } from '../../../core/units/index.ts';
import type { NodeReport } from '../loop/model.ts';
import type { BlockingPod, UnremovableReason } from '../model.ts';
import type { Utilization } from './utilization.ts';

/** What the pass found out about one node. */
export interface Finding {
  readonly node: string;
  readonly group: string | undefined;
  utilization?: Utilization | undefined;
  unneededSince?: number | undefined;
  reason?: UnremovableReason | undefined;
  blockedBy?: BlockingPod | undefined;
  removableAt?: number | undefined;
  /** For how long it has to be unneeded. */
  waitMs?: number | undefined;
  /** What a simulation of its removal found, in this pass or an earlier one that is still believed. */
  found?: NodeReport['found'];
  /** Why its removal failed in this pass, for later passes. */
  remembered?: string | undefined;
  retryAt?: number | undefined;
  /** What follows `Node x stays: ` or `Node x goes: ` and the like; without a full stop. */
  text: string;
}

/** The report of a finding. */
export function reportOf(finding: Finding): NodeReport {
  const { node, group, utilization, unneededSince, reason, blockedBy, removableAt, waitMs, found, text } = finding;
  return {
    node,
    group,
    utilization: utilization?.share,
    utilizationResource: utilization?.resource,
    unneededSince,
    unremovable: reason,
    blockedBy,
    removableAt,
    waitMs,
    found,
    message: `Node ${node} ${text}.`,
  };
}

/** `12.5 % of its cpu`. */
export function shareText({ share, resource }: Utilization): string {
  return `${percent(share)} of its ${resource}`;
}

/** `12.5 %`. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 1000) / 10} %` : 'an unknown share';
}

/** `in 4m 20s`, or `now` when the time is over. */
export function untilText(until: number, now: number): string {
  return until <= now ? 'now' : `in ${humanDuration(until - now)}`;
}
