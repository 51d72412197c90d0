import type { GroupReport, LoopReport, NodeCounts, NodeReport } from '../engine/loop/model.ts';

const noCounts: NodeCounts = {
  registered: 0,
  ready: 0,
  unready: 0,
  resourceUnready: 0,
  notStarted: 0,
  suspended: 0,
  beingDeleted: 0,
  longUnregistered: 0,
  unregistered: 0,
};

export function counts(some: Partial<NodeCounts> = {}): NodeCounts {
  return { ...noCounts, ...some };
}

export function groupReport(group: string, some: Partial<GroupReport> = {}): GroupReport {
  return {
    group,
    minSize: 0,
    maxSize: 10,
    targetSize: 0,
    health: 'healthy',
    counts: noCounts,
    upcoming: 0,
    scaleUp: 'no-activity',
    backoff: undefined,
    candidates: [],
    ...some,
  };
}

export function nodeReport(node: string, some: Partial<NodeReport> = {}): NodeReport {
  return {
    node,
    group: undefined,
    utilization: undefined,
    utilizationResource: undefined,
    unneededSince: undefined,
    unremovable: undefined,
    blockedBy: undefined,
    removableAt: undefined,
    waitMs: undefined,
    found: undefined,
    message: '',
    ...some,
  };
}

export function loopReport(at: number, some: Partial<LoopReport> = {}): LoopReport {
  return {
    at,
    clusterHealthy: true,
    counts: noCounts,
    groups: [],
    nodes: [],
    pods: [],
    scaleUpOutcomes: ['NotNeeded'],
    options: [],
    chosen: [],
    scaleUps: [],
    helped: [],
    deletions: [],
    scaleDownInCooldown: false,
    refreshInstances: [],
    events: [],
    decisions: [],
    error: undefined,
    measures: { overflowingControllers: 0, podsNotTried: 0, estimates: [], limited: [], skippedNodes: [] },
    took: {},
    ...some,
  };
}
