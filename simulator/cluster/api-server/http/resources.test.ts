import { describe, expect, it } from 'vitest';
import { configMap, deploymentObject, nodeObject, patchTypes, podObject, startTestServer, types } from '../testing/harness.ts';
import type { TestServer } from '../testing/harness.ts';

const deployments = '/apis/apps/v1/namespaces/default/deployments';

const widgetCrd = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: { replicas: { type: 'integer', minimum: 0, default: 1 }, size: { type: 'string', enum: ['s', 'm'] } },
              },
              status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
};

async function withDeployment(): Promise<TestServer> {
  const test = startTestServer();
  await test.server.registry.create(types.deployments, deploymentObject('web', 2));
  return test;
}

describe('bodies', () => {
  it('takes JSON and YAML, refuses the rest by name', async () => {
    const test = startTestServer();
    const path = '/api/v1/namespaces/default/configmaps';
    expect((await test.call('POST', path, { body: 'metadata: {name: y}\ndata: {a: b}\n', type: 'application/yaml' })).status).toBe(201);
    expect(await test.call('POST', path, { body: 'x', type: 'application/cbor' })).toMatchObject({
      status: 415,
      body: { reason: 'UnsupportedMediaType' },
    });
    expect((await test.call('POST', path, { body: '{"metadata":' })).status).toBe(400);
    const applied = await test.call('PATCH', `${path}/y`, { body: 'data: {a: c}', type: 'application/apply-patch+yaml' });
    expect(applied.status).toBe(415);
    expect((applied.body as unknown as { message: string }).message).toContain('server-side apply');
    expect((await test.call('DELETE', `${path}/y`, { body: '{}', type: 'text/plain' })).status).toBe(415);
  });

  it('drops unknown fields with a warning, refuses them when strict, and refuses wrong types', async () => {
    const test = startTestServer();
    const object = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i', imag: 'x' }] } };
    const path = '/api/v1/namespaces/default/pods';
    expect(await test.call('POST', `${path}?fieldValidation=Strict`, { body: object })).toMatchObject({
      status: 400,
      body: { message: 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].imag"' },
    });
    const warned = await test.call('POST', path, { body: object });
    expect(warned.headers['warning']).toBe('299 - "unknown field \\"spec.containers[0].imag\\""');
    expect((warned.body.spec as { containers: object[] }).containers[0]).not.toHaveProperty('imag');
    const wrong = await test.call('POST', deployments, { body: { ...deploymentObject('web'), spec: { replicas: 'two' } } });
    expect(wrong).toMatchObject({
      status: 400,
      body: {
        message:
          'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field Deployment.spec.replicas of type int32',
      },
    });
  });
});

