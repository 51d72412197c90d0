import { aggregateNumbers, firstContainerOf, releaseAggregate, sampleFacts, setSampleFacts, settingsOf } from './aggregates.kernel.ts';
import { nextContainerOf } from './container-windows.kernel.ts';
import { dropAggregate, isFed } from './model-pods.kernel.ts';
import { memberRange } from './checkpoints.ts';
import type { EngineState, PolicyState } from './model-state.ts';

export type ControllerExists = (namespace: string, pod: string) => boolean;

/** Drops what is too old to say anything, and what never said anything and cannot any more. */
export function collectGarbage(state: EngineState, now: number, controllerExists: ControllerExists): number {
  let dropped = 0;
  for (const a of aggregateNumbers(state.aggregates)) {
    if (state.setOf[a] === undefined || !isGarbage(state, a, now, controllerExists)) continue;
    dropAggregate(state, a);
    dropped++;
  }
  for (const namespace of state.namespaces.values()) namespace.setsByLabel = undefined;
  return dropped;
}

function isGarbage(state: EngineState, a: number, now: number, controllerExists: ControllerExists): boolean {
  const { aggregates } = state;
  const { last, lastPeak, created } = sampleFacts(aggregates, a);
  const { intervalMs, intervalCount } = settingsOf(aggregates, a);
  // Upstream takes an aggregate that has memory samples only for an empty one and loses it (issue 10211).
  const latest = Math.max(last, lastPeak);
  const since = latest === -Infinity ? created : latest;
  if (since === -Infinity) setSampleFacts(aggregates, a, { created: now });
  else if (now - since >= intervalMs * intervalCount) return true;
  return latest === -Infinity && !contributes(state, a, controllerExists);
}

/** Some pod of it runs, or will be followed by another one. */
function contributes({ aggregates, windows, podOf }: EngineState, a: number, controllerExists: ControllerExists): boolean {
  for (let c = firstContainerOf(aggregates, a); c >= 0; c = nextContainerOf(windows, c)) {
    const pod = podOf[c];
    if (pod !== undefined && (!pod.finished || controllerExists(pod.namespace.name, pod.name))) return true;
  }
  return false;
}

/** Forgets a container that the workload does not have any more. What live pods feed stays. */
export function forgetContainer(state: EngineState, policy: PolicyState, container: string): void {
  const range = memberRange(state, policy, container);
  if (range === undefined) return;
  for (const a of range.list.slice(range.from, range.to)) if (state.setOf[a] !== undefined && !isFed(state, a)) dropAggregate(state, a);
  const loaded = policy.loaded?.get(container);
  if (loaded === undefined) return;
  policy.loaded?.delete(container);
  policy.members = undefined;
  releaseAggregate(state.aggregates, loaded);
}
