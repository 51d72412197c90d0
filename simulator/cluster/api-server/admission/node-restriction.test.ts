import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { patchTypes, startTestServer } from '../testing/harness.ts';
import type { Answer, TestServer } from '../testing/harness.ts';

/** Two nodes with a pod each, and requests of the first one's kubelet. Without RBAC: what is refused, NodeRestriction has refused. */
describe('NodeRestriction', () => {
  let test: TestServer;
  let uid: string;
  const pods = '/api/v1/namespaces/default/pods';
  const headers = { 'impersonate-user': 'system:node:n1', 'impersonate-group': 'system:nodes' };
  const spec = (nodeName: string): object => ({ nodeName, containers: [{ name: 'c', image: 'i' }] });

  const asNode = (method: string, path: string, body?: unknown, type: keyof typeof patchTypes = 'merge'): Promise<Answer> =>
    test.call(method, path, {
      headers,
      ...(body === undefined ? {} : { body }),
      ...(method === 'PATCH' ? { type: patchTypes[type] } : {}),
    });
  const refusal = async (...request: Parameters<typeof asNode>): Promise<string> => {
    const { status, body } = await asNode(...request);
    expect(body).toMatchObject({ kind: 'Status', reason: 'Forbidden' });
    expect(status).toBe(403);
    return String(body['message']);
  };
  const code = async (...request: Parameters<typeof asNode>): Promise<number> => (await asNode(...request)).status;

  beforeEach(async () => {
    test = startTestServer();
    for (const name of ['n1', 'n2']) {
      const node = await test.call('POST', '/api/v1/nodes', { body: { metadata: { name, labels: { mine: 'x' } } } });
      if (name === 'n1') uid = String(node.body.metadata.uid);
      await test.call('POST', pods, { body: { metadata: { name: `on-${name}` }, spec: spec(name) } });
    }
  });
  afterEach(() => test.server.close());

  it('keeps a node off the pods of others', async () => {
    const status = { status: { phase: 'Running' } };
    expect(await code('PATCH', `${pods}/on-n1/status`, status)).toBe(200);
    expect(await refusal('PATCH', `${pods}/on-n2/status`, status)).toBe(
      'pods "on-n2" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself',
    );
    expect(await refusal('PATCH', `${pods}/on-n1/status`, { metadata: { labels: { a: 'b' } } })).toMatch(
      /node "n1" cannot update labels through pod status$/,
    );
    expect(await refusal('PATCH', `${pods}/on-n1`, { metadata: { labels: { a: 'b' } } })).toMatch(
      /unexpected operation "UPDATE", node "n1" can only create and delete mirror pods$/,
    );
    expect(await refusal('DELETE', `${pods}/on-n2`)).toMatch(/node "n1" can only delete pods with spec.nodeName set to itself$/);
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'on-n2' } };
    expect(await refusal('POST', `${pods}/on-n2/eviction`, eviction)).toMatch(
      /node n1 can only evict pods with spec.nodeName set to itself$/,
    );
    expect(await refusal('PATCH', `${pods}/on-n1/resize`, { spec: {} })).toMatch(
      /unexpected pod subresource "resize", only 'status' and 'eviction' are allowed$/,
    );
    expect(await code('POST', `${pods}/on-n1/eviction`, { ...eviction, metadata: { name: 'on-n1' } })).toBe(201);
    expect(await code('DELETE', `${pods}/on-n1?gracePeriodSeconds=0`)).toBe(200);
    expect(await code('DELETE', `${pods}/none`)).toBe(404);
  });

  it('lets a node show mirror pods of its own', async () => {
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid, controller: true };
    const mirror = (metadata: object = {}, more: object = {}): object => ({
      metadata: { name: 'm', annotations: { 'kubernetes.io/config.mirror': 'hash' }, ownerReferences: [owner], ...metadata },
      spec: { ...spec('n1'), ...more },
    });
    const secret = { volumes: [{ name: 'v', secret: { secretName: 's' } }] };
    const refusals: readonly (readonly [object, RegExp])[] = [
      [mirror({ annotations: {} }), /pod does not have "kubernetes.io\/config.mirror" annotation, node "n1" can only create mirror pods$/],
      [mirror({}, { nodeName: 'n2' }), /can only create pods with spec.nodeName set to itself$/],
      [mirror({ ownerReferences: [] }), /can only create pods with an owner reference set to itself$/],
      [mirror({ ownerReferences: [{ ...owner, name: 'n2' }] }), /can only create pods with an owner reference set to itself$/],
      [mirror({ ownerReferences: [owner, owner] }), /can only create pods with a single owner reference set to itself$/],
      [mirror({ ownerReferences: [{ ...owner, controller: false }] }), /with a controller owner reference set to itself$/],
      [mirror({ ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }), /must not set blockOwnerDeletion on an owner reference$/],
      [mirror({ ownerReferences: [{ ...owner, uid: 'u' }] }), new RegExp(`node n1 UID mismatch: expected u got ${uid}$`)],
      [mirror({}, { serviceAccountName: 'default' }), /can not create pods that reference a service account$/],
      [mirror({}, secret), /can not create pods that reference secrets$/],
      [mirror({}, { volumes: [{ name: 'v', configMap: { name: 'c' } }] }), /can not create pods that reference configmaps$/],
      [
        mirror({}, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }),
        /can not create pods that reference persistentvolumeclaims$/,
      ],
    ];
    for (const [body, why] of refusals) expect(await refusal('POST', pods, body)).toMatch(why);
    expect(await code('POST', pods, mirror())).toBe(201);
  });

  it('keeps a node off other Nodes, its own taints, its deletion and labels that are not its own', async () => {
    const node = '/api/v1/nodes/n1';
    expect(await refusal('PATCH', '/api/v1/nodes/n2/status', { status: { capacity: { cpu: '1' } } })).toBe(
      'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
    );
    expect(await refusal('POST', '/api/v1/nodes', { metadata: { name: 'n3' } })).toMatch(/not allowed to modify node "n3"$/);
    expect(await refusal('PATCH', node, { spec: { taints: [] } })).toMatch(/node "n1" is not allowed to modify taints$/);
    expect(await refusal('DELETE', node)).toMatch(/node "n1" is not allowed to delete its own Node$/);
    const labels = { 'node-role.kubernetes.io/master': '', 'x.node-restriction.kubernetes.io/a': '', 'pool.k8s.io/a': '', mine: null };
    expect(await refusal('PATCH', node, { metadata: { labels } })).toMatch(
      /is not allowed to modify labels: node-role.kubernetes.io\/master, pool.k8s.io\/a, x.node-restriction.kubernetes.io\/a$/,
    );
    const own = { 'topology.kubernetes.io/zone': 'z', 'node.kubernetes.io/instance-type': 'm', 'kubelet.kubernetes.io/x': '', other: 'y' };
    expect(await code('PATCH', node, { metadata: { labels: own } })).toBe(200);
    expect(await code('PATCH', `${node}/status`, { status: { capacity: { cpu: '1' } } })).toBe(200);
  });

  it('lets a node register itself with taints, but not with labels that are not its own', async () => {
    await test.call('DELETE', '/api/v1/nodes/n1');
    const node = (labels: object): object => ({
      metadata: { name: 'n1', labels },
      spec: { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] },
    });
    expect(await refusal('POST', '/api/v1/nodes', node({ 'node-role.kubernetes.io/worker': '' }))).toBe(
      'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: node-role.kubernetes.io/worker',
    );
    expect(await code('POST', '/api/v1/nodes', node({ 'kubernetes.io/hostname': 'n1', pool: 'a' }))).toBe(201);
  });

  it('gives a node its own Lease only', async () => {
    const leases = (namespace: string): string => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const lease = (name: string): object => ({ metadata: { name }, spec: { holderIdentity: name } });
    expect(await code('POST', leases('kube-node-lease'), lease('n1'))).toBe(201);
    expect(await refusal('POST', leases('kube-node-lease'), lease('n2'))).toMatch(
      /can only access node lease with the same name as the requesting node$/,
    );
    expect(await refusal('POST', leases('default'), lease('n1'))).toMatch(
      /can only access leases in the "kube-node-lease" system namespace$/,
    );
    expect(await code('PATCH', `${leases('kube-node-lease')}/n1`, { spec: { leaseDurationSeconds: 40 } })).toBe(200);
  });

  it('gives tokens for its own pods only', async () => {
    const token = '/api/v1/namespaces/default/serviceaccounts/default/token';
    const uidOf = async (name: string): Promise<string> => String((await test.call('GET', `${pods}/${name}`)).body.metadata.uid);
    const request = (boundObjectRef?: object): object => ({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: boundObjectRef === undefined ? {} : { boundObjectRef },
    });
    const bound = { apiVersion: 'v1', kind: 'Pod', name: 'on-n1' };
    expect(await refusal('POST', token, request())).toMatch(
      /^serviceaccounts "default" is forbidden: node requested token not bound to a pod$/,
    );
    expect(await refusal('POST', token, request(bound))).toMatch(/with a pod binding without a uid$/);
    expect(await refusal('POST', token, request({ ...bound, uid: 'u' }))).toMatch(
      /^.*the UID in the bound object reference \(u\) does not match/,
    );
    expect(await refusal('POST', token, request({ ...bound, name: 'on-n2', uid: await uidOf('on-n2') }))).toMatch(
      /node requested token bound to a pod scheduled on a different node$/,
    );
    expect(await code('POST', token, request({ ...bound, uid: await uidOf('on-n1') }))).toBe(201);
  });

  it('leaves everybody else alone', async () => {
    const others = { 'impersonate-user': 'system:node:n1', 'impersonate-group': 'admins' };
    const patch = { type: patchTypes.merge, headers: others };
    expect((await test.call('PATCH', '/api/v1/nodes/n2', { ...patch, body: { spec: { unschedulable: true } } })).status).toBe(200);
    expect((await test.call('DELETE', '/api/v1/nodes/n2')).status).toBe(200);
  });
});
