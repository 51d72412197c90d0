import { describe, expect, it } from 'vitest';
import { FakeCluster } from './cluster.fixture.ts';
import { createPodsByNode, type PodsByNode } from './pods-by-node.ts';

function names(pods: PodsByNode, node: string): readonly string[] {
  return pods.on(node).map(({ name }) => name);
}

describe('pods by node', () => {
  it('are those that were there before, and what comes, changes, moves and goes', () => {
    const cluster = new FakeCluster();
    cluster.addPod({ name: 'b', node: 'n1' });
    cluster.addPod({ name: 'a', node: 'n1' });
    cluster.addPod({ name: 'waits' });
    const pods = createPodsByNode(cluster.reads().pods);
    expect(names(pods, 'n1')).toEqual(['a', 'b']);
    expect(names(pods, 'n2')).toEqual([]);
    cluster.addPod({ name: 'waits', node: 'n2' });
    cluster.addPod({ name: 'b', node: 'n2', cpu: '2' });
    expect(names(pods, 'n1')).toEqual(['a']);
    expect(pods.on('n2').map(({ name, shape }) => [name, shape.requests['cpu']])).toEqual([
      ['b', 2000],
      ['waits', 100],
    ]);
    cluster.removePod('default/b');
    expect(names(pods, 'n2')).toEqual(['waits']);
    pods.stop();
    expect(names(pods, 'n2')).toEqual([]);
    cluster.addPod({ name: 'late', node: 'n2' });
    expect(names(pods, 'n2')).toEqual([]);
  });
});
