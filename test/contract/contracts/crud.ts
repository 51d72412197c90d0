import { describe, expect, it } from 'vitest';
import { configMap, deployment } from '../objects.ts';
import { assert, created, field, need, type ContractSuite } from '../suite.ts';

export function crudContracts(suite: ContractSuite): void {
  describe('create, read, replace, delete', () => {
    it('create answers 201 with uid, resourceVersion and creationTimestamp of the server', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps`, configMap('a'));
      assert.code(answer, 201);
      expect(answer.headers['content-type']).toMatch(/^application\/json/u);
      expect(answer.body).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', namespace }, data: { a: '1' } });
      expect(need(answer.body, 'metadata.uid')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u);
      expect(need(answer.body, 'metadata.resourceVersion')).toMatch(/^[1-9]\d*$/u);
      expect(need(answer.body, 'metadata.creationTimestamp')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u);
    });

    it('get answers what create answered', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const made = await created(suite.api, path, configMap('a'));
      const got = await suite.api.get(`${path}/a`);
      assert.code(got, 200);
      expect(got.body).toEqual(made);
    });

    it('create ignores uid, creationTimestamp and generation of the client', async () => {
      const namespace = await suite.namespace();
      const body = deployment('a');
      const metadata = { ...body.metadata, uid: 'mine', creationTimestamp: '2001-01-01T00:00:00Z', generation: 7 };
      const made = await created(suite.api, `/apis/apps/v1/namespaces/${namespace}/deployments`, { ...body, metadata });
      expect(need(made, 'metadata.uid')).not.toBe('mine');
      expect(need(made, 'metadata.creationTimestamp')).not.toMatch(/^2001/u);
      expect(field(made, 'metadata.generation')).toBe(1);
    });

    it('apiVersion and kind may be left out of the body', async () => {
      const namespace = await suite.namespace();
      const made = await created(suite.api, `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: 'a' } });
      expect(made).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    });

    it('generateName makes a name of the prefix and five letters', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const names = new Set<string>();
      for (let i = 0; i < 5; i++) {
        const made = await created(suite.api, path, { metadata: { generateName: 'gen-' } });
        expect(field(made, 'metadata.generateName')).toBe('gen-');
        expect(need(made, 'metadata.name')).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/u);
        names.add(need(made, 'metadata.name'));
      }
      expect(names.size).toBe(5);
    });

    it('create of an existing name: 409 AlreadyExists', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      await created(suite.api, path, configMap('a'));
      assert.refused(await suite.api.post(path, configMap('a')), {
        code: 409,
        reason: 'AlreadyExists',
        message: 'configmaps "a" already exists',
        details: { name: 'a', kind: 'configmaps' },
      });
    });

    it('the group stands in names of kinds: deployments.apps "x" not found', async () => {
      const namespace = await suite.namespace();
      assert.refused(await suite.api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/none`), {
        code: 404,
        reason: 'NotFound',
        message: 'deployments.apps "none" not found',
        details: { name: 'none', group: 'apps', kind: 'deployments' },
      });
      assert.refused(await suite.api.get(`/api/v1/namespaces/${namespace}/configmaps/none`), {
        code: 404,
        reason: 'NotFound',
        message: 'configmaps "none" not found',
        details: { name: 'none', kind: 'configmaps' },
      });
    });

    it('create in a namespace that does not exist: 404 of the namespace', async () => {
      assert.refused(await suite.api.post('/api/v1/namespaces/no-such-namespace/configmaps', configMap('a')), {
        code: 404,
        reason: 'NotFound',
        message: 'namespaces "no-such-namespace" not found',
        details: { name: 'no-such-namespace', kind: 'namespaces' },
      });
    });

    it('list and get in a namespace that does not exist: empty list, 404 of the object', async () => {
      const list = await suite.api.get('/api/v1/namespaces/no-such-namespace/configmaps');
      assert.code(list, 200);
      expect(field(list.body, 'items')).toEqual([]);
      assert.refused(await suite.api.get('/api/v1/namespaces/no-such-namespace/configmaps/a'), {
        code: 404,
        message: 'configmaps "a" not found',
      });
    });

    it('create with another namespace in the body: 400', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: 'a', namespace: 'default' } });
      assert.refused(answer, {
        code: 400,
        reason: 'BadRequest',
        message: 'the namespace of the provided object does not match the namespace sent on the request',
      });
    });

    it('an invalid name: 422 with the cause at metadata.name', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps`, configMap('Not_A_Name'));
      assert.refused(answer, {
        code: 422,
        reason: 'Invalid',
        message:
          /^ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of/u,
        details: { name: 'Not_A_Name', kind: 'ConfigMap', causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }] },
      });
    });

    it('no name at all: 422 required', async () => {
      const namespace = await suite.namespace();
      assert.refused(await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps`, { data: {} }), {
        code: 422,
        reason: 'Invalid',
        message: /metadata\.name: Required value: name or generateName is required/u,
        details: { causes: [{ reason: 'FieldValueRequired', field: 'metadata.name' }] },
      });
    });

    it('invalid label keys and values: 422 at metadata.labels', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      for (const labels of [{ a: 'not valid' }, { 'a/b/c': 'x' }, { a: 'x'.repeat(64) }]) {
        assert.refused(await suite.api.post(path, configMap('a', {}, labels)), {
          code: 422,
          reason: 'Invalid',
          details: { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.labels' }] },
        });
      }
    });

    it('a resourceVersion in a create: refused, with 500', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: 'a', resourceVersion: '1' } });
      assert.refused(answer, { code: 500, message: 'resourceVersion should not be set on objects to be created' });
    });

    it('a body that is not JSON: 400', async () => {
      const namespace = await suite.namespace();
      assert.refused(await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps`, '{"metadata":'), {
        code: 400,
        reason: 'BadRequest',
      });
    });

    it('a body of another kind: 400', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps`, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'a' },
      });
      assert.refused(answer, { code: 400, reason: 'BadRequest', message: /Secret in version "v1" cannot be handled as a ConfigMap/u });
    });

    it('a body of an unknown media type: 415', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps`, 'x', { contentType: 'text/plain' });
      assert.refused(answer, { code: 415, reason: 'UnsupportedMediaType', message: /application\/json/u });
    });

    it('replace stores the whole object with a new resourceVersion and the old uid', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const made = await created(suite.api, path, configMap('a', { a: '1', b: '2' }, { l: 'x' }));
      const answer = await suite.api.put(`${path}/a`, configMap('a', { a: '3' }));
      assert.code(answer, 200);
      expect(field(answer.body, 'data')).toEqual({ a: '3' });
      expect(field(answer.body, 'metadata.labels')).toBeUndefined();
      expect(need(answer.body, 'metadata.uid')).toBe(need(made, 'metadata.uid'));
      expect(need(answer.body, 'metadata.creationTimestamp')).toBe(need(made, 'metadata.creationTimestamp'));
      expect(Number(need(answer.body, 'metadata.resourceVersion'))).toBeGreaterThan(Number(need(made, 'metadata.resourceVersion')));
    });

    it('a replace that changes nothing keeps the resourceVersion', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const made = (await created(suite.api, path, configMap('a'))) as object;
      const answer = await suite.api.put(`${path}/a`, made);
      assert.code(answer, 200);
      expect(need(answer.body, 'metadata.resourceVersion')).toBe(need(made, 'metadata.resourceVersion'));
    });

    it('replace with another name in the body: 400', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      await created(suite.api, path, configMap('a'));
      assert.refused(await suite.api.put(`${path}/a`, configMap('b')), {
        code: 400,
        reason: 'BadRequest',
        message: 'the name of the object (b) does not match the name on the URL (a)',
      });
    });

    it('replace of what does not exist: 404', async () => {
      const namespace = await suite.namespace();
      assert.refused(await suite.api.put(`/api/v1/namespaces/${namespace}/configmaps/a`, configMap('a')), {
        code: 404,
        reason: 'NotFound',
        message: 'configmaps "a" not found',
      });
    });

    it('delete answers a Success status with the uid, then the object is gone', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const made = await created(suite.api, path, configMap('a'));
      const answer = await suite.api.delete(`${path}/a`);
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Success',
        details: { name: 'a', kind: 'configmaps', uid: need(made, 'metadata.uid') },
      });
      assert.refused(await suite.api.get(`${path}/a`), { code: 404, reason: 'NotFound' });
      assert.refused(await suite.api.delete(`${path}/a`), { code: 404, reason: 'NotFound', message: 'configmaps "a" not found' });
    });

    it('a namespace is labelled with its name', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.get(`/api/v1/namespaces/${namespace}`);
      expect(answer.body).toMatchObject({
        metadata: { labels: { 'kubernetes.io/metadata.name': namespace } },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      });
    });
  });
}
