import { addCpu } from './aggregates.kernel.ts';
import { cpuBucketOfMilli } from './bucket-scheme.kernel.ts';
import { acceptCpu, allocateContainer, firstLive, refused, releaseContainer, windowStride } from './container-windows.kernel.ts';
import {
  aggregateFor,
  dropEmptyNamespace,
  feedingAggregate,
  findContainer,
  labelSetFor,
  namespaceState,
  podState,
} from './model-pods.kernel.ts';
import type { EngineState } from './model-state.ts';
import { nameNumber } from './model-state.ts';
import type { SampleSeries } from './types.ts';
import { feedMemoryTo } from './usage-feed.kernel.ts';

/**
 * Feeds samples of the past and answers how many were taken. A live container that was not measured yet goes on from them; of one that was, the samples from
 * before that are taken.
 */
export function observeHistory(state: EngineState, series: SampleSeries): number {
  const { timestamps } = series;
  if (timestamps.length === 0) return 0;
  const { windows } = state;
  const pod = podState(state, series.namespace, series.pod);
  const live = pod === undefined ? -1 : findContainer(state, pod, series.container);
  const measured = live >= 0 && windows.f64[live * windowStride + firstLive]! < Infinity;
  if (live >= 0 && !measured) return feedSeries(state, series, { c: live, a: feedingAggregate(state, live), until: Infinity });
  const namespace = namespaceState(state, series.namespace);
  const set = pod?.set ?? labelSetFor(state, namespace, series.labels);
  const name = nameNumber(state, series.container);
  const c = allocateContainer(windows, name);
  const until = measured ? windows.f64[live * windowStride + firstLive]! : Infinity;
  const taken = feedSeries(state, series, { c, a: aggregateFor(state, set, name), until });
  releaseContainer(windows, c);
  dropEmptyNamespace(state, namespace);
  return taken;
}

interface Feeding {
  readonly c: number;
  readonly a: number;
  readonly until: number;
}

function feedSeries(state: EngineState, { timestamps, cpu, memory }: SampleSeries, { c, a, until }: Feeding): number {
  const { windows, aggregates, step } = state;
  let taken = 0;
  for (let index = 0; index < timestamps.length; index++) {
    const t = timestamps[index]!;
    if (!(t < until)) break;
    let took = false;
    // Cut to whole milli-cores and bytes, as upstream does with history.
    const milli = Math.trunc(cpu[index]! * 1000);
    if (acceptCpu(windows, c, milli, t)) {
      addCpu(aggregates, a, cpuBucketOfMilli(milli), t);
      took = true;
    }
    const bytes = Math.trunc(memory[index]!);
    if (!Number.isNaN(bytes)) {
      step.t = t;
      step.bytes = bytes;
      step.oom = false;
      took = feedMemoryTo(state, c, a) !== refused || took;
    }
    if (took) taken++;
  }
  return taken;
}
