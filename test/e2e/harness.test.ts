import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { isForbidden } from '../../core/kube/index.ts';
import { resourceTypes } from '../../core/model/object.ts';
import { findCompanions, findControlPlane } from './binaries/index.ts';
import { createHttpApi } from './http-api.ts';
import { readConnection } from './kubeconfig-file.ts';
import { registerAggregatedApi, serveHandler } from './metrics-api-server.ts';
import { freePorts } from './ports.ts';
import { startProcess } from './process.ts';
import { startRealCluster, type OwnCluster, type RealCluster } from './real-cluster.ts';

// The harness's own promises: what the journeys on the real cluster rely on.
describe('processes and ports', () => {
  const dir = mkdtempSync(join(tmpdir(), 'concertina-process-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('ports are different and free', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    await new Promise<void>((resolve, reject) => {
      const server = createServer().once('error', reject);
      server.listen(ports[0], '127.0.0.1', () => server.close(() => resolve()));
    });
  });

  it('a process is ended by SIGTERM, a deaf one by SIGKILL', async () => {
    const willing = startProcess({ name: 'willing', file: 'sleep', args: ['60'], logFile: join(dir, 'willing.log') });
    await willing.stop();
    expect(willing.ended).toBe('signal SIGTERM');
    const script = 'trap "" TERM; echo ready; while :; do sleep 0.05; done';
    const deaf = startProcess({ name: 'deaf', file: 'sh', args: ['-c', script], logFile: join(dir, 'deaf.log') });
    while (deaf.tail() !== 'ready') await new Promise((resolve) => setTimeout(resolve, 10));
    await deaf.stop(200);
    expect(deaf.ended).toBe('signal SIGKILL');
  });

  it('one that fails says how, with the end of its log', async () => {
    const failing = startProcess({
      name: 'failing',
      file: 'sh',
      args: ['-c', 'echo the reason >&2; exit 3'],
      logFile: join(dir, 'failing.log'),
    });
    await failing.exited;
    expect(failing.ended).toBe('exit code 3');
    expect(failing.tail()).toBe('the reason');
  });
});

