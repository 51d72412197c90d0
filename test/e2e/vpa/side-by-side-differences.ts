import type { Pair } from './side-by-side-run.ts';
import { acts, leastForPod } from './side-by-side-scenario.ts';
import type { Said } from './upstream-side.ts';
import type { Amounts, ContainerState } from './upstream-state.ts';

/**
 * What upstream does and ours does otherwise, by name, with the reason. Each is made equal on upstream's side, or looked for, and nothing else is; one that does not
 * occur any more fails the test, so that nothing stands here that is not so.
 */
export const explained = {
  'nothing-before-the-first-sample':
    'Before anything was measured upstream recommends the least for a pod. Ours says that there is no recommendation: unknown is not zero.',
  'memory-of-an-open-window':
    'The peak of a window that is still open is in no checkpoint. Started again, upstream recommends the least memory until the next sample; ours leaves the memory as it was, or out where nothing stands.',
  'minimum-over-live-containers':
    'Upstream divides the least for a pod by all containers that there ever were, ours by those that live pods have (quirk Q11).',
  'first-pass-at-once': 'Upstream waits for an interval before its first pass. Ours begins as soon as it has something to say.',
  'checkpoint-of-a-policy-that-comes-back':
    'Upstream reads checkpoints at its start only, and overwrites that of an object that comes later. Ours reads it whenever the object appears (quirk Q8).',
} as const;

export type Difference = keyof typeof explained;

/** Upstream before the first sample as ours would have it. */
export function explainedUnmeasured(said: Said, seen: Set<Difference>): Said {
  const names = Object.keys(said.state.containers);
  if (names.length === 0 || Object.values(said.checkpoints).some(({ samples }) => samples > 0)) return said;
  seen.add('nothing-before-the-first-sample');
  const conditions = { ...said.state.conditions, RecommendationProvided: { status: 'False', reason: '', message: '' } };
  return { ...said, state: { conditions, containers: {} } };
}

/** Upstream, started again without a status, as ours would have it. */
export function explainedContinued(said: Said, seen: Set<Difference>): Said {
  return withContainers(said, (container, state) => {
    if (said.checkpoints[container]?.memory.total !== 0 || state.target.memory === undefined) return state;
    seen.add('memory-of-an-open-window');
    return eachBound(state, ({ memory: _unknown, ...known }) => known);
  });
}

/** Upstream after a container has gone as ours would have it. */
export function explainedShrunk(name: string, said: Said, seen: Set<Difference>): Said {
  if (name !== acts.shrunk) return said;
  return withContainers(said, (_, state) =>
    eachBound(state, (amounts) => {
      const { cpu = 0, memory = 0 } = amounts;
      if (cpu < leastForPod.cpu || memory < leastForPod.memory) seen.add('minimum-over-live-containers');
      return { cpu: Math.max(cpu, leastForPod.cpu), memory: Math.max(memory, leastForPod.memory) };
    }),
  );
}

/** Whether ours went on with what it knew of an object that was deleted and created again, and upstream began anew. */
export function explainedAgain(before: Pair, { theirs, ours }: Pair, seen: Set<Difference>): boolean {
  const [known, anew, on] = [before.theirs, theirs, ours].map((said) => said.checkpoints[acts.again]);
  if (known === undefined || anew === undefined || on === undefined) return false;
  const isSo =
    on.firstSampleStart === known.firstSampleStart &&
    anew.firstSampleStart > known.lastSampleStart &&
    on.samples === known.samples + anew.samples;
  if (isSo) seen.add('checkpoint-of-a-policy-that-comes-back');
  return isSo;
}

function withContainers(said: Said, change: (name: string, state: ContainerState) => ContainerState): Said {
  const containers = Object.fromEntries(Object.entries(said.state.containers).map(([name, state]) => [name, change(name, state)]));
  return { ...said, state: { ...said.state, containers } };
}

function eachBound(
  { target, lowerBound, upperBound, uncappedTarget }: ContainerState,
  change: (amounts: Amounts) => Amounts,
): ContainerState {
  return {
    target: change(target),
    lowerBound: change(lowerBound),
    upperBound: change(upperBound),
    uncappedTarget: change(uncappedTarget),
  };
}
