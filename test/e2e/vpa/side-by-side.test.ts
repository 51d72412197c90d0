import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleForTest } from '../../journeys/process-controller.ts';
import { findCompanions } from '../binaries/index.ts';
import { describeWithCompanions } from '../companion-suite.ts';
import { createTeardown } from '../teardown.ts';
import { play, type Moment, type Played } from './side-by-side-run.ts';
import { differencesOf, differenceText } from './upstream-differences.ts';

const search = await findCompanions('metrics-server', 'vpa-recommender');

describeWithCompanions(
  search,
  'the upstream recommender and ours, side by side on one cluster',
  (companions) => {
    const teardown = createTeardown();
    let played: Played;

    beforeAll(async () => {
      const bundle = await bundleForTest();
      teardown.add(() => bundle.remove());
      const begun = performance.now();
      played = await play({ companions: companions(), program: bundle.file }, teardown);
      console.log('seconds', (performance.now() - begun) / 1000, played.firstWrites, played.writers, played.forbidden);
      for (const key of ['unmeasured', 'learnt', 'continued', 'grown'] as const) {
        const m: Moment = played[key];
        for (const [name, { theirs, ours }] of m) {
          const d = differencesOf(theirs, ours);
          console.log(key, name, d.length === 0 ? 'equal' : differenceText(d));
          console.log(JSON.stringify(theirs.state), '\n', JSON.stringify(ours.state));
          console.log(JSON.stringify(theirs.checkpoints), '\n', JSON.stringify(ours.checkpoints));
        }
      }
    });
    afterAll(() => teardown.run());

    it('x', () => {
      expect(played.learnt.size).toBe(10);
    });
  },
  { aggregated: true },
);
