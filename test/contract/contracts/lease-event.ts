import { describe, expect, it } from 'vitest';
import { assert, created, field, need, type ContractSuite } from '../suite.ts';

export function leaseContracts(suite: ContractSuite): void {
  describe('leases', () => {
    const spec = {
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-02T03:04:05.123456Z',
      renewTime: '2026-01-02T03:04:05.000000Z',
      leaseTransitions: 0,
    };
    const lease = async (): Promise<{ path: string; body: object }> => {
      const namespace = await suite.namespace();
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      return { path: `${path}/l`, body: (await created(suite.api, path, { metadata: { name: 'l' }, spec })) as object };
    };

    it('times have exactly six digits, and keep them', async () => {
      const { path, body } = await lease();
      expect(field(body, 'spec')).toEqual(spec);
      for (const renewTime of ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123Z', 'yesterday']) {
        const put = { ...body, spec: { ...spec, renewTime } };
        assert.refused(await suite.api.put(path, put), {
          code: 400,
          reason: 'BadRequest',
          message: /^Lease in version "v1" cannot be handled as a Lease: parsing time/u,
        });
        // A patch is refused as what it would make of the object.
        assert.refused(await suite.api.patch(path, 'merge', { spec: { renewTime } }), {
          code: 422,
          reason: 'Invalid',
          message: /parsing time/u,
        });
      }
      // Another zone is stored as UTC.
      const answer = await suite.api.patch(path, 'merge', { spec: { renewTime: '2026-01-02T04:04:06.500000+01:00' } });
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.renewTime')).toBe('2026-01-02T03:04:06.500000Z');
    });

    it('of two candidates that replace one version, one wins', async () => {
      const { path, body } = await lease();
      const claim = (who: string): object => ({ ...body, spec: { ...spec, holderIdentity: who, leaseTransitions: 1 } });
      const answers = await Promise.all([suite.api.put(path, claim('two')), suite.api.put(path, claim('three'))]);
      expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 409]);
      const winner = answers[0].status === 200 ? 'two' : 'three';
      expect(field((await suite.api.get(path)).body, 'spec.holderIdentity')).toBe(winner);
    });

    it('of ten that create one, one wins: 201 and nine 409 AlreadyExists', async () => {
      const namespace = await suite.namespace();
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) => suite.api.post(path, { metadata: { name: 'l' }, spec: { ...spec, holderIdentity: `c${i}` } })),
      );
      expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
    });

    it('a replace needs the resourceVersion: 422', async () => {
      const { path } = await lease();
      assert.refused(await suite.api.put(path, { metadata: { name: 'l' }, spec }), {
        code: 422,
        reason: 'Invalid',
        message: /metadata\.resourceVersion: Invalid value: .*must be specified for an update/u,
      });
    });

    it('a patch renews it with the resourceVersion as precondition', async () => {
      const { path, body } = await lease();
      const metadata = { resourceVersion: need(body, 'metadata.resourceVersion') };
      const renew = { metadata, spec: { renewTime: '2026-01-02T03:04:15.500000Z' } };
      const answer = await suite.api.patch(path, 'merge', renew);
      assert.code(answer, 200);
      expect(field(answer.body, 'spec.renewTime')).toBe('2026-01-02T03:04:15.500000Z');
      assert.refused(await suite.api.patch(path, 'merge', { ...renew, spec: { holderIdentity: 'two' } }), {
        code: 409,
        reason: 'Conflict',
      });
    });

    it('a duration of zero: 422', async () => {
      const { path } = await lease();
      assert.refused(await suite.api.patch(path, 'merge', { spec: { leaseDurationSeconds: 0 } }), {
        code: 422,
        reason: 'Invalid',
        message: /spec\.leaseDurationSeconds: Invalid value: 0: must be greater than 0/u,
      });
    });
  });

  describe('events', () => {
    const event = (namespace: string, name: string, about: string): object => ({
      metadata: { name, namespace },
      involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: about, uid: 'u1' },
      reason: 'Rescaled',
      message: 'from 1 to 2',
      type: 'Normal',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      source: { component: 'concertina' },
    });

    it('are found by the object that they are about', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/events`;
      await created(suite.api, path, event(namespace, 'e1', 'web'));
      await created(suite.api, path, event(namespace, 'e2', 'db'));
      const find = async (selector: string): Promise<string[]> => {
        const answer = await suite.api.get(`${path}?fieldSelector=${encodeURIComponent(selector)}`);
        assert.code(answer, 200);
        return field<{ metadata: { name: string } }[]>(answer.body, 'items').map((item) => item.metadata.name);
      };
      expect(await find('involvedObject.name=web')).toEqual(['e1']);
      expect(await find('involvedObject.kind=Deployment,involvedObject.name=db,reason=Rescaled')).toEqual(['e2']);
      expect(await find('involvedObject.uid=u1,type=Normal')).toEqual(['e1', 'e2']);
      expect(await find('type=Warning')).toEqual([]);
    });

    it('are the same objects in events.k8s.io/v1', async () => {
      const namespace = await suite.namespace();
      await created(suite.api, `/api/v1/namespaces/${namespace}/events`, event(namespace, 'e1', 'web'));
      const modern = await suite.api.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events/e1`);
      assert.code(modern, 200);
      expect(modern.body).toMatchObject({
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        regarding: { kind: 'Deployment', name: 'web' },
        note: 'from 1 to 2',
        deprecatedCount: 1,
        deprecatedSource: { component: 'concertina' },
      });
      await created(suite.api, `/apis/events.k8s.io/v1/namespaces/${namespace}/events`, {
        metadata: { name: 'e2', namespace },
        regarding: { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web' },
        reason: 'Rescaled',
        note: 'from 2 to 3',
        type: 'Normal',
        action: 'Scale',
        eventTime: '2026-01-01T00:00:00.000001Z',
        reportingController: 'concertina.dev/hpa',
        reportingInstance: 'one',
      });
      const old = await suite.api.get(`/api/v1/namespaces/${namespace}/events/e2`);
      expect(old.body).toMatchObject({
        involvedObject: { name: 'web' },
        message: 'from 2 to 3',
        action: 'Scale',
        eventTime: '2026-01-01T00:00:00.000001Z',
        reportingComponent: 'concertina.dev/hpa',
        reportingInstance: 'one',
      });
    });

    it('repeat by a patch of count or series', async () => {
      const namespace = await suite.namespace();
      const path = `/api/v1/namespaces/${namespace}/events`;
      await created(suite.api, path, event(namespace, 'e1', 'web'));
      const answer = await suite.api.patch(`${path}/e1`, 'merge', { count: 2, lastTimestamp: '2026-01-01T00:01:00Z' });
      assert.code(answer, 200);
      expect(answer.body).toMatchObject({ count: 2, lastTimestamp: '2026-01-01T00:01:00Z' });
    });

    it('about an object of another namespace: 422', async () => {
      const namespace = await suite.namespace();
      const body = { ...event('default', 'e1', 'web'), metadata: { name: 'e1', namespace } };
      assert.refused(await suite.api.post(`/api/v1/namespaces/${namespace}/events`, body), {
        code: 422,
        reason: 'Invalid',
        message: /involvedObject\.namespace: Invalid value: "default": does not match event\.namespace/u,
      });
    });
  });
}
