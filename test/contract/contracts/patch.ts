import { describe, expect, it } from 'vitest';
import type { PatchKind } from '../../e2e/http-api.ts';
import { configMap, createNode, deployment } from '../objects.ts';
import { assert, created, field, need, type ContractSuite } from '../suite.ts';

export function patchContracts(suite: ContractSuite): void {
  const aConfigMap = async (data: Record<string, string>): Promise<string> => {
    const namespace = await suite.namespace();
    await created(suite.api, `/api/v1/namespaces/${namespace}/configmaps`, configMap('a', data));
    return `/api/v1/namespaces/${namespace}/configmaps/a`;
  };
  const aDeployment = async (): Promise<string> => {
    const namespace = await suite.namespace();
    await created(suite.api, `/apis/apps/v1/namespaces/${namespace}/deployments`, deployment('a'));
    return `/apis/apps/v1/namespaces/${namespace}/deployments/a`;
  };
  const patched = async (path: string, type: PatchKind, body: object): Promise<unknown> => {
    const answer = await suite.api.patch(path, type, body);
    assert.code(answer, 200);
    return answer.body;
  };
  const containers = (names: unknown): string[] => (names as { name: string }[]).map(({ name }) => name);

  describe('JSON patch', () => {
    it('add, replace, remove, move, copy and test', async () => {
      const path = await aConfigMap({ a: '1', b: '2', c: '3' });
      const body = await patched(path, 'json', [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'add', path: '/data/d', value: '4' },
        { op: 'replace', path: '/data/b', value: '22' },
        { op: 'remove', path: '/data/c' },
        { op: 'move', from: '/data/a', path: '/data/e' },
        { op: 'copy', from: '/data/b', path: '/data/f' },
      ]);
      expect(field(body, 'data')).toEqual({ b: '22', d: '4', e: '1', f: '22' });
    });

    it('array positions: insert before an index, append with "-", remove an index', async () => {
      const path = await aDeployment();
      const root = '/spec/template/spec/containers';
      const body = await patched(path, 'json', [
        { op: 'add', path: `${root}/0`, value: { name: 'first', image: 'i' } },
        { op: 'add', path: `${root}/-`, value: { name: 'last', image: 'i' } },
        { op: 'remove', path: `${root}/1` },
      ]);
      expect(containers(field(body, 'spec.template.spec.containers'))).toEqual(['first', 'b', 'last']);
    });

    it('"~1" and "~0" stand for "/" and "~"', async () => {
      const path = await aConfigMap({});
      const body = await patched(path, 'json', [{ op: 'add', path: '/metadata/annotations', value: { 'example.com/a': '1' } }]);
      expect(field(body, ['metadata', 'annotations', 'example.com/a'])).toBe('1');
      const next = await patched(path, 'json', [{ op: 'replace', path: '/metadata/annotations/example.com~1a', value: '2' }]);
      expect(field(next, ['metadata', 'annotations', 'example.com/a'])).toBe('2');
    });

    it('a failed test stores nothing: 422', async () => {
      const path = await aConfigMap({ a: '1' });
      const answer = await suite.api.patch(path, 'json', [
        { op: 'replace', path: '/data/a', value: '2' },
        { op: 'test', path: '/data/a', value: '1' },
      ]);
      assert.refused(answer, { code: 422, reason: 'Invalid' });
      expect(field((await suite.api.get(path)).body, 'data.a')).toBe('1');
    });

    it('remove of a key that is not there, or anything below it: 422; replace of one adds it', async () => {
      const path = await aConfigMap({ a: '1' });
      assert.refused(await suite.api.patch(path, 'json', [{ op: 'remove', path: '/data/none' }]), { code: 422, reason: 'Invalid' });
      assert.refused(await suite.api.patch(path, 'json', [{ op: 'add', path: '/none/deeper', value: 'x' }]), {
        code: 422,
        reason: 'Invalid',
      });
      const body = await patched(path, 'json', [{ op: 'replace', path: '/data/none', value: 'x' }]);
      expect(field(body, 'data')).toEqual({ a: '1', none: 'x' });
    });

    it('a patch that is no list: 400', async () => {
      const path = await aConfigMap({ a: '1' });
      assert.refused(await suite.api.patch(path, 'json', { data: { a: '2' } }), { code: 400, reason: 'BadRequest' });
    });
  });

  describe('merge patch', () => {
    it('sets, adds and, with null, deletes', async () => {
      const path = await aConfigMap({ a: '1', b: '2' });
      const body = await patched(path, 'merge', { data: { a: '11', b: null, c: '3' }, metadata: { labels: { l: 'x' } } });
      expect(field(body, 'data')).toEqual({ a: '11', c: '3' });
      expect(field(body, 'metadata.labels')).toEqual({ l: 'x' });
    });

    it('replaces lists', async () => {
      const path = await aDeployment();
      const body = await patched(path, 'merge', { spec: { template: { spec: { containers: [{ name: 'only', image: 'i' }] } } } });
      expect(containers(field(body, 'spec.template.spec.containers'))).toEqual(['only']);
    });

    it('that changes nothing keeps the resourceVersion', async () => {
      const path = await aConfigMap({ a: '1' });
      const before = need((await suite.api.get(path)).body, 'metadata.resourceVersion');
      expect(need(await patched(path, 'merge', { data: { a: '1' } }), 'metadata.resourceVersion')).toBe(before);
    });

    it('of an immutable field: 422 with the field', async () => {
      const path = await aDeployment();
      const answer = await suite.api.patch(path, 'merge', {
        spec: { selector: { matchLabels: { app: 'other' } }, template: { metadata: { labels: { app: 'other' } } } },
      });
      assert.refused(answer, {
        code: 422,
        reason: 'Invalid',
        message: /field is immutable/u,
        details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.selector' }] },
      });
    });

    it('of what does not exist: 404', async () => {
      const namespace = await suite.namespace();
      assert.refused(await suite.api.patch(`/api/v1/namespaces/${namespace}/configmaps/none`, 'merge', { data: {} }), {
        code: 404,
        reason: 'NotFound',
        message: 'configmaps "none" not found',
      });
    });

    it('that is no JSON: 400', async () => {
      const path = await aConfigMap({ a: '1' });
      assert.refused(await suite.api.patch(path, 'merge', '{"data":'), { code: 400, reason: 'BadRequest' });
    });

    it('of another name: 400', async () => {
      const path = await aConfigMap({ a: '1' });
      assert.refused(await suite.api.patch(path, 'merge', { metadata: { name: 'b' } }), {
        code: 400,
        reason: 'BadRequest',
        message: 'the name of the object (b) does not match the name on the URL (a)',
      });
    });
  });

  describe('strategic merge patch', () => {
    it('containers, environment and ports merge by their keys', async () => {
      const path = await aDeployment();
      const body = await patched(path, 'strategic', {
        spec: {
          template: {
            spec: {
              containers: [{ name: 'a', image: 'registry.example/a:2', env: [{ name: 'E2', value: '2' }], ports: [{ containerPort: 81 }] }],
            },
          },
        },
      });
      const all = field<{ name: string; image: string; env?: object[]; ports?: object[] }[]>(body, 'spec.template.spec.containers');
      expect(containers(all).toSorted()).toEqual(['a', 'b']);
      const a = all.find(({ name }) => name === 'a')!;
      expect(a.image).toBe('registry.example/a:2');
      expect(a.env).toHaveLength(2);
      expect(a.env).toEqual(
        expect.arrayContaining([
          { name: 'E1', value: '1' },
          { name: 'E2', value: '2' },
        ]),
      );
      expect(a.ports).toHaveLength(2);
      expect(all.find(({ name }) => name === 'b')!.image).toBe('registry.example/b:1');
    });

    it('$patch: delete removes a list element; null removes a field', async () => {
      const path = await aDeployment();
      const body = await patched(path, 'strategic', {
        spec: {
          template: {
            spec: {
              containers: [
                { name: 'b', $patch: 'delete' },
                { name: 'a', env: null },
              ],
            },
          },
        },
      });
      const all = field<{ name: string; env?: unknown }[]>(body, 'spec.template.spec.containers');
      expect(containers(all)).toEqual(['a']);
      expect(all[0]!.env).toBeUndefined();
    });

    it('$patch: replace replaces a list or an object', async () => {
      const path = await aDeployment();
      const body = await patched(path, 'strategic', {
        spec: { template: { spec: { containers: [{ $patch: 'replace' }, { name: 'new', image: 'i' }] } } },
      });
      expect(containers(field(body, 'spec.template.spec.containers'))).toEqual(['new']);
      await patched(path, 'merge', { metadata: { annotations: { a: '1', b: '2' } } });
      const next = await patched(path, 'strategic', { metadata: { annotations: { $patch: 'replace', c: '3' } } });
      expect(field(next, 'metadata.annotations.c')).toBe('3');
      expect(field(next, 'metadata.annotations.a')).toBeUndefined();
    });

    it('tolerations are replaced as a whole', async () => {
      const path = await aDeployment();
      const body = await patched(path, 'strategic', { spec: { template: { spec: { tolerations: [{ key: 'y', operator: 'Exists' }] } } } });
      expect(field(body, 'spec.template.spec.tolerations')).toEqual([{ key: 'y', operator: 'Exists' }]);
    });

    it('conditions merge by type; $patch: delete takes one out', async () => {
      const path = await aDeployment();
      const condition = (type: string, status: string): object => ({ type, status, reason: 'R', message: 'm' });
      const put = (conditions: object[]): Promise<unknown> => patched(`${path}/status`, 'strategic', { status: { conditions } });
      await put([condition('One', 'True'), condition('Two', 'True')]);
      const body = await put([condition('Two', 'False')]);
      const statuses = (of: unknown): Record<string, string> =>
        Object.fromEntries(field<{ type: string; status: string }[]>(of, 'status.conditions').map(({ type, status }) => [type, status]));
      expect(statuses(body)).toMatchObject({ One: 'True', Two: 'False' });
      const next = statuses(await put([{ type: 'One', $patch: 'delete' } as object]));
      expect(next).toMatchObject({ Two: 'False' });
      expect(next).not.toHaveProperty('One');
    });

    it('finalizers merge as a set; $deleteFromPrimitiveList takes one out', async () => {
      const path = await aConfigMap({});
      await patched(path, 'strategic', { metadata: { finalizers: ['example.com/a'] } });
      const both = await patched(path, 'strategic', { metadata: { finalizers: ['example.com/b'] } });
      expect(field<string[]>(both, 'metadata.finalizers').toSorted()).toEqual(['example.com/a', 'example.com/b']);
      const one = await patched(path, 'strategic', { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] } });
      expect(field(one, 'metadata.finalizers')).toEqual(['example.com/b']);
      await patched(path, 'merge', { metadata: { finalizers: null } });
    });

    it('node taints are replaced as a whole, labels merge', async () => {
      const path = `/api/v1/nodes/${await createNode(suite)}`;
      const body = await patched(path, 'strategic', {
        metadata: { labels: { extra: 'x' } },
        spec: { taints: [{ key: 'new', effect: 'NoSchedule' }], unschedulable: true },
      });
      const keys = field<{ key: string }[]>(body, 'spec.taints').map(({ key }) => key);
      expect(keys).toContain('new');
      expect(keys).not.toContain('contract');
      expect(field(body, 'spec.unschedulable')).toBe(true);
      expect(field(body, 'metadata.labels.extra')).toBe('x');
      expect(field(body, ['metadata', 'labels', 'kubernetes.io/hostname'])).toBeDefined();
    });
  });

  it('a patch of an unknown media type: 415', async () => {
    const path = await aConfigMap({ a: '1' });
    assert.refused(await suite.api.patch(path, 'merge', { data: {} }, { contentType: 'application/json' }), {
      code: 415,
      reason: 'UnsupportedMediaType',
    });
  });
}
