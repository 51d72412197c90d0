import { describe, expect, it } from 'vitest';
import { configMap, deployment } from '../objects.ts';
import { assert, created, field, need, type ContractSuite } from '../suite.ts';

const modified =
  /^Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again$/u;

export function conflictContracts(suite: ContractSuite): void {
  describe('optimistic locking', () => {
    const two = async (): Promise<{ path: string; old: object; newest: unknown }> => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const old = (await created(suite.api, path, configMap('a'))) as object;
      const answer = await suite.api.patch(`${path}/a`, 'merge', { data: { b: '2' } });
      assert.code(answer, 200);
      return { path: `${path}/a`, old, newest: answer.body };
    };

    it('replace with a stale resourceVersion: 409 Conflict', async () => {
      const { path, old } = await two();
      assert.refused(await suite.api.put(path, old), {
        code: 409,
        reason: 'Conflict',
        message: modified,
        details: { name: 'a', kind: 'configmaps' },
      });
    });

    it('replace with the newest resourceVersion succeeds', async () => {
      const { path, newest } = await two();
      assert.code(await suite.api.put(path, { ...(newest as object), data: { c: '3' } }), 200);
    });

    it('a merge patch with a stale resourceVersion: 409; with the newest: 200', async () => {
      const { path, old, newest } = await two();
      const patch = (of: unknown): object => ({ metadata: { resourceVersion: need(of, 'metadata.resourceVersion') }, data: { c: '3' } });
      assert.refused(await suite.api.patch(path, 'merge', patch(old)), { code: 409, reason: 'Conflict', message: modified });
      assert.code(await suite.api.patch(path, 'merge', patch(newest)), 200);
    });

    it('a strategic patch with a stale resourceVersion: 409', async () => {
      const { path, old } = await two();
      const metadata = { resourceVersion: need(old, 'metadata.resourceVersion') };
      assert.refused(await suite.api.patch(path, 'strategic', { metadata, data: { c: '3' } }), {
        code: 409,
        reason: 'Conflict',
        message: modified,
      });
    });

    it("a patch with another object's uid: 422, for the uid is immutable", async () => {
      const { path } = await two();
      const patch = { metadata: { uid: '00000000-0000-0000-0000-000000000000' }, data: { c: '3' } };
      for (const type of ['merge', 'strategic'] as const) {
        assert.refused(await suite.api.patch(path, type, patch), {
          code: 422,
          reason: 'Invalid',
          message: /^ConfigMap "a" is invalid: metadata\.uid: Invalid value: "00000000-0000-0000-0000-000000000000": field is immutable/u,
          details: { name: 'a', kind: 'ConfigMap' },
        });
      }
    });

    it("a replace with another object's uid: 409", async () => {
      const { path } = await two();
      assert.refused(await suite.api.put(path, { metadata: { name: 'a', uid: '00000000-0000-0000-0000-000000000000' } }), {
        code: 409,
        reason: 'Conflict',
        message: /Precondition failed: UID in precondition: 00000000-0000-0000-0000-000000000000, UID in object meta: /u,
      });
    });

    it('delete with preconditions: 409 for another uid or resourceVersion, 200 for the right ones', async () => {
      const { path, old, newest } = await two();
      const uid = need(newest, 'metadata.uid');
      const resourceVersion = need(newest, 'metadata.resourceVersion');
      const options = (preconditions: object): object => ({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions });
      assert.refused(await suite.api.delete(path, options({ uid: 'other' })), { code: 409, reason: 'Conflict' });
      assert.refused(await suite.api.delete(path, options({ resourceVersion: need(old, 'metadata.resourceVersion') })), {
        code: 409,
        reason: 'Conflict',
      });
      assert.code(await suite.api.delete(path, options({ uid, resourceVersion })), 200);
    });

    it('of ten simultaneous replaces of one version exactly one wins', async () => {
      const { path, newest } = await two();
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) => suite.api.put(path, { ...(newest as object), data: { winner: String(i) } })),
      );
      const codes = answers.map((answer) => answer.status).toSorted((a, b) => a - b);
      expect(codes).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
      const winner = answers.findIndex((answer) => answer.status === 200);
      expect(field((await suite.api.get(path)).body, 'data')).toEqual({ winner: String(winner) });
    });

    it('ten simultaneous merge patches of different keys all take effect', async () => {
      const { path } = await two();
      const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => suite.api.patch(path, 'merge', { data: { [`k${i}`]: 'x' } })));
      for (const answer of answers) assert.code(answer, 200);
      expect(Object.keys(field<object>((await suite.api.get(path)).body, 'data'))).toHaveLength(12);
    });
  });

  describe('generation', () => {
    it('counts changes of spec, not of metadata or status', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      const made = await created(suite.api, path, { ...deployment('a'), spec: { ...deployment('a').spec, paused: true } });
      expect(field(made, 'metadata.generation')).toBe(1);
      const patched = async (body: object): Promise<unknown> => {
        const answer = await suite.api.patch(`${path}/a`, 'merge', body);
        assert.code(answer, 200);
        return field(answer.body, 'metadata.generation');
      };
      expect(await patched({ metadata: { labels: { l: 'x' } } })).toBe(1);
      expect(await patched({ spec: { minReadySeconds: 5 } })).toBe(2);
      expect(await patched({ spec: { minReadySeconds: 5 } })).toBe(2);
      expect(await patched({ metadata: { generation: 99 } })).toBe(2);
      const status = await suite.api.patch(`${path}/a/status`, 'merge', { status: { observedGeneration: 1 } });
      assert.code(status, 200);
      expect(field(status.body, 'metadata.generation')).toBe(2);
    });

    it('of a Deployment counts changes of its annotations too, but not those that come with its status', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      await created(suite.api, path, { ...deployment('a'), spec: { ...deployment('a').spec, paused: true } });
      const annotate = async (at: string, value: string): Promise<unknown> => {
        const answer = await suite.api.patch(at, 'merge', { metadata: { annotations: { a: value } } });
        assert.code(answer, 200);
        expect(field(answer.body, 'metadata.annotations.a')).toBe(value);
        return field(answer.body, 'metadata.generation');
      };
      expect(await annotate(`${path}/a`, '1')).toBe(2);
      expect(await annotate(`${path}/a/status`, '2')).toBe(2);
    });

    it('kinds without a spec have none', async () => {
      const namespace = await suite.namespace();
      expect(
        field(await created(suite.api, `/api/v1/namespaces/${namespace}/configmaps`, configMap('a')), 'metadata.generation'),
      ).toBeUndefined();
    });
  });
}
