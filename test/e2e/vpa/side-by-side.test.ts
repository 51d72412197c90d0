import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleForTest } from '../../journeys/process-controller.ts';
import { findCompanions } from '../binaries/index.ts';
import { describeWithCompanions } from '../companion-suite.ts';
import { createTeardown } from '../teardown.ts';
import {
  explained,
  explainedAgain,
  explainedContinued,
  explainedShrunk,
  explainedUnmeasured,
  type Difference,
} from './side-by-side-differences.ts';
import { play, type Moment, type Pair, type Played } from './side-by-side-run.ts';
import { acts, contenders, killedRequest } from './side-by-side-scenario.ts';
import { differencesOf, differenceText } from './upstream-differences.ts';
import type { Said } from './upstream-side.ts';
import type { ContainerState } from './upstream-state.ts';

const search = await findCompanions('metrics-server', 'vpa-recommender');
const names = contenders.map(({ name }) => name);
const mebi = 2 ** 20;

// One cluster, one Metrics Server, two recommenders. Most of the time is waiting for values and for windows to end.
describeWithCompanions(
  search,
  'the upstream recommender and ours, side by side on one cluster',
  (companions) => {
    const teardown = createTeardown();
    const seen = new Set<Difference>();
    let played: Played;

    beforeAll(async () => {
      const begun = performance.now();
      const bundle = await bundleForTest();
      teardown.add(() => bundle.remove());
      played = await play({ companions: companions(), program: bundle.file }, teardown);
      const { theirs, ours } = played.firstWrites;
      console.log(
        [
          `side by side: ${((performance.now() - begun) / 1000).toFixed(0)} s; upstream / ours at the end, target [lower, upper] CPU and memory, samples`,
          ...names.flatMap((name) => lines(pairOf(played.grown, name))),
          `first status after a restart: upstream ${theirs.afterMs} ms (interval ${theirs.intervalMs}), ours ${ours.afterMs} ms (interval ${ours.intervalMs})`,
          ...Object.entries(explained).map(([name, why]) => `explained: ${name}: ${why}`),
        ].join('\n'),
      );
    });
    afterAll(() => teardown.run());

    it.each(names)('%s: before anything was measured both say the same, or ours says that it does not know', (name) => {
      const { theirs, ours } = pairOf(played.unmeasured, name);
      expectSame(explainedUnmeasured(theirs, seen), ours);
      expect(ours.state.conditions['RecommendationProvided']?.status).toBe('False');
    });

    it.each(names)('%s: the same targets, bounds and checkpoints from the same values, to the last digit', (name) => {
      const { theirs, ours } = pairOf(played.learnt, name);
      expectSame(theirs, ours);
      for (const [container, { samples, version, cpu, memory }] of Object.entries(ours.checkpoints)) {
        expect(version, container).toBe('v3');
        expect(theirs.checkpoints[container]?.version, container).toBe('v3');
        expect(samples, `samples of ${container}`).toBeGreaterThanOrEqual(name === acts.late ? 1 : 3);
        expect(cpu.total, container).toBeGreaterThan(0);
        expect(memory.total > 0, `a window of ${container} is closed`).toBe(name !== acts.late);
      }
    });

    it('what was played shows', () => {
      const learnt = (name: string): ContainerState => pairOf(played.learnt, name).ours.state.containers[name]!;
      expect(learnt('steady').target.cpu).toBeGreaterThan(0.18);
      expect(learnt('steady').lowerBound.cpu).toBeLessThan(learnt('steady').target.cpu!);
      const varying = pairOf(played.learnt, 'varying').ours.checkpoints['varying']!;
      expect(Object.keys(varying.cpu.weights).length, 'values of several buckets').toBeGreaterThan(2);
      expect(learnt('bounded').target).toEqual({ cpu: 0.4, memory: 1024 * mebi });
      expect(learnt('bounded').uncappedTarget.cpu).toBeGreaterThan(0.4);
      expect(Object.keys(learnt('memory-only').target)).toEqual(['memory']);
      expect(Object.keys(pairOf(played.learnt, 'switched-off').ours.state.containers)).toEqual(['switched-off']);
      expect(Object.keys(pairOf(played.learnt, 'switched-off').ours.checkpoints)).toEqual(['switched-off', 'tracer']);
      expect(learnt(acts.killed).uncappedTarget.memory, 'a kill counts as what was asked for and 100 MiB').toBeGreaterThan(
        killedRequest + 100 * mebi,
      );
    });

    it.each(names)('%s: started again without a status, each with what the other wrote, both recommend what stood before', (name) => {
      const [before, now] = [pairOf(played.learnt, name), pairOf(played.continued, name)];
      const theirs = explainedContinued(now.theirs, seen);
      expectSame(theirs, now.ours);
      // What was written as an open window's can't come back.
      if (name === acts.late) return;
      expectSame(before.ours, now.theirs);
      expectSame(before.theirs, now.ours);
    });

    it.each(names.filter((name) => name !== acts.again))('%s: and after more load they say the same again', (name) => {
      const { theirs, ours } = pairOf(played.grown, name);
      expectSame(explainedShrunk(name, theirs, seen), ours);
      const before = pairOf(played.learnt, name).ours.checkpoints[name]!;
      expect(ours.checkpoints[name]?.samples).toBeGreaterThan(before.samples);
      expect(ours.checkpoints[name]?.firstSampleStart).toBe(before.firstSampleStart);
    });

    it('ours goes on with the checkpoint of an object that was deleted and comes back', () => {
      const [before, now] = [pairOf(played.learnt, acts.again), pairOf(played.grown, acts.again)];
      expect(explainedAgain(before, now, seen), JSON.stringify([before.theirs.checkpoints, now])).toBe(true);
    });

    it('the first pass of ours does not wait for an interval', () => {
      const { theirs, ours } = played.firstWrites;
      expect(ours.afterMs).toBeLessThan(ours.intervalMs);
      if (theirs.afterMs >= theirs.intervalMs) seen.add('first-pass-at-once');
    });

    it('each writes its own objects, the same kinds of them, and nothing is refused', () => {
      expect(played.trespasses).toEqual([]);
      expect(played.written.ours).toEqual(played.written.theirs);
    });

    it('every difference that is explained is there', () => {
      expect([...seen].toSorted()).toEqual(Object.keys(explained).toSorted());
    });
  },
  { aggregated: true },
);

