import { describe, expect, it } from 'vitest';
import { assert, created, field, need, waitForObject, type ContractSuite } from '../suite.ts';

export function identityContracts(suite: ContractSuite): void {
  const reviewToken = async (token: string): Promise<unknown> =>
    created(suite.api, '/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token },
    });
  const access = async (spec: object): Promise<unknown> =>
    created(suite.api, '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec,
    });

  describe('tokens', () => {
    it('TokenRequest gives a token that TokenReview knows as the ServiceAccount', async () => {
      const namespace = await suite.namespace();
      const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
      await created(suite.api, accounts, { metadata: { name: 'me' } });
      const answer = await suite.api.post(`${accounts}/me/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 3600 },
      });
      assert.code(answer, 201);
      expect(field(answer.body, 'kind')).toBe('TokenRequest');
      expect(Date.parse(need(answer.body, 'status.expirationTimestamp')) - Date.now()).toBeGreaterThan(3_000_000);
      const review = await reviewToken(need(answer.body, 'status.token'));
      expect(review).toMatchObject({
        kind: 'TokenReview',
        status: {
          authenticated: true,
          user: {
            username: `system:serviceaccount:${namespace}:me`,
            groups: expect.arrayContaining([
              'system:serviceaccounts',
              `system:serviceaccounts:${namespace}`,
              'system:authenticated',
            ]) as unknown,
          },
        },
      });
    });

    it('a token that nobody gave out is not authenticated', async () => {
      const review = await reviewToken('not-a-token');
      expect(field(review, 'status.authenticated') ?? false).toBe(false);
      expect(field(review, 'status.user.username')).toBeUndefined();
    });

    it('for a ServiceAccount that does not exist: 404', async () => {
      const namespace = await suite.namespace();
      assert.refused(await suite.api.post(`/api/v1/namespaces/${namespace}/serviceaccounts/none/token`, { spec: {} }), {
        code: 404,
        reason: 'NotFound',
      });
    });

    it('every namespace gets a ServiceAccount "default"', async () => {
      const namespace = await suite.namespace();
      const account = await waitForObject(suite.api, `/api/v1/namespaces/${namespace}/serviceaccounts/default`, () => true);
      expect(account).toMatchObject({ kind: 'ServiceAccount', metadata: { name: 'default', namespace } });
    });
  });

  describe('access reviews', () => {
    it('system:masters may everything, nobody in particular nothing', async () => {
      const resourceAttributes = { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale', namespace: 'default' };
      expect(field(await access({ user: 'root', groups: ['system:masters'], resourceAttributes }), 'status.allowed')).toBe(true);
      const denied = await access({ user: 'nobody-in-particular', groups: ['nogroup'], resourceAttributes });
      expect(field(denied, 'status.allowed') ?? false).toBe(false);
    });

    it('paths that are no resources', async () => {
      const nonResourceAttributes = { verb: 'get', path: '/metrics' };
      expect(field(await access({ user: 'root', groups: ['system:masters'], nonResourceAttributes }), 'status.allowed')).toBe(true);
      expect(field(await access({ user: 'nobody-in-particular', nonResourceAttributes }), 'status.allowed') ?? false).toBe(false);
    });

    it('SelfSubjectAccessReview answers for who asks', async () => {
      const answer = await created(suite.api, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } },
      });
      expect(field(answer, 'status.allowed')).toBe(true);
    });
  });
}
