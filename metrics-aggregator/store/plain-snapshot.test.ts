import { describe, expect, it } from 'vitest';
import type { NodeUsage, PodUsage } from '../../core/model/metrics-view.ts';
import { plainUsageSnapshot } from './plain-snapshot.ts';

const pod = (name: string, timestamp: number): PodUsage => ({
  namespace: 'shop',
  name,
  timestamp,
  windowMs: 15_000,
  containers: [{ name: 'c', cpuMilli: 5, memoryMilli: undefined }],
});
const node: NodeUsage = { name: 'n1', timestamp: 900, windowMs: 1, cpuMilli: 1, memoryMilli: 1 };

describe('a plain snapshot', () => {
  it('is what it was given', () => {
    const snapshot = plainUsageSnapshot([pod('a', 1000), pod('b', 0)], [node]);
    expect([snapshot.podCount, [...snapshot.pods()], snapshot.podUsage('shop', 'b'), snapshot.podUsage('shop', 'x')]).toEqual([
      2,
      [pod('a', 1000), pod('b', 0)],
      pod('b', 0),
      undefined,
    ]);
    expect([[...snapshot.nodes()], snapshot.nodeUsage('n1'), snapshot.nodeUsage('x')]).toEqual([[node], node, undefined]);
  });

  it('has each sample as its own history and as fresh', () => {
    const snapshot = plainUsageSnapshot([pod('a', 1000)], []);
    const point = { timestamps: Float64Array.of(1000), cpuMilli: Float64Array.of(5), memoryMilli: Float64Array.of(Number.NaN) };
    expect(snapshot.containerHistory('shop', 'a', 'c')).toEqual(point);
    expect([snapshot.containerHistory('shop', 'a', 'x'), snapshot.containerHistory('shop', 'x', 'c')]).toEqual([undefined, undefined]);
    const fresh: unknown[] = [];
    snapshot.eachFresh((sample) => fresh.push(sample));
    expect(fresh).toEqual([
      { namespace: 'shop', pod: 'a', container: 'c', timestamp: 1000, windowMs: 15_000, cpuMilli: 5, memoryMilli: undefined },
    ]);
  });

  it('leaves out what is too old', () => {
    const snapshot = plainUsageSnapshot([pod('a', 1000), pod('b', 899)], [node, { ...node, name: 'n2', timestamp: 899 }], {
      at: 1000,
      maxAgeMs: 100,
    });
    expect([[...snapshot.pods()], [...snapshot.nodes()], snapshot.podCount]).toEqual([[pod('a', 1000)], [node], 1]);
  });
});
