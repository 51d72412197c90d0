import { describe, expect, it } from 'vitest';
import { configMap, deploymentObject, nodeObject, podObject, refusal, seeded, startTestServer, types } from './testing/harness.ts';
import type { TestServer } from './testing/harness.ts';

describe('registry: metadata', () => {
  it('gives uid, creation time, revision and generation, the same ones for the same seed', async () => {
    const first = await startTestServer().server.registry.create(types.deployments, deploymentObject('web'));
    const second = await startTestServer().server.registry.create(types.deployments, deploymentObject('web'));
    expect(first.metadata).toEqual(second.metadata);
    expect(first.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(first.metadata).toMatchObject({ creationTimestamp: '2026-01-01T00:00:00Z', generation: 1 });
  });

  it('leaves the object of the caller as it was', async () => {
    const object = deploymentObject('web');
    const copy = structuredClone(object);
    await startTestServer().server.registry.create(types.deployments, object);
    expect(object).toEqual(copy);
  });

  it('makes names from generateName', async () => {
    const { server } = startTestServer();
    const pod = await server.registry.create(types.pods, podObject('', { metadata: { name: undefined, generateName: 'web-' } }));
    expect(pod.metadata.name).toMatch(/^web-[a-z0-9]{5}$/);
  });

  it('refuses bad names and labels with every cause', async () => {
    const { server } = startTestServer();
    const bad = podObject('Bad_Name', { metadata: { name: 'Bad_Name', labels: { 'a b': 'x', ok: '-no-' } } });
    const error = await refusal(server.registry.create(types.pods, bad));
    expect(error).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(error.details?.causes?.map((cause) => cause.field)).toEqual(['metadata.name', 'metadata.labels', 'metadata.labels']);
    expect(error.message).toContain('Pod "Bad_Name" is invalid: [metadata.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain');
  });

  it('knows existing, missing and terminating', async () => {
    const { server } = startTestServer();
    await server.registry.create(types.configMaps, configMap('a'));
    expect(await refusal(server.registry.create(types.configMaps, configMap('a')))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "a" already exists',
    });
    expect(await refusal(server.registry.create(types.configMaps, configMap('a', {}, 'nowhere')))).toMatchObject({
      code: 404,
      message: 'namespaces "nowhere" not found',
    });
    expect(await refusal(server.registry.delete(types.deployments, 'default', 'gone'))).toMatchObject({
      code: 404,
      message: 'deployments.apps "gone" not found',
      details: { name: 'gone', group: 'apps', kind: 'deployments' },
    });
  });
});

