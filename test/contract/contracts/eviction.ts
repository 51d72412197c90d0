import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../../e2e/http-api.ts';
import { createNode, createPod, runningPod } from '../objects.ts';
import { assert, created, field, need, waitForObject, type ContractSuite } from '../suite.ts';

export function evictionContracts(suite: ContractSuite): void {
  const pods = async (count: number): Promise<{ namespace: string; path: string }> => {
    const [namespace, node] = [await suite.namespace(), await createNode(suite)];
    for (let i = 0; i < count; i++) await runningPod(suite, namespace, { name: `p${i}`, labels: { app: 'p' }, nodeName: node });
    return { namespace, path: `/api/v1/namespaces/${namespace}/pods` };
  };
  const evict = (path: string, name: string, more: object = {}, query = ''): Promise<HttpAnswer> =>
    suite.api.post(`${path}/${name}/eviction${query}`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, ...more });
  const budget = async (namespace: string, spec: object, allowed: number, name = 'pdb'): Promise<unknown> => {
    const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    await created(suite.api, path, { metadata: { name }, spec: { selector: { matchLabels: { app: 'p' } }, ...spec } });
    return waitForObject(
      suite.api,
      `${path}/${name}`,
      (body) => field(body, 'status.observedGeneration') === 1 && field(body, 'status.disruptionsAllowed') === allowed,
    );
  };

  describe('eviction', () => {
    it('without a budget: 201 Success, and the pod is being deleted', async () => {
      const { path } = await pods(1);
      const answer = await evict(path, 'p0');
      assert.code(answer, 201);
      expect(answer.body).toMatchObject({ kind: 'Status', status: 'Success', code: 201 });
      expect(field((await suite.api.get(`${path}/p0`)).body, 'metadata.deletionTimestamp')).toBeDefined();
    });

    it('deleteOptions of the eviction hold: grace 0 and uid', async () => {
      const { path } = await pods(1);
      assert.refused(await evict(path, 'p0', { deleteOptions: { preconditions: { uid: 'other' } } }), { code: 409, reason: 'Conflict' });
      const uid = need((await suite.api.get(`${path}/p0`)).body, 'metadata.uid');
      assert.code(await evict(path, 'p0', { deleteOptions: { gracePeriodSeconds: 0, preconditions: { uid } } }), 201);
      assert.refused(await suite.api.get(`${path}/p0`), { code: 404 });
    });

    it('of a pod that does not exist: 404', async () => {
      const { path } = await pods(0);
      assert.refused(await evict(path, 'none'), { code: 404, reason: 'NotFound', message: 'pods "none" not found' });
    });

    it('dry run evicts nothing', async () => {
      const { path } = await pods(1);
      assert.code(await evict(path, 'p0', {}, '?dryRun=All'), 201);
      expect(field((await suite.api.get(`${path}/p0`)).body, 'metadata.deletionTimestamp')).toBeUndefined();
    });

    it('the name in the body must be that of the path: 400', async () => {
      const { path } = await pods(1);
      const answer = await suite.api.post(`${path}/p0/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'other' },
      });
      assert.refused(answer, { code: 400, reason: 'BadRequest', message: 'name in URL does not match name in Eviction object' });
    });
  });

  describe('disruption budgets', () => {
    it('status counts healthy pods: minAvailable', async () => {
      const { namespace } = await pods(3);
      const body = await budget(namespace, { minAvailable: 2 }, 1);
      expect(body).toMatchObject({
        status: { currentHealthy: 3, desiredHealthy: 2, expectedPods: 3, disruptionsAllowed: 1, observedGeneration: 1 },
      });
      expect(field(body, 'status.conditions')).toEqual([
        expect.objectContaining({ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }),
      ]);
    });

    it('an exhausted budget: 429 with the cause DisruptionBudget, the pod stays', async () => {
      const { namespace, path } = await pods(2);
      await budget(namespace, { minAvailable: 2 }, 0);
      const answer = await evict(path, 'p0');
      // Only a budget that its controller has not seen yet is answered with a time to come back (10 s).
      expect(answer.headers['retry-after']).toBeUndefined();
      assert.refused(answer, {
        code: 429,
        reason: 'TooManyRequests',
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        details: {
          causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget pdb needs 2 healthy pods and has 2 currently' }],
        },
      });
      expect(field((await suite.api.get(`${path}/p0`)).body, 'metadata.deletionTimestamp')).toBeUndefined();
    });

    it('each eviction uses up one disruption at once', async () => {
      const { namespace, path } = await pods(3);
      await budget(namespace, { minAvailable: 2 }, 1);
      const answers = await Promise.all(['p0', 'p1', 'p2'].map((name) => evict(path, name)));
      expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([201, 429, 429]);
      const status = (await suite.api.get(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/pdb`)).body;
      expect(field(status, 'status.disruptionsAllowed')).toBe(0);
    });

    it('a dry run of a refused eviction is refused too', async () => {
      const { namespace, path } = await pods(1);
      await budget(namespace, { minAvailable: 1 }, 0);
      assert.refused(await evict(path, 'p0', {}, '?dryRun=All'), { code: 429, reason: 'TooManyRequests' });
    });

    it('two budgets over one pod: 500', async () => {
      const { namespace, path } = await pods(2);
      await budget(namespace, { minAvailable: 1 }, 1);
      await budget(namespace, { minAvailable: 1 }, 1, 'second');
      assert.refused(await evict(path, 'p0'), { code: 500, message: /does not support more than one|more than one PodDisruptionBudget/iu });
    });

    it('a pod that has not started may go whatever the budget says', async () => {
      const { namespace, path } = await pods(1);
      await budget(namespace, { minAvailable: 5 }, 0);
      await createPod(suite, namespace, { name: 'pending', labels: { app: 'p' }, extra: { schedulerName: 'nobody' } });
      assert.code(await evict(path, 'pending'), 201);
    });

    it('a plain delete is not held back', async () => {
      const { namespace, path } = await pods(1);
      await budget(namespace, { minAvailable: 1 }, 0);
      assert.code(await suite.api.delete(`${path}/p0?gracePeriodSeconds=0`), 200);
    });

    it('minAvailable and maxUnavailable together: 422', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.post(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
        metadata: { name: 'pdb' },
        spec: { minAvailable: 1, maxUnavailable: 1, selector: { matchLabels: { app: 'p' } } },
      });
      assert.refused(answer, { code: 422, reason: 'Invalid', message: /minAvailable and maxUnavailable cannot be both set/u });
    });
  });
}
