import { describe, expect, it } from 'vitest';
import { configMap, deployment } from '../objects.ts';
import { assert, created, field, need, type ContractSuite } from '../suite.ts';

export function writeOptionContracts(suite: ContractSuite): void {
  describe('dry run', () => {
    it('create answers 201 with uid and defaults and stores nothing', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      const answer = await suite.api.post(`${path}?dryRun=All`, deployment('a'));
      assert.code(answer, 201);
      expect(need(answer.body, 'metadata.uid')).not.toBe('');
      expect(field(answer.body, 'metadata.resourceVersion')).toBeUndefined();
      expect(field(answer.body, 'spec.strategy.type')).toBe('RollingUpdate');
      assert.refused(await suite.api.get(`${path}/a`), { code: 404 });
    });

    it('still validates and still sees what exists', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      await created(suite.api, path, configMap('a'));
      assert.refused(await suite.api.post(`${path}?dryRun=All`, configMap('a')), { code: 409, reason: 'AlreadyExists' });
      assert.refused(await suite.api.post(`${path}?dryRun=All`, configMap('B')), { code: 422, reason: 'Invalid' });
    });

    it('replace, patch and delete answer as if done and change nothing', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps/a`;
      const made = await created(suite.api, `/api/v1/namespaces/${namespace}/configmaps`, configMap('a'));
      const replaced = await suite.api.put(`${path}?dryRun=All`, configMap('a', { a: '2' }));
      assert.code(replaced, 200);
      expect(field(replaced.body, 'data.a')).toBe('2');
      const patched = await suite.api.patch(`${path}?dryRun=All`, 'merge', { data: { a: '3' } });
      assert.code(patched, 200);
      expect(field(patched.body, 'data.a')).toBe('3');
      assert.code(await suite.api.delete(`${path}?dryRun=All`), 200);
      expect((await suite.api.get(path)).body).toEqual(made);
    });

    it('another value than All: refused', async () => {
      const namespace = await suite.namespace();
      assert.refused(await suite.api.post(`/api/v1/namespaces/${namespace}/configmaps?dryRun=Some`, configMap('a')), {
        code: 422,
        reason: 'Invalid',
        message: /dryRun: .*Unsupported value/u,
      });
    });
  });

  describe('field validation', () => {
    const withUnknown = (): object => ({ ...deployment('a'), spec: { ...deployment('a').spec, replicaz: 1 } });

    it('Strict refuses unknown fields: 400 with their paths', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      assert.refused(await suite.api.post(`${path}?fieldValidation=Strict`, withUnknown()), {
        code: 400,
        reason: 'BadRequest',
        message: /strict decoding error: unknown field "spec\.replicaz"/u,
      });
    });

    it('Warn, the default, drops them with a Warning header', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      for (const [i, query] of ['', '?fieldValidation=Warn'].entries()) {
        const body = { ...withUnknown(), metadata: { name: `a${i}` } };
        const answer = await suite.api.post(`${path}${query}`, body);
        assert.code(answer, 201);
        expect(answer.headers['warning']).toBe('299 - "unknown field \\"spec.replicaz\\""');
        expect(field(answer.body, 'spec.replicaz')).toBeUndefined();
      }
    });

    it('Ignore drops them silently', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.post(`/apis/apps/v1/namespaces/${namespace}/deployments?fieldValidation=Ignore`, withUnknown());
      assert.code(answer, 201);
      expect(answer.headers['warning']).toBeUndefined();
      expect(field(answer.body, 'spec.replicaz')).toBeUndefined();
    });

    it('Strict holds for merge patches too', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      await created(suite.api, path, deployment('a'));
      assert.refused(await suite.api.patch(`${path}/a?fieldValidation=Strict`, 'merge', { spec: { replicaz: 1 } }), {
        code: 422,
        reason: 'Invalid',
        message: /unknown field "spec\.replicaz"/u,
      });
    });

    it('a value of the wrong type: 400', async () => {
      const namespace = await suite.namespace();
      const body = { ...deployment('a'), spec: { ...deployment('a').spec, replicas: 'three' } };
      assert.refused(await suite.api.post(`/apis/apps/v1/namespaces/${namespace}/deployments`, body), {
        code: 400,
        reason: 'BadRequest',
        message: /spec\.replicas/u,
      });
    });
  });
}
