import { describe, expect, it } from 'vitest';
import { node, pod, snapshotOf } from './builders.fixture.ts';
import { createMovedPods } from './moved-pods.ts';

const pods = ['a', 'b', 'c', 'd', 'e'].map((name) => pod(name, {}));

describe('pods that move in the simulation', () => {
  it('are runs of one class with consecutive numbers when they are registered', () => {
    const moved = createMovedPods();
    expect(moved.register(pods, [7, 7, 4, 4, 7])).toEqual([
      { podClass: 7, start: 0, count: 2 },
      { podClass: 4, start: 2, count: 2 },
      { podClass: 7, start: 4, count: 1 },
    ]);
  });

  it('arrive in the order in which they came, those that follow each other as one run', () => {
    const moved = createMovedPods();
    moved.register(pods, [7, 7, 7, 4, 4]);
    moved.moveTo(3, 1, 0);
    moved.moveTo(0, 1, 0);
    moved.moveTo(1, 2, 0);
    moved.moveTo(4, 1, 1);
    expect(moved.arrivals(0)).toEqual([
      { podClass: 4, start: 3, count: 1 },
      { podClass: 7, start: 0, count: 3 },
    ]);
    expect(moved.arrivals(1)).toEqual([{ podClass: 4, start: 4, count: 1 }]);
    expect(moved.arrivals(9)).toEqual([]);
  });

  it('keep their numbers when they move on, and lie where they came last', () => {
    const snapshot = snapshotOf([node('x'), node('y'), node('z')], []);
    const moved = createMovedPods();
    const runs = moved.register(pods.slice(0, 2), [7, 7]);
    moved.confirm('x', runs);
    moved.moveTo(0, 2, 1);
    const second = moved.register(pods.slice(2, 3), [7]);
    moved.confirm('y', second);
    for (const { start, count } of moved.arrivals(1)) moved.moveTo(start, count, 2);
    moved.moveTo(2, 1, 2);
    expect(moved.arrivals(2)).toEqual([{ podClass: 7, start: 0, count: 3 }]);
    const { names, destinations, ranges } = moved.hints(snapshot);
    expect(Array.from(destinations, (index) => names[index])).toEqual(['z', 'z', 'z']);
    expect([...ranges]).toEqual([
      ['x', [0, 2]],
      ['y', [2, 3]],
    ]);
  });

  it('are forgotten when their node cannot go', () => {
    const moved = createMovedPods();
    moved.forget(moved.register(pods, [1, 1, 1, 1, 1]));
    expect(moved.register(pods.slice(4), [2])).toEqual([{ podClass: 2, start: 0, count: 1 }]);
    expect(moved.pod(0).name).toBe('e');
  });
});