describe('patches over HTTP', () => {
  it('applies all three kinds and answers the object', async () => {
    const test = await withDeployment();
    const strategic = await test.call('PATCH', `${deployments}/web`, {
      body: { spec: { template: { spec: { containers: [{ name: 'c', env: [{ name: 'A', value: '1' }] }] } } } },
      type: patchTypes.strategic,
    });
    expect(strategic).toMatchObject({ status: 200, body: { metadata: { generation: 2 } } });
    const merge = await test.call('PATCH', `${deployments}/web`, { body: { spec: { replicas: 5 } }, type: patchTypes.merge });
    expect(merge.body.spec).toMatchObject({ replicas: 5, template: { spec: { containers: [{ image: 'app:1', env: [{ name: 'A' }] }] } } });
    const tested = [{ op: 'test', path: '/spec/replicas', value: 4 }];
    expect(await test.call('PATCH', `${deployments}/web`, { body: tested, type: patchTypes.json })).toMatchObject({
      status: 422,
      body: { reason: 'Invalid' },
    });
    const replaced = [{ op: 'replace', path: '/spec/replicas', value: 7 }];
    expect((await test.call('PATCH', `${deployments}/web`, { body: replaced, type: patchTypes.json })).body.spec).toMatchObject({
      replicas: 7,
    });
  });

  it('honours resourceVersion and uid in a patch', async () => {
    const test = await withDeployment();
    const stale = { metadata: { resourceVersion: '1' }, spec: { replicas: 3 } };
    expect(await test.call('PATCH', `${deployments}/web`, { body: stale, type: patchTypes.merge })).toMatchObject({
      status: 409,
      body: { reason: 'Conflict' },
    });
    const other = { metadata: { uid: 'other' }, spec: { replicas: 3 } };
    const refused = await test.call('PATCH', `${deployments}/web`, { body: other, type: patchTypes.merge });
    expect(refused.status).toBe(422);
    expect((refused.body as unknown as { message: string }).message).toContain('metadata.uid: Invalid value: "other": field is immutable');
  });

  it('answers an unreadable patch with what it would have made of the object', async () => {
    const test = await withDeployment();
    const body = { spec: { replicas: 'three' } };
    const answer = await test.call('PATCH', `${deployments}/web`, { body, type: patchTypes.merge });
    expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid', details: { causes: [{ field: 'patch' }] } } });
    expect((answer.body as unknown as { message: string }).message).toMatch(
      /^ "" is invalid: patch: Invalid value: "\{.*\}": json: cannot unmarshal string into Go struct field Deployment.spec.replicas of type int32$/,
    );
  });

  it('has no update or patch of a collection, and no write without a namespace', async () => {
    const test = await withDeployment();
    for (const method of ['PUT', 'PATCH'])
      expect((await test.call(method, deployments, { body: {}, type: patchTypes.merge })).status).toBe(405);
    expect((await test.call('POST', '/apis/apps/v1/deployments', { body: {} })).status).toBe(405);
  });

  it('audits who sent what', async () => {
    const test = await withDeployment();
    const records: object[] = [];
    test.server.onAudit((record) => records.push(record));
    await test.call('PATCH', `${deployments}/web?dryRun=All`, {
      body: { spec: { replicas: 3 } },
      type: patchTypes.merge,
      headers: { 'user-agent': 'one' },
    });
    await test.call('PATCH', `${deployments}/none`, {
      body: { spec: { replicas: 3 } },
      type: patchTypes.merge,
      headers: { 'impersonate-user': 'eve' },
    });
    await test.call('GET', `${deployments}/web`);
    await test.server.registry.delete(types.deployments, 'default', 'web', { user: { username: 'inside', groups: [] } });
    expect(records).toMatchObject([
      {
        verb: 'patch',
        name: 'web',
        dryRun: true,
        code: 200,
        userAgent: 'one',
        user: { username: 'kubernetes-admin' },
        requestObject: { spec: { replicas: 3 } },
      },
      { verb: 'patch', name: 'none', code: 404, user: { username: 'eve' }, impersonator: { username: 'kubernetes-admin' } },
      { verb: 'delete', name: 'web', code: 200, user: { username: 'inside' } },
    ]);
  });
});

describe('scale', () => {
  it('reads, replaces and patches with its own checks', async () => {
    const test = await withDeployment();
    const scale = await test.call('GET', `${deployments}/web/scale`);
    expect(scale.body).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'app=web' },
    });
    const put = await test.call('PUT', `${deployments}/web/scale`, { body: { ...scale.body, spec: { replicas: 4 } } });
    expect(put.body.spec).toEqual({ replicas: 4 });
    expect(await test.call('PUT', `${deployments}/web/scale`, { body: { ...scale.body, spec: { replicas: 5 } } })).toMatchObject({
      status: 409,
      body: { details: { name: 'web', group: 'apps', kind: 'deployments' } },
    });
    expect((await test.call('PATCH', `${deployments}/web/scale`, { body: { spec: { replicas: 0 } }, type: patchTypes.merge })).status).toBe(
      200,
    );
    expect(test.server.registry.get(types.deployments, 'default', 'web')).toMatchObject({
      spec: { replicas: 0 },
      metadata: { generation: 3 },
    });
    const negative = await test.call('PATCH', `${deployments}/web/scale`, { body: { spec: { replicas: -1 } }, type: patchTypes.merge });
    expect(negative.status).toBe(422);
    expect((await test.call('GET', `${deployments}/none/scale`)).status).toBe(404);
  });
});

