import { expect } from 'vitest';
import { resourceTypes, type KubeObject } from '../../core/model/object.ts';
import type { NodesRow, Pool } from './nodes-rows-support.ts';

const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';

/** No two pods of the Deployment in one domain. */
function apart(app: string, topologyKey: string): Readonly<Record<string, unknown>> {
  const term = { labelSelector: { matchLabels: { app } }, topologyKey };
  return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

/** Three pods that cannot share a node get three nodes, and no more. */
function apartRow(id: string, name: string, parts: Pick<Parameters<Pool['deploy']>[1], 'spec' | 'container'>): NodesRow {
  return {
    id,
    name,
    real: true,
    groups: [{ max: 6 }],
    run: async (pool) => {
      const { reaction, boot, quiet } = pool.cluster.timing;
      await pool.deploy('web', { replicas: 3, cpu: '100m', ...parts });
      await pool.runs('web', 3, reaction + boot);
      expect(new Set((await pool.pods('web')).map(({ node }) => node)).size).toBe(3);
      await pool.stays('three nodes are enough', () => pool.size() === 3, quiet);
    },
  };
}

/** What makes groups grow, and by how much; the rows of upstream's tests. */
export const growthRows: readonly NodesRow[] = [
  {
    id: 'misfit',
    name: 'no scale-up for a pod that can never fit: its Event and explain say why, and others are helped all the same',
    real: true,
    groups: [{ max: 3 }],
    run: async (pool) => {
      const { reaction, boot, quiet } = pool.cluster.timing;
      await pool.deploy('huge', { replicas: 1, cpu: '64' });
      await pool.deploy('picky', { replicas: 1, spec: { nodeSelector: { pool: pool.id, disk: 'ssd' } } });
      const said = async (app: string): Promise<string> => {
        const [pod] = await pool.pods(app);
        return (await pool.events(pod?.name))
          .filter(({ reason }) => reason === 'NotTriggerScaleUp')
          .map(({ message }) => message)
          .join();
      };
      await pool.comes(
        'the Event of the huge pod says why',
        async () => /pod didn't trigger scale-up: .*Insufficient cpu/u.test(await said('huge')),
        reaction,
      );
      await pool.comes(
        'and that of the picky one',
        async () => (await said('picky')).includes("didn't match Pod's node affinity/selector"),
        reaction,
      );
      await pool.stays('nothing grows', () => pool.size() === 0, quiet);
      const [huge] = await pool.pods('huge');
      const why = await pool.cluster.explain(`pod/${huge?.name}`, pool.namespace);
      expect(why).toContain(`${pool.id}: NodeResourcesFit: Insufficient cpu`);
      expect(why).toMatch(/to change: ask for \S+ less cpu \(it asks for 64, a new node has \S+\)/u);

      await pool.deploy('small', { replicas: 1 });
      await pool.runs('small', 1, reaction + boot);
      await pool.stays('one node is enough', () => pool.size() === 1, quiet);
      expect(pool.sizes()).toEqual([1]);
    },
  },
  {
    id: 'once',
    name: 'no second scale-up while nodes come; for pods that come meanwhile only what they need more, after the cooldown',
    real: true,
    groups: [{ min: 1, max: 8 }],
    run: async (pool) => {
      const { reaction, boot, quiet, refresh, scaleUpCooldown } = pool.cluster.timing;
      await pool.deploy('web', { replicas: 2 });
      await pool.runs('web', 2, reaction);
      await pool.scale('web', 7);
      // Pods that are made slowly are bought for in parts, each after a cooldown and once the cloud lists what came of the part before.
      await pool.comes('three nodes are asked for', () => pool.size() === 4, reaction + scaleUpCooldown + refresh);
      await pool.stays('they are enough', () => pool.size() === 4, quiet);
      await pool.scale('web', 10);
      await pool.runs('web', 10, scaleUpCooldown + reaction + boot + refresh);
      await pool.stays('five are enough', () => pool.size() === 5, quiet);
      // Where pods are made slowly it may take more steps, never more nodes.
      const sizes = pool.sizes();
      expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
      expect([sizes.includes(4), sizes.at(-1)]).toEqual([true, 5]);
      const at = pool.sizeCalls().map((call) => call.at);
      for (const [index, time] of at.entries())
        expect(time - (at[index - 1] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(scaleUpCooldown);
      expect(await pool.nodes()).toHaveLength(5);
    },
  },
  apartRow('ports', 'pods with one host port get a node each', { container: { ports: [{ containerPort: 8080, hostPort: 8080 }] } }),
  apartRow('apart', 'pods with anti-affinity by hostname get a node each', { spec: { affinity: apart('web', hostname)['affinity'] } }),
  {
    id: 'zones',
    name: 'pods with anti-affinity by zone: a node from the group of each zone',
    real: true,
    groups: ['a', 'b', 'c'].map((letter) => ({ name: letter, max: 3, zone: letter })),
    run: async (pool) => {
      const { reaction, boot, quiet } = pool.cluster.timing;
      await pool.deploy('web', { replicas: 3, cpu: '100m', spec: { nodeSelector: { pool: pool.id }, ...apart('web', zone) } });
      await pool.runs('web', 3, reaction + boot);
      expect((await pool.nodes()).map((node) => node.zone).toSorted()).toEqual(['us-east-1a', 'us-east-1b', 'us-east-1c']);
      await pool.stays('one node each', () => ['a', 'b', 'c'].every((name) => pool.size(name) === 1), quiet);
    },
  },
  {
    id: 'volume',
    name: 'a pod whose volume is in a zone gets a node of that zone',
    real: true,
    groups: [
      { name: 'a', max: 3, zone: 'a' },
      { name: 'b', max: 3, zone: 'b' },
    ],
    run: async (pool) => {
      const { client, timing } = pool.cluster;
      for (const object of boundVolume(pool, 'us-east-1b')) {
        await client.create(
          object.kind === 'PersistentVolume' ? resourceTypes.persistentVolumes : resourceTypes.persistentVolumeClaims,
          object,
        );
      }
      const bound = async (): Promise<boolean> => {
        const claim = await client.get(resourceTypes.persistentVolumeClaims, { namespace: pool.namespace, name: 'data' });
        return (claim.status as { phase?: string } | undefined)?.phase === 'Bound';
      };
      await pool.comes('the claim is bound', bound, 30_000);
      const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
      await pool.deploy('db', { replicas: 1, spec: { nodeSelector: { pool: pool.id }, volumes } });
      await pool.runs('db', 1, timing.reaction + timing.boot);
      expect((await pool.nodes()).map((node) => node.zone)).toEqual(['us-east-1b']);
      expect([pool.sizes('a'), pool.sizes('b')]).toEqual([[], [1]]);
    },
  },
  {
    id: 'idle',
    name: 'expendable pods of low priority neither make a group grow nor keep a node',
    real: true,
    groups: [{ min: 1, max: 3, desired: 2 }],
    run: async (pool) => {
      const { client, timing } = pool.cluster;
      const { reaction, quiet, refresh, unneeded, removal } = timing;
      await client.create(resourceTypes.priorityClasses, { metadata: { name: 'expendable' }, value: -20 } as KubeObject);
      await pool.deploy('web', { replicas: 1, cpu: '500m' });
      await pool.deploy('filler', { replicas: 5, cpu: '900m', spec: { nodeSelector: { pool: pool.id }, priorityClassName: 'expendable' } });
      const waiting = async (): Promise<number> => (await pool.pods('filler')).filter(({ unschedulable }) => unschedulable).length;
      await pool.comes('pods wait', async () => (await waiting()) >= 2, reaction);
      await pool.release();
      await pool.comes('the node that has only those goes', () => pool.size() === 1, refresh + unneeded + removal);
      await pool.runs('web', 1, removal);
      await pool.stays('nothing grows', async () => pool.size() === 1 && (await waiting()) >= 2, quiet);
      expect(pool.sizes()).toEqual([]);
      expect(pool.terminations()).toHaveLength(1);
    },
  },
  {
    id: 'zero',
    name: 'from zero by the template that the tags of the group say, and to zero again',
    real: true,
    groups: [
      {
        max: 2,
        tags: {
          'k8s.io/cluster-autoscaler/node-template/label/disk': 'fast',
          'k8s.io/cluster-autoscaler/node-template/taint/dedicated': 'batch:NoSchedule',
          'k8s.io/cluster-autoscaler/node-template/resources/example.com/widget': '2',
        },
      },
    ],
    run: async (pool) => {
      const { reaction, boot, refresh, unneeded, removal, scaleDownCooldown } = pool.cluster.timing;
      await pool.deploy('batch', {
        replicas: 2,
        cpu: '100m',
        container: {
          resources: { requests: { cpu: '100m', memory: '64Mi', 'example.com/widget': '1' }, limits: { 'example.com/widget': '1' } },
        },
        spec: { nodeSelector: { pool: pool.id, disk: 'fast' }, tolerations: [{ key: 'dedicated', operator: 'Exists' }] },
      });
      await pool.runs('batch', 2, reaction + boot);
      expect(pool.sizes()).toEqual([1]);
      await pool.scale('batch', 0);
      await pool.comes(
        'the group is empty',
        () => pool.size() === 0 && pool.instances().length === 0,
        refresh + Math.max(unneeded, scaleDownCooldown) + removal,
      );
      await pool.comes('so is the cluster', async () => (await pool.nodes()).length === 0, removal);
      await pool.scale('batch', 1);
      await pool.runs('batch', 1, reaction + boot);
    },
  },
];

/** A volume that can be used in one zone only, with its claim. */
function boundVolume({ id, namespace }: Pool, of: string): readonly KubeObject[] {
  const size = { storage: '1Gi' };
  const terms = [{ matchExpressions: [{ key: zone, operator: 'In', values: [of] }] }];
  return [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `${id}-data` },
      spec: {
        capacity: size,
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        claimRef: { namespace, name: 'data' },
        csi: { driver: 'example.com', volumeHandle: id },
        nodeAffinity: { required: { nodeSelectorTerms: terms } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: size } },
    },
  ];
}
