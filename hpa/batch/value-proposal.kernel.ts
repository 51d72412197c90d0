import type { SeriesSample } from '../../core/model/metric-query.ts';
import { ceilInt32, sumCapped } from '../engine/arithmetic.ts';
import { podFlag } from './pod-facts.ts';
import type { PodGroup } from './pod-table.ts';
import { proposalEnd, type UsageContext } from './usage-proposal.kernel.ts';

/** Filled by {@link proposeByValue}. */
export interface ValueProposal {
  end: number;
  replicas: number;
}

/** What engine/value-replicas.ts proposes for an Object, External or Prometheus metric (§5.5, §5.6). */
export function proposeByValue(
  out: ValueProposal,
  { perReplica, target }: { readonly perReplica: boolean; readonly target: number },
  series: readonly SeriesSample[],
  { group, context }: { readonly group: PodGroup; readonly context: UsageContext },
): void {
  // Exact where the engine is: it, too, makes a double of the sum before it divides.
  const total = Number(series.length === 1 ? series[0]!.milli : sumCapped(series.map(({ milli }) => milli)));
  out.end = proposalEnd.ok;
  if (perReplica) out.replicas = perReplicaCount(out, total, target, context);
  else out.replicas = valueCount(out, total / target, group, context);
}

function perReplicaCount(
  out: ValueProposal,
  total: number,
  target: number,
  { statusReplicas, toleranceUp, toleranceDown }: UsageContext,
): number {
  if (total < 0) {
    out.end = proposalEnd.failed;
    return 0;
  }
  const ratio = total / (target * statusReplicas);
  if (1 - toleranceDown <= ratio && ratio <= 1 + toleranceUp) return statusReplicas;
  return ceilInt32(total / target);
}

function valueCount(out: ValueProposal, ratio: number, group: PodGroup, context: UsageContext): number {
  const { currentReplicas, toleranceUp, toleranceDown, sizeWhenUnready } = context;
  if (1 - toleranceDown <= ratio && ratio <= 1 + toleranceUp) return currentReplicas;
  if (group.records.length === 0 && !(sizeWhenUnready && ratio > 1)) {
    out.end = proposalEnd.failed;
    return 0;
  }
  const serving = countServing(group, context);
  return ceilInt32(ratio * (serving === 0 && sizeWhenUnready ? currentReplicas : serving));
}

function countServing({ start, records }: PodGroup, { table }: UsageContext): number {
  const { flags } = table;
  let count = 0;
  for (let slot = start; slot < start + records.length; slot++) if ((flags[slot]! & podFlag.serving) !== 0) count++;
  return count;
}