describe('registry: updates', () => {
  it('raises the generation for the spec, not for labels or status', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    const created = await registry.create(types.deployments, deploymentObject('web'));
    const labelled = await registry.update(types.deployments, { ...created, metadata: { ...created.metadata, labels: { x: 'y' } } });
    expect(labelled.metadata).toMatchObject({ generation: 1, labels: { x: 'y' } });
    const scaled = await registry.update(types.deployments, { ...labelled, spec: { ...(labelled.spec as object), replicas: 3 } });
    expect(scaled.metadata.generation).toBe(2);
    const status = await registry.update(types.deployments, { ...scaled, status: { replicas: 3 } }, { subresource: 'status' });
    expect(status).toMatchObject({ metadata: { generation: 2 }, status: { replicas: 3 }, spec: { replicas: 3 } });
  });

  it('keeps status and spec apart', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    const created = await registry.create(types.deployments, deploymentObject('web', 2));
    const main = await registry.update(types.deployments, { ...created, status: { replicas: 9 } });
    expect(main.status).toEqual({});
    const { resourceVersion: _, ...metadata } = created.metadata;
    const status = await registry.update(
      types.deployments,
      { metadata, spec: { replicas: 77 }, status: { replicas: 1 } },
      { subresource: 'status' },
    );
    expect(status).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 1 } });
  });

  it('stores nothing when nothing changes', async () => {
    const { server } = startTestServer();
    const created = await server.registry.create(types.configMaps, configMap('a', { k: 'v' }));
    const again = await server.registry.update(types.configMaps, structuredClone(created));
    expect(again).toBe(created);
  });

  it('refuses an old revision, and mutate retries on its own', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    const first = await registry.create(types.configMaps, configMap('a', { n: '0' }));
    await registry.update(types.configMaps, { ...first, data: { n: '1' } });
    expect(await refusal(registry.update(types.configMaps, { ...first, data: { n: '2' } }))).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
    const increment = (): Promise<unknown> =>
      registry.mutate(types.configMaps, 'default', 'a', (object) => ({
        ...object,
        data: { n: String(Number((object['data'] as { n: string }).n) + 1) },
      }));
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(registry.get(types.configMaps, 'default', 'a')?.['data']).toEqual({ n: '21' });
    expect(await registry.mutate(types.configMaps, 'default', 'none', (object) => object)).toBeUndefined();
  });

  it('keeps selectors and pod specs as they are', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    const deployment = await registry.create(types.deployments, deploymentObject('web'));
    const spec = structuredClone(deployment.spec) as { selector: object; template: { metadata: object } };
    spec.selector = { matchLabels: { app: 'other' } };
    spec.template.metadata = { labels: { app: 'other' } };
    expect((await refusal(registry.update(types.deployments, { ...deployment, spec }))).message).toContain(
      'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    );
    const pod = await registry.create(types.pods, podObject('p'));
    const image = structuredClone(pod.spec) as { containers: { image: string; resources: object }[]; tolerations: object[] };
    image.containers[0]!.image = 'app:2';
    image.tolerations.push({ key: 'more', operator: 'Exists' });
    expect((await registry.update(types.pods, { ...pod, spec: image })).metadata.generation).toBe(2);
    const resources = structuredClone(image);
    resources.containers[0]!.resources = { requests: { cpu: '2' } };
    const { resourceVersion: _, ...metadata } = pod.metadata;
    expect(await refusal(registry.update(types.pods, { ...pod, metadata, spec: resources }))).toMatchObject({
      code: 422,
      message: expect.stringContaining('spec: Forbidden: pod updates may not change fields other than'),
    });
  });

  it('does nothing for good under dryRun', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    const dry = await registry.create(types.configMaps, configMap('a'), { dryRun: true });
    expect(dry.metadata.uid).toBeDefined();
    expect(registry.get(types.configMaps, 'default', 'a')).toBeUndefined();
    const real = await registry.create(types.configMaps, configMap('a', { k: '1' }));
    const changed = await registry.update(types.configMaps, { ...real, data: { k: '2' } }, { dryRun: true });
    expect(changed['data']).toEqual({ k: '2' });
    await registry.delete(types.configMaps, 'default', 'a', { dryRun: true });
    expect(registry.get(types.configMaps, 'default', 'a')).toBe(real);
  });
});

