import { settingsOf } from './aggregates.kernel.ts';
import { added, prepareOom } from './container-windows.kernel.ts';
import { feedingAggregate, findContainer, podState } from './model-pods.kernel.ts';
import type { EngineState } from './model-state.ts';
import type { OomRecord } from './types.ts';
import { feedMemory } from './usage-feed.kernel.ts';

/** Makes a higher memory peak of an OOM kill; a finished pod's kill counts too, for that is how it often finished. */
export function observeOom(state: EngineState, { namespace, pod: name, container, memory, at }: OomRecord): boolean {
  const pod = podState(state, namespace, name);
  const c = pod === undefined ? -1 : findContainer(state, pod, container);
  if (c < 0) return false;
  const a = feedingAggregate(state, c);
  const { intervalMs, oomBumpUpRatio: ratio, oomMinBumpUp: minBump } = settingsOf(state.aggregates, a);
  const { step, windows, oomNotes } = state;
  step.interval = intervalMs;
  const from = prepareOom(windows, c, { memory, at, ratio, minBump }, step);
  if (from === undefined) return false;
  if (feedMemory(state, c) < added) return true;
  const note = oomNotes.get(a);
  const seen = { kills: (note?.kills ?? 0) + 1, at, from, to: step.add };
  oomNotes.set(a, note !== undefined && note.at > at ? { ...note, kills: seen.kills } : seen);
  return true;
}
