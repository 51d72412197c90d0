import { ceilInt32, toInt32 } from '../engine/arithmetic.ts';
import type { PodRecord } from '../../core/model/pod.ts';
import { podFlag } from './pod-facts.ts';
import type { PodGroup, PodTable } from './pod-table.ts';
import type { UsageColumns } from '../../core/model/metrics-view.ts';

/** A usage metric as numbers. */
export interface UsageMetric {
  readonly cpu: boolean;
  /** `target` is whole percent of the request; otherwise thousandths per pod. */
  readonly byUtilization: boolean;
  readonly target: number;
}

/** What proposals are made with: one object for a whole tick, set to one policy after the other. */
export interface UsageContext {
  readonly table: PodTable;
  columns: UsageColumns;
  /** See `UsageRows`. */
  shape: number;
  now: number;
  cpuInitializationMs: number;
  readonly maxSampleAgeMs: number;
  /** Whether gaps and doubts are looked for that upstream does not know (`incomplete` of controller/samples.ts). */
  strict: boolean;
  /** Since when the target has this size, epoch milliseconds. */
  sizedAt: number;
  statusReplicas: number;
  currentReplicas: number;
  toleranceUp: number;
  toleranceDown: number;
  /** While no pod is ready a Value target scales the current size. */
  sizeWhenUnready: boolean;
}

/** How a proposal ended. Only `ok` has a count; every other end is for the engine to tell. */
export const proposalEnd = {
  ok: 0,
  /** The metric fails: no pods, no usable sample, a missing request, … */
  failed: 1,
  /** The engine might call the data degraded: good for growth only. */
  doubtful: 2,
  /** A number that a double does not hold exactly: the engine counts with bigints. */
  inexact: 3,
} as const;

/** Filled by {@link proposeByUsage}: nothing is made in the loop. */
export interface UsageProposal {
  end: number;
  replicas: number;
  /** Of the first pass. */
  ratio: number;
  ready: number;
  unready: number;
  missing: number;
  ignored: number;
  /** The size stays because pods without a sample count as fully used. */
  keptByGaps: boolean;
  /** Neither deleting nor ended. */
  active: number;
  /** Without usage in the view, of whatever age. */
  rowless: number;
  /** Sums over ready pods, and over what the second pass adds. */
  total: number;
  requested: number;
  missingFilled: number;
  missingRequested: number;
  unreadyRequested: number;
}

export function emptyUsageProposal(): UsageProposal {
  return {
    end: 0,
    replicas: 0,
    ratio: 0,
    ready: 0,
    unready: 0,
    missing: 0,
    ignored: 0,
    keptByGaps: false,
    active: 0,
    rowless: 0,
    total: 0,
    requested: 0,
    missingFilled: 0,
    missingRequested: 0,
    unreadyRequested: 0,
  };
}

/**
 * What engine/metric.ts proposes for a Resource metric, as numbers: grouping (§5.1), requests (§5.2), both passes (§5.3, §5.4). The same result to the last bit, or
 * an end other than `ok`.
 */
export function proposeByUsage(out: UsageProposal, metric: UsageMetric, group: PodGroup, context: UsageContext): void {
  out.replicas = 0;
  out.ratio = 0;
  out.keptByGaps = false;
  out.end = sortPods(out, metric, group, context);
  if (out.end !== proposalEnd.ok) return;
  out.end = calculate(out, metric, context);
  // As the engine says it: what was measured asks for less, but the gaps keep the size.
  out.keptByGaps = out.missing > 0 && out.ratio < 1 - context.toleranceDown && out.replicas === context.currentReplicas;
}

/** Sorts and adds up the pods of the group. */
function sortPods(out: UsageProposal, metric: UsageMetric, group: PodGroup, context: UsageContext): number {
  const { table, columns } = context;
  const requests = metric.byUtilization ? requestsOf(table, metric) : undefined;
  const values = metric.cpu ? columns.cpuMilli : columns.memoryMilli;
  const full = Math.max(100, metric.target);
  reset(out);
  const { start } = group;
  const end = start + group.records.length;
  for (let slot = start; slot < end; slot++) {
    const request = requests === undefined ? 0 : requests[slot]!;
    // One gap fails the metric, also that of a failed pod.
    if (Number.isNaN(request)) return proposalEnd.failed;
    const value = sampleOf(out, context, values, slot);
    const flag = table.flags[slot]!;
    if ((flag & podFlag.active) !== 0) out.active++;
    if ((flag & podFlag.ignored) !== 0) out.ignored++;
    else if (Number.isNaN(value) && (flag & podFlag.pending) === 0) {
      out.missing++;
      out.missingRequested += request;
      out.missingFilled += filled(request, full);
    } else if (isUnready(context, metric, group, slot)) {
      out.unready++;
      out.unreadyRequested += request;
    } else {
      if (value < 0) return proposalEnd.inexact;
      out.ready++;
      out.total += value;
      out.requested += request;
    }
  }
  if (context.strict && out.ready > 0 && isIncomplete(out, group, context)) return proposalEnd.doubtful;
  return endOf(out);
}

