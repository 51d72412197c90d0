import { expect, test } from 'vitest';
import { defaultLoopOptions, driveLoop, emptyLoopState } from '../../cluster-autoscaler/engine/loop/index.ts';
import { group, input, node, start } from '../../cluster-autoscaler/engine/loop/records.fixture.ts';
import type { Effect, LoopInput } from '../../cluster-autoscaler/engine/model.ts';

const minute = 60_000;

/** A group of three nodes and an instance that never became one, with the minimum that a disruption budget of so many nodes makes of its own, 1. */
function scene(
  at: number,
  budget: number,
  { targetSize, instances, zeroOrMax }: { readonly targetSize: number; readonly instances: readonly string[]; readonly zeroOrMax: boolean },
): LoopInput {
  const nodes = ['n1', 'n2', 'n3'].map((name) => node(name, { group: 'g' }));
  const options = { unneededMs: 60 * minute, zeroOrMax };
  const own = group('g', { running: instances, targetSize, minSize: Math.max(1, targetSize - budget), options });
  return input(at, { nodes, groups: [{ ...own, leastSize: 1 }] });
}

function play(budget: number, { zeroOrMax = false } = {}) {
  const effects: Effect[] = [];
  let size = { targetSize: 4, instances: ['n1', 'n2', 'n3', 'lost'] };
  let state = emptyLoopState();
  let unneeded: (number | undefined)[] = [];
  for (let at = 0; at <= 16 * minute; at += minute) {
    const round = driveLoop(scene(at, budget, { ...size, zeroOrMax }), {
      state,
      options: defaultLoopOptions,
      answer: (effect) => {
        if (effect.type !== 'soft-taint') effects.push(effect);
        if (effect.type === 'delete-instances') size = { targetSize: 3, instances: ['n1', 'n2', 'n3'] };
        return { ok: true };
      },
    });
    state = round.state;
    unneeded = round.report.nodes.map(({ unneededSince }) => unneededSince);
    if (effects.length > 0) break;
  }
  return { effects: effects.map(({ type }) => type), unneeded };
}

// A disruption budget stands in the minimum size that the loop gets. With a budget of 0 an instance that never became a node stayed for ever: taking it away would
// have gone below that minimum. It is no node, and nothing on it is disrupted.
test('an instance that never became a node is given back also where no node may go, and not bought again', () => {
  expect(play(0)).toEqual({ effects: ['delete-instances'], unneeded: [undefined, undefined, undefined] });
});

test('a group that goes as a whole would take its nodes with it, and stays', () => {
  expect(play(0, { zeroOrMax: true }).effects).toEqual([]);
});

test('nodes that the budget lets go are as unneeded as they were before it was given back', () => {
  const { effects, unneeded } = play(1);
  expect(effects).toEqual(['delete-instances']);
  expect(unneeded).toEqual([start, start, start]);
});
