import { describe, expect, it } from 'vitest';
import { configMap, createNode, createPod, deployment } from '../objects.ts';
import { assert, created, field, need, waitForObject, type ContractSuite } from '../suite.ts';

export function subresourceContracts(suite: ContractSuite): void {
  const quiet = async (replicas = 0): Promise<string> => {
    const namespace = await suite.namespace();
    const path = `/apis/apps/v1/namespaces/${namespace}/replicasets`;
    const { spec, ...rest } = deployment('a', replicas);
    await created(suite.api, path, { ...rest, kind: 'ReplicaSet', spec });
    // The controller's first status is written before the contract begins: later resourceVersions are the test's own.
    await waitForObject(suite.api, `${path}/a`, (body) => field(body, 'status.observedGeneration') === 1);
    return `${path}/a`;
  };

  describe('status', () => {
    it('is not taken at creation, but for nodes', async () => {
      const namespace = await suite.namespace();
      const made = await created(suite.api, `/apis/apps/v1/namespaces/${namespace}/deployments`, {
        ...deployment('a'),
        status: { replicas: 7 },
      });
      expect(field(made, 'status.replicas')).toBeUndefined();
      const node = await suite.api.get(`/api/v1/nodes/${await createNode(suite)}`);
      expect(field(node.body, 'status.capacity.cpu')).toBe('4');
    });

    it('a write of the object leaves status alone', async () => {
      const path = await quiet();
      const now = await suite.api.get(path);
      const answer = await suite.api.put(path, { ...(now.body as object), status: { replicas: 7 } });
      assert.code(answer, 200);
      expect(field(answer.body, 'status.replicas')).toBe(0);
      const patched = await suite.api.patch(path, 'merge', { status: { replicas: 7 } });
      assert.code(patched, 200);
      expect(field(patched.body, 'status.replicas')).toBe(0);
    });

    it('a write of status leaves the rest alone', async () => {
      const path = await quiet();
      const answer = await suite.api.patch(`${path}/status`, 'merge', {
        spec: { replicas: 5 },
        status: { conditions: [{ type: 'Mine', status: 'True' }] },
      });
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.replicas')).toBe(0);
      expect(field(answer.body, 'status.conditions')).toEqual([expect.objectContaining({ type: 'Mine', status: 'True' })]);
      const put = await suite.api.put(`${path}/status`, {
        ...(answer.body as object),
        spec: { ...field<object>(answer.body, 'spec'), replicas: 9 },
      });
      assert.code(put, 200);
      expect(field(put.body, 'spec.replicas')).toBe(0);
    });

    it('get of status answers the whole object', async () => {
      const path = await quiet();
      const answer = await suite.api.get(`${path}/status`);
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'ReplicaSet', metadata: { name: 'a' }, spec: { replicas: 0 } });
    });

    it('with a stale resourceVersion: 409', async () => {
      const path = await quiet();
      const old = (await suite.api.get(path)).body as object;
      await suite.api.patch(path, 'merge', { metadata: { labels: { l: 'x' } } });
      assert.refused(await suite.api.put(`${path}/status`, old), { code: 409, reason: 'Conflict' });
    });

    it('of a kind that has none: 404', async () => {
      const namespace = await suite.namespace();
      await created(suite.api, `/api/v1/namespaces/${namespace}/configmaps`, configMap('a'));
      assert.refused(await suite.api.get(`/api/v1/namespaces/${namespace}/configmaps/a/status`), {
        code: 404,
        reason: 'NotFound',
        message: 'the server could not find the requested resource',
      });
    });
  });

  describe('scale', () => {
    it('get answers an autoscaling/v1 Scale with the resourceVersion of the object', async () => {
      const path = await quiet();
      const object = await suite.api.get(path);
      const answer = await suite.api.get(`${path}/scale`);
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        metadata: { name: 'a', uid: need(object.body, 'metadata.uid'), resourceVersion: need(object.body, 'metadata.resourceVersion') },
        status: { replicas: 0, selector: 'app=a' },
      });
      // Zero is left out of a Scale's spec.
      expect(field(answer.body, 'spec.replicas') ?? 0).toBe(0);
    });

    it('put sets the replicas of the object and raises its generation', async () => {
      const path = await quiet();
      const scale = await suite.api.get(`${path}/scale`);
      const answer = await suite.api.put(`${path}/scale`, { ...(scale.body as object), spec: { replicas: 3 } });
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.replicas')).toBe(3);
      const object = await suite.api.get(path);
      expect(field(object.body, 'spec.replicas')).toBe(3);
      expect(field(object.body, 'metadata.generation')).toBe(2);
    });

    it('merge patch, with and without a resourceVersion', async () => {
      const path = await quiet();
      const answer = await suite.api.patch(`${path}/scale`, 'merge', { spec: { replicas: 2 } });
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
      assert.refused(await suite.api.patch(`${path}/scale`, 'merge', { metadata: { resourceVersion: '1' }, spec: { replicas: 4 } }), {
        code: 409,
        reason: 'Conflict',
        message: /the object has been modified/u,
      });
      expect(field((await suite.api.get(path)).body, 'spec.replicas')).toBe(2);
    });

    it('a JSON patch with a test of the resourceVersion', async () => {
      const path = await quiet(0);
      await suite.api.patch(`${path}/scale`, 'merge', { spec: { replicas: 1 } });
      const answer = await suite.api.patch(`${path}/scale`, 'json', [
        { op: 'test', path: '/metadata/name', value: 'a' },
        { op: 'replace', path: '/spec/replicas', value: 2 },
      ]);
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.replicas')).toBe(2);
    });

    it('put with a stale resourceVersion: 409 that names the object', async () => {
      const path = await quiet();
      const scale = await suite.api.get(`${path}/scale`);
      await suite.api.patch(path, 'merge', { metadata: { labels: { l: 'x' } } });
      assert.refused(await suite.api.put(`${path}/scale`, { ...(scale.body as object), spec: { replicas: 3 } }), {
        code: 409,
        reason: 'Conflict',
        message: /^Operation cannot be fulfilled on replicasets\.apps "a": the object has been modified; please apply/u,
        details: { name: 'a', kind: 'replicasets', group: 'apps' },
      });
    });

    it('put without a resourceVersion takes effect', async () => {
      const path = await quiet();
      const namespace = path.split('/')[5]!;
      const answer = await suite.api.put(`${path}/scale`, { metadata: { name: 'a', namespace }, spec: { replicas: 6 } });
      assert.code(answer, 200);
      expect(field((await suite.api.get(path)).body, 'spec.replicas')).toBe(6);
    });

    it('negative replicas: 422', async () => {
      const path = await quiet();
      assert.refused(await suite.api.patch(`${path}/scale`, 'merge', { spec: { replicas: -1 } }), {
        code: 422,
        reason: 'Invalid',
        message: /spec\.replicas: Invalid value: -1: must be greater than or equal to 0/u,
        details: { causes: [{ field: 'spec.replicas' }] },
      });
    });

    it('dry run answers the new scale and stores nothing', async () => {
      const path = await quiet();
      const answer = await suite.api.patch(`${path}/scale?dryRun=All`, 'merge', { spec: { replicas: 9 } });
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.replicas')).toBe(9);
      expect(field((await suite.api.get(path)).body, 'spec.replicas')).toBe(0);
    });

    it('Deployments and StatefulSets have it too; DaemonSets and Pods do not', async () => {
      const namespace = await suite.namespace();
      const apps = `/apis/apps/v1/namespaces/${namespace}`;
      const { spec, ...rest } = deployment('a');
      await created(suite.api, `${apps}/deployments`, { ...rest, spec: { ...spec, paused: true } });
      await created(suite.api, `${apps}/statefulsets`, { ...rest, kind: 'StatefulSet', spec: { ...spec, serviceName: 'a' } });
      const { replicas: _replicas, ...daemon } = spec;
      const daemonSpec = {
        ...daemon,
        template: { ...(spec['template'] as object), spec: { ...field<object>(spec, 'template.spec'), nodeSelector: { none: 'x' } } },
      };
      await created(suite.api, `${apps}/daemonsets`, { ...rest, kind: 'DaemonSet', spec: daemonSpec });
      for (const kind of ['deployments', 'statefulsets']) {
        const answer = await suite.api.get(`${apps}/${kind}/a/scale`);
        assert.code(answer, 200);
        expect(field(answer.body, 'status.selector')).toBe('app=a');
      }
      assert.refused(await suite.api.get(`${apps}/daemonsets/a/scale`), { code: 404, reason: 'NotFound' });
      await createPod(suite, namespace, { name: 'p', extra: { schedulerName: 'nobody' } });
      assert.refused(await suite.api.get(`/api/v1/namespaces/${namespace}/pods/p/scale`), { code: 404, reason: 'NotFound' });
    });

    it('a selector of expressions is written as text', async () => {
      const namespace = await suite.namespace();
      const body = deployment('a');
      const path = `/apis/apps/v1/namespaces/${namespace}/replicasets`;
      const selector = {
        matchLabels: { app: 'a' },
        matchExpressions: [
          { key: 'tier', operator: 'NotIn', values: ['x', 'b'] },
          { key: 'app', operator: 'Exists' },
        ],
      };
      await created(suite.api, path, { ...body, kind: 'ReplicaSet', spec: { ...body.spec, selector } });
      expect(field((await suite.api.get(`${path}/a/scale`)).body, 'status.selector')).toBe('app=a,app,tier notin (b,x)');
    });

    it('of an object that does not exist: 404', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/none/scale`;
      const expected = { code: 404, reason: 'NotFound', message: 'deployments.apps "none" not found' };
      assert.refused(await suite.api.get(path), expected);
      assert.refused(await suite.api.patch(path, 'merge', { spec: { replicas: 1 } }), expected);
    });
  });
}