function pairOf(moment: Moment, name: string): Pair {
  const pair = moment.get(name);
  if (pair === undefined) throw new Error(`${name} was not looked at`);
  return pair;
}

/** Exactly: both see the same samples, in the same order, with the same arithmetic. */
function expectSame(theirs: Said, ours: Said): void {
  expect(differenceText(differencesOf(theirs, ours))).toBe('');
  expect(ours.state.conditions).toEqual(theirs.state.conditions);
}

function lines({ theirs, ours }: Pair): string[] {
  const text = ({ target, lowerBound, upperBound }: ContainerState): string =>
    [
      `${shown(target.cpu, 1e3, 'm')} [${shown(lowerBound.cpu, 1e3, 'm')}, ${shown(upperBound.cpu, 1e3, 'm')}]`,
      `${shown(target.memory, 1, '')} [${shown(lowerBound.memory, 1, '')}, ${shown(upperBound.memory, 1, '')}]`,
    ].join('  ');
  return Object.keys(ours.state.containers).flatMap((container) =>
    [theirs, ours].map((said, index) => {
      const state = said.state.containers[container];
      const samples = said.checkpoints[container]?.samples ?? 0;
      return `${container.padEnd(14)}${index === 0 ? 'upstream   ' : 'concertina '}${state === undefined ? 'nothing' : text(state)}  ${samples}`;
    }),
  );
}

function shown(value: number | undefined, factor: number, unit: string): string {
  return value === undefined ? '-' : `${Math.round(value * factor)}${unit}`;
}