describe('registry: pods', () => {
  it('defaults and admits a pod as the real server does', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    await registry.create(types.nodes, nodeObject('n1'));
    const pod = await registry.create(
      types.pods,
      podObject('p', {
        spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'app', resources: { limits: { cpu: '1000m', memory: '1024Mi' } } }] },
      }),
    );
    expect(pod.spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      serviceAccountName: 'default',
      enableServiceLinks: true,
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      containers: [
        { imagePullPolicy: 'Always', resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } } },
      ],
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
    });
    expect(pod.status).toEqual({ phase: 'Pending', qosClass: 'Guaranteed' });
    expect(pod.metadata.labels).toEqual({ 'topology.kubernetes.io/zone': 'z1' });
    expect((pod.spec as { volumes: { name: string }[] }).volumes[0]?.name).toMatch(/^kube-api-access-/);
  });

  it('takes the priority from the class and refuses an unknown one', async () => {
    const { server } = startTestServer();
    const critical = await server.registry.create(
      types.pods,
      podObject('p', { spec: { containers: [{ name: 'c', image: 'i' }], priorityClassName: 'system-node-critical' } }),
    );
    expect(critical.spec).toMatchObject({ priority: 2_000_001_000 });
    const unknown = podObject('q', { spec: { containers: [{ name: 'c', image: 'i' }], priorityClassName: 'none' } });
    expect(await refusal(server.registry.create(types.pods, unknown))).toMatchObject({
      code: 403,
      message: 'pods "q" is forbidden: no PriorityClass with name none was found',
    });
  });

  it('deletes a bound pod gracefully and an unbound one at once', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    await registry.create(types.pods, podObject('free'));
    await registry.delete(types.pods, 'default', 'free');
    expect(registry.get(types.pods, 'default', 'free')).toBeUndefined();
    const bound = await registry.create(
      types.pods,
      podObject('bound', { spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } }),
    );
    await registry.delete(types.pods, 'default', 'bound');
    expect(registry.get(types.pods, 'default', 'bound')?.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:30Z',
      deletionGracePeriodSeconds: 30,
      generation: 2,
    });
    await registry.delete(types.pods, 'default', 'bound', { gracePeriodSeconds: 5 });
    expect(registry.get(types.pods, 'default', 'bound')?.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:05Z',
      deletionGracePeriodSeconds: 5,
    });
    const wrong = registry.delete(types.pods, 'default', 'bound', { gracePeriodSeconds: 0, preconditions: { uid: 'other' } });
    expect(await refusal(wrong)).toMatchObject({ code: 409 });
    await registry.delete(types.pods, 'default', 'bound', { gracePeriodSeconds: 0, preconditions: { uid: bound.metadata.uid } });
    expect(registry.get(types.pods, 'default', 'bound')).toBeUndefined();
  });

  it('binds once, with the labels of the zone', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    await registry.create(types.nodes, nodeObject('n1'));
    await registry.create(types.pods, podObject('p'));
    const bind = (name: string): Promise<unknown> =>
      registry.mutate(types.pods, 'default', 'p', (pod) => ({ ...pod, spec: { ...(pod.spec as object), nodeName: name } }), {
        subresource: 'binding',
      });
    await bind('n1');
    expect(registry.get(types.pods, 'default', 'p')).toMatchObject({
      metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } },
      spec: { nodeName: 'n1' },
      status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    expect((await refusal(bind('n2'))).message).toBe(
      'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
    );
  });

  it('taints new nodes', async () => {
    const { server } = startTestServer();
    const node = await server.registry.create(types.nodes, nodeObject('n1'));
    expect(node).toMatchObject({
      spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] },
      status: { capacity: { cpu: '4' }, allocatable: { cpu: '4' } },
    });
  });
});

