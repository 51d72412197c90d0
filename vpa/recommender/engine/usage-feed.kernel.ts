import type { UsageColumns, UsageSnapshot } from '../../../core/model/metrics-view.ts';
import { addPeak, notePeak, subtractPeak } from './aggregates.kernel.ts';
import { blockSize, flushCpu, offerCpu } from './cpu-feed.kernel.ts';
import { added, aggregateAt, firstLive, refused, replaced, stepMemory, windowStride } from './container-windows.kernel.ts';
import { containerOf, feedingAggregate, podState } from './model-pods.kernel.ts';
import type { EngineState } from './model-state.ts';
import type { ObservedUsage } from './types.ts';
import type { RowFinder } from './usage-rows.kernel.ts';
import { alignRows, unknownContainer } from './usage-rows.kernel.ts';

/** Feeds all that a snapshot has and that is new. */
export function observeUsage(state: EngineState, usage: UsageSnapshot): ObservedUsage {
  const columns = usage.columns?.();
  return columns === undefined ? feedFresh(state, usage) : feedColumns(state, columns);
}

function feedFresh(state: EngineState, usage: UsageSnapshot): ObservedUsage {
  let [accepted, unknown, refusedCount] = [0, 0, 0];
  usage.eachFresh((sample) => {
    const pod = podState(state, sample.namespace, sample.pod);
    const c = pod === undefined ? unknownContainer : containerOf(state, pod, sample.container);
    if (c < 0) {
      if (c === unknownContainer) unknown++;
      return;
    }
    state.step.t = sample.timestamp;
    const verdict = feed(state, c, sample.cpuMilli ?? Number.NaN, sample.memoryMilli ?? Number.NaN);
    if (verdict > 0) accepted++;
    else if (verdict < 0) refusedCount++;
    if (sample.timestamp > state.latest) state.latest = sample.timestamp;
  });
  flushCpu(state);
  return { accepted, unknown, refused: refusedCount };
}

function feedColumns(state: EngineState, columns: UsageColumns): ObservedUsage {
  const find: RowFinder = {
    pod: (namespace, name) => podState(state, namespace, name),
    container: (pod, container) => containerOf(state, pod, container),
  };
  alignRows(state.rows, columns, find);
  const { entries } = state.rows;
  const { step } = state;
  const { podCount, timestamps, oldest, firstContainer, cpuMilli, memoryMilli } = columns;
  let [accepted, unknown, refusedCount, latest] = [0, 0, 0, state.latest];
  for (let row = 0; row < podCount; row++) {
    const t = timestamps[row]!;
    if (t < oldest) continue;
    if (t > latest) latest = t;
    step.t = t;
    const end = firstContainer[row + 1]!;
    for (let entry = firstContainer[row]!; entry < end; entry++) {
      const c = entries[entry]!;
      if (c < 0) {
        if (c === unknownContainer) unknown++;
        continue;
      }
      const verdict = feed(state, c, cpuMilli[entry]!, memoryMilli[entry]!);
      if (verdict > 0) accepted++;
      else if (verdict < 0) refusedCount++;
    }
  }
  flushCpu(state);
  state.latest = latest;
  return { accepted, unknown, refused: refusedCount };
}

/** A sample of the time in `state.step`. 1: something of it was new; −1: nothing; 0: it has nothing. NaN is not a sample: unknown is not zero. */
function feed(state: EngineState, c: number, cpuMilli: number, memoryMilli: number): number {
  let verdict = 0;
  const { t } = state.step;
  if (cpuMilli === cpuMilli) {
    if (state.cpuBlock.length === blockSize) flushCpu(state);
    verdict = offerCpu(state, c, cpuMilli, t) ? 1 : -1;
  }
  if (memoryMilli === memoryMilli) {
    const outcome = offerMemory(state, c, memoryMilli);
    if (verdict === 0) verdict = outcome === refused ? -1 : 1;
  }
  return verdict;
}

function offerMemory(state: EngineState, c: number, memoryMilli: number): number {
  const { step, windows } = state;
  step.bytes = Math.ceil(memoryMilli / 1000);
  step.oom = false;
  if (step.t < windows.f64[c * windowStride + firstLive]!) windows.f64[c * windowStride + firstLive] = step.t;
  return feedMemory(state, c);
}

/** Takes the sample in `state.step`; answers what it did. */
export function feedMemory(state: EngineState, c: number): number {
  const held = state.windows.i32[c * 16 + aggregateAt]!;
  return feedMemoryTo(state, c, held >= 0 ? held : feedingAggregate(state, c));
}

export function feedMemoryTo({ aggregates, windows, step }: EngineState, c: number, a: number): number {
  step.interval = aggregates.settings[a]!.intervalMs;
  const outcome = stepMemory(windows, c, step);
  if (outcome < added) return outcome;
  if (outcome === replaced) subtractPeak(aggregates, a, step.subtract, step.end);
  addPeak(aggregates, a, step.add, step.end);
  notePeak(aggregates, a, step.t, outcome === added ? 1 : 0);
  return outcome;
}
