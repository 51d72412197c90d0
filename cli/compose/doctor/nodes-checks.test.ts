import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../core/model/object.ts';
import { judgeNodes, type NodesFacts } from './nodes-checks.ts';
import { absent, messageOf, read, statusesOf } from './test-support.ts';

const now = Date.UTC(2026, 10, 22, 6);
const well: NodesFacts = {
  policies: read([]),
  leases: read([]),
  deployments: read([]),
  nodes: read([]),
  cloud: { provider: 'aws', result: { groups: [{ id: 'general', size: '3 nodes, 1 to 10', notes: [] }] } },
  now,
};

function lease(renewTime: string): KubeObject {
  return {
    metadata: { name: 'cluster-autoscaler', namespace: 'kube-system' },
    spec: { holderIdentity: 'ca-1', leaseDurationSeconds: 15, renewTime },
  };
}

function deployment(image: string, replicas?: number): KubeObject {
  return {
    metadata: { name: 'ca', namespace: 'kube-system' },
    spec: { ...(replicas === undefined ? {} : { replicas }), template: { spec: { containers: [{ image }] } } },
  };
}

function policy(conditions: readonly object[]): KubeObject {
  return { metadata: { name: 'general' }, status: { conditions } };
}

const accepted = { type: 'Accepted', status: 'True', reason: 'PolicyAccepted', message: '' };

describe('judgeNodes', () => {
  it('has nothing to say where there is neither a policy nor a cloud', () => {
    expect(judgeNodes({ ...well, cloud: undefined })).toEqual([]);
    expect(judgeNodes({ ...well, cloud: undefined, policies: absent })).toEqual([]);
  });

  it('is content with a cloud that answers', () => {
    expect(statusesOf(judgeNodes(well))).toEqual([
      'OK nodes/cloud',
      'OK nodes/groups',
      'OK nodes/other-autoscaler',
      'OK nodes/leftover-taints',
    ]);
    expect(messageOf(judgeNodes(well), 'nodes/cloud')).toBe('aws answers: 1 node group: general (3 nodes, 1 to 10)');
  });

  it('fails for a cloud that does not, and for one without groups', () => {
    const refused = judgeNodes({
      ...well,
      cloud: { provider: 'aws', result: { problem: 'DescribeAutoScalingGroups failed: ExpiredToken', code: 'PROVIDER_CREDENTIALS' } },
    });
    expect(refused[0]).toMatchObject({ status: 'FAIL', check: 'nodes/cloud', values: { code: 'PROVIDER_CREDENTIALS' } });
    expect(judgeNodes({ ...well, cloud: { provider: 'aws', result: { groups: [] } } })[0]).toMatchObject({ status: 'FAIL' });
  });

  it('tells what is odd about a group', () => {
    const cloud = {
      provider: 'aws',
      result: {
        groups: [
          { id: 'g', size: '0 nodes, 0 to 5', notes: ['AZRebalance is not suspended'], templateProblem: 'nobody knows the type x9' },
        ],
      },
    };
    expect(statusesOf(judgeNodes({ ...well, cloud }))).toEqual(expect.arrayContaining(['WARN nodes/group/g']));
    expect(judgeNodes({ ...well, cloud }).filter(({ check }) => check === 'nodes/group/g')).toHaveLength(2);
  });

  it('fails beside another cluster autoscaler that holds its lease', () => {
    const check = judgeNodes({
      ...well,
      leases: read([lease('2026-11-22T05:59:50Z')]),
      deployments: read([deployment('registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.0')]),
    });
    expect(messageOf(check, 'nodes/other-autoscaler')).toContain(
      'Lease cluster-autoscaler, holder kube-system/ca-1, Deployment kube-system/ca',
    );
    expect(statusesOf(check)).toContain('FAIL nodes/other-autoscaler');
  });

  it('warns of one that stands by, and not of one that is switched off', () => {
    const old = read([lease('2026-11-22T05:00:00Z')]);
    const of = (each: KubeObject): string | undefined =>
      judgeNodes({ ...well, leases: old, deployments: read([each]) }).find(({ check }) => check === 'nodes/other-autoscaler')?.status;
    expect(of(deployment('k8s.gcr.io/cluster-autoscaler-amd64:v1.20'))).toBe('WARN');
    expect(of(deployment('cluster-autoscaler', 0))).toBe('OK');
    expect(of(deployment('my/cluster-autoscaler-exporter-dashboard:1'))).toBe('OK');
  });

  it('warns of deletion taints that nobody goes on with', () => {
    const node = (name: string, minutes: number): KubeObject => ({
      metadata: { name },
      spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', value: String(now / 1000 - minutes * 60) }] },
    });
    expect(messageOf(judgeNodes({ ...well, nodes: read([node('n1', 45), node('n2', 5)]) }), 'nodes/leftover-taints')).toMatch(
      /^n1 has had the taint/,
    );
  });

  it.each([
    [[], 'WARN'],
    [[accepted], 'OK'],
    [[{ ...accepted, status: 'False', message: 'spec.maxSize: is wrong' }], 'FAIL'],
    [[accepted, { type: 'Held', status: 'True', reason: 'Conflict', message: 'two policies' }], 'WARN'],
    [[accepted, { type: 'GroupsFound', status: 'False', reason: 'NoGroupMatched', message: 'none' }], 'WARN'],
  ])('says of a policy with the conditions %j: %s', (conditions, status) => {
    const checks = judgeNodes({ ...well, policies: read([policy(conditions)]) });
    expect(checks.at(-1)?.status).toBe(status);
  });
});
