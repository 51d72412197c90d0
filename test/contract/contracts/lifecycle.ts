import { describe, expect, it } from 'vitest';
import { configMap, createPod, deployment } from '../objects.ts';
import { assert, created, field, need, waitFor, waitForGone, waitForObject, type ContractSuite } from '../suite.ts';

export function lifecycleContracts(suite: ContractSuite): void {
  const place = async (): Promise<string> => `/api/v1/namespaces/${await suite.namespace()}/configmaps`;
  const withMetadata = (name: string, metadata: object): object => ({ metadata: { name, ...metadata }, data: {} });
  const options = (propagationPolicy: string): object => ({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy });

  describe('finalizers', () => {
    it('hold a deleted object until the last is removed', async () => {
      const path = await place();
      await created(suite.api, path, withMetadata('a', { finalizers: ['example.com/one', 'example.com/two'] }));
      const answer = await suite.api.delete(`${path}/a`);
      assert.code(answer, 200);
      expect(field(answer.body, 'metadata.deletionTimestamp')).toBeDefined();
      expect(field((await suite.api.get(`${path}/a`)).body, 'metadata.deletionGracePeriodSeconds')).toBe(0);
      assert.code(await suite.api.patch(`${path}/a`, 'merge', { metadata: { finalizers: ['example.com/two'] } }), 200);
      assert.code(await suite.api.get(`${path}/a`), 200);
      assert.code(await suite.api.patch(`${path}/a`, 'merge', { metadata: { finalizers: [] } }), 200);
      assert.refused(await suite.api.get(`${path}/a`), { code: 404 });
    });

    it('a watch sees MODIFIED at the delete and DELETED at the end', async () => {
      const path = await place();
      const made = await created(suite.api, path, withMetadata('a', { finalizers: ['example.com/one'] }));
      const watch = await suite.api.watch(
        `${path}?watch=true&fieldSelector=metadata.name%3Da&resourceVersion=${need(made, 'metadata.resourceVersion')}`,
      );
      try {
        await suite.api.delete(`${path}/a`);
        await suite.api.patch(`${path}/a`, 'merge', { metadata: { finalizers: null } });
        expect((await watch.take(2)).map((line) => line.type)).toEqual(['MODIFIED', 'DELETED']);
      } finally {
        watch.close();
      }
    });

    it('none may be added once deletion has begun: 422', async () => {
      const path = await place();
      await created(suite.api, path, withMetadata('a', { finalizers: ['example.com/one'] }));
      await suite.api.delete(`${path}/a`);
      assert.refused(await suite.api.patch(`${path}/a`, 'merge', { metadata: { finalizers: ['example.com/one', 'example.com/new'] } }), {
        code: 422,
        reason: 'Invalid',
        message: /no new finalizers can be added if the object is being deleted/u,
      });
      await suite.api.patch(`${path}/a`, 'merge', { metadata: { finalizers: null } });
    });

    it('a second delete changes nothing', async () => {
      const path = await place();
      await created(suite.api, path, withMetadata('a', { finalizers: ['example.com/one'] }));
      const first = await suite.api.delete(`${path}/a`);
      const second = await suite.api.delete(`${path}/a`);
      assert.code(second, 200);
      expect(need(second.body, 'metadata.deletionTimestamp')).toBe(need(first.body, 'metadata.deletionTimestamp'));
      await suite.api.patch(`${path}/a`, 'merge', { metadata: { finalizers: null } });
    });

    it('a name without a domain: 422', async () => {
      const path = await place();
      assert.refused(await suite.api.post(path, withMetadata('a', { finalizers: ['x y'] })), {
        code: 422,
        reason: 'Invalid',
        message: /metadata\.finalizers/u,
      });
    });
  });

  describe('owners', () => {
    const family = async (more: object = {}): Promise<{ path: string; owner: unknown }> => {
      const path = await place();
      const owner = await created(suite.api, path, configMap('owner'));
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: need(owner, 'metadata.uid'), ...more };
      await created(suite.api, path, withMetadata('child', { ownerReferences: [reference] }));
      return { path, owner };
    };

    it('background: the owner goes at once, its dependents follow', async () => {
      const { path } = await family();
      assert.code(await suite.api.delete(`${path}/owner`, options('Background')), 200);
      assert.refused(await suite.api.get(`${path}/owner`), { code: 404 });
      await waitForGone(suite.api, `${path}/child`);
    });

    it('background is the default', async () => {
      const { path } = await family();
      assert.code(await suite.api.delete(`${path}/owner`), 200);
      await waitForGone(suite.api, `${path}/child`);
    });

    it('orphan: the dependents stay and lose the reference', async () => {
      const { path } = await family();
      assert.code(await suite.api.delete(`${path}/owner?propagationPolicy=Orphan`), 200);
      await waitForGone(suite.api, `${path}/owner`);
      const body = await waitForObject(suite.api, `${path}/child`, (got) => field(got, 'metadata.ownerReferences') === undefined);
      expect(field(body, 'metadata.name')).toBe('child');
    });

    it('foreground: the owner waits, with its finalizer, for blocking dependents', async () => {
      const { path } = await family({ blockOwnerDeletion: true });
      await suite.api.patch(`${path}/child`, 'merge', { metadata: { finalizers: ['example.com/hold'] } });
      const answer = await suite.api.delete(`${path}/owner`, options('Foreground'));
      assert.code(answer, 200);
      expect(field(answer.body, 'metadata.finalizers')).toEqual(['foregroundDeletion']);
      await waitForObject(suite.api, `${path}/child`, (body) => field(body, 'metadata.deletionTimestamp') !== undefined);
      assert.code(await suite.api.get(`${path}/owner`), 200);
      await suite.api.patch(`${path}/child`, 'merge', { metadata: { finalizers: null } });
      await waitForGone(suite.api, `${path}/owner`);
    });

    it('a dependent with a second owner stays', async () => {
      const { path, owner } = await family();
      const other = await created(suite.api, path, configMap('other'));
      const reference = (of: unknown): object => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: need(of, 'metadata.name'),
        uid: need(of, 'metadata.uid'),
      });
      await created(suite.api, path, withMetadata('shared', { ownerReferences: [reference(owner), reference(other)] }));
      await suite.api.delete(`${path}/owner`);
      await waitForGone(suite.api, `${path}/child`);
      const left = await waitForObject(
        suite.api,
        `${path}/shared`,
        (body) => field<unknown[]>(body, 'metadata.ownerReferences').length === 1,
      );
      expect(field(left, 'metadata.ownerReferences')).toEqual([reference(other)]);
    });

    it('an owner that does not exist: the dependent is collected', async () => {
      const path = await place();
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: '11111111-2222-3333-4444-555555555555' };
      await created(suite.api, path, withMetadata('child', { ownerReferences: [reference] }));
      expect(await waitForGone(suite.api, `${path}/child`, 40_000)).toBe(true);
    });

    it('two controllers: 422', async () => {
      const path = await place();
      const reference = (uid: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid, controller: true });
      assert.refused(await suite.api.post(path, withMetadata('a', { ownerReferences: [reference('u1'), reference('u2')] })), {
        code: 422,
        reason: 'Invalid',
        message: /Only one reference can have Controller set to true/u,
      });
    });
  });

  describe('deletecollection', () => {
    it('deletes what the selector matches and answers the list of it', async () => {
      const path = await place();
      for (const [i, tier] of ['web', 'web', 'db'].entries()) await created(suite.api, path, configMap(`c${i}`, {}, { tier }));
      const answer = await suite.api.delete(`${path}?labelSelector=tier%3Dweb`);
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'ConfigMapList' });
      expect(field<unknown[]>(answer.body, 'items')).toHaveLength(2);
      const left = await suite.api.get(`${path}?labelSelector=tier`);
      expect(field<{ metadata: { name: string } }[]>(left.body, 'items').map((item) => item.metadata.name)).toEqual(['c2']);
    });
  });

  describe('namespaces', () => {
    it('deleting one deletes what is in it; meanwhile nothing new may be created', async () => {
      const path = await place();
      const namespace = path.split('/')[4]!;
      await created(suite.api, path, withMetadata('held', { finalizers: ['example.com/hold'] }));
      await created(suite.api, path, configMap('free'));
      assert.code(await suite.api.delete(`/api/v1/namespaces/${namespace}`), 200);
      await waitForObject(suite.api, `/api/v1/namespaces/${namespace}`, (body) => field(body, 'status.phase') === 'Terminating');
      await waitFor('the namespace refuses new objects', async () =>
        (await suite.api.post(path, configMap('new'))).status === 403 ? true : undefined,
      );
      assert.refused(await suite.api.post(path, configMap('new')), {
        code: 403,
        reason: 'Forbidden',
        message: new RegExp(
          `configmaps "new" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
          'u',
        ),
        details: { causes: [{ reason: 'NamespaceTerminating' }] },
      });
      await waitForGone(suite.api, `${path}/free`);
      await suite.api.patch(`${path}/held`, 'merge', { metadata: { finalizers: null } });
      await waitForGone(suite.api, `/api/v1/namespaces/${namespace}`, 60_000);
    });
  });

  describe('workload controllers', () => {
    const pods = async (namespace: string): Promise<unknown[]> =>
      field<unknown[]>((await suite.api.get(`/api/v1/namespaces/${namespace}/pods`)).body, 'items').filter(
        (item) => field(item, 'metadata.deletionTimestamp') === undefined,
      );

    it('a Deployment becomes a ReplicaSet and pods, follows its scale, and takes them along when it goes', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      await created(suite.api, path, deployment('web', 2));
      await waitFor('two pods', async () => ((await pods(namespace)).length === 2 ? true : undefined));
      const sets = field<unknown[]>((await suite.api.get(`/apis/apps/v1/namespaces/${namespace}/replicasets`)).body, 'items');
      expect(sets).toHaveLength(1);
      expect(field(sets[0], 'metadata.ownerReferences')).toEqual([
        expect.objectContaining({ kind: 'Deployment', name: 'web', controller: true, blockOwnerDeletion: true }),
      ]);
      const hash = need(sets[0], ['metadata', 'labels', 'pod-template-hash']);
      expect(need(sets[0], 'metadata.name')).toBe(`web-${hash}`);
      for (const item of await pods(namespace)) {
        expect(field(item, 'metadata.labels')).toMatchObject({ app: 'web', 'pod-template-hash': hash });
        expect(need(item, 'metadata.name')).toMatch(new RegExp(`^web-${hash}-[a-z0-9]{5}$`, 'u'));
        expect(field(item, 'metadata.ownerReferences')).toEqual([
          expect.objectContaining({ kind: 'ReplicaSet', name: `web-${hash}`, controller: true }),
        ]);
      }
      await waitForObject(
        suite.api,
        `${path}/web`,
        (body) => field(body, 'status.replicas') === 2 && field(body, 'status.observedGeneration') === 1,
      );
      assert.code(await suite.api.patch(`${path}/web/scale`, 'merge', { spec: { replicas: 4 } }), 200);
      await waitForObject(
        suite.api,
        `${path}/web`,
        (body) => field(body, 'status.replicas') === 4 && field(body, 'status.observedGeneration') === 2,
      );
      expect(await pods(namespace)).toHaveLength(4);
      assert.code(await suite.api.patch(`${path}/web/scale`, 'merge', { spec: { replicas: 1 } }), 200);
      await waitFor('one pod', async () => ((await pods(namespace)).length === 1 ? true : undefined));
      await suite.api.delete(`${path}/web`);
      await waitFor('no pod', async () => ((await pods(namespace)).length === 0 ? true : undefined));
    });

    it('a StatefulSet makes its pods by number', async () => {
      const namespace = await suite.namespace();
      const { spec, ...rest } = deployment('db', 2);
      await created(suite.api, `/apis/apps/v1/namespaces/${namespace}/statefulsets`, {
        ...rest,
        kind: 'StatefulSet',
        spec: { ...spec, serviceName: 'db', podManagementPolicy: 'Parallel' },
      });
      await waitFor('db-0 and db-1', async () => {
        const names = (await pods(namespace)).map((item) => need(item, 'metadata.name')).toSorted();
        return names.join() === 'db-0,db-1' ? true : undefined;
      });
      expect(field((await pods(namespace))[0], ['metadata', 'labels', 'statefulset.kubernetes.io/pod-name'])).toMatch(/^db-\d$/u);
    });

    it('a deleted pod is replaced', async () => {
      const namespace = await suite.namespace();
      await createPod(suite, namespace, { name: 'unrelated', extra: { schedulerName: 'nobody' } });
      const { spec, ...rest } = deployment('rs', 1);
      await created(suite.api, `/apis/apps/v1/namespaces/${namespace}/replicasets`, { ...rest, kind: 'ReplicaSet', spec });
      const owned = async (): Promise<string[]> =>
        (await pods(namespace)).map((item) => need(item, 'metadata.name')).filter((name) => name.startsWith('rs-'));
      const [first] = await waitFor('one pod', async () => ((await owned()).length === 1 ? owned() : undefined));
      await suite.api.delete(`/api/v1/namespaces/${namespace}/pods/${first}?gracePeriodSeconds=0`);
      const second = await waitFor('another pod', async () => {
        const now = await owned();
        return now.length === 1 && now[0] !== first ? now[0] : undefined;
      });
      expect(second).toMatch(/^rs-[a-z0-9]{5}$/u);
    });
  });
}