describe('custom resources', () => {
  it('serves, validates, defaults, scales and removes them', async () => {
    const test = startTestServer();
    const widgets = '/apis/example.com/v1/namespaces/default/widgets';
    expect((await test.call('GET', widgets)).status).toBe(404);
    const crd = await test.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: widgetCrd });
    expect(crd).toMatchObject({
      status: 201,
      body: { status: { conditions: [{ type: 'NamesAccepted' }, { type: 'Established', status: 'True' }] } },
    });
    const created = await test.call('POST', widgets, { body: { metadata: { name: 'a' }, spec: { size: 's', junk: 1 } } });
    expect(created).toMatchObject({ status: 201, body: { kind: 'Widget', spec: { replicas: 1, size: 's' }, metadata: { generation: 1 } } });
    expect(created.body.spec).not.toHaveProperty('junk');
    expect((await test.call('POST', widgets, { body: { metadata: { name: 'b' }, spec: { size: 'x' } } })).status).toBe(422);
    const strategic = await test.call('PATCH', `${widgets}/a`, { body: {}, type: patchTypes.strategic });
    expect(strategic.status).toBe(415);
    const { resourceVersion: _, ...metadata } = created.body.metadata;
    const blind = await test.call('PUT', `${widgets}/a`, { body: { ...created.body, metadata } });
    expect((blind.body as unknown as { message: string }).message).toContain(
      'metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
    const status = await test.call('PATCH', `${widgets}/a/status`, {
      body: { spec: { size: 'm' }, status: { replicas: 3, selector: 'a=b' } },
      type: patchTypes.merge,
    });
    expect(status.body).toMatchObject({ spec: { size: 's' }, status: { replicas: 3 }, metadata: { generation: 1 } });
    expect(
      (await test.call('PATCH', `${widgets}/a/scale`, { body: { spec: { replicas: 6 } }, type: patchTypes.merge })).body,
    ).toMatchObject({
      spec: { replicas: 6 },
      status: { replicas: 3, selector: 'a=b' },
    });
    expect((await test.call('GET', '/apis/example.com/v1')).body).toMatchObject({
      resources: [{ name: 'widgets', shortNames: ['wd'] }, { name: 'widgets/status' }, { name: 'widgets/scale', kind: 'Scale' }],
    });
    await test.call('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com');
    await test.server.settle();
    expect((await test.call('GET', widgets)).status).toBe(404);
    expect(test.server.registry.list(types.crds)).toEqual([]);
  });
});

describe('eviction', () => {
  async function withPod(budget: object, status: object): Promise<TestServer> {
    const test = startTestServer();
    const { registry } = test.server;
    await registry.create(types.nodes, nodeObject('n1'));
    const pod = await registry.create(
      types.pods,
      podObject('p', { metadata: { labels: { app: 'a' } }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } }),
    );
    await registry.update(
      types.pods,
      { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
      { subresource: 'status' },
    );
    const pdb = await registry.create(types.budgets, {
      metadata: { name: 'b', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'a' } }, minAvailable: 1, ...budget },
    });
    await registry.update(types.budgets, { ...pdb, status: { observedGeneration: 1, ...status } }, { subresource: 'status' });
    return test;
  }
  const evict = (test: TestServer): ReturnType<TestServer['call']> =>
    test.call('POST', '/api/v1/namespaces/default/pods/p/eviction', {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p', namespace: 'default' } },
    });

  it('spends the budget and marks the pod', async () => {
    const test = await withPod({}, { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 });
    expect(await evict(test)).toMatchObject({ status: 201, body: { kind: 'Status', status: 'Success' } });
    expect(test.server.registry.get(types.pods, 'default', 'p')).toMatchObject({
      metadata: { deletionGracePeriodSeconds: 30 },
      status: { conditions: [{ type: 'Ready' }, { type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }] },
    });
    expect(test.server.registry.get(types.budgets, 'default', 'b')?.status).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { p: '2026-01-01T00:00:00Z' },
    });
  });

  it('refuses with 429 and the budget as cause', async () => {
    const test = await withPod({}, { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 });
    expect(await evict(test)).toMatchObject({
      status: 429,
      body: {
        reason: 'TooManyRequests',
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget b needs 1 healthy pods and has 1 currently' }] },
      },
    });
    const stale = await withPod({}, { observedGeneration: 0, disruptionsAllowed: 5 });
    expect(await evict(stale)).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
  });

  it('does not count two budgets', async () => {
    const test = await withPod({}, { disruptionsAllowed: 1 });
    await test.server.registry.create(types.budgets, {
      metadata: { name: 'second', namespace: 'default' },
      spec: { selector: {}, maxUnavailable: 1 },
    });
    expect((await evict(test)).status).toBe(500);
  });

  it('lets an unready pod go when its budget is healthy or says so', async () => {
    const test = await withPod(
      { unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1 },
    );
    await test.server.registry.mutate(
      types.pods,
      'default',
      'p',
      (pod) => ({ ...pod, status: { ...(pod.status as object), conditions: [{ type: 'Ready', status: 'False' }] } }),
      { subresource: 'status' },
    );
    expect((await evict(test)).status).toBe(201);
  });
});