describe('programs of the control plane', () => {
  const dir = mkdtempSync(join(tmpdir(), 'concertina-binaries-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const withEnvironment = async <T>(changes: Record<string, string>, work: () => Promise<T>): Promise<T> => {
    const before = { ...process.env };
    Object.assign(process.env, changes);
    try {
      return await work();
    } finally {
      for (const name of Object.keys(changes)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  };

  it('nothing to find and no Go to build with: one sentence that says what to do', async () => {
    const search = withEnvironment({ PATH: dir, KUBEBUILDER_ASSETS: dir, E2E_CACHE: join(dir, 'none') }, findControlPlane);
    await expect(search).rejects.toThrow(/^The real test cluster needs etcd, kube-apiserver, .* or install Go so that they are built/u);
  });

  it('KUBEBUILDER_ASSETS comes before PATH', async () => {
    const assets = join(dir, 'assets');
    const path = join(dir, 'path');
    for (const folder of [assets, path]) {
      mkdirSync(folder);
      for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
        writeFileSync(join(folder, name), '', { mode: 0o755 });
    }
    rmSync(join(assets, 'kube-scheduler'));
    const found = await withEnvironment({ PATH: path, KUBEBUILDER_ASSETS: assets }, findControlPlane);
    expect(found.command('etcd')).toEqual({ file: join(assets, 'etcd'), args: [] });
    expect(found.command('kube-scheduler')).toEqual({ file: join(path, 'kube-scheduler'), args: [] });
  });

  it('a companion that is neither there nor to be built: one sentence for each that says what to do', async () => {
    const nothing = { PATH: dir, E2E_CACHE: join(dir, 'none') };
    const search = await withEnvironment(nothing, () => findCompanions('metrics-server', 'metrics-adapter', 'prometheus'));
    expect(search.ok ? '' : search.sentence).toMatch(
      /^there is no metrics-server: put .* on PATH, or install Go .*; there is no metrics-adapter: install Go .*; there is no prometheus: install Debian's package prometheus,/u,
    );
  });

  it('a companion is taken from PATH; only an adapter of ours is not', async () => {
    const path = join(dir, 'companions');
    mkdirSync(path);
    for (const name of ['metrics-server', 'metrics-adapter', 'prometheus']) writeFileSync(join(path, name), '', { mode: 0o755 });
    const environment = { PATH: path, E2E_CACHE: join(dir, 'none') };
    const found = await withEnvironment(environment, () => findCompanions('metrics-server', 'prometheus'));
    expect(found.ok && (await found.companions['metrics-server'].file())).toBe(join(path, 'metrics-server'));
    expect(found.ok && (await found.companions.prometheus.file())).toBe(join(path, 'prometheus'));
    const adapter = await withEnvironment(environment, () => findCompanions('metrics-adapter'));
    expect(adapter.ok ? '' : adapter.sentence).toMatch(
      /^there is no metrics-adapter: install Go so that it is built from .*metrics-adapter\.$/u,
    );
  });
});

describe('the real cluster', () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = await startRealCluster();
  });
  afterAll(() => cluster?.stop());

  const ownCluster = (context: TestContext): OwnCluster =>
    cluster.own ?? context.skip('it needs a control plane that the harness has started itself, and KUBECONFIG_E2E names another');

  it('answers as a Kubernetes API server that takes Pods', async () => {
    expect((await cluster.admin.get('/version')).body).toMatchObject({ major: '1' });
    const body = { metadata: { name: 'first' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    expect((await cluster.admin.post('/api/v1/namespaces/default/pods?dryRun=All', body)).status).toBe(201);
  });

  it('a user has a certificate with its own name and groups, and RBAC judges it', async () => {
    const client = await cluster.clientFor({ user: 'concertina:tester', groups: ['concertina:testers'] });
    const refusal: unknown = await client.list(resourceTypes.pods, { namespace: 'default' }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(isForbidden(refusal)).toBe(true);
    expect(String(refusal)).toContain('User "concertina:tester" cannot list resource "pods"');
    const role = { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }], metadata: { name: 'harness-pods' } };
    await cluster.admin.post('/apis/rbac.authorization.k8s.io/v1/clusterroles', role);
    await cluster.admin.post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'harness-pods' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'harness-pods' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'concertina:testers' }],
    });
    let allowed = false;
    for (let i = 0; i < 100 && !allowed; i++) {
      allowed = await client.list(resourceTypes.pods, { namespace: 'default' }).then(
        () => true,
        () => false,
      );
      if (!allowed) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(allowed).toBe(true);
  });

  it('a ServiceAccount comes with token, CA and namespace as in a pod', async () => {
    const file = await cluster.serviceAccountKubeconfig('default', 'harness');
    const connection = await readConnection(file);
    const api = createHttpApi(connection);
    const self = await api.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
    });
    expect(self.body).toMatchObject({ status: { userInfo: { username: 'system:serviceaccount:default:harness' } } });
    api.close();
    const client = await cluster.clientFor({ token: connection.token! });
    expect((await client.raw({ method: 'GET', path: '/version' })).status).toBe(200);
  });

  it('the audit log has every write with its user, body and answer', async (context) => {
    const own = ownCluster(context);
    const audit = own.audit!;
    const connection = await cluster.connectionFor({ user: 'concertina:hpa', groups: ['system:masters'] });
    const api = createHttpApi(connection);
    const path = '/apis/apps/v1/namespaces/default/deployments';
    const labels = { app: 'audited' };
    await api.post(path, {
      metadata: { name: 'audited' },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    expect((await api.patch(`${path}/audited/scale`, 'merge', { spec: { replicas: 1 } })).status).toBe(200);
    await api.patch(`${path}/none/scale`, 'merge', { spec: { replicas: 1 } });
    await api.get(`${path}/audited/scale`);
    const writes = await audit.auditWrites({ resource: 'deployments', subresource: 'scale', user: 'concertina:hpa' });
    expect(writes.map((record) => [record.verb, record.objectRef?.name, record.responseStatus?.code])).toEqual([
      ['patch', 'audited', 200],
      ['patch', 'none', 404],
    ]);
    expect(writes[0]!.requestObject).toEqual({ spec: { replicas: 1 } });
    expect(await audit.auditWrites({ user: 'concertina:hpa', subresource: 'scale', successful: true })).toHaveLength(1);
    // Nobody else has scaled it: the built-in HPA controller is off.
    expect(await audit.auditWrites({ resource: 'deployments', subresource: 'scale', name: 'audited', successful: true })).toHaveLength(1);
    api.close();
  });

  it('impersonated writes are logged under the impersonated user', async (context) => {
    const own = ownCluster(context);
    const node = { metadata: { name: 'harness-node' } };
    const kubelet = cluster.admin.as({ user: 'system:node:harness-node', groups: ['system:nodes'] });
    expect((await kubelet.post('/api/v1/nodes', node)).status).toBe(201);
    const [record] = await own.audit!.auditWrites({ resource: 'nodes', name: 'harness-node', verbs: ['create'] });
    expect(record).toMatchObject({ user: { username: 'admin' }, impersonatedUser: { username: 'system:node:harness-node' } });
    await cluster.admin.delete('/api/v1/nodes/harness-node');
  });

  it('an API on loopback is aggregated', async (context) => {
    ownCluster(context);
    const seen: (string | undefined)[] = [];
    const server = await serveHandler(async (request) => {
      seen.push(request.headers['x-remote-user']);
      const json = { 'content-type': 'application/json' };
      if (request.path === '/apis/harness.example.com/v1') {
        const resources = [{ name: 'things', kind: 'Thing', namespaced: true, singularName: 'thing', verbs: ['list'] }];
        return {
          status: 200,
          headers: json,
          body: JSON.stringify({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'harness.example.com/v1', resources }),
        };
      }
      if (request.path === '/apis/harness.example.com/v1/stream') {
        return {
          status: 200,
          start: (sink) => {
            sink.write('one ');
            sink.write('two');
            sink.end();
            return () => undefined;
          },
        };
      }
      return { status: 200, headers: json, body: JSON.stringify({ path: request.path, query: request.query.get('q') }) };
    });
    const registration = await registerAggregatedApi(cluster.admin, { group: 'harness.example.com', version: 'v1', port: server.port });
    const answer = await cluster.admin.get('/apis/harness.example.com/v1/namespaces/default/things?q=a%20b');
    expect(answer.body).toEqual({ path: '/apis/harness.example.com/v1/namespaces/default/things', query: 'a b' });
    expect(seen).toContain('admin');
    expect((await cluster.admin.get('/apis/harness.example.com/v1/stream')).text).toBe('one two');
    await registration.unregister();
    await server.close();
  });

  it('stop ends every program and leaves no files', async (context) => {
    ownCluster(context);
    const second = await startRealCluster({ audit: false });
    const { processes } = second.own!.controlPlane;
    const pids = Object.values(processes).map((child) => child.pid!);
    expect(pids.every((pid) => existsSync(`/proc/${pid}`) || process.platform !== 'linux')).toBe(true);
    await second.stop();
    for (const child of Object.values(processes)) expect(child.ended).toBeDefined();
    expect(existsSync(second.dir)).toBe(false);
    console.log(`second cluster started in ${second.own!.startMs} ms`);
  });

  it('the HPA controller is off unless asked for', async (context) => {
    ownCluster(context);
    // Each controller that runs has got its ServiceAccount.
    const account = async (name: string): Promise<number> =>
      (await cluster.admin.get(`/api/v1/namespaces/kube-system/serviceaccounts/${name}`)).status;
    expect(await account('replicaset-controller')).toBe(200);
    expect(await account('horizontal-pod-autoscaler')).toBe(404);
  });
});
