import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConcertinaError } from '../errors.ts';
import { resourceTypes } from '../model/object.ts';
import { connectionFromKubeConfig } from './kubeconfig-connection.ts';
import { loadKubeConfig } from './kubeconfig.ts';
import {
  clientFor,
  fakeServer,
  json,
  makeCertificate,
  realClock,
  statusAnswer,
  VirtualClock,
  type FakeHandler,
  type FakeServer,
  type TestCertificate,
} from './test-support.ts';

let folder: string;
let ca: TestCertificate;
let serving: TestCertificate;
const servers: FakeServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concertina-kubeconfig-'));
  ca = makeCertificate({ cn: 'test-ca' });
  serving = makeCertificate({ cn: 'apiserver', issuer: ca });
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function file(name: string, text: string): Promise<string> {
  const target = path.join(folder, name);
  await writeFile(target, text);
  return target;
}

async function tlsServer(handler?: FakeHandler): Promise<FakeServer> {
  const tls = { cert: serving.cert, key: serving.key, ca: ca.cert, requestCert: true };
  const server = await fakeServer(handler ?? ((_request, response) => json(response, 200, { metadata: {} })), tls);
  servers.push(server);
  return server;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A kubeconfig with one context `main`; `user` and `cluster` are YAML flow mappings. */
function config({
  server = 'https://127.0.0.1:1',
  cluster = '',
  user = '{}',
}: {
  server?: string;
  cluster?: string;
  user?: string;
}): string {
  return [
    'apiVersion: v1',
    'kind: Config',
    'current-context: main',
    'clusters:',
    `- {name: c1, cluster: {server: "${server}"${cluster === '' ? '' : `, ${cluster}`}}}`,
    'users:',
    `- {name: u1, user: ${user}}`,
    'contexts:',
    '- {name: main, context: {cluster: c1, user: u1, namespace: shop}}',
    '- {name: lost, context: {cluster: nowhere, user: u1}}',
    '- {name: nobody, context: {cluster: c1, user: ghost}}',
  ].join('\n');
}

async function failure(promise: Promise<unknown>): Promise<ConcertinaError> {
  return promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: unknown) => error as ConcertinaError,
  );
}

