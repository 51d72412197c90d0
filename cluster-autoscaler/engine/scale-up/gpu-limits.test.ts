import { describe, expect, it } from 'vitest';
import type { NodeRecord } from '../../../core/model/index.ts';
import { drive, group, play, pods, sizes, snapshotOf, type GroupSketch } from './builders.fixture.ts';
import { afterAdding, cappedByQuota, exceeded, quotaLeft, sizeOfNode, withinQuota } from './limits.ts';
import { raiseToMinimum } from './min-size.ts';
import type { ScaleUpGroup } from './model.ts';
import { defaultLoopOptions } from '../loop/options.ts';

const label = 'k8s.amazonaws.com/accelerator';
const t4 = 'nvidia-tesla-t4';
const limited = (max: number, type = t4) => ({ gpuLabel: label, gpus: [{ type, min: 0, max }] });

/** A group whose nodes have so many GPUs; `shown: false`: by their label only. */
function gpuGroup(sketch: GroupSketch, gpus: number, { type = t4, shown = true } = {}): ScaleUpGroup {
  const made = group({ ...sketch, labels: { [label]: type } });
  const node = made.template?.node as NodeRecord;
  const more = shown ? { 'nvidia.com/gpu': gpus * 1000 } : {};
  const template = {
    node: { ...node, capacity: { ...node.capacity, ...more }, allocatable: { ...node.allocatable, ...more } },
    pods: [],
  };
  return { ...made, template, group: { ...made.group, template } };
}

const asking = (count: number, gpus: number) =>
  pods(count, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1', 'nvidia.com/gpu': String(gpus) } } }] } });

describe('--gpu-total', () => {
  const options = { cores: { min: 0, max: 1000 }, memoryGiB: { min: 0, max: 1000 }, ...limited(10) };

  it('counts the GPUs that nodes of the type have, by the label of the cloud', () => {
    const node = gpuGroup({ id: 'g' }, 4).template?.node as NodeRecord;
    expect(sizeOfNode(node, options)).toMatchObject({ cpu: 4, [t4]: 4 });
    expect(sizeOfNode(node, { ...options, gpuLabel: 'other' })).not.toHaveProperty([t4]);
    expect(sizeOfNode(node, { ...options, gpus: [] })).not.toHaveProperty([t4]);
    expect(sizeOfNode({ ...node, allocatable: {} }, options)).toMatchObject({ [t4]: 4 });
    const groups = [
      gpuGroup({ id: 'g', size: 2 }, 4),
      gpuGroup({ id: 'v', size: 1 }, 8, { type: 'nvidia-tesla-v100' }),
      group({ id: 'x' }),
    ];
    expect(quotaLeft(snapshotOf(groups), options)[t4]).toBe(2);
    expect(quotaLeft(snapshotOf(groups), { ...options, ...limited(7) })[t4]).toBe(0);
  });

  it('takes a node that shows none yet for the greatest of its kind, and for one GPU where nobody knows', () => {
    const hidden = gpuGroup({ id: 'h', size: 2 }, 0, { shown: false });
    expect(quotaLeft(snapshotOf([hidden, gpuGroup({ id: 'g', size: 1 }, 4)]), { ...options, ...limited(20) })[t4]).toBe(8);
    expect(quotaLeft(snapshotOf([hidden]), options)[t4]).toBe(8);
  });

  it('is named, caps and counts down like cores and memory', () => {
    const quota = { cpu: 100, memory: 100, [t4]: 9 };
    const node = { cpu: 1, memory: 1, [t4]: 4 };
    expect(exceeded(quota, node, 2)).toEqual([]);
    expect(exceeded(quota, node, 3)).toEqual([t4]);
    expect(exceeded(quota, { cpu: 1, memory: 1 }, 100)).toEqual([]);
    expect(cappedByQuota(quota, node, 5)).toBe(2);
    expect(cappedByQuota(quota, { cpu: 1, memory: 1 }, 5)).toBe(5);
    expect(afterAdding(quota, node, 2)).toEqual({ cpu: 98, memory: 98, [t4]: 1 });
    expect(withinQuota(quota, [node, node, node, { cpu: 1, memory: 1 }])).toEqual([true, true, false, true]);
  });

  it.each([true, false])('keeps groups from growing beyond it (compat %s)', (compat) => {
    const groups = [gpuGroup({ id: 'g', size: 1 }, 4), group({ id: 'x' })];
    const grown = play({ groups, pods: asking(5, 4), compat, options: limited(14) });
    expect(sizes(grown.result)).toEqual(['g 1→3']);
    const full = play({ groups, pods: asking(5, 4), compat, options: limited(7) });
    expect(sizes(full.result)).toEqual([]);
    expect(full.result.pods[0]?.refusals).toContainEqual({ group: 'g', reason: `max cluster ${t4} limit reached` });
    expect(sizes(play({ groups, pods: asking(5, 4), compat, options: { ...limited(0), gpuLabel: '' } }).result)).toEqual(['g 1→6']);
  });

  it('holds for all pools of the type together where a mix is chosen', () => {
    const groups = [gpuGroup({ id: 'a', price: 1, max: 2 }, 4), gpuGroup({ id: 'b', price: 1.1 }, 4)];
    const { result } = play({ groups, pods: asking(6, 4), options: { ...limited(12), expanders: ['cost'] } });
    expect(result.increases.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(3);
  });

  it('holds for the raise to minimum sizes', () => {
    const groups = [gpuGroup({ id: 'g', size: 1, min: 5 }, 4)];
    const snapshot = snapshotOf(groups);
    const raise = (max: number) =>
      sizes(drive(raiseToMinimum({ snapshot, groups, options: { ...defaultLoopOptions, ...limited(max) } }), [], snapshot).result);
    expect(raise(13)).toEqual(['g 1→3']);
    expect(raise(100)).toEqual(['g 1→5']);
    expect(raise(4)).toEqual([]);
  });
});