describe('resize', () => {
  const path = '/api/v1/namespaces/default/pods/p/resize';

  async function running(resources: boolean): Promise<TestServer> {
    const test = startTestServer();
    const { registry } = test.server;
    await registry.create(types.nodes, nodeObject('n1'));
    const spec = {
      nodeName: 'n1',
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' }, limits: { cpu: '500m' } } }],
    };
    const pod = await registry.create(types.pods, podObject('p', { spec }));
    const status = { name: 'c', state: { running: {} }, ...(resources ? { resources: { requests: { cpu: '100m' } } } : {}) };
    await registry.update(types.pods, { ...pod, status: { phase: 'Running', containerStatuses: [status] } }, { subresource: 'status' });
    return test;
  }
  const patch = (resources: object): object => ({ spec: { containers: [{ name: 'c', resources }] } });

  it('changes cpu and memory and raises the generation', async () => {
    const test = await running(true);
    const answer = await test.call('PATCH', path, { body: patch({ requests: { cpu: '200m' } }), type: patchTypes.strategic });
    expect(answer).toMatchObject({
      status: 200,
      body: { metadata: { generation: 2 }, spec: { containers: [{ resources: { requests: { cpu: '200m' }, limits: { cpu: '500m' } } }] } },
    });
  });

  it.each([
    ['a node without support', false, { requests: { cpu: '200m' } }, 422, 'Pod running on node without support for resize'],
    [
      'another QoS class',
      true,
      { requests: { cpu: '500m', memory: '1Gi' }, limits: { memory: '1Gi' } },
      422,
      'Pod QOS Class may not change as a result of resizing',
    ],
    ['a request above its limit', true, { requests: { cpu: '600m' } }, 422, 'must be less than or equal to cpu limit of 500m'],
    ['a limit taken away', true, { limits: { cpu: null } }, 422, 'resource limits cannot be removed'],
    ['another resource', true, { requests: { 'ephemeral-storage': '1Gi' } }, 422, 'only cpu and memory resources are mutable'],
    [
      'more than the node has',
      true,
      { requests: { cpu: '100' }, limits: { cpu: '100' } },
      403,
      "node didn't have enough allocatable resources: cpu, requested: 100000, allocatable: 4000",
    ],
  ])('refuses %s', async (...[, resources, change, code, message]) => {
    const test = await running(resources);
    const answer = await test.call('PATCH', path, { body: patch(change), type: patchTypes.strategic });
    expect(answer.status).toBe(code);
    expect((answer.body as unknown as { message: string }).message).toContain(message);
  });
});