describe('finding the file', () => {
  it('prefers the explicit file, then $KUBECONFIG, then the home folder, then the pod', async () => {
    const one = await file('one', config({ server: 'https://one:6443/' }));
    const two = await file('two', config({ server: 'https://two:6443/prefix/' }));
    const environment = { KUBECONFIG: two, HOME: folder, KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    expect((await loadKubeConfig({ file: one, environment })).cluster.server).toBe('https://one:6443');
    const second = await loadKubeConfig({ environment });
    expect(second).toMatchObject({
      origin: two,
      context: 'main',
      namespace: 'shop',
      userName: 'u1',
      cluster: { server: 'https://two:6443/prefix' },
    });
    const pod = await loadKubeConfig({
      environment: { ...environment, KUBECONFIG: '', KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' },
    });
    expect(pod).toMatchObject({
      origin: 'in-cluster',
      cluster: { server: 'https://[fd00::1]:6443' },
      tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    });
    expect((await failure(loadKubeConfig({ environment: { HOME: folder } }))).message).toContain('no kubeconfig was found');
  });

  it('merges a list: the first to define something wins, missing files are skipped', async () => {
    const first = await file(
      'm1',
      'current-context: b\nclusters: [{name: c, cluster: {server: "https://first"}}]\nusers: []\ncontexts: []',
    );
    const second = await file(
      'm2',
      'current-context: a\nclusters: [{name: c, cluster: {server: "https://second"}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: b, context: {cluster: c, user: u}}]',
    );
    const loaded = await loadKubeConfig({ environment: { KUBECONFIG: [first, '/does/not/exist', second].join(path.delimiter) } });
    expect(loaded).toMatchObject({ context: 'b', cluster: { server: 'https://first' }, userName: 'u' });
    const none = await failure(loadKubeConfig({ environment: { KUBECONFIG: '/a/b:/c/d' } }));
    expect(none.message).toBe('none of the files of $KUBECONFIG exists: /a/b, /c/d');
  });
});

describe('what is wrong is said in one sentence with the path', () => {
  const load = async (text: string, context?: string): Promise<ConcertinaError> =>
    failure(loadKubeConfig({ file: await file('broken', text), context, environment: {} }));

  it('missing, a folder, unreadable, empty, broken', async () => {
    const missing = await failure(loadKubeConfig({ file: '/no/such/config', environment: {} }));
    expect([missing.code, missing.message]).toEqual(['KUBECONFIG_INVALID', '/no/such/config does not exist']);
    expect((await failure(loadKubeConfig({ file: folder, environment: {} }))).message).toBe(`${folder} is a directory`);
    expect((await load('')).message).toBe(`${folder}/broken is empty`);
    expect((await load('- a\n- b')).message).toContain('is not a kubeconfig');
    expect((await load('clusters: [')).message).toMatch(/broken is not valid YAML: .*line 1, column \d+$/);
    expect((await load('clusters: 7')).message).toContain('clusters is not a list');
    expect((await load('clusters: [{cluster: {}}]')).message).toContain('clusters[0] has no name');
  });

  it('context, cluster, user, server', async () => {
    expect((await load(config({}), 'prod')).message).toBe(`${folder}/broken has no context "prod", it has "main", "lost", "nobody"`);
    expect((await load(config({}), 'lost')).message).toBe(`context "lost" of ${folder}/broken names cluster "nowhere", but there is "c1"`);
    expect((await load(config({}), 'nobody')).message).toBe(`context "nobody" of ${folder}/broken names user "ghost", but there is "u1"`);
    expect((await load(config({ server: 'host:6443' }))).message).toContain(
      'the server address "host:6443" must begin with https:// or http://',
    );
    expect((await load(config({ server: 'not a url' }))).message).toContain('is not a URL');
    const two = 'contexts: [{name: a, context: {cluster: c}}, {name: b, context: {cluster: c}}]';
    expect((await load(two)).message).toContain('has no current-context: name one of "a", "b"');
  });

  const connect = async (text: string): Promise<ConcertinaError> =>
    failure(connectionFromKubeConfig({ file: await file('broken', text), environment: {}, clock: realClock }));

  it('certificate files and data', async () => {
    const missing = await connect(config({ cluster: 'certificate-authority: pki/ca.crt' }));
    expect([missing.code, missing.message]).toEqual([
      'KUBECONFIG_INVALID',
      `${folder}/pki/ca.crt, the certificate-authority of cluster "c1" in ${folder}/broken, does not exist`,
    ]);
    expect((await connect(config({ user: '{client-certificate: a.crt, client-key: a.key}' }))).message).toContain(
      'a.crt, the client-certificate of user "u1"',
    );
    expect((await connect(config({ user: '{tokenFile: token}' }))).message).toContain('token, the tokenFile of user "u1"');
    expect(
      (
        await connect(
          config({ cluster: `certificate-authority-data: ${base64('-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n')}` }),
        )
      ).message,
    ).toContain('cannot be used');
    const lonely = config({ user: `{client-certificate-data: ${base64(ca.cert)}}` });
    expect((await connect(lonely)).message).toContain('has a client certificate without its key');
    const mismatch = config({ user: `{client-certificate-data: ${base64(ca.cert)}, client-key-data: ${base64(serving.key)}}` });
    expect((await connect(mismatch)).code).toBe('KUBECONFIG_INVALID');
  });

  it('a client certificate past its date', async () => {
    const old = makeCertificate({ cn: 'old', issuer: ca, notAfter: new Date('2024-05-06T07:08:09Z') });
    const error = await connect(config({ user: `{client-certificate-data: ${base64(old.cert)}, client-key-data: ${base64(old.key)}}` }));
    expect(error.code).toBe('CREDENTIALS_EXPIRED');
    expect(error.message).toContain('the client certificate of user "u1"');
    expect(error.message).toContain('expired on 2024-05-06T07:08:09.000Z');
  });

  it('exec plugins', async () => {
    const absent = await connect(config({ user: '{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin-here}}' }));
    expect([absent.code, absent.message]).toEqual([
      'KUBECONFIG_INVALID',
      `the exec plugin "no-such-plugin-here" of user "u1" of ${folder}/broken is not installed`,
    ]);
    const failing = await file('fail.sh', '#!/bin/sh\necho "token has expired, log in" >&2\nexit 3\n');
    await chmod(failing, 0o755);
    const error = await connect(config({ user: '{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./fail.sh}}' }));
    expect([error.code, error.message]).toEqual([
      'CREDENTIALS_EXPIRED',
      `the exec plugin "${failing}" of user "u1" of ${folder}/broken failed: token has expired, log in`,
    ]);
  });
});

describe('credentials', () => {
  const connect = async (text: string, clock: VirtualClock | typeof realClock = realClock) =>
    connectionFromKubeConfig({ file: await file(`config-${Math.random()}`, text), environment: {}, clock });
  const trust = (): string => `certificate-authority-data: ${base64(ca.cert)}`;

  it('client certificates open a verified connection; another CA does not', async () => {
    const server = await tlsServer();
    const mine = makeCertificate({ cn: 'me', issuer: ca });
    const user = `{client-certificate-data: ${base64(mine.cert)}, client-key-data: ${base64(mine.key)}}`;
    const connection = await connect(config({ server: server.url, cluster: trust(), user }));
    const client = clientFor(server, { connection });
    await client.get(resourceTypes.nodes, { name: 'n' });
    await client.close();
    const stranger = makeCertificate({ cn: 'stranger' });
    const wrong = await connect(config({ server: server.url, cluster: `certificate-authority-data: ${base64(stranger.cert)}` }));
    const error = await failure(clientFor(server, { connection: wrong }).get(resourceTypes.nodes, { name: 'n' }));
    expect(error.code).toBe('API_UNREACHABLE');
    expect(error.message).toMatch(/certificate/);
    const blind = await connect(config({ server: server.url, cluster: 'insecure-skip-tls-verify: true' }));
    await clientFor(server, { connection: blind }).get(resourceTypes.nodes, { name: 'n' });
  });

  it('1 000 requests over TLS use at most 64 sockets', async () => {
    const server = await tlsServer();
    const connection = await connect(config({ server: server.url, cluster: trust(), user: '{token: t}' }));
    const client = clientFor(server, { connection });
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => client.get(resourceTypes.nodes, { name: `n${index}` })));
    expect(server.requests).toHaveLength(1_000);
    expect(server.connections).toBeLessThanOrEqual(64);
    await client.close();
  });

  it('token, basic auth and impersonation become headers', async () => {
    const server = await tlsServer();
    const ask = async (user: string) => {
      const connection = await connect(config({ server: server.url, cluster: trust(), user }));
      await clientFor(server, { connection }).get(resourceTypes.nodes, { name: 'n' });
      return server.requests.at(-1)?.headers;
    };
    expect(await ask('{token: abc}')).toMatchObject({ authorization: 'Bearer abc' });
    expect(await ask('{username: u, password: p}')).toMatchObject({ authorization: `Basic ${base64('u:p')}` });
    const impersonating = await ask('{token: abc, as: jane, as-groups: [g1, g2], as-user-extra: {reason: [audit]}}');
    expect(impersonating).toMatchObject({ 'impersonate-user': 'jane', 'impersonate-group': 'g1, g2', 'impersonate-extra-reason': 'audit' });
  });

  it('a token file is read again after a minute, and at once after a 401', async () => {
    const clock = new VirtualClock();
    let valid = 'one';
    const server = await tlsServer((request, response) => {
      if (request.headers.authorization === `Bearer ${valid}`) json(response, 200, { metadata: {} });
      else statusAnswer(response, 401, 'Unauthorized');
    });
    const token = await file('rotating', 'one\n');
    const connection = await connect(config({ server: server.url, cluster: trust(), user: `{tokenFile: ${token}, token: stale}` }), clock);
    const client = clientFor(server, { connection, clock });
    await client.get(resourceTypes.nodes, { name: 'n' });
    expect(server.requests).toHaveLength(1);
    await file('rotating', 'two');
    await client.get(resourceTypes.nodes, { name: 'n' });
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer one');
    valid = 'two';
    await client.get(resourceTypes.nodes, { name: 'n' });
    expect(server.requests.slice(2).map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two']);
    // In the middle of a rotation the file may be away: the last token stays in use.
    await rm(token);
    await clock.advance(61_000);
    await client.get(resourceTypes.nodes, { name: 'n' });
    valid = 'three';
    const error = await failure(client.get(resourceTypes.nodes, { name: 'n' }));
    expect(error.code).toBe('CREDENTIALS_EXPIRED');
    expect(error.message).toContain('rotating, the tokenFile of user "u1"');
  });

  it('an exec plugin runs once, and again after a 401', async () => {
    const counter = path.join(folder, 'runs');
    const plugin = await file(
      'plugin.sh',
      `#!/bin/sh\necho run >> ${counter}\nn=$(wc -l < ${counter} | tr -d ' ')\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t'$n'"}}'\n`,
    );
    await chmod(plugin, 0o755);
    let valid = 't1';
    const server = await tlsServer((request, response) => {
      if (request.headers.authorization === `Bearer ${valid}`) json(response, 200, { metadata: {} });
      else statusAnswer(response, 401, 'Unauthorized');
    });
    const connection = await connect(
      config({ server: server.url, cluster: trust(), user: '{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin.sh}}' }),
    );
    const client = clientFor(server, { connection });
    for (let index = 0; index < 5; index++) await client.get(resourceTypes.nodes, { name: 'n' });
    expect(server.requests.every(({ headers }) => headers.authorization === 'Bearer t1')).toBe(true);
    valid = 't2';
    await Promise.all([client.get(resourceTypes.nodes, { name: 'n' }), client.get(resourceTypes.nodes, { name: 'm' })]);
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer t2');
  });

  it('a new CA on disk is trusted after a minute, without a restart', async () => {
    const clock = new VirtualClock();
    const server = await tlsServer();
    const stranger = makeCertificate({ cn: 'stranger' });
    const caFile = await file('ca.crt', stranger.cert);
    const connection = await connect(
      config({ server: server.url, cluster: `certificate-authority: ${caFile}`, user: '{token: t}' }),
      clock,
    );
    const client = clientFor(server, { connection, clock });
    await expect(client.get(resourceTypes.nodes, { name: 'n' })).rejects.toThrow('certificate');
    await file('ca.crt', ca.cert);
    const before = connection.dispatcher;
    await clock.advance(61_000);
    await client.get(resourceTypes.nodes, { name: 'n' });
    expect(connection.dispatcher).not.toBe(before);
    await client.close();
  });

  it('the service account of a pod', async () => {
    const server = await tlsServer();
    await file('token', 'sa-token');
    await file('ca.crt', ca.cert);
    await file('namespace', 'kube-system\n');
    const { hostname, port } = new URL(server.url);
    const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    const connection = await connectionFromKubeConfig({ environment, serviceAccountRoot: folder, clock: realClock });
    expect(connection.namespace).toBe('kube-system');
    await clientFor(server, { connection }).get(resourceTypes.nodes, { name: 'n' });
    expect(server.requests[0]?.headers.authorization).toBe('Bearer sa-token');
  });
});
