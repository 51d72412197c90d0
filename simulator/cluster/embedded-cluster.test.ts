import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../core/model/object.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { VirtualClock } from '../../core/runtime/clock.ts';
import { seededRandom } from '../../core/runtime/random.ts';
import { startEmbeddedCluster } from './embedded-cluster.ts';
import type { EmbeddedCluster } from './embedded-cluster.ts';

const node = (name: string) => ({ name, cpu: 4, memory: '8Gi', labels: { pool: 'a' }, zone: 'z', taints: [] });
const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }] },
};
const web: KubeObject = {
  metadata: { name: 'web', namespace: 'default' },
  spec: { replicas: 6, selector: { matchLabels: { app: 'web' } }, template },
};

describe('the embedded cluster with RBAC', () => {
  const open: EmbeddedCluster[] = [];
  afterEach(async () => {
    for (const cluster of open.splice(0)) await cluster.stop();
  });

  it('lets the kubelets do all of their work under their own identities', async () => {
    const clock = new VirtualClock();
    const problems: string[] = [];
    const cluster = await startEmbeddedCluster({
      clock,
      random: seededRandom('rbac'),
      nodes: [node('n1'), node('n2')],
      authorization: 'RBAC',
      onProblem: (subject, error) => problems.push(`${subject}: ${String(error)}`),
    });
    open.push(cluster);
    clock.useSettle(() => cluster.settle());
    const refused: string[] = [];
    const users = new Set<string>();
    cluster.api.onAudit(({ code, user, verb, type, subresource = '' }) => {
      users.add(user.username);
      if (code === 403) refused.push(`${user.username} ${verb} ${type.plural}/${subresource}`);
    });
    const { registry } = cluster.api;
    await registry.create(resourceTypes.deployments, web);
    const phases = (): string[] => registry.list(resourceTypes.pods).map((pod) => String((pod.status as { phase?: string }).phase));
    await clock.advance(60_000);
    expect(phases()).toEqual(Array.from({ length: 6 }, () => 'Running'));
    // A fresh Deployment stays at its first generation: its revision is noted with its status.
    expect(registry.get(resourceTypes.deployments, 'default', 'web')).toMatchObject({
      metadata: { generation: 1, annotations: { 'deployment.kubernetes.io/revision': '1' } },
      status: { observedGeneration: 1, readyReplicas: 6 },
    });
    await registry.mutate(resourceTypes.deployments, 'default', 'web', (object) => ({
      ...object,
      spec: { ...(object.spec as object), replicas: 1 },
    }));
    await clock.advance(120_000);
    expect(phases()).toEqual(['Running']);
    for (const name of ['n1', 'n2']) expect(registry.get(resourceTypes.leases, 'kube-node-lease', name)).toBeDefined();
    expect([...users]).toEqual(expect.arrayContaining(['system:node:n1', 'system:node:n2']));
    expect(refused).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('registers no node with a label that is not a kubelet’s to set', async () => {
    const clock = new VirtualClock();
    const spec = { ...node('n1'), labels: { 'node-role.kubernetes.io/worker': '' } };
    const cluster = await startEmbeddedCluster({ clock, random: seededRandom('label'), nodes: [], authorization: 'RBAC' });
    open.push(cluster);
    await expect(cluster.fleet.addNode(spec)).rejects.toThrow('is not allowed to set the following labels: node-role.kubernetes.io/worker');
    await cluster.fleet.addNode({ ...spec, registerAs: 'admin' });
    expect(cluster.api.registry.get(resourceTypes.nodes, undefined, 'n1')?.metadata.labels).toMatchObject(spec.labels);
  });
});
