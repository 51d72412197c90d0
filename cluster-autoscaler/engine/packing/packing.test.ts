import { describe, expect, it } from 'vitest';
import { createSchedulingSnapshot, type SchedulingSnapshot } from '../scheduling/index.ts';
import { hostname, makeNode, makePod } from '../scheduling/scenes.fixture.ts';
import { createLimiter, decreasingOrder, estimate, fastPathGroup, packingScore, type EstimationLimiter } from './index.ts';
import type { NodeTemplate } from '../model.ts';

const node = (name: string, parts: Partial<Parameters<typeof makeNode>[1]> = {}) =>
  makeNode(name, { cpu: 4, memory: 8, pods: 10, gpu: 0, unschedulable: false, zone: 'z1', ...parts });
const template: NodeTemplate = { node: node('template'), pods: [] };
const pod = (cpu: string, spec: Record<string, unknown> = {}) =>
  makePod('p', { labels: { app: 'web' }, spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }], ...spec } });

function empty(): SchedulingSnapshot {
  return createSchedulingSnapshot({ namespaces: new Map() });
}

function atMost(nodes: number): EstimationLimiter {
  return createLimiter([{ nodes, durationMs: 0 }]);
}

describe('the limiter', () => {
  it('stops when the stopwatch is over the shortest duration, not at it', () => {
    let now = 1000;
    const limiter = createLimiter(
      [
        { nodes: 0, durationMs: 50 },
        { nodes: 9, durationMs: 80 },
      ],
      () => now,
    );
    limiter.start();
    now += 50;
    expect(limiter.permit()).toBe(true);
    now += 1;
    expect(limiter.permit()).toBe(false);
    limiter.start();
    expect([limiter.permit(), limiter.granted]).toEqual([true, 1]);
  });

  it('needs no stopwatch where there is no time limit, and forbids with a negative one', () => {
    const forbidding = createLimiter([{ nodes: 0, durationMs: -1 }]);
    forbidding.start();
    expect(forbidding.permit()).toBe(false);
  });
});

describe('the order', () => {
  it('counts the containers alone, and only resources that the node has', () => {
    const init = { initContainers: [{ name: 'i', resources: { requests: { cpu: '4' } } }] };
    expect(packingScore(pod('1', init), node('n'))).toBe(0.25);
    expect(packingScore(pod('1'), { ...node('n'), allocatable: { memory: 1 } })).toBe(0);
    expect(decreasingOrder([pod('1'), pod('2'), pod('1'), pod('3')], node('n'))).toEqual([3, 1, 0, 2]);
  });
});

describe('the choice for the fast path', () => {
  it('leaves out groups that spread in any way or keep apart beyond the host', () => {
    const spread = [{ maxSkew: 1, topologyKey: hostname, whenUnsatisfiable: 'ScheduleAnyway' }];
    const apart = (topologyKey: string) => ({
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: { app: 'web' } } }],
        },
      },
    });
    const candidates = [pod('1'), pod('1', { topologySpreadConstraints: spread }), pod('1', apart('zone'))].map((exemplar) => ({
      exemplar,
      count: 9,
    }));
    expect(fastPathGroup(candidates, template.node)).toBe(0);
    // One pod a node saves nothing of nine, so the plain group wins although it comes first.
    expect(fastPathGroup([candidates[0]!, { exemplar: pod('1', apart(hostname)), count: 9 }], template.node)).toBe(1);
  });
});

