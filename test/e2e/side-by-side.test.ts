import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleForTest } from '../journeys/process-controller.ts';
import { findCompanions } from './binaries/index.ts';
import { describeWithCompanions } from './companion-suite.ts';
import { explained, explainedRescale, explainedShown, isAtRest, type Difference } from './side-by-side-differences.ts';
import { pathText, play, type Played } from './side-by-side-run.ts';
import { contenders, toleranceMs } from './side-by-side-scenario.ts';
import { startTwin } from './side-by-side-twin.ts';
import { createTeardown } from './teardown.ts';

const search = await findCompanions('metrics-server', 'metrics-adapter', 'prometheus');
const names = contenders.map(({ name }) => name);

// Two control planes with their companions at once: 2.1 GB and an eighth of two cores. Most of the time is waiting, which one after the other would take twice.
describeWithCompanions(
  search,
  "kube-controller-manager's HPA controller and ours, side by side on twin clusters",
  (companions) => {
    const teardown = createTeardown();
    const seen = new Set<Difference>();
    let upstream: Played;
    let ours: Played;

    beforeAll(async () => {
      const begun = performance.now();
      const bundle = await bundleForTest();
      teardown.add(() => bundle.remove());
      const options = { programs: companions(), program: bundle.file };
      const twins = await Promise.all([
        startTwin({ ...options, side: 'upstream' }, teardown),
        startTwin({ ...options, side: 'concertina' }, teardown),
      ]);
      const started = performance.now();
      [upstream, ours] = (await Promise.all(twins.map((twin) => play(twin)))) as [Played, Played];
      const played = performance.now() - started;
      console.log(
        [
          `side by side: ${((started - begun) / 1000).toFixed(0)} s to start, ${(played / 1000).toFixed(0)} s of load; each size with the second in which it was set`,
          ...contenders.flatMap(({ name, replicas }) =>
            [upstream, ours].map(({ side, paths }) => `${name.padEnd(18)}${side.padEnd(12)}${pathText(replicas, paths.get(name) ?? [])}`),
          ),
          `writes of status: upstream ${upstream.statusWrites}, concertina ${ours.statusWrites}`,
          ...Object.entries(explained).map(([name, why]) => `explained: ${name}: ${why}`),
        ].join('\n'),
      );
    });
    afterAll(() => teardown.run());

    it.each(names)('%s: the same sizes at the same times', (name) => {
      const [theirs, own] = [upstream.paths.get(name) ?? [], ours.paths.get(name) ?? []];
      expect(theirs.length, 'the load moves it').toBeGreaterThan(0);
      expect(own.map(({ replicas }) => replicas)).toEqual(theirs.map(({ replicas }) => replicas));
      for (const [index, { at }] of own.entries()) {
        const apart = Math.abs(at - (theirs[index]?.at ?? NaN));
        expect(apart, `step ${index + 1}, milliseconds apart`).toBeLessThanOrEqual(toleranceMs);
      }
    });

    it.each(contenders.map(({ name, spec }) => [name, spec] as const))(
      '%s: the same conditions, reasons and values at rest',
      (name, spec) => {
        const paths = [upstream, ours].map((each) => each.paths.get(name) ?? []);
        let rests = 0;
        for (const [phase, own] of (ours.shown.get(name) ?? []).entries()) {
          const theirs = upstream.shown.get(name)?.[phase];
          if (theirs === undefined || !isAtRest(own.at, ...paths) || !isAtRest(theirs.at, ...paths)) continue;
          rests += 1;
          expect({ ...own, at: 0 }, `at the end of phase ${phase + 1}`).toEqual({
            ...explainedShown(theirs, Number(spec['minReplicas']), seen),
            at: 0,
          });
        }
        expect(rests, 'times of rest').toBeGreaterThanOrEqual(2);
      },
    );

    it('both tell of each scaling in the same words', () => {
      for (const { name } of contenders) {
        const theirs = (upstream.rescales.get(name) ?? []).map((message) => explainedRescale(message, seen));
        expect(ours.rescales.get(name), name).toEqual(theirs.toSorted());
      }
    });

    it('each cluster has one writer', () => {
      expect([...upstream.writers]).toEqual(['system:serviceaccount:kube-system:horizontal-pod-autoscaler']);
      expect([...ours.writers]).toEqual(['system:serviceaccount:concertina-system:concertina']);
    });

    it('every difference that is explained is there', () => {
      expect([...seen].toSorted()).toEqual(Object.keys(explained).toSorted());
    });
  },
  { aggregated: true },
);
