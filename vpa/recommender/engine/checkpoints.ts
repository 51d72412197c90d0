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
import { checkpointFault, checkpointVersion, histogramCheckpoint, loadHistogram, timeText } from './checkpoint-form.kernel.ts';
import { checkpointText } from './checkpoint-text.kernel.ts';
import { nextContainerOf, openPeak, windowEndOf } from './container-windows.kernel.ts';
import { membersOf } from './model-policies.ts';
import type { EngineState, PolicyState } from './model-state.ts';
import { nameNumber } from './model-state.ts';
import { settingsFor } from './policy-settings.ts';
import type { CheckpointProblem } from './types.ts';

/** The aggregates of one of the policy's containers. */
export function memberRange(state: EngineState, policy: PolicyState, container: string): MemberRange | undefined {
  const list = membersOf(state, policy);
  const name = state.nameNumbers.get(container);
  if (name === undefined) return undefined;
  let from = 0;
  for (let a = list[0]; a !== undefined && nameOfAggregate(state.aggregates, a) !== name; a = list[++from]);
  return from >= list.length ? undefined : { list, from, to: rangeEnd(state, list, from) };
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
  const { cpu, memory } = state.aggregates;
  const a = storedAggregate(state, range, now);
  const { first, last, samples } = sampleFacts(state.aggregates, a);
  const lastUpdateTime = timeText(now);
  const cpuHistogram = histogramCheckpoint(cpu, a);
  const memoryHistogram = histogramCheckpoint(memory, a);
  const firstSampleStart = first === Infinity ? null : timeText(first);
  const lastSampleStart = last === -Infinity ? null : timeText(last);
  if (samples === 0)
    return { lastUpdateTime, version: checkpointVersion, cpuHistogram, memoryHistogram, firstSampleStart, lastSampleStart };
  return {
    lastUpdateTime,
    version: checkpointVersion,
    cpuHistogram,
    memoryHistogram,
    firstSampleStart,
    lastSampleStart,
    totalSamplesCount: samples,
  };
}

/** The same as text. */
export function saveCheckpointText(state: EngineState, policy: PolicyState, container: string, now: number): string | undefined {
  const range = memberRange(state, policy, container);
  return range === undefined ? undefined : checkpointText(state.aggregates, storedAggregate(state, range, now), now);
}

/** The aggregate that holds what is to be stored: the only one, or all of them merged, without windows that are still open. */
function storedAggregate(state: EngineState, range: MemberRange, now: number): number {
  const { list, from, to } = range;
  const only = list[from];
  if (to - from === 1 && only !== undefined && !hasOpenWindow(state, only, now)) return only;
  mergeMembers(state.aggregates, range);
  for (let index = from; index < to; index++) subtractOpenWindows(state, list[index] ?? scratch, now);
  return scratch;
}

function hasOpenWindow({ aggregates, windows }: EngineState, a: number, now: number): boolean {
  for (let c = firstContainerOf(aggregates, a); c >= 0; c = nextContainerOf(windows, c)) if (openPeak(windows, c, now) > 0) return true;
  return false;
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