function requestsOf({ cpuRequest, memoryRequest }: PodTable, { cpu }: UsageMetric): Float64Array {
  return cpu ? cpuRequest : memoryRequest!;
}

function reset(out: UsageProposal): void {
  out.ready = 0;
  out.unready = 0;
  out.missing = 0;
  out.ignored = 0;
  out.active = 0;
  out.rowless = 0;
  out.total = 0;
  out.requested = 0;
  out.missingFilled = 0;
  out.missingRequested = 0;
  out.unreadyRequested = 0;
}

/** The pod's value; NaN without a sample that is young enough, -1 for what a double does not hold exactly. */
function sampleOf(out: UsageProposal, { table, columns, now, maxSampleAgeMs }: UsageContext, values: Float64Array, slot: number): number {
  const row = table.row[slot]!;
  const timestamp = row < 0 ? -Infinity : columns.timestamps[row]!;
  // One that is too old may be gone from the view: it counts as one that is not there.
  if (timestamp < columns.oldest || now - timestamp > maxSampleAgeMs) {
    out.rowless++;
    return Number.NaN;
  }
  const first = columns.firstContainer[row]!;
  const end = columns.firstContainer[row + 1]!;
  // As the engine adds it up: without containers, or without the value of one, there is none.
  let sum = first === end ? Number.NaN : values[first]!;
  for (let at = first + 1; at < end; at++) sum += values[at]!;
  return Number.isNaN(sum) || (sum >= 0 && Number.isSafeInteger(sum)) ? sum : -1;
}

function endOf({ ready, total, requested, missingFilled, missingRequested, unreadyRequested }: UsageProposal): number {
  // No pod, no sample, or none of a pod that is ready.
  if (ready === 0) return proposalEnd.failed;
  // Nothing in the sum is negative, so that it tells for all its parts, at every step.
  const exact = total + missingFilled + requested + missingRequested + unreadyRequested <= Number.MAX_SAFE_INTEGER;
  return exact ? proposalEnd.ok : proposalEnd.inexact;
}

const unreadyCandidate = podFlag.neverReady | podFlag.young | podFlag.lateUnready;

/** What a pod without a sample counts for on the way down; NaN when that is not exact. */
function filled(request: number, full: number): number {
  const product = request * full;
  return product <= Number.MAX_SAFE_INTEGER ? truncatedQuotient(product, 100) : Number.NaN;
}

/** Pending, or one whose CPU says nothing. */
function isUnready(context: UsageContext, { cpu }: UsageMetric, group: PodGroup, slot: number): boolean {
  const flag = context.table.flags[slot]!;
  if ((flag & podFlag.pending) !== 0) return true;
  return cpu && (flag & unreadyCandidate) !== 0 && isCpuUnready(context, group, slot);
}

/** CPU of a starting pod says nothing about its load. */
function isCpuUnready({ table, columns, now, cpuInitializationMs }: UsageContext, group: PodGroup, slot: number): boolean {
  const flag = table.flags[slot]!;
  if ((flag & podFlag.neverReady) !== 0) return true;
  if ((flag & podFlag.young) !== 0) {
    const pod = group.records[slot - group.start]!;
    if (pod.started! + cpuInitializationMs > now) {
      if ((flag & podFlag.readyFalse) !== 0) return true;
      const row = table.row[slot]!;
      return columns.timestamps[row]! < (pod.readySince ?? 0) + columns.windowsMs[row]!;
    }
    table.flags[slot] = flag & ~podFlag.young;
  }
  return (flag & podFlag.lateUnready) !== 0;
}

/**
 * What makes the data of other than native policies good for growth only (`incomplete` of controller/samples.ts): fewer pods than the target counts, pods without
 * usage (which may be a silent node), and samples that are in doubt, of the size before, or without a container that runs. True is said too often rather than too
 * seldom.
 */
