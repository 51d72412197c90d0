import { describe, expect, it } from 'vitest';
import { configMap, createNode, deployment, runningPod } from '../objects.ts';
import { assert, created, field, type ContractSuite } from '../suite.ts';

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export function protocolContracts(suite: ContractSuite): void {
  interface Resource {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
    readonly shortNames?: readonly string[];
  }
  const resources = async (path: string): Promise<Map<string, Resource>> => {
    const answer = await suite.api.get(path);
    assert.code(answer, 200);
    expect(field(answer.body, 'kind')).toBe('APIResourceList');
    return new Map(field<Resource[]>(answer.body, 'resources').map((resource) => [resource.name, resource]));
  };

  describe('discovery', () => {
    it('/api names v1', async () => {
      const answer = await suite.api.get('/api');
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    });

    it('/apis names the groups with their preferred versions', async () => {
      const answer = await suite.api.get('/apis');
      assert.code(answer, 200);
      expect(field(answer.body, 'kind')).toBe('APIGroupList');
      const groups = new Map(
        field<{ name: string; preferredVersion: { groupVersion: string } }[]>(answer.body, 'groups').map((group) => [
          group.name,
          group.preferredVersion.groupVersion,
        ]),
      );
      for (const wanted of [
        'apps/v1',
        'policy/v1',
        'coordination.k8s.io/v1',
        'autoscaling/v2',
        'apiextensions.k8s.io/v1',
        'events.k8s.io/v1',
        'batch/v1',
      ]) {
        expect(groups.get(wanted.split('/')[0]!)).toBe(wanted);
      }
    });

    it('one group', async () => {
      const answer = await suite.api.get('/apis/apps');
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'APIGroup', name: 'apps', preferredVersion: { groupVersion: 'apps/v1', version: 'v1' } });
    });

    it('resources of the core group with verbs, scope, short names and subresources', async () => {
      const found = await resources('/api/v1');
      expect(found.get('pods')).toMatchObject({ kind: 'Pod', namespaced: true, shortNames: ['po'] });
      expect([...(found.get('pods')?.verbs ?? [])].toSorted()).toEqual([
        'create',
        'delete',
        'deletecollection',
        'get',
        'list',
        'patch',
        'update',
        'watch',
      ]);
      expect(found.get('nodes')).toMatchObject({ kind: 'Node', namespaced: false });
      expect(found.get('pods/eviction')).toMatchObject({ kind: 'Eviction', namespaced: true, verbs: ['create'] });
      expect(found.get('pods/resize')).toMatchObject({ kind: 'Pod', namespaced: true });
      expect(found.has('pods/status')).toBe(true);
    });

    it('resources of apps: the ones that have a scale', async () => {
      const found = await resources('/apis/apps/v1');
      for (const name of ['deployments', 'replicasets', 'statefulsets']) {
        expect(found.get(`${name}/scale`)).toMatchObject({
          kind: 'Scale',
          group: 'autoscaling',
          version: 'v1',
          verbs: ['get', 'patch', 'update'],
        });
      }
      expect(found.get('deployments')?.shortNames).toEqual(['deploy']);
    });

    it('/version, /healthz, /readyz and /livez', async () => {
      const version = await suite.api.get('/version');
      assert.code(version, 200);
      expect(field(version.body, 'gitVersion')).toMatch(/^v1\.\d+/u);
      expect(field(version.body, 'major')).toBe('1');
      for (const path of ['/healthz', '/readyz', '/livez']) {
        const answer = await suite.api.get(path);
        assert.code(answer, 200);
        expect(answer.text).toBe('ok');
      }
    });
  });

  describe('refusals', () => {
    it('an unknown group, version or path: 404', async () => {
      const unknown = await suite.api.get('/apis/no.such.group/v1/things');
      assert.code(unknown, 404);
      expect(unknown.text).toBe('404 page not found\n');
      assert.refused(await suite.api.get('/api/v1/namespaces/default/things'), {
        code: 404,
        reason: 'NotFound',
        message: 'the server could not find the requested resource',
      });
      assert.refused(await suite.api.get('/apis/apps/v1/namespaces/default/things/x'), {
        code: 404,
        reason: 'NotFound',
        message: 'the server could not find the requested resource',
      });
    });

    it('a method that a path does not have: 405', async () => {
      const namespace = await suite.namespace();
      const answer = await suite.api.put(`/api/v1/namespaces/${namespace}/configmaps`, configMap('a'));
      assert.refused(answer, {
        code: 405,
        reason: 'MethodNotAllowed',
        message: 'the server does not allow this method on the requested resource',
      });
      assert.refused(await suite.api.post(`/apis/apps/v1/namespaces/${namespace}/deployments/a`, deployment('a')), {
        code: 405,
        reason: 'MethodNotAllowed',
      });
    });

    it('a media type that the server can not give: 406', async () => {
      const answer = await suite.api.get('/api/v1/namespaces/default', { accept: 'text/csv' });
      assert.refused(answer, {
        code: 406,
        reason: 'NotAcceptable',
        message: /^406: Not Acceptable\n\nAvailable representations: application\/json/u,
      });
    });

    it('*/* and lists of media types are understood', async () => {
      for (const accept of ['*/*', 'text/csv, application/json;q=0.5', 'application/json']) {
        const answer = await suite.api.get('/api/v1/namespaces/default', { accept });
        assert.code(answer, 200);
        expect(answer.headers['content-type']).toMatch(/^application\/json/u);
      }
    });
  });

  describe('tables', () => {
    const columnsOf = (body: unknown): string[] =>
      field<{ name: string; priority: number }[]>(body, 'columnDefinitions')
        .filter(({ priority }) => priority === 0)
        .map(({ name }) => name);

    it('of pods: as kubectl prints them', async () => {
      const [namespace, node] = [await suite.namespace(), await createNode(suite)];
      await runningPod(suite, namespace, { name: 'p', nodeName: node });
      const answer = await suite.api.get(`/api/v1/namespaces/${namespace}/pods`, { accept: table });
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
      expect(columnsOf(answer.body)).toEqual(['Name', 'Ready', 'Status', 'Restarts', 'Age']);
      const cells = field<unknown[]>(answer.body, 'rows.0.cells');
      expect(cells.slice(0, 3)).toEqual(['p', '1/1', 'Running']);
      expect(String(cells[3])).toBe('0');
      expect(cells[4]).toMatch(/^\d+m?s$/u);
      expect(cells).toContain(node);
      expect(field(answer.body, 'rows.0.object')).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'p', namespace } });
    });

    it('of one object: one row', async () => {
      const namespace = await suite.namespace();
      await created(suite.api, `/api/v1/namespaces/${namespace}/configmaps`, configMap('a', { a: '1', b: '2' }));
      const answer = await suite.api.get(`/api/v1/namespaces/${namespace}/configmaps/a`, { accept: table });
      expect(columnsOf(answer.body)).toEqual(['Name', 'Data', 'Age']);
      expect(field<unknown[]>(answer.body, 'rows')).toHaveLength(1);
      expect(field<unknown[]>(answer.body, 'rows.0.cells').slice(0, 2)).toEqual(['a', 2]);
    });

    it('of deployments and nodes', async () => {
      const namespace = await suite.namespace();
      await created(suite.api, `/apis/apps/v1/namespaces/${namespace}/deployments`, deployment('a'));
      const deployments = await suite.api.get(`/apis/apps/v1/namespaces/${namespace}/deployments`, { accept: table });
      expect(columnsOf(deployments.body)).toEqual(['Name', 'Ready', 'Up-to-date', 'Available', 'Age']);
      expect(field<unknown[]>(deployments.body, 'rows.0.cells').slice(0, 4)).toEqual(['a', '0/0', 0, 0]);
      const node = await createNode(suite);
      const nodes = await suite.api.get(`/api/v1/nodes/${node}`, { accept: table });
      expect(columnsOf(nodes.body)).toEqual(['Name', 'Status', 'Roles', 'Age', 'Version']);
      expect(field<unknown[]>(nodes.body, 'rows.0.cells').slice(0, 3)).toEqual([node, 'Ready', '<none>']);
    });
  });
}
