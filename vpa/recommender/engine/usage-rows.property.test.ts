import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UsageColumns } from '../../../core/model/metrics-view.ts';
import { defaultEstimationConfig } from '../../config.ts';
import { columnsOf, pod, start } from './engine.fixture.ts';
import { containerOf, podState } from './model-pods.kernel.ts';
import { createEngine } from './recommender-engine.ts';
import { alignRows, unknownContainer, type RowFinder } from './usage-rows.kernel.ts';

interface Step {
  readonly kind: 'list' | 'same' | 'add' | 'remove' | 'containers' | 'finish';
  readonly which: number;
  readonly listed: readonly number[];
}

const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('list', 'list', 'same', 'same', 'add', 'add', 'remove', 'containers', 'finish'),
  which: fc.nat({ max: 7 }),
  listed: fc.oneof(fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]), fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7])),
});

describe('rows of usage', () => {
  it('lead to the containers that looking each one up leads to, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 50 }), (steps) => {
        const { engine, state } = createEngine(defaultEstimationConfig);
        const find: RowFinder = {
          pod: (namespace, name) => podState(state, namespace, name),
          container: (each, container) => containerOf(state, each, container),
        };
        let columns: UsageColumns = columnsOf([]);
        const aligned: (readonly [actual: readonly number[], wanted: readonly number[]])[] = [];
        for (const { kind, which, listed } of steps) {
          const name = `p${which}`;
          if (kind === 'add') engine.setPod(pod({ name }));
          else if (kind === 'remove') engine.removePod('ns', name);
          else if (kind === 'containers') engine.setPod(pod({ name, containers: which % 2 === 0 ? ['c', 'd'] : ['d'] }));
          else if (kind === 'finish') engine.setPod(pod({ name, phase: 'Failed' }));
          else {
            if (kind === 'list')
              columns = columnsOf(listed.map((index) => ({ pod: `p${index}`, container: index > 5 ? 'd' : 'c', at: start })));
            alignRows(state.rows, columns, find);
            const wanted = columns.names.map((each, row) => {
              const found = podState(state, 'ns', each);
              return found === undefined ? unknownContainer : containerOf(state, found, columns.containers[row]!);
            });
            aligned.push([[...state.rows.entries], wanted]);
          }
        }
        expect(aligned.map(([actual]) => actual)).toEqual(aligned.map(([, wanted]) => wanted));
      }),
      { numRuns: 300 },
    );
  });
});