describe('registry: watching and ownership', () => {
  it('delivers what is there, then every change in order', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    await registry.create(types.configMaps, configMap('a'));
    const seen: string[] = [];
    const end = registry.watch(types.configMaps, ({ type, object, previous }) => {
      if (object.metadata.namespace === 'default' && object.metadata.name.length === 1) {
        seen.push(`${type} ${object.metadata.name} ${JSON.stringify(object['data'])} ${previous === undefined ? '' : 'after'}`);
      }
    });
    await registry.create(types.configMaps, configMap('b', { k: '1' }));
    await registry.mutate(types.configMaps, 'default', 'b', (object) => ({ ...object, data: { k: '2' } }));
    await registry.delete(types.configMaps, 'default', 'a');
    end();
    await registry.delete(types.configMaps, 'default', 'b');
    expect(seen).toEqual(['ADDED a {} ', 'ADDED b {"k":"1"} ', 'MODIFIED b {"k":"2"} after', 'DELETED a {} after']);
  });

  async function deleteOwner(propagationPolicy: 'Background' | 'Foreground' | 'Orphan'): Promise<TestServer> {
    const test = startTestServer();
    const { registry } = test.server;
    const owner = await registry.create(types.deployments, deploymentObject('web'));
    const reference = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'web',
      uid: owner.metadata.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    };
    await registry.create(types.configMaps, {
      metadata: { name: 'child', namespace: 'default', ownerReferences: [reference], finalizers: ['example.com/hold'] },
    });
    expect(registry.listOwned(types.configMaps, owner.metadata.uid ?? '')).toHaveLength(1);
    await registry.delete(types.deployments, 'default', 'web', { propagationPolicy });
    await test.server.settle();
    return test;
  }

  it.each([
    ['Background' as const, false],
    ['Foreground' as const, true],
  ])('collects dependents (%s)', async (policy, ownerWaits) => {
    const { server } = await deleteOwner(policy);
    const { registry } = server;
    expect(registry.get(types.configMaps, 'default', 'child')?.metadata.deletionTimestamp).toBeDefined();
    expect(registry.get(types.deployments, 'default', 'web') !== undefined).toBe(ownerWaits);
    await registry.mutate(types.configMaps, 'default', 'child', (object) => ({
      ...object,
      metadata: { ...object.metadata, finalizers: [] },
    }));
    await server.settle();
    expect(registry.get(types.configMaps, 'default', 'child')).toBeUndefined();
    expect(registry.get(types.deployments, 'default', 'web')).toBeUndefined();
  });

  it('leaves orphans, without their owner', async () => {
    const { server } = await deleteOwner('Orphan');
    const left = server.registry.get(types.configMaps, 'default', 'child');
    expect(left?.metadata).not.toHaveProperty('ownerReferences');
    expect(left?.metadata).not.toHaveProperty('deletionTimestamp');
    expect(server.registry.get(types.deployments, 'default', 'web')).toBeUndefined();
  });

  it('deletes an object whose owner does not exist', async () => {
    const { server } = startTestServer();
    const stray = configMap('stray');
    const reference = { apiVersion: 'v1', kind: 'Pod', name: 'gone', uid: 'no-such-uid' };
    await server.registry.create(types.configMaps, { ...stray, metadata: { ...stray.metadata, ownerReferences: [reference] } });
    await server.settle();
    expect(server.registry.get(types.configMaps, 'default', 'stray')).toBeUndefined();
  });

  it('empties a namespace and refuses new content meanwhile', async () => {
    const { server } = startTestServer();
    const { registry } = server;
    await registry.create(types.namespaces, { metadata: { name: 'team' } });
    expect(registry.get(types.configMaps, 'team', 'kube-root-ca.crt')).toBeDefined();
    const held = configMap('held', {}, 'team');
    await registry.create(types.configMaps, { ...held, metadata: { ...held.metadata, finalizers: ['example.com/hold'] } });
    await registry.delete(types.namespaces, undefined, 'team');
    await server.settle();
    expect(registry.get(types.namespaces, undefined, 'team')?.status).toEqual({ phase: 'Terminating' });
    expect(registry.list(types.configMaps, 'team').map((object) => object.metadata.name)).toEqual(['held']);
    expect(await refusal(registry.create(types.configMaps, configMap('new', {}, 'team')))).toMatchObject({
      code: 403,
      reason: 'Forbidden',
    });
    await registry.mutate(types.configMaps, 'team', 'held', (object) => ({ ...object, metadata: { ...object.metadata, finalizers: [] } }));
    await server.settle();
    expect(registry.get(types.namespaces, undefined, 'team')).toBeUndefined();
  });

  it('lets events go after an hour', async () => {
    const { server, clock } = startTestServer({ random: seeded(3) });
    const { registry } = server;
    const type = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };
    const event = (name: string): Promise<unknown> =>
      registry.create(type, {
        metadata: { name, namespace: 'default' },
        involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
        reason: 'R',
      });
    await event('one');
    await clock.advance(3_599_000);
    await event('two');
    expect(registry.list(type)).toHaveLength(2);
    await clock.advance(2_000);
    await event('three');
    expect(registry.list(type).map((object) => object.metadata.name)).toEqual(['three', 'two']);
  });
});
