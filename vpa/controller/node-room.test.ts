import { describe, expect, it } from 'vitest';
import { createInterner } from '../../core/model/interner.ts';
import { projectNode } from '../../core/model/node.ts';
import { projectPod, type PodRecord } from '../../core/model/pod.ts';
import { capToNodes } from '../recommender/engine/post-processors.ts';
import { known } from './controller.fixture.ts';
import { createNodeRooms } from './node-room.ts';

const interner = createInterner();

function node(name: string, cpu: string, memory: string, extra: { labels?: object; taints?: object[]; unschedulable?: boolean } = {}) {
  const { labels = {}, taints = [], unschedulable = false } = extra;
  return projectNode(
    {
      metadata: { name, labels: labels as Record<string, string> },
      spec: { taints, unschedulable },
      status: { allocatable: { cpu, memory } },
    },
    interner,
  );
}

function pod(name: string, spec: object = {}, facts: { owner?: string; nodeName?: string } = {}): PodRecord {
  return projectPod(
    {
      metadata: {
        name,
        namespace: 'shop',
        uid: name,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: facts.owner ?? 'ReplicaSet', name: 'o', uid: `o-${facts.owner}`, controller: true },
        ],
      },
      spec: {
        ...(facts.nodeName === undefined ? {} : { nodeName: facts.nodeName }),
        containers: [{ name: 'app', resources: { requests: { cpu: '100m', memory: '100Mi' } } }],
        ...spec,
      },
      status: { phase: 'Running' },
    },
    interner,
  );
}

const Gi = 2 ** 30;

function rooms(nodes: ReturnType<typeof node>[], pods: PodRecord[]) {
  return createNodeRooms({ nodes: () => nodes, pods: () => pods, monotonic: () => 0 });
}

describe('what nodes have for a workload', () => {
  it('is their allocatable less what DaemonSets take there', () => {
    const web = pod('web');
    const agent = pod('agent', {}, { owner: 'DaemonSet', nodeName: 'small' });
    const room = rooms([node('small', '2', '4Gi'), node('large', '8', '16Gi')], [web, agent]).of(known('web').policy, [web]);
    expect(room?.nodes).toEqual([
      { cpu: 1900, memory: 4 * Gi - 100 * 2 ** 20 },
      { cpu: 8000, memory: 16 * Gi },
    ]);
    expect(room?.others).toEqual({ cpu: 0, memory: 0 });
  });

  it('counts only nodes that the pod may run on; a cordoned one still says what its pool has', () => {
    const picky = pod('picky', { nodeSelector: { pool: 'gpu' } });
    const nodes = [
      node('a', '2', '4Gi'),
      node('b', '4', '8Gi', {
        labels: { pool: 'gpu' },
        unschedulable: true,
        taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
      }),
      node('c', '16', '64Gi', { labels: { pool: 'gpu' }, taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }),
    ];
    expect(rooms(nodes, [picky]).of(known('web').policy, [picky])?.nodes).toEqual([{ cpu: 4000, memory: 8 * Gi }]);
    const tolerant = pod('tolerant', { nodeSelector: { pool: 'gpu' }, tolerations: [{ key: 'gpu', operator: 'Exists' }] });
    expect(rooms(nodes, [tolerant]).of(known('web').policy, [tolerant])?.nodes).toHaveLength(2);
  });

  it('is all of a node for the pods of a DaemonSet, whichever node they are pinned to', () => {
    const pinned = pod(
      'agent',
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }],
            },
          },
        },
      },
      { owner: 'DaemonSet', nodeName: 'a' },
    );
    const room = rooms([node('a', '2', '4Gi'), node('b', '4', '8Gi')], [pinned]).of(known('agent').policy, [pinned]);
    expect(room?.nodes.map(({ cpu }) => cpu)).toEqual([2000, 4000]);
  });

  it('is not known without pods', () => {
    expect(rooms([node('a', '2', '4Gi')], []).of(known('web').policy, [])).toBeUndefined();
  });

  it('caps what no node could hold, and says so', () => {
    const two = pod('two', {
      containers: [
        { name: 'app', resources: { requests: { cpu: '100m' } } },
        { name: 'proxy', resources: { requests: { cpu: '500m', memory: '1Gi' } } },
      ],
    });
    const policy = known('web', { resourcePolicy: { containerPolicies: [{ containerName: 'proxy', mode: 'Off' }] } }).policy;
    const room = rooms([node('a', '4', '8Gi')], [two]).of(policy, [two]);
    expect(room?.others).toEqual({ cpu: 500, memory: Gi });
    const bounds = { cpu: 6000, memory: Gi };
    const container = { container: 'app', target: bounds, lowerBound: bounds, upperBound: bounds, uncappedTarget: bounds };
    const capped = capToNodes({ containers: [container] }, room!, policy);
    expect(capped.recommendation.containers[0]).toMatchObject({ target: { cpu: 3500, memory: Gi }, uncappedTarget: bounds });
    expect(capped.clamps.map(({ by }) => by)).toEqual(['node-size']);
  });
});
