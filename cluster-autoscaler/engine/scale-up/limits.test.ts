import { describe, expect, it } from 'vitest';
import { group, snapshotOf } from './builders.fixture.ts';
import { afterAdding, cappedByQuota, exceeded, quotaLeft, sizeOfNode } from './limits.ts';

const gibibyte = 2 ** 30;
const limits = { cores: { min: 0, max: 20 }, memoryGiB: { min: 0, max: 100 }, gpus: [], gpuLabel: '' };

const bare = { allocatable: {}, labels: {} };

describe('quotas of the cluster', () => {
  it('count fractions of a node as a whole unit', () => {
    expect(sizeOfNode({ ...bare, capacity: { cpu: 1001, memory: 1_000_001 } }, limits)).toEqual({ cpu: 2, memory: 1001 });
    expect(sizeOfNode({ ...bare, capacity: {} }, limits)).toEqual({ cpu: 0, memory: 0 });
  });

  it('leave what the nodes of the snapshot do not have, never less than nothing', () => {
    expect(quotaLeft(snapshotOf([group({ id: 'g', size: 3 })]), limits)).toEqual({ cpu: 8, memory: 52 * gibibyte });
    expect(quotaLeft(snapshotOf([group({ id: 'g', size: 9 })]), limits)).toEqual({ cpu: 0, memory: 0 });
  });

  it('name what is exceeded, and cap by the scarcest', () => {
    const quota = { cpu: 9, memory: 30 * gibibyte };
    const node = { cpu: 4, memory: 8 * gibibyte };
    expect(exceeded(quota, node, 2)).toEqual([]);
    expect(exceeded(quota, node, 3)).toEqual(['cpu']);
    expect(exceeded(quota, node, 4)).toEqual(['cpu', 'memory']);
    expect(cappedByQuota(quota, node, 5)).toBe(2);
    expect(cappedByQuota(quota, { cpu: 0, memory: 0 }, 5)).toBe(5);
    expect(afterAdding(quota, node, 3)).toEqual({ cpu: 0, memory: 6 * gibibyte });
  });
});
