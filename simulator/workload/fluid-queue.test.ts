import { describe, expect, it } from 'vitest';
import { FluidQueue } from './fluid-queue.ts';
import { constant, ramp, steps } from './load-series.ts';

const open = { maxQueue: Number.POSITIVE_INFINITY, holdWhenEmpty: false };

describe('fluid queue', () => {
  it('shares load evenly', () => {
    const queue = new FluidQueue(open);
    const group = queue.join(100);
    queue.join(100);
    queue.advance(constant(60).pieces(0, 10_000));
    expect(group.served).toBeCloseTo(300, 9);
    expect(group.saturatedMs).toBe(0);
    expect(queue.queue).toBe(0);
  });

  it('gives what a small replica cannot take to the others', () => {
    const queue = new FluidQueue(open);
    const small = queue.join(10);
    const large = queue.join(100);
    queue.advance(constant(60).pieces(0, 1000));
    expect(small.served).toBeCloseTo(10, 9);
    expect(large.served).toBeCloseTo(50, 9);
    expect(small.saturatedMs).toBe(1000);
    expect(large.saturatedMs).toBe(0);
    expect(queue.rateOf(small, 60)).toBe(10);
    expect(queue.rateOf(large, 60)).toBe(50);
  });

  it('queues what is too much and works it off', () => {
    const queue = new FluidQueue(open);
    const group = queue.join(100);
    // 20 s of 150/s make 1000 wait; at 50/s they are gone after 20 s more.
    queue.advance(
      steps([
        { at: 0, value: 150 },
        { at: 20_000, value: 50 },
      ]).pieces(0, 20_000),
    );
    expect(queue.queue).toBeCloseTo(1000, 6);
    queue.advance(constant(50).pieces(20_000, 60_000));
    expect(queue.queue).toBe(0);
    expect(group.served).toBeCloseTo(100 * 40 + 50 * 20, 6);
    expect(group.saturatedMs).toBeCloseTo(40_000, 6);
    expect(queue.served + queue.dropped).toBeCloseTo(queue.arrived, 6);
  });

  it('finds the instant at which a ramp meets capacity', () => {
    const queue = new FluidQueue(open);
    const group = queue.join(50);
    queue.advance(ramp({ from: 0, to: 10_000, start: 0, end: 100 }).pieces(0, 10_000));
    expect(group.saturatedMs).toBeCloseTo(5000, 6);
    expect(queue.queue).toBeCloseTo((5 * 50) / 2, 6);
  });

  it('drops what does not fit into the queue', () => {
    const queue = new FluidQueue({ maxQueue: 100, holdWhenEmpty: false });
    queue.join(10);
    queue.advance(constant(60).pieces(0, 10_000));
    expect(queue.queue).toBe(100);
    expect(queue.dropped).toBeCloseTo(600 - 100 - 100, 6);
  });

  it('fails or holds requests while nobody serves', () => {
    const failing = new FluidQueue(open);
    failing.advance(constant(10).pieces(0, 1000));
    expect([failing.queue, failing.dropped]).toEqual([0, 10]);
    const holding = new FluidQueue({ maxQueue: 15, holdWhenEmpty: true });
    holding.advance(constant(10).pieces(0, 2000));
    expect([holding.queue, holding.dropped]).toEqual([15, 5]);
  });
});