describe('identity', () => {
  it('issues tokens that name their account, and forgets them', async () => {
    const test = startTestServer();
    const issued = await test.call('POST', '/api/v1/namespaces/kube-system/serviceaccounts/default/token', {
      body: { spec: { expirationSeconds: 600 } },
    });
    const { token } = issued.body.status as { token: string };
    const who = (): ReturnType<TestServer['call']> =>
      test.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, headers: { authorization: `Bearer ${token}` } });
    expect((await who()).body.status).toMatchObject({ userInfo: { username: 'system:serviceaccount:kube-system:default' } });
    await test.clock.advance(601_000);
    expect((await who()).status).toBe(401);
  });

  it('keeps to RBAC when told', async () => {
    const test = startTestServer({ authorization: 'RBAC' });
    const headers = { 'impersonate-user': 'jane' };
    expect(await test.call('GET', '/api/v1/namespaces/default/pods', { headers })).toMatchObject({
      status: 403,
      body: { message: 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"' },
    });
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
    await test.call('POST', `${rbac}/roles`, {
      body: { metadata: { name: 'r' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }] },
    });
    await test.call('POST', `${rbac}/rolebindings`, {
      body: {
        metadata: { name: 'r' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
        subjects: [{ kind: 'User', name: 'jane' }],
      },
    });
    expect((await test.call('GET', '/api/v1/namespaces/default/pods', { headers })).status).toBe(200);
    expect((await test.call('GET', '/api/v1/pods', { headers })).status).toBe(403);
  });
});

describe('events and versions of one object', () => {
  it('shows an event in both groups', async () => {
    const test = startTestServer();
    const event = {
      metadata: { name: 'e' },
      regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
      note: 'hello',
      reason: 'R',
      reportingController: 'c',
      eventTime: '2026-01-01T00:00:00.000000Z',
    };
    expect((await test.call('POST', '/apis/events.k8s.io/v1/namespaces/default/events', { body: event })).status).toBe(201);
    expect((await test.call('GET', '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp')).body.items).toMatchObject([
      { message: 'hello', involvedObject: { name: 'p' }, reportingComponent: 'c' },
    ]);
    expect((await test.call('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e')).body).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      note: 'hello',
    });
  });

  it('shows an HPA as v1 and v2', async () => {
    const test = startTestServer();
    const v1 = {
      metadata: { name: 'h' },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' },
        maxReplicas: 5,
        targetCPUUtilizationPercentage: 60,
      },
    };
    expect((await test.call('POST', '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', { body: v1 })).status).toBe(201);
    expect((await test.call('GET', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h')).body.spec).toMatchObject({
      minReplicas: 1,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
    });
    expect((await test.call('GET', '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h')).body).toMatchObject({
      apiVersion: 'autoscaling/v1',
      spec: { targetCPUUtilizationPercentage: 60 },
    });
  });
});

describe('paths', () => {
  it('answers discovery both ways and says what is not here', async () => {
    const test = startTestServer();
    const aggregated = await test.call('GET', '/apis', {
      headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' },
    });
    expect(aggregated.body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
    expect((await test.call('GET', '/apis')).body.kind).toBe('APIGroupList');
    const core = (await test.call('GET', '/api/v1')).body as unknown as { resources: { name: string }[] };
    expect(core.resources).toContainEqual({
      name: 'pods/eviction',
      singularName: '',
      namespaced: true,
      kind: 'Eviction',
      group: 'policy',
      version: 'v1',
      verbs: ['create'],
    });
    expect((await test.call('GET', '/version')).body).toMatchObject({ gitVersion: 'v1.36.3' });
    expect((await test.call('GET', '/readyz')).body.text).toBe('ok');
    expect(await test.call('GET', '/apis/none.example/v1/things')).toMatchObject({ status: 404, body: { text: '404 page not found\n' } });
    expect((await test.call('POST', '/api/v1/namespaces/default/pods/p/exec')).status).toBe(501);
    expect((await test.call('DELETE', '/api/v1/configmaps')).status).toBe(405);
  });

  it('deletes collections by selector', async () => {
    const test = startTestServer();
    for (const name of ['a', 'b']) {
      const object = configMap(name);
      await test.server.registry.create(types.configMaps, { ...object, metadata: { ...object.metadata, labels: { name } } });
    }
    await test.call('DELETE', '/api/v1/namespaces/default/configmaps?labelSelector=name%3Da');
    expect(test.server.registry.list(types.configMaps, 'default').map((object) => object.metadata.name)).toEqual(['b', 'kube-root-ca.crt']);
  });
});
