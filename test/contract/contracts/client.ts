import { describe, expect, it } from 'vitest';
import type { KubeClient, WatchEvent } from '../../../core/kube/api.ts';
import { ApiStatusError } from '../../../core/kube/index.ts';
import { resourceTypes, type KubeObject } from '../../../core/model/object.ts';
import { createNode, deployment, runningPod } from '../objects.ts';
import { need, type ContractSuite } from '../suite.ts';

/** The same server seen through the suite's own client: what it makes of answers, pages, events and refusals. */
export function clientContracts(suite: ContractSuite): void {
  const { configMaps, leases, deployments, pods } = resourceTypes;
  const refusal = async (action: Promise<unknown>): Promise<{ code: number; reason: string; message: string }> => {
    const thrown: unknown = await action.then(
      () => new Error('it was not refused'),
      (error: unknown) => error,
    );
    if (!(thrown instanceof ApiStatusError)) throw thrown;
    const { code, reason, message } = thrown.status;
    return { code, reason, message };
  };

  describe("the suite's client", () => {
    it('creates, reads, patches, replaces and deletes', async () => {
      const namespace = await suite.namespace();
      const key = { namespace, name: 'a' };
      const made = await suite.client.create(configMaps, { metadata: { ...key }, data: { a: '1' } });
      expect(made.metadata.uid).toBeDefined();
      expect((await suite.client.get(configMaps, key))['data']).toEqual({ a: '1' });
      const patched = await suite.client.patch(configMaps, key, { type: 'merge', body: { data: { b: '2' } } });
      expect(patched['data']).toEqual({ a: '1', b: '2' });
      const replaced = await suite.client.replace(configMaps, { ...patched, data: { c: '3' } });
      expect(replaced['data']).toEqual({ c: '3' });
      expect(await refusal(suite.client.replace(configMaps, patched))).toMatchObject({ code: 409, reason: 'Conflict' });
      await suite.client.delete(configMaps, key, { preconditions: { uid: made.metadata.uid! } });
      expect(await refusal(suite.client.get(configMaps, key))).toMatchObject({ code: 404, reason: 'NotFound' });
    });

    it('lists page by page, and all pages joined', async () => {
      const namespace = await suite.namespace();
      for (let i = 0; i < 7; i++) await suite.client.create(leases, { metadata: { namespace, name: `l${i}` }, spec: {} });
      const page = await suite.client.listPage(leases, { namespace, limit: 3 });
      expect(page.items.map((item) => item.metadata.name)).toEqual(['l0', 'l1', 'l2']);
      expect(page.remaining).toBe(4);
      expect(page.continueToken).toBeDefined();
      const all = await suite.client.list(leases, { namespace, limit: 3 });
      expect(all.items.map((item) => item.metadata.name)).toEqual(['l0', 'l1', 'l2', 'l3', 'l4', 'l5', 'l6']);
    });

    it('watches: initial objects, the bookmark that ends them, changes', async () => {
      const namespace = await suite.namespace();
      await suite.client.create(leases, { metadata: { namespace, name: 'a' }, spec: {} });
      const stop = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const event of suite.client.watch(leases, { namespace, sendInitialEvents: true, signal: stop.signal })) {
          seen.push(told(event));
          if (event.type === 'BOOKMARK') await suite.client.create(leases, { metadata: { namespace, name: 'b' }, spec: {} });
          if (event.object.metadata.name === 'b') break;
        }
      })();
      await watching;
      stop.abort();
      expect(seen).toEqual(['ADDED a', 'BOOKMARK end', 'ADDED b']);
    });

    it('a watch that the server ends by its timeout ends without a fault', async () => {
      const namespace = await suite.namespace();
      const { resourceVersion } = await suite.client.listPage(leases, { namespace });
      const events: string[] = [];
      for await (const event of suite.client.watch(leases, { namespace, resourceVersion, timeoutSeconds: 1 })) events.push(event.type);
      expect(events.filter((type) => type !== 'BOOKMARK')).toEqual([]);
    });

    it('reads and sets scales, with the resourceVersion as precondition', async () => {
      const namespace = await suite.namespace();
      const body = deployment('a');
      const made = await suite.client.create(deployments, {
        ...body,
        metadata: { name: 'a', namespace },
        spec: { ...body.spec, paused: true },
      });
      const key = { namespace, name: 'a' };
      const scale = await suite.client.getScale(deployments, key);
      expect(scale).toMatchObject({ specReplicas: 0, statusReplicas: 0, selector: 'app=a' });
      expect((await suite.client.setScale(deployments, key, 3, { dryRun: true })).specReplicas).toBe(3);
      expect((await suite.client.getScale(deployments, key)).specReplicas).toBe(0);
      const set = await suite.client.setScale(deployments, key, 2);
      expect(set.specReplicas).toBe(2);
      expect(await refusal(suite.client.setScale(deployments, key, 4, { resourceVersion: made.metadata.resourceVersion! }))).toMatchObject({
        code: 409,
        reason: 'Conflict',
      });
    });

    it('evicts and resizes', async () => {
      const [namespace, nodeName] = [await suite.namespace(), await createNode(suite)];
      const resources = { requests: { cpu: '100m', memory: '64Mi' } };
      const body = await runningPod(suite, namespace, { name: 'p', nodeName, resources });
      const key = { namespace, name: 'p' };
      const resized = await suite.client.resize(key, {
        type: 'strategic',
        body: { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '200m' } } }] } },
      });
      expect(resized.metadata.generation).toBe(2);
      expect(await refusal(suite.client.evict(key, { preconditions: { uid: 'other' } }))).toMatchObject({ code: 409 });
      await suite.client.evict(key, { gracePeriodSeconds: 0, preconditions: { uid: need(body, 'metadata.uid') } });
      expect(await refusal(suite.client.get(pods, key))).toMatchObject({ code: 404 });
    });

    it('acts under another identity', async () => {
      const [namespace, nodeName] = [await suite.namespace(), await createNode(suite)];
      await runningPod(suite, namespace, { name: 'p', nodeName });
      const kubelet: KubeClient = suite.client.impersonate({ user: `system:node:${nodeName}`, groups: ['system:nodes'] });
      const updated = await kubelet.patch<KubeObject>(
        pods,
        { namespace, name: 'p' },
        { type: 'strategic', body: { status: { podIP: '10.2.0.1', podIPs: [{ ip: '10.2.0.1' }] } } },
        { subresource: 'status' },
      );
      expect(updated.status).toMatchObject({ podIP: '10.2.0.1' });
    });

    it('competes for a Lease: of two holders one gets it', async () => {
      const namespace = await suite.namespace();
      const lease = await suite.client.create(leases, { metadata: { namespace, name: 'l' }, spec: { holderIdentity: 'none' } });
      const claim = (who: string): Promise<string> =>
        suite.client.replace(leases, { ...lease, spec: { holderIdentity: who } }).then(
          () => 'won',
          (error: unknown) => (error instanceof ApiStatusError ? error.status.reason : 'other'),
        );
      expect((await Promise.all([claim('one'), claim('two')])).toSorted()).toEqual(['Conflict', 'won']);
    });
  });
}

function told(event: WatchEvent): string {
  if (event.type !== 'BOOKMARK') return `${event.type} ${event.object.metadata.name}`;
  return event.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true' ? 'BOOKMARK end' : 'BOOKMARK';
}
