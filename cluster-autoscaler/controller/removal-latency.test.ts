import { describe, expect, it } from 'vitest';
import type { NodeReport } from '../engine/loop/model.ts';
import type { PlannedDeletion } from '../engine/model.ts';
import { loopReport, nodeReport } from './loop-report.fixture.ts';
import { createRemovalLatency } from './removal-latency.ts';

const second = 1_000;
const unneeded = (node: string, some: Partial<NodeReport> = {}) => nodeReport(node, { unneededSince: 0, waitMs: 60 * second, ...some });
const going = (node: string): PlannedDeletion => ({
  node,
  group: 'g',
  kind: 'empty',
  evict: [],
  daemons: [],
  reason: 'empty',
  utilization: 0,
});

describe('the time that unneeded nodes wait beyond what they have to', () => {
  it('is told when the deletion begins, with what kept the node last', () => {
    const latencyOf = createRemovalLatency();
    expect(latencyOf(loopReport(0, { nodes: [unneeded('a', { unremovable: 'NotUnneededLongEnough' }), unneeded('b')] }))).toEqual([]);
    expect(
      latencyOf(loopReport(70 * second, { nodes: [unneeded('a', { unremovable: 'NodeGroupMinSizeReached' }), unneeded('b')] })),
    ).toEqual([]);
    // What is no reason any more was the last one all the same.
    expect(latencyOf(loopReport(80 * second, { nodes: [unneeded('a'), unneeded('b')], deletions: [going('a'), going('b')] }))).toEqual([
      { node: 'a', seconds: 20, deleted: true, delayReason: 'NodeGroupMinSizeReached' },
      { node: 'b', seconds: 20, deleted: true, delayReason: 'none' },
    ]);
    // Told once.
    expect(latencyOf(loopReport(90 * second))).toEqual([]);
  });

  it('is told when the node is needed again, if it might have gone before', () => {
    const latencyOf = createRemovalLatency();
    latencyOf(loopReport(0, { nodes: [unneeded('early'), unneeded('late', { waitMs: 0, unremovable: 'InCooldown' }), unneeded('exact')] }));
    expect(
      latencyOf(loopReport(60 * second, { nodes: [nodeReport('early', { unremovable: 'NotUnderutilized' }), nodeReport('late')] })),
    ).toEqual([{ node: 'late', seconds: 60, deleted: false, delayReason: 'InCooldown' }]);
  });

  it('waits for a loop that looks at nodes', () => {
    const latencyOf = createRemovalLatency();
    latencyOf(loopReport(0, { nodes: [unneeded('a')] }));
    const { measures } = loopReport(0);
    expect(latencyOf(loopReport(70 * second, { measures: { ...measures, skippedNodes: undefined } }))).toEqual([]);
    expect(latencyOf(loopReport(80 * second))).toMatchObject([{ node: 'a', seconds: 20, deleted: false }]);
  });
});
