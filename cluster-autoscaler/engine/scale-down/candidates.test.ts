import { describe, expect, it } from 'vitest';
import { group, node, pod, snapshotOf } from './builders.fixture.ts';
import type { Candidate } from './candidates.ts';
import { inSimulationOrder } from './candidates.ts';
import { createClassOrder } from './class-order.ts';

const candidate = (name: string, parts: Partial<Candidate> = {}): Candidate => ({
  index: 0,
  id: 0,
  node: node(name),
  group: group('g'),
  occupation: 2,
  unneededSince: undefined,
  pods: 5,
  share: 0.3,
  ...parts,
});
const order = (compat: 'none' | 'cluster-autoscaler', ...list: readonly Candidate[]) =>
  inSimulationOrder(list, compat).map((each) => each.node.name);

describe('the order of simulation', () => {
  it('is empty, waiting for pods, former (the longest first), the rest; then what disturbs least, or the name', () => {
    const list = [
      candidate('a'),
      candidate('b', { share: 0.1 }),
      candidate('c', { pods: 2, share: 0.4 }),
      candidate('d', { unneededSince: 10, pods: 9 }),
      candidate('h', { unneededSince: 20, pods: 1 }),
      candidate('e', { occupation: 1 }),
      candidate('f', { occupation: 0 }),
      candidate('g', { share: Number.NaN }),
    ];
    expect(order('none', ...list)).toEqual(['f', 'e', 'd', 'h', 'c', 'g', 'b', 'a']);
    expect(order('cluster-autoscaler', ...list.toReversed())).toEqual(['f', 'e', 'd', 'h', 'a', 'b', 'c', 'g']);
  });

  it('has groups that may not be changed at the end', () => {
    const dry = group('dry', { options: { actionable: false } });
    const list = [candidate('a', { group: dry, occupation: 0 }), candidate('b')];
    expect(order('none', ...list)).toEqual(['b', 'a']);
    expect(order('cluster-autoscaler', ...list)).toEqual(['a', 'b']);
  });
});

describe('the order of classes', () => {
  it('has those first that ask for most, and keeps pods of a class together', () => {
    const pods = [
      pod('p1', { cpu: '1', memory: '1Gi' }),
      pod('p2', { cpu: '1', memory: '1Gi', labels: { app: 'x' } }),
      pod('p3', { cpu: '500m', memory: '16Gi' }),
      pod('p4', { cpu: '1', memory: '1Gi' }),
    ];
    const classOrder = createClassOrder(snapshotOf([node('n')], []));
    const classes = classOrder.classesOf(pods);
    expect(new Set(classes).size).toBe(3);
    const sorted = classOrder.sort(pods, classes);
    expect(sorted.map(({ name }) => name)).toEqual(['p3', 'p1', 'p4', 'p2']);
    expect(classes).toEqual(classOrder.classesOf(sorted));
  });
});
