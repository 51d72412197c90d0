import type { Amounts } from '../resources.ts';
import { type Rejection, rejection } from './rejection.ts';

/** A node's room. */
export interface NodeRoom {
  readonly allocatable: Amounts;
  readonly allowedPods: number;
  readonly requested: Amounts;
  readonly podCount: number;
}

/** NodeResourcesFit: every resource that does not fit is named, in upstream's order; what is asked for as zero always fits. */
export function filterResources(wanted: Amounts, room: NodeRoom): Rejection | undefined {
  const { allocatable, requested } = room;
  // The common case first, without building anything.
  if (
    room.podCount < room.allowedPods &&
    wanted.scalar === undefined &&
    (wanted.cpu === 0 || wanted.cpu <= allocatable.cpu - requested.cpu) &&
    (wanted.memory === 0 || wanted.memory <= allocatable.memory - requested.memory) &&
    (wanted.ephemeral === 0 || wanted.ephemeral <= allocatable.ephemeral - requested.ephemeral)
  ) {
    return undefined;
  }
  return explain(wanted, room);
}

function explain(wanted: Amounts, room: NodeRoom): Rejection | undefined {
  const { allocatable, requested } = room;
  const reasons: string[] = [];
  let unresolvable = false;
  if (room.podCount + 1 > room.allowedPods) reasons.push('Too many pods');
  const check = (name: string, amount: number, limit: number, used: number): void => {
    if (amount <= 0 || amount <= limit - used) return;
    reasons.push(`Insufficient ${name}`);
    if (amount > limit) unresolvable = true;
  };
  check('cpu', wanted.cpu, allocatable.cpu, requested.cpu);
  check('memory', wanted.memory, allocatable.memory, requested.memory);
  check('ephemeral-storage', wanted.ephemeral, allocatable.ephemeral, requested.ephemeral);
  for (const [name, amount] of wanted.scalar ?? []) {
    check(name, amount, allocatable.scalar?.get(name) ?? 0, requested.scalar?.get(name) ?? 0);
  }
  return reasons.length === 0 ? undefined : rejection('NodeResourcesFit', reasons, unresolvable);
}
