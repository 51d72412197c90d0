import { parseTime } from '../../../core/model/condition.ts';
import type { CheckpointStatus } from '../../model.ts';
import {
  createAggregate,
  firstContainerOf,
  mergeMembers,
  nameOfAggregate,
  releaseAggregate,
  sampleFacts,
  scratch,
  setSampleFacts,
  subtractPeak,
} from './aggregates.kernel.ts';
import type { MemberRange } from './aggregates.kernel.ts';
import { checkpointFault, histogramCheckpoint, loadHistogram, timeText } from './checkpoint-form.kernel.ts';
import { nextContainerOf, openPeak, windowEndOf } from './container-windows.kernel.ts';
import { membersOf } from './model-policies.ts';
import type { EngineState, PolicyState } from './model-state.ts';
import { nameNumber } from './model-state.ts';
import { settingsFor } from './policy-settings.ts';
import type { CheckpointProblem } from './types.ts';

export const checkpointVersion = 'v3';

/** The aggregates of one of the policy's containers. */
export function memberRange(state: EngineState, policy: PolicyState, container: string): MemberRange | undefined {
  const list = membersOf(state, policy);
  const name = state.nameNumbers.get(container);
  if (name === undefined) return undefined;
  const from = list.findIndex((a) => nameOfAggregate(state.aggregates, a) === name);
  return from < 0 ? undefined : { list, from, to: rangeEnd(state, list, from) };
}

/** Where the aggregates of the container that begin at `from` end. */
export function rangeEnd({ aggregates }: EngineState, members: readonly number[], from: number): number {
  const name = nameOfAggregate(aggregates, members[from] ?? 0);
  let to = from + 1;
  for (let a = members[to]; a !== undefined && nameOfAggregate(aggregates, a) === name; a = members[++to]);
  return to;
}

export function saveCheckpoint(state: EngineState, policy: PolicyState, container: string, now: number): CheckpointStatus | undefined {
  const range = memberRange(state, policy, container);
  if (range === undefined) return undefined;
  const { aggregates } = state;
  mergeMembers(aggregates, range);
  for (let index = range.from; index < range.to; index++) subtractOpenWindows(state, range.list[index] ?? scratch, now);
  const { first, last, samples } = sampleFacts(aggregates, scratch);
  const status = {
    lastUpdateTime: timeText(now),
    version: checkpointVersion,
    cpuHistogram: histogramCheckpoint(aggregates.cpu, scratch),
    memoryHistogram: histogramCheckpoint(aggregates.memory, scratch),
    firstSampleStart: first === Infinity ? null : timeText(first),
    lastSampleStart: last === -Infinity ? null : timeText(last),
  };
  return samples === 0 ? status : { ...status, totalSamplesCount: samples };
}

/** The peak of a window that is still open would be counted again when the container is seen after a restart. */
function subtractOpenWindows({ aggregates, windows }: EngineState, a: number, now: number): void {
  for (let c = firstContainerOf(aggregates, a); c >= 0; c = nextContainerOf(windows, c)) {
    const peak = openPeak(windows, c, now);
    if (peak > 0) subtractPeak(aggregates, scratch, peak, windowEndOf(windows, c));
  }
}

export function loadCheckpoint(
  state: EngineState,
  policy: PolicyState,
  container: string,
  status: CheckpointStatus,
): CheckpointProblem | { readonly ok: true } {
  const fault = faultOf(state, status);
  if (fault !== undefined)
    return {
      ok: false,
      message: `the checkpoint of container ${container} ${fault}: it is not used, what the container uses is learnt anew`,
    };
  const { aggregates } = state;
  const before = policy.loaded?.get(container);
  if (before !== undefined) releaseAggregate(aggregates, before);
  const a = createAggregate(aggregates, nameNumber(state, container), settingsFor(state, policy.alone, container));
  loadHistogram(aggregates.cpu, a, status.cpuHistogram);
  loadHistogram(aggregates.memory, a, status.memoryHistogram);
  const first = timeOf(status.firstSampleStart) ?? Infinity;
  const last = timeOf(status.lastSampleStart) ?? -Infinity;
  const samples = status.totalSamplesCount ?? 0;
  // Which minutes had a sample is not stored: as many as there can have been.
  const minutes = Math.min(samples, last >= first ? Math.floor((last - first) / 60_000) + 1 : 0);
  setSampleFacts(aggregates, a, { first, last, samples, minutes });
  policy.loaded ??= new Map();
  policy.loaded.set(container, a);
  policy.members = undefined;
  return { ok: true };
}

function timeOf(text: string | null | undefined): number | undefined {
  return parseTime(text ?? undefined);
}

function faultOf({ aggregates }: EngineState, status: CheckpointStatus): string | undefined {
  if (status.version !== checkpointVersion) return `has a version other than ${checkpointVersion}`;
  for (const resource of ['cpu', 'memory'] as const) {
    const fault = checkpointFault(aggregates[resource].scheme, status[`${resource}Histogram`]);
    if (fault !== undefined) return `cannot be read: its ${resource} histogram ${fault}`;
  }
  for (const field of ['firstSampleStart', 'lastSampleStart'] as const) {
    const text = status[field];
    if (typeof text === 'string' && parseTime(text) === undefined) return `cannot be read: its ${field} is not an RFC 3339 time`;
  }
  const { totalSamplesCount = 0 } = status;
  return totalSamplesCount >= 0 && totalSamplesCount < Infinity
    ? undefined
    : 'cannot be read: its totalSamplesCount is not a number from 0 up';
}
