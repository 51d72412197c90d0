import { describe, expect, it } from 'vitest';
import { minute, node, now, pod } from './builders.fixture.ts';
import { highestPoolShare } from './device-utilization.ts';
import { utilizationOf } from './utilization.ts';

const rules = { now, ignoreDaemonSets: false, ignoreMirrors: false };
const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' }, owner: null };

describe('utilization', () => {
  it('is the larger share of cpu and memory, memory on a tie', () => {
    expect(utilizationOf(node('n'), [pod('a', { cpu: '3', memory: '2Gi' })], rules)).toEqual({ share: 0.75, resource: 'cpu' });
    expect(utilizationOf(node('n'), [pod('a', { cpu: '2', memory: '4Gi' })], rules)).toEqual({ share: 0.5, resource: 'memory' });
    expect(utilizationOf(node('n'), [], rules)).toEqual({ share: 0, resource: 'memory' });
  });

  it('takes daemons and mirrors out above and below the line, each by its own flag', () => {
    const pods = [pod('a', { cpu: '1' }), pod('d', { cpu: '1', owner: 'DaemonSet' }), pod('m', { cpu: '1', ...mirror })];
    const share = (changed: object) => {
      const result = utilizationOf(node('n'), pods, { ...rules, ...changed });
      return typeof result === 'string' ? result : result.share;
    };
    expect(share({})).toBe(3 / 4);
    expect(share({ ignoreDaemonSets: true })).toBe(2 / 3);
    expect(share({ ignoreMirrors: true })).toBe(2 / 3);
    expect(share({ ignoreDaemonSets: true, ignoreMirrors: true })).toBe(1 / 2);
  });

  it('does not count a pod that should be gone, unless it is one of those that are ignored', () => {
    const gone = pod('g', { cpu: '1', deleted: now - 5 * minute, owner: 'DaemonSet' });
    expect(utilizationOf(node('n'), [gone, pod('a', { cpu: '1', memory: '1' })], rules)).toMatchObject({ share: 1 / 4 });
    expect(utilizationOf(node('n'), [gone, pod('a', { cpu: '1', memory: '1' })], { ...rules, ignoreDaemonSets: true })).toMatchObject({
      share: 1 / 3,
    });
  });

  it('counts what the node counts of a pod that is resized in place', () => {
    const resized = { ...pod('a', { cpu: '1' }), heldShape: pod('b', { cpu: '3' }).shape };
    expect(utilizationOf(node('n'), [resized], rules)).toEqual({ share: 0.75, resource: 'cpu' });
    const gpu = { resource: 'cpu' };
    expect(utilizationOf(node('n'), [resized], { ...rules, gpu })).toEqual({ share: 0.75, resource: 'cpu' });
  });

  it('looks at GPUs alone on a GPU node; one that shows none is not used', () => {
    const gpu = { resource: 'nvidia.com/gpu' };
    expect(utilizationOf(node('n'), [pod('a', { cpu: '4' })], { ...rules, gpu })).toEqual({ share: 0, resource: 'nvidia.com/gpu' });
    expect(utilizationOf(node('n'), [pod('a', { cpu: '4' })], { ...rules, gpu: { ...gpu, viaDra: true } })).toEqual({
      share: 1,
      resource: 'cpu',
    });
  });

  it('says what is missing', () => {
    expect(utilizationOf(node('n', { memory: '0' }), [], rules)).toBe('node n shows no allocatable memory');
  });
});

describe('devices', () => {
  const slice = { driver: 'd', pool: 'p', poolSliceCount: 1, devices: 4 };
  const held = (pool: string, device: string) => ({ driver: 'd', pool, device });

  it('decide before cpu and memory when there are slices', () => {
    const devices = { slices: [slice], held: [held('p', '1')] };
    expect(utilizationOf(node('n'), [pod('a', { cpu: '4' })], { ...rules, devices })).toEqual({ share: 0.25, resource: 'd/p' });
    expect(utilizationOf(node('n'), [pod('a', { cpu: '4' })], { ...rules, devices: { slices: [], held: [] } })).toMatchObject({ share: 1 });
  });

  it('by the fullest pool, the first by name on a tie; a device that two pods share counts once', () => {
    const slices = [slice, { ...slice, pool: 'a' }, { ...slice, pool: 'q', devices: 2 }];
    expect(highestPoolShare({ slices, held: [held('q', '1'), held('q', '1'), held('p', '1')] })).toEqual({ share: 0.5, resource: 'd/q' });
    expect(highestPoolShare({ slices, held: [held('p', '1'), held('a', '1'), held('elsewhere', '1')] })).toEqual({
      share: 0.25,
      resource: 'd/a',
    });
  });

  it('adds up the slices of a pool, and refuses one that is not complete', () => {
    const half = { ...slice, poolSliceCount: 2 };
    expect(highestPoolShare({ slices: [half, half], held: [held('p', '1')] })).toEqual({ share: 1 / 8, resource: 'd/p' });
    expect(highestPoolShare({ slices: [half], held: [] })).toBe('device pool d/p has published 1 of 2 slices');
  });

  it('weighs partitions by the fullest counter of what they are parts of, whole devices by their number, as upstream', () => {
    const takes = (memory: number, set = 'g0') =>
      new Map([
        [
          set,
          new Map([
            ['memory', memory],
            ['cores', 1],
          ]),
        ],
      ]);
    const counters = new Map(
      ['g0', 'g1'].map(
        (set) =>
          [
            set,
            new Map([
              ['memory', 40],
              ['cores', 8],
            ]),
          ] as const,
      ),
    );
    const partitions = new Map([
      ['half', takes(20)],
      ['quarter', takes(10)],
      ['other', takes(10, 'g1')],
    ]);
    const share = (...names: readonly string[]) =>
      highestPoolShare({ slices: [{ ...slice, devices: 5, partitions, counters }], held: names.map((name) => held('p', name)) });
    expect(share()).toEqual({ share: 0, resource: 'd/p' });
    expect(share('whole-0')).toEqual({ share: 1 / 2, resource: 'd/p' });
    expect(share('half')).toEqual({ share: 0.25, resource: 'd/p' });
    expect(share('half', 'quarter', 'other')).toEqual({ share: (0.75 + 0.25) / 2, resource: 'd/p' });
    expect(share('half', 'whole-0')).toEqual({ share: (0.25 * 2 + 0.5 * 2) / 4, resource: 'd/p' });
  });
});