describe('the estimate', () => {
  it('says which groups got how many, in the order in which they were handed in', () => {
    const snapshot = empty();
    const groups = ['500m', '3'].map((cpu) => ({ podClass: snapshot.classOf(pod(cpu)), count: 4 }));
    expect(estimate(snapshot, template, groups, { limiter: atMost(3) })).toEqual({ nodes: 3, pods: 7, perGroup: [4, 3], limited: true });
    expect(snapshot.nodeCount).toBe(0);
  });

  it('gives the empty node of a group that does not fit to the next', () => {
    const snapshot = empty();
    const groups = ['9', '1'].map((cpu) => ({ podClass: snapshot.classOf(pod(cpu)), count: 4 }));
    const limiter = atMost(1);
    expect(estimate(snapshot, template, groups, { limiter })).toMatchObject({ nodes: 1, perGroup: [0, 4], limited: false });
    expect(limiter.granted).toBe(1);
  });

  it('keeps groups of the same class apart in its answer', () => {
    const snapshot = empty();
    const podClass = snapshot.classOf(pod('1'));
    const groups = [3, 1, 1, 4].map((count) => ({ podClass, count }));
    expect(estimate(snapshot, template, groups, { limiter: atMost(2) })).toMatchObject({ nodes: 2, perGroup: [3, 1, 1, 3] });
  });

  it('puts pods that spread over hosts onto any node when the last one has too many, and counts that node (upstream quirk)', () => {
    const spread = {
      maxSkew: 1,
      topologyKey: hostname,
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
    };
    const snapshot = empty();
    snapshot.addNode(node('there'));
    const groups = [{ podClass: snapshot.classOf(pod('1', { topologySpreadConstraints: [spread] })), count: 4 }];
    // The first goes to the new node, the second to the real one, and so on.
    expect(estimate(snapshot, template, groups, { limiter: atMost(0) })).toMatchObject({ nodes: 2, pods: 4 });
  });

  it('never fills a node that was there before, nor counts it', () => {
    const snapshot = empty();
    snapshot.addNode(node('there'));
    const result = estimate(snapshot, template, [{ podClass: snapshot.classOf(pod('2')), count: 3 }], { limiter: atMost(0) });
    expect(result).toMatchObject({ nodes: 2, pods: 3 });
  });

  it('leaves nodes and pods when they are to be kept', () => {
    const snapshot = empty();
    const groups = [{ podClass: snapshot.classOf(pod('2')), count: 3 }];
    estimate(snapshot, template, groups, { limiter: atMost(0), keep: true, prefix: 'a-' });
    expect(snapshot.nodeIds().map((id) => [snapshot.node(id).name, snapshot.podCount(id)])).toEqual([
      ['a-0', 2],
      ['a-1', 1],
    ]);
    expect(snapshot.node(0).labels[hostname]).toBe('a-0');
    expect(snapshot.fits(groups[0]!.podClass, 1)).toBe(true);
  });

  it('passes over names that real nodes have', () => {
    const snapshot = empty();
    snapshot.addNode(node('e-0', { cpu: 1 }));
    const groups = [{ podClass: snapshot.classOf(pod('2')), count: 3 }];
    expect(estimate(snapshot, template, groups, { limiter: atMost(0) })).toMatchObject({ nodes: 2, pods: 3 });
  });

  it('closes its fork when something goes wrong', () => {
    const snapshot = empty();
    const groups = [{ podClass: snapshot.classOf(pod('2')), count: 3 }];
    const failing: EstimationLimiter = { ...atMost(0), permit: () => expect.fail('broken') };
    expect(() => estimate(snapshot, template, groups, { limiter: failing })).toThrow('broken');
    expect(() => snapshot.revert()).toThrow('there is no fork to revert');
  });

  it('by the fast path asks for a node at the limiter for each that it only counts', () => {
    const snapshot = empty();
    const groups = [{ podClass: snapshot.classOf(pod('1')), count: 11 }];
    const limiter = atMost(2);
    expect(estimate(snapshot, template, groups, { limiter, fastPath: true })).toEqual({ nodes: 2, pods: 8, perGroup: [8], limited: true });
    expect(limiter.granted).toBe(2);
  });

  it('by the fast path does not look at room on the last node of other groups after its search', () => {
    const snapshot = empty();
    const groups = ['3', '1'].map((cpu, index) => ({ podClass: snapshot.classOf(pod(cpu)), count: index === 0 ? 1 : 6 }));
    // One small pod beside the large one, then a node of four and one counted.
    expect(estimate(snapshot, template, groups, { limiter: atMost(0), fastPath: true })).toMatchObject({ nodes: 3, perGroup: [1, 6] });
  });
});
