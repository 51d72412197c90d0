import { describe, expect, it } from 'vitest';
import { createHttpApi, type HttpApi } from '../../e2e/http-api.ts';
import { createNode, createPod, deployment } from '../objects.ts';
import { assert, created, field, need, waitFor, type ContractSuite } from '../suite.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';

export function accessContracts(suite: ContractSuite): void {
  const nobody = (): { user: string; api: HttpApi } => {
    const user = suite.unique('user');
    return { user, api: suite.api.as({ user }) };
  };
  const cluster = async (kind: 'clusterroles' | 'clusterrolebindings', body: object): Promise<string> => {
    const name = suite.unique('rbac');
    suite.cleanup(`${rbac}/${kind}/${name}`);
    await created(suite.api, `${rbac}/${kind}`, { metadata: { name }, ...body });
    return name;
  };
  const role = async (namespace: string, rules: object[]): Promise<object> => {
    const name = suite.unique('role');
    await created(suite.api, `${rbac}/namespaces/${namespace}/roles`, { metadata: { name }, rules });
    return { apiGroup, kind: 'Role', name };
  };
  const bind = async (namespace: string, roleRef: object, subject: object): Promise<void> => {
    await created(suite.api, `${rbac}/namespaces/${namespace}/rolebindings`, {
      metadata: { name: suite.unique('bind') },
      roleRef,
      subjects: [subject],
    });
  };
  const asUser = (name: string): object => ({ apiGroup, kind: 'User', name });
  /** Grants take effect within a moment. */
  const allowed = (what: string, ask: () => Promise<{ status: number }>): Promise<true> =>
    waitFor(what, async () => ((await ask()).status < 400 ? (true as const) : undefined));

  describe('authorization', () => {
    it('without a grant: 403 that names user, verb, resource and scope', async () => {
      const [namespace, { user, api }] = [await suite.namespace(), nobody()];
      assert.refused(await api.get(`/api/v1/namespaces/${namespace}/pods`), {
        code: 403,
        reason: 'Forbidden',
        message: `pods is forbidden: User "${user}" cannot list resource "pods" in API group "" in the namespace "${namespace}"`,
        details: { kind: 'pods' },
      });
      assert.refused(await api.get('/api/v1/nodes/n1'), {
        code: 403,
        message: `nodes "n1" is forbidden: User "${user}" cannot get resource "nodes" in API group "" at the cluster scope`,
        details: { name: 'n1', kind: 'nodes' },
      });
      assert.refused(await api.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/web/scale`, 'merge', {}), {
        code: 403,
        message: `deployments.apps "web" is forbidden: User "${user}" cannot patch resource "deployments/scale" in API group "apps" in the namespace "${namespace}"`,
        details: { name: 'web', group: 'apps', kind: 'deployments' },
      });
      assert.refused(await api.get('/metrics'), { code: 403, message: `forbidden: User "${user}" cannot get path "/metrics"` });
      // Discovery and the version are for everybody who has a name.
      for (const path of ['/version', '/apis', '/api/v1']) assert.code(await api.get(path), 200);
    });

    it('a Role holds in its namespace, for its verbs', async () => {
      const [here, there] = [await suite.namespace(), await suite.namespace()];
      const { user, api } = nobody();
      await bind(here, await role(here, [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'create'] }]), asUser(user));
      const path = `/api/v1/namespaces/${here}/configmaps`;
      expect(await allowed('list', () => api.get(path))).toBe(true);
      assert.code(await api.post(path, { metadata: { name: 'a' } }), 201);
      assert.refused(await api.get(`${path}/a`), { code: 403 });
      assert.refused(await api.delete(`${path}/a`), { code: 403 });
      assert.refused(await api.get(`${path}?watch=true`), { code: 403, message: /cannot watch resource "configmaps"/u });
      assert.refused(await api.get(`/api/v1/namespaces/${there}/configmaps`), { code: 403 });
      assert.refused(await api.get('/api/v1/configmaps'), { code: 403, message: /at the cluster scope$/u });
    });

    it('resourceNames narrow a rule to single objects', async () => {
      const namespace = await suite.namespace();
      const { user, api } = nobody();
      await bind(
        namespace,
        await role(namespace, [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'], verbs: ['get', 'patch'] }]),
        asUser(user),
      );
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      for (const name of ['mine', 'other']) await created(suite.api, path, { metadata: { name } });
      expect(await allowed('get', () => api.get(`${path}/mine`))).toBe(true);
      assert.code(await api.patch(`${path}/mine`, 'merge', { data: { a: '1' } }), 200);
      assert.refused(await api.get(`${path}/other`), { code: 403 });
      assert.refused(await api.get(path), { code: 403 });
    });

    it('subresources are granted by themselves', async () => {
      const namespace = await suite.namespace();
      const { user, api } = nobody();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      await created(suite.api, path, deployment('web'));
      await bind(
        namespace,
        await role(namespace, [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['patch'] }]),
        asUser(user),
      );
      expect(await allowed('scale', () => api.patch(`${path}/web/scale`, 'merge', { spec: { replicas: 0 } }))).toBe(true);
      assert.refused(await api.patch(`${path}/web`, 'merge', { spec: { replicas: 1 } }), { code: 403 });
      assert.refused(await api.get(`${path}/web/scale`), { code: 403 });
    });

    it('a ClusterRole holds everywhere by a ClusterRoleBinding, in one namespace by a RoleBinding', async () => {
      const [here, there] = [await suite.namespace(), await suite.namespace()];
      const name = await cluster('clusterroles', { rules: [{ apiGroups: ['coordination.k8s.io'], resources: ['*'], verbs: ['*'] }] });
      const roleRef = { apiGroup, kind: 'ClusterRole', name };
      const one = nobody();
      const all = nobody();
      const group = suite.unique('group');
      await bind(here, roleRef, asUser(one.user));
      await cluster('clusterrolebindings', { roleRef, subjects: [{ apiGroup, kind: 'Group', name: group }] });
      const leases = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      expect(await allowed('in one namespace', () => one.api.get(leases(here)))).toBe(true);
      assert.refused(await one.api.get(leases(there)), { code: 403 });
      const member = suite.api.as({ user: all.user, groups: [group] });
      expect(await allowed('everywhere', () => member.get('/apis/coordination.k8s.io/v1/leases'))).toBe(true);
      assert.code(await member.get(leases(there)), 200);
      assert.refused(await all.api.get(leases(there)), { code: 403 });
    });

    it('access reviews say what requests will meet', async () => {
      const namespace = await suite.namespace();
      const { user } = nobody();
      const resourceAttributes = { verb: 'list', resource: 'configmaps', namespace };
      const review = async (): Promise<boolean> => {
        const body = await created(suite.api, '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { user, resourceAttributes } });
        return field<boolean | undefined>(body, 'status.allowed') ?? false;
      };
      expect(await review()).toBe(false);
      await bind(namespace, await role(namespace, [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }]), asUser(user));
      expect(await waitFor('allowed', async () => ((await review()) ? true : undefined))).toBe(true);
    });

    it('a path that is no resource needs a rule of its own', async () => {
      const { user, api } = nobody();
      const name = await cluster('clusterroles', { rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] });
      await cluster('clusterrolebindings', { roleRef: { apiGroup, kind: 'ClusterRole', name }, subjects: [asUser(user)] });
      const spec = { user, nonResourceAttributes: { verb: 'get', path: '/metrics' } };
      const review = async (): Promise<unknown> => created(suite.api, '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec });
      expect(await waitFor('allowed', async () => (field(await review(), 'status.allowed') === true ? true : undefined))).toBe(true);
      assert.refused(await api.get('/metrics/other'), { code: 403 });
    });
  });

  describe('authentication', () => {
    const byToken = (token: string): HttpApi => {
      const { server, ca, insecure } = suite.api.connection;
      return createHttpApi({ server, ca, insecure, token });
    };

    it('the token of a ServiceAccount acts as that account, with its grants', async () => {
      const namespace = await suite.namespace();
      const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
      await created(suite.api, accounts, { metadata: { name: 'me' } });
      const request = await created(suite.api, `${accounts}/me/token`, { spec: { expirationSeconds: 600 } });
      const api = byToken(need(request, 'status.token'));
      try {
        const path = `/api/v1/namespaces/${namespace}/configmaps`;
        assert.refused(await api.get(path), {
          code: 403,
          message: new RegExp(`User "system:serviceaccount:${namespace}:me" cannot list`, 'u'),
        });
        const grant = await role(namespace, [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }]);
        await bind(namespace, grant, { kind: 'ServiceAccount', namespace, name: 'me' });
        expect(await allowed('list', () => api.get(path))).toBe(true);
        // Nor may it be somebody else.
        assert.refused(await api.as({ user: 'root' }).get(path), {
          code: 403,
          message: /cannot impersonate/u,
        });
      } finally {
        api.close();
      }
    });

    it('a token that nobody gave out: 401', async () => {
      const api = byToken('not-a-token');
      try {
        assert.refused(await api.get('/api/v1/namespaces'), { code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
      } finally {
        api.close();
      }
    });
  });

  describe('kubelets', () => {
    const kubeletOf = (node: string): HttpApi => suite.api.as({ user: `system:node:${node}`, groups: ['system:nodes'] });

    it('write their own node, its Lease and its pods, and nobody else’s', async () => {
      const namespace = await suite.namespace();
      const [mine, other] = [await createNode(suite), await createNode(suite)];
      await createPod(suite, namespace, { name: 'mine', nodeName: mine });
      await createPod(suite, namespace, { name: 'other', nodeName: other });
      const api = kubeletOf(mine);
      const pods = `/api/v1/namespaces/${namespace}/pods`;
      const report = { status: { phase: 'Running' } };
      expect(await allowed('own pod', () => api.patch(`${pods}/mine/status`, 'strategic', report))).toBe(true);
      assert.refused(await api.patch(`${pods}/other/status`, 'strategic', report), { code: 403, reason: 'Forbidden' });
      assert.code(await api.patch(`/api/v1/nodes/${mine}/status`, 'strategic', { status: { allocatable: { cpu: '3' } } }), 200);
      assert.refused(await api.patch(`/api/v1/nodes/${other}/status`, 'strategic', { status: { allocatable: { cpu: '3' } } }), {
        code: 403,
      });
      assert.refused(await api.delete(`/api/v1/nodes/${mine}`), { code: 403 });
      assert.refused(await api.patch(`/api/v1/nodes/${mine}`, 'merge', { spec: { taints: [] } }), { code: 403 });
      const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
      suite.cleanup(`${leases}/${mine}`);
      assert.code(await api.post(leases, { metadata: { name: mine }, spec: { holderIdentity: mine, leaseDurationSeconds: 40 } }), 201);
      assert.refused(await api.post(leases, { metadata: { name: other }, spec: { holderIdentity: other } }), { code: 403 });
      assert.refused(await api.get('/api/v1/pods'), { code: 403 });
      const own = await api.get(`/api/v1/pods?fieldSelector=spec.nodeName%3D${mine}`);
      assert.code(own, 200);
      expect(field<unknown[]>(own.body, 'items')).toHaveLength(1);
      assert.code(await api.delete(`${pods}/mine?gracePeriodSeconds=0`), 200);
    });
  });
}