function isIncomplete({ active, rowless }: UsageProposal, group: PodGroup, context: UsageContext): boolean {
  const { table, columns, now, maxSampleAgeMs, sizedAt } = context;
  const { start, records } = group;
  if (active < context.statusReplicas || rowless > records.length * maxRowlessShare) return true;
  for (let slot = start; slot < start + records.length; slot++) {
    const row = table.row[slot]!;
    if (row < 0) continue;
    const timestamp = columns.timestamps[row]!;
    if (timestamp < columns.oldest || now - timestamp > maxSampleAgeMs) continue;
    if (columns.skewed[row]! !== 0 || timestamp - columns.windowsMs[row]! < sizedAt) return true;
    if (columns.firstContainer[row + 1]! - columns.firstContainer[row]! >= table.statuses[slot]!) continue;
    if (table.verified[slot]! !== context.shape && !hasEveryContainer(context, records[slot - start]!, slot)) return true;
  }
  return false;
}

/** `maxUnscrapedShare` of controller/samples.ts: with no more pods than this without usage, no more can be on silent nodes. */
const maxRowlessShare = 0.25;

/** Whether the sample has every container that runs; once that is so it is remembered for as long as neither changes. */
function hasEveryContainer({ table, columns, shape }: UsageContext, pod: PodRecord, slot: number): boolean {
  const row = table.row[slot]!;
  const first = columns.firstContainer[row]!;
  const end = columns.firstContainer[row + 1]!;
  for (const { name, running } of pod.statuses) {
    if (!running || !pod.shape.containers.some((each) => each.name === name)) continue;
    let at = first;
    while (at < end && columns.containers[at] !== name) at++;
    if (at === end) return false;
  }
  table.verified[slot] = shape;
  return true;
}

function calculate(out: UsageProposal, metric: UsageMetric, context: UsageContext): number {
  const { currentReplicas } = context;
  const first = ratioOf(metric, out.total, out.requested, out.ready);
  if (Number.isNaN(first)) return proposalEnd.failed;
  out.ratio = first;
  const withUnready = out.unready > 0 && first > 1;
  if (!withUnready && out.missing === 0) {
    out.replicas = within(context, first) ? currentReplicas : ceilInt32(first * out.ready);
    return proposalEnd.ok;
  }
  let total = out.total;
  let requested = out.requested;
  let count = out.ready;
  if (first !== 1) {
    if (first < 1) total += metric.byUtilization ? out.missingFilled : metric.target * out.missing;
    requested += out.missingRequested;
    count += out.missing;
  }
  if (withUnready) {
    requested += out.unreadyRequested;
    count += out.unready;
  }
  if (!(total <= Number.MAX_SAFE_INTEGER)) return proposalEnd.inexact;
  const second = ratioOf(metric, total, requested, count);
  out.replicas = currentReplicas;
  if (within(context, second) || opposite(first, second)) return proposalEnd.ok;
  const replicas = ceilInt32(second * count);
  if (!opposite(second, 1 + replicas - currentReplicas)) out.replicas = replicas;
  return proposalEnd.ok;
}

/** NaN when nothing is requested. */
function ratioOf({ byUtilization, target }: UsageMetric, total: number, requested: number, count: number): number {
  if (!byUtilization) return truncatedQuotient(total, count) / target;
  if (requested === 0) return Number.NaN;
  return toInt32(percentOf(total, requested)) / target;
}

const maxPercentTotal = Math.floor(Number.MAX_SAFE_INTEGER / 100);

/** Whole percent, cut as upstream's integer division. */
function percentOf(total: number, requested: number): number {
  if (total <= maxPercentTotal) return truncatedQuotient(total * 100, requested);
  return Number((BigInt(total) * 100n) / BigInt(requested));
}

/** Integer division of what is not negative and exact in a double: the division itself may round up to the next integer. */
function truncatedQuotient(dividend: number, divisor: number): number {
  const quotient = Math.floor(dividend / divisor);
  return quotient * divisor > dividend ? quotient - 1 : quotient;
}

function within({ toleranceUp, toleranceDown }: UsageContext, ratio: number): boolean {
  return 1 - toleranceDown <= ratio && ratio <= 1 + toleranceUp;
}

/** One is above 1 and the other below. */
function opposite(a: number, b: number): boolean {
  return (a < 1 && b > 1) || (a > 1 && b < 1);
}
