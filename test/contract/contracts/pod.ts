import { describe, expect, it } from 'vitest';
import { createNode, createPod, pod, runningPod } from '../objects.ts';
import { assert, created, field, need, waitForGone, waitForObject, type ContractSuite } from '../suite.ts';

export function podContracts(suite: ContractSuite): void {
  describe('pods', () => {
    it('get the usual defaults', async () => {
      const namespace = await suite.namespace();
      const body = await createPod(suite, namespace, {
        name: 'p',
        resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } },
        extra: { schedulerName: 'nobody' },
      });
      expect(body).toMatchObject({
        metadata: { generation: 1 },
        spec: {
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          dnsPolicy: 'ClusterFirst',
          serviceAccountName: 'default',
          enableServiceLinks: true,
          preemptionPolicy: 'PreemptLowerPriority',
          priority: 0,
          containers: [
            {
              imagePullPolicy: 'IfNotPresent',
              terminationMessagePath: '/dev/termination-log',
              // A limit without a request is the request as well.
              resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
            },
          ],
        },
        status: { phase: 'Pending', qosClass: 'Burstable' },
      });
      expect(field(body, 'spec.tolerations')).toEqual([
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ]);
    });

    it('are Guaranteed, Burstable or BestEffort', async () => {
      const namespace = await suite.namespace();
      const cases = {
        Guaranteed: { limits: { cpu: '1', memory: '1Gi' } },
        Burstable: { requests: { cpu: '1' } },
        BestEffort: undefined,
      };
      for (const [qosClass, resources] of Object.entries(cases)) {
        const shape = {
          name: qosClass.toLowerCase(),
          extra: { schedulerName: 'nobody' },
          ...(resources === undefined ? {} : { resources }),
        };
        expect(field(await createPod(suite, namespace, shape), 'status.qosClass')).toBe(qosClass);
      }
    });

    it('quantities are kept as written when canonical, else made canonical', async () => {
      const namespace = await suite.namespace();
      const body = await createPod(suite, namespace, {
        name: 'p',
        resources: { requests: { cpu: '0.5', memory: '1024Mi' }, limits: { cpu: '1000m', memory: '1.5Gi' } },
        extra: { schedulerName: 'nobody' },
      });
      expect(field(body, 'spec.containers.0.resources')).toEqual({
        requests: { cpu: '500m', memory: '1Gi' },
        limits: { cpu: '1', memory: '1536Mi' },
      });
    });

    it('a request above the limit, a negative one or no quantity: refused', async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'first', extra: { schedulerName: 'nobody' } });
      const answer = (resources: object): ReturnType<ContractSuite['api']['post']> =>
        suite.api.post(`/api/v1/namespaces/${namespace}/pods`, pod({ name: 'p', resources }));
      assert.refused(await answer({ requests: { cpu: '2' }, limits: { cpu: '1' } }), {
        code: 422,
        reason: 'Invalid',
        message: /spec\.containers\[0\]\.resources\.requests: Invalid value: "2": must be less than or equal to cpu limit of 1/u,
      });
      assert.refused(await answer({ requests: { cpu: '-1' } }), {
        code: 422,
        reason: 'Invalid',
        message: /must be greater than or equal to 0/u,
      });
      assert.refused(await answer({ requests: { cpu: 'much' } }), {
        code: 400,
        reason: 'BadRequest',
        message: /quantities must match the regular expression/u,
      });
    });

    it('the spec may not be changed but for a few fields: 422', async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'p', resources: { requests: { cpu: '1' } }, extra: { schedulerName: 'nobody' } });
      const path = `/api/v1/namespaces/${namespace}/pods/p`;
      const patch = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '2' } } }] } };
      assert.refused(await suite.api.patch(path, 'strategic', patch), {
        code: 422,
        reason: 'Invalid',
        message: /spec: Forbidden: pod updates may not change fields other than/u,
      });
      assert.code(await suite.api.patch(path, 'strategic', { spec: { containers: [{ name: 'c', image: 'registry.example/c:2' }] } }), 200);
    });

    it('binding assigns the node, once', async () => {
      const [namespace, node] = [await suite.namespace(), await createNode(suite)];
      await createPod(suite, namespace, { name: 'p', extra: { schedulerName: 'nobody' } });
      const path = `/api/v1/namespaces/${namespace}/pods/p`;
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'p', namespace },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      };
      const answer = await suite.api.post(`${path}/binding`, binding);
      assert.code(answer, 201);
      expect(answer.body).toMatchObject({ kind: 'Status', status: 'Success' });
      const body = (await suite.api.get(path)).body;
      expect(field(body, 'spec.nodeName')).toBe(node);
      expect(field(body, 'status.conditions')).toEqual([expect.objectContaining({ type: 'PodScheduled', status: 'True' })]);
      assert.refused(await suite.api.post(`${path}/binding`, binding), {
        code: 409,
        reason: 'Conflict',
        message: new RegExp(`pod p is already assigned to node "${node}"`, 'u'),
      });
    });

    it('a kubelet reports the status of its pod under its own identity', async () => {
      const [namespace, node] = [await suite.namespace(), await createNode(suite)];
      await createPod(suite, namespace, { name: 'p', nodeName: node });
      const kubelet = suite.api.as({ user: `system:node:${node}`, groups: ['system:nodes'] });
      const path = `/api/v1/namespaces/${namespace}/pods/p`;
      // The node authorizer learns of a binding with a little delay.
      await waitForObject(kubelet, path, () => true);
      const answer = await kubelet.patch(`${path}/status`, 'strategic', {
        status: { phase: 'Running', observedGeneration: 1, podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }] },
      });
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ status: { phase: 'Running', observedGeneration: 1, podIP: '10.1.0.1' } });
    });

    it('containerStatuses is replaced as a whole under a strategic patch, conditions merge by type', async () => {
      const [namespace, node] = [await suite.namespace(), await createNode(suite)];
      await runningPod(suite, namespace, { name: 'p', nodeName: node });
      const answer = await suite.api.patch(`/api/v1/namespaces/${namespace}/pods/p/status`, 'strategic', {
        status: {
          conditions: [{ type: 'Ready', status: 'False' }],
          containerStatuses: [{ name: 'c', image: 'x', imageID: '', ready: false, restartCount: 1 }],
        },
      });
      assert.code(answer, 200);
      expect(field(answer.body, 'status.containerStatuses.0.state') ?? {}).toEqual({});
      expect(field(answer.body, 'status.containerStatuses.0.restartCount')).toBe(1);
      const conditions = field<{ type: string; status: string }[]>(answer.body, 'status.conditions');
      expect(conditions.find(({ type }) => type === 'Ready')?.status).toBe('False');
      expect(conditions.find(({ type }) => type === 'ContainersReady')?.status).toBe('True');
    });
  });

  describe('graceful deletion', () => {
    it('an unbound pod is gone at once', async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'p', extra: { schedulerName: 'nobody' } });
      const path = `/api/v1/namespaces/${namespace}/pods/p`;
      const answer = await suite.api.delete(path);
      assert.code(answer, 200);
      assert.refused(await suite.api.get(path), { code: 404 });
    });

    it('a running pod stays with deletionTimestamp until it is deleted with grace 0', async () => {
      const [namespace, node] = [await suite.namespace(), await createNode(suite)];
      await runningPod(suite, namespace, { name: 'p', nodeName: node });
      const path = `/api/v1/namespaces/${namespace}/pods/p`;
      const before = Date.now();
      const answer = await suite.api.delete(path);
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 30 } });
      const until = Date.parse(need(answer.body, 'metadata.deletionTimestamp'));
      expect(until - before).toBeGreaterThan(27_000);
      expect(until - before).toBeLessThan(33_000);
      expect(field((await suite.api.get(path)).body, 'status.phase')).toBe('Running');
      assert.code(await suite.api.delete(path, { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 }), 200);
      assert.refused(await suite.api.get(path), { code: 404 });
    });

    it('a second delete may shorten the grace, not lengthen it', async () => {
      const [namespace, node] = [await suite.namespace(), await createNode(suite)];
      await runningPod(suite, namespace, { name: 'p', nodeName: node });
      const path = `/api/v1/namespaces/${namespace}/pods/p`;
      const grace = async (seconds: number): Promise<unknown> => {
        const answer = await suite.api.delete(path, { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: seconds });
        assert.code(answer, 200);
        return field((await suite.api.get(path)).body, 'metadata.deletionGracePeriodSeconds');
      };
      expect(await grace(20)).toBe(20);
      expect(await grace(10)).toBe(10);
      expect(await grace(25)).toBe(10);
      await suite.api.delete(path, { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 });
    });

    it('the grace of the pod is what its spec says; the query may say it too', async () => {
      const [namespace, node] = [await suite.namespace(), await createNode(suite)];
      for (const name of ['p', 'q'])
        await runningPod(suite, namespace, { name, nodeName: node, extra: { terminationGracePeriodSeconds: 7 } });
      const path = `/api/v1/namespaces/${namespace}/pods`;
      expect(field((await suite.api.delete(`${path}/p`)).body, 'metadata.deletionGracePeriodSeconds')).toBe(7);
      expect(field((await suite.api.delete(`${path}/q?gracePeriodSeconds=3`)).body, 'metadata.deletionGracePeriodSeconds')).toBe(3);
      for (const name of ['p', 'q']) await suite.api.delete(`${path}/${name}?gracePeriodSeconds=0`);
    });

    it('the body of a delete must be JSON by its content type: 415', async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'p', extra: { schedulerName: 'nobody' } });
      const answer = await suite.api.delete(
        `/api/v1/namespaces/${namespace}/pods/p`,
        { gracePeriodSeconds: 0 },
        { contentType: 'text/plain' },
      );
      assert.refused(answer, { code: 415, reason: 'UnsupportedMediaType' });
    });
  });

  describe('scheduling', () => {
    it('a pod that fits is bound to the node, one that does not says why', async () => {
      const namespace = await suite.namespace();
      const zone = suite.unique('zone');
      const node = await createNode(suite, { schedulable: true, labels: { zone } });
      const extra = { nodeSelector: { zone } };
      await createPod(suite, namespace, { name: 'fits', resources: { requests: { cpu: '3' } }, extra });
      const path = `/api/v1/namespaces/${namespace}/pods`;
      const bound = await waitForObject(suite.api, `${path}/fits`, (body) => field(body, 'spec.nodeName') !== undefined);
      expect(field(bound, 'spec.nodeName')).toBe(node);
      await createPod(suite, namespace, { name: 'big', resources: { requests: { cpu: '2' } }, extra });
      const waiting = await waitForObject(
        suite.api,
        `${path}/big`,
        (body) => field(body, 'status.conditions.0.reason') === 'Unschedulable',
      );
      expect(field(waiting, 'status.conditions')).toEqual([
        expect.objectContaining({
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: expect.stringMatching(/^0\/\d+ nodes are available: .*1 Insufficient cpu/u) as unknown,
        }),
      ]);
      await suite.api.delete(`${path}/fits?gracePeriodSeconds=0`);
      await waitForObject(suite.api, `${path}/big`, (body) => field(body, 'spec.nodeName') === node);
    });

    it('a pod that has to be beside another one is placed once that one is', async () => {
      const namespace = await suite.namespace();
      const zone = suite.unique('zone');
      const node = await createNode(suite, { schedulable: true, labels: { zone } });
      const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'partner' } } };
      const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
      await createPod(suite, namespace, { name: 'beside', extra: { nodeSelector: { zone }, affinity } });
      const path = `/api/v1/namespaces/${namespace}/pods/beside`;
      await waitForObject(suite.api, path, (body) => field(body, 'status.conditions.0.reason') === 'Unschedulable');
      await createPod(suite, namespace, { name: 'partner', extra: { nodeSelector: { zone } } });
      const bound = await waitForObject(suite.api, path, (body) => field(body, 'spec.nodeName') !== undefined);
      expect(field(bound, 'spec.nodeName')).toBe(node);
    });

    it('scheduling gates hold a pod back', async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'p', extra: { schedulingGates: [{ name: 'example.com/wait' }] } });
      const body = await waitForObject(
        suite.api,
        `/api/v1/namespaces/${namespace}/pods/p`,
        (got) => field(got, 'status.conditions.0') !== undefined,
      );
      expect(field(body, 'status.conditions')).toEqual([
        expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }),
      ]);
    });
  });

  describe('nodes', () => {
    it('a new node carries the not-ready taint until it is seen Ready', async () => {
      const name = suite.unique('node');
      suite.cleanup(`/api/v1/nodes/${name}`);
      const made = await created(suite.api, '/api/v1/nodes', {
        metadata: { name },
        spec: { taints: [{ key: 'mine', effect: 'NoSchedule' }] },
      });
      expect(field(made, 'spec.taints')).toEqual(
        expect.arrayContaining([
          { key: 'mine', effect: 'NoSchedule' },
          { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
        ]),
      );
      const now = new Date().toISOString();
      assert.code(
        await suite.api.patch(`/api/v1/nodes/${name}/status`, 'strategic', {
          status: {
            conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now }],
          },
        }),
        200,
      );
      const body = await waitForObject(suite.api, `/api/v1/nodes/${name}`, (got) => field<unknown[]>(got, 'spec.taints').length === 1);
      expect(field(body, 'spec.taints')).toEqual([{ key: 'mine', effect: 'NoSchedule' }]);
    });

    it('cordoned: spec.unschedulable and, from the controller, its taint', async () => {
      const path = `/api/v1/nodes/${await createNode(suite)}`;
      const taints = (body: unknown): string[] => field<{ key: string }[]>(body, 'spec.taints').map(({ key }) => key);
      assert.code(await suite.api.patch(path, 'merge', { spec: { unschedulable: true } }), 200);
      await waitForObject(suite.api, path, (body) => taints(body).includes('node.kubernetes.io/unschedulable'));
      assert.code(await suite.api.patch(path, 'merge', { spec: { unschedulable: null } }), 200);
      await waitForObject(suite.api, path, (body) => !taints(body).includes('node.kubernetes.io/unschedulable'));
    });

    it('status of a node is written by its subresource, the rest is not', async () => {
      const path = `/api/v1/nodes/${await createNode(suite)}`;
      const answer = await suite.api.patch(`${path}/status`, 'merge', {
        spec: { unschedulable: true },
        status: { allocatable: { cpu: '3' } },
      });
      assert.code(answer, 200);
      expect(field(answer.body, 'status.allocatable.cpu')).toBe('3');
      expect(field(answer.body, 'spec.unschedulable')).toBeUndefined();
    });

    it('a deleted node is gone', async () => {
      const path = `/api/v1/nodes/${await createNode(suite)}`;
      assert.code(await suite.api.delete(path), 200);
      await waitForGone(suite.api, path);
    });
  });
}
