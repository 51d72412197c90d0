import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { caTrajectoryRunner, runTrajectory } from './ca-trajectory.ts';
import type { LoopVector } from './ca-trajectory-vector.ts';
import { readVectors, runCases } from './main.ts';
import type { VectorCase } from './runners.ts';

const cases = await readVectors(path.join(import.meta.dirname, 'vectors', 'ca-trajectory.json'));

describe('conformance of the node controller', () => {
  it('decides as upstream in every loop of every recorded path', () => {
    const result = runCases(cases, caTrajectoryRunner);
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(60);
  }, 120_000);

  it('does so whatever the order of its lists', () => {
    const reversed = cases.filter((_, index) => index % 6 === 0);
    for (const vector of reversed) {
      const differences = runTrajectory(vector, {
        shuffle: (input) => ({
          ...input,
          nodes: input.nodes.toReversed(),
          pods: input.pods.toReversed(),
          pdbs: input.pdbs.toReversed(),
          daemonPods: input.daemonPods.toReversed(),
        }),
      });
      expect([vector.id, differences]).toEqual([vector.id, []]);
    }
  }, 120_000);

  it.each<readonly [field: string, value: unknown]>([
    ['scaleUpResult', ['Successful', 'Error']],
    ['scaleUp', { g1: 17 }],
    ['targetSizes', { g1: 17 }],
    ['deletionStarted', { drain: ['g1-n99'] }],
    ['unneeded', ['g1-n99']],
    ['options', { g9: { nodes: 1, pods: 1 } }],
    ['chosen', ['g9']],
    ['helped', { s9: 1 }],
    ['blocked', { g9: 'backoff' }],
    ['decreased', [{ group: 'g9', delta: -1 }]],
    ['deleted', [{ t: 10, node: 'g9-n99' }]],
    ['clusterUnhealthy', true],
    ['error', 'something'],
  ])('tells a wrong expectation of %s from a right one', (field, value) => {
    const first = cases[0] as VectorCase & { readonly loops: readonly LoopVector[] };
    const [loop] = first.loops as readonly [LoopVector];
    const wrong = { ...first, loops: [{ ...loop, expected: { ...loop.expected, [field]: value } }] };
    expect(runTrajectory({ ...first, loops: [loop] } as VectorCase)).toEqual([]);
    expect(runTrajectory(wrong as VectorCase)).toEqual([expect.stringContaining(`loop 0 at 10 s: ${field}`)]);
  });

  it('tells wrong evictions from right ones', () => {
    const drains = cases.find((each) => loopsOf(each).some(({ expected }) => expected.evictions !== undefined)) as VectorCase;
    const loops = loopsOf(drains);
    const at = loops.findIndex(({ expected }) => expected.evictions !== undefined);
    const wrong = loops
      .slice(0, at + 1)
      .map((loop, index) =>
        index < at ? loop : { ...loop, expected: { ...loop.expected, evictions: loop.expected.evictions?.slice(1) } },
      );
    expect(runTrajectory({ ...drains, loops: wrong } as VectorCase)).toEqual([expect.stringContaining('evictions from')]);
  });
});

function loopsOf(vector: VectorCase): readonly LoopVector[] {
  return (vector as unknown as { readonly loops: readonly LoopVector[] }).loops;
}
