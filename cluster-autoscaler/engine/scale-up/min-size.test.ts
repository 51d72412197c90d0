import { describe, expect, it } from 'vitest';
import { defaultLoopOptions, upstreamLoopOptions } from '../loop/options.ts';
import type { LoopOptions } from '../loop/model.ts';
import { drive, group, sizes, snapshotOf } from './builders.fixture.ts';
import { raiseToMinimum } from './min-size.ts';
import type { ScaleUpGroup } from './model.ts';

function raise(
  groups: readonly ScaleUpGroup[],
  options: Partial<LoopOptions> & { readonly compat?: LoopOptions['compat'] } = {},
  refused: string[] = [],
) {
  const defaults = options.compat === 'cluster-autoscaler' ? upstreamLoopOptions : defaultLoopOptions;
  const snapshot = snapshotOf(groups);
  return drive(raiseToMinimum({ snapshot, groups, options: { ...defaults, ...options } }), refused, snapshot).result;
}

describe('raising groups to their minimum', () => {
  it('raises those below it, and no others', () => {
    const result = raise([group({ id: 'a', size: 1, min: 3 }), group({ id: 'b', size: 3, min: 3 }), group({ id: 'c', size: 0, min: 2 })]);
    expect(sizes(result)).toEqual(['a 1→3', 'c 0→2']);
    expect(result.outcome).toBe('Successful');
    expect(raise([group({ id: 'b', size: 3, min: 3 })])).toMatchObject({ outcome: 'NotNeeded', events: [] });
  });

  it('leaves out groups in backoff, unhealthy, held, without template, or beyond the quota', () => {
    const below = { size: 0, min: 2 } as const;
    const groups = [
      group({ id: 'backoff', state: 'backoff', ...below }),
      group({ id: 'unhealthy', state: 'unhealthy', ...below }),
      group({ id: 'held', hold: 'paused', ...below }),
      group({ id: 'no-template', template: false, ...below }),
      group({ id: 'huge', cpu: '64', ...below }),
      group({ id: 'good', ...below }),
    ];
    expect(sizes(raise(groups, { cores: { min: 0, max: 32 } }))).toEqual(['good 0→2']);
  });

  it('counts the nodes of the cluster against max-nodes-total; upstream wrongly the size of the group', () => {
    const groups = [group({ id: 'a', size: 4 }), group({ id: 'b', size: 0, min: 3 })];
    expect(sizes(raise(groups, { maxNodesTotal: 5 }))).toEqual(['b 0→1']);
    expect(sizes(raise(groups, { maxNodesTotal: 5, compat: 'cluster-autoscaler' }))).toEqual(['b 0→3']);
  });

  it('lessens what is left for the next group; upstream does not', () => {
    const groups = [group({ id: 'a', min: 2 }), group({ id: 'b', min: 2 })];
    const options = { cores: { min: 0, max: 12 } };
    expect(sizes(raise(groups, options))).toEqual(['a 0→2', 'b 0→1']);
    expect(sizes(raise(groups, { ...options, compat: 'cluster-autoscaler' }))).toEqual(['a 0→2', 'b 0→2']);
  });

  it('goes on after a refusal; upstream stops', () => {
    const groups = [group({ id: 'a', min: 1 }), group({ id: 'b', min: 1 })];
    expect(raise(groups, {}, ['a'])).toMatchObject({
      outcome: 'Error',
      increases: [{ group: 'b' }],
      failures: [{ change: { group: 'a' } }],
    });
    expect(raise(groups, { compat: 'cluster-autoscaler' }, ['a']).increases).toEqual([]);
  });
});
