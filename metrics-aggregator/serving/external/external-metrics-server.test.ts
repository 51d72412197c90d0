import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient, RawRequest, RawResponse } from '../../../core/kube/api.ts';
import { realClock } from '../../../core/runtime/clock.ts';
import { recordingLogger } from '../../../core/runtime/logging.ts';
import { createExternalMetricsServer, type ExternalMetricsServer } from './external-metrics-server.ts';

const run = promisify(execFile);

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A CA `<name>` in the directory. */
async function makeAuthority(dir: string, name: string): Promise<string> {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  await run(
    'openssl',
    ['req', '-x509', ...ec, ...files, '-days', '2', '-subj', `/CN=${name}`, '-addext', 'keyUsage=critical,keyCertSign'],
    { cwd: dir },
  );
  return readFile(join(dir, `${name}.crt`), 'utf8');
}

async function issue(dir: string, ca: string, subject: { file: string; cn: string; extensions: string }): Promise<Pair> {
  const { file, cn, extensions } = subject;
  await writeFile(join(dir, `${file}.ext`), extensions);
  await run('openssl', ['req', '-new', ...ec, '-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', `/CN=${cn}`], { cwd: dir });
  const signer = ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-days', '1', '-extfile', `${file}.ext`];
  await run('openssl', ['x509', '-req', '-in', `${file}.csr`, ...signer, '-out', `${file}.crt`], { cwd: dir });
  const [cert, key] = await Promise.all([readFile(join(dir, `${file}.crt`), 'utf8'), readFile(join(dir, `${file}.key`), 'utf8')]);
  return { cert, key };
}

const forServers = 'extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1\n';
const forClients = 'extendedKeyUsage=clientAuth\n';

/** The API server: reviews, and the ConfigMap of the front proxy. */
function fakeApi(frontProxyCa: () => string) {
  const reviews: { readonly path: string; readonly spec: Record<string, unknown> }[] = [];
  const allowed = (spec: Record<string, unknown>): boolean => {
    const { verb, resource } = (spec['resourceAttributes'] ?? {}) as { verb?: string; resource?: string };
    return spec['user'] === 'hpa' && (spec['nonResourceAttributes'] !== undefined || (verb === 'list' && resource === 'depth'));
  };
  const raw = async ({ path, body }: RawRequest): Promise<RawResponse> => {
    const { spec } = JSON.parse(String(body)) as { spec: Record<string, unknown> };
    reviews.push({ path, spec });
    const status = path.endsWith('tokenreviews')
      ? { authenticated: spec['token'] === 'good', user: { username: 'hpa', groups: ['system:authenticated'] } }
      : { allowed: allowed(spec) };
    return { status: 201, headers: {}, body: Buffer.from(JSON.stringify({ status })) };
  };
  const get = async () => ({
    metadata: { name: 'extension-apiserver-authentication' },
    data: {
      'requestheader-allowed-names': '["front-proxy-client"]',
      'requestheader-client-ca-file': frontProxyCa(),
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-username-headers': '["X-Remote-User"]',
    },
  });
  return { client: { raw, get } as unknown as KubeClient, reviews };
}

describe.skipIf(!hasOpenssl())(
  'the server of external.metrics.k8s.io, with certificates of openssl (skipped where openssl is not installed)',
  () => {
    let dir: string;
    let serverCa: string;
    let serving: Pair;
    let proxy: Pair;
    let others: { readonly otherName: Pair; readonly otherCa: Pair; readonly notForClients: Pair };
    let api: ReturnType<typeof fakeApi>;
    let server: ExternalMetricsServer;
    let port: number;
    const logger = recordingLogger();

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'concertina-external-'));
      const [servingCa, frontProxyCa] = await Promise.all(['serving-ca', 'fp-ca', 'other-ca'].map((name) => makeAuthority(dir, name)));
      serverCa = servingCa ?? '';
      serving = await issue(dir, 'serving-ca', { file: 'serving', cn: 'server', extensions: forServers });
      proxy = await issue(dir, 'fp-ca', { file: 'fp', cn: 'front-proxy-client', extensions: forClients });
      others = {
        otherName: await issue(dir, 'fp-ca', { file: 'name', cn: 'somebody', extensions: forClients }),
        otherCa: await issue(dir, 'other-ca', { file: 'ca', cn: 'front-proxy-client', extensions: forClients }),
        notForClients: await issue(dir, 'fp-ca', { file: 'use', cn: 'front-proxy-client', extensions: forServers }),
      };
      api = fakeApi(() => frontProxyCa ?? '');
      server = createExternalMetricsServer({
        host: '127.0.0.1',
        port: 0,
        tls: serving,
        client: api.client,
        clock: realClock,
        random: () => 0.5,
        logger,
        metrics: () => [{ name: 'depth', source: 'main', query: 'q' }],
        evaluate: async () => ({
          known: true,
          at: 0,
          source: 'prometheus/main',
          coverage: 1,
          doubt: undefined,
          series: [{ object: '', labels: {}, milli: 7000n, timestamp: 0, windowMs: undefined }],
        }),
      });
      ({ port } = await server.start());
    });

    afterAll(async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    });

    function ask(path: string, options: { certificate?: Pair; headers?: Record<string, string | string[]> } = {}) {
      const { certificate, headers = {} } = options;
      return new Promise<{ readonly status: number | undefined; readonly json: Record<string, unknown>; readonly text: string }>(
        (resolve, reject) => {
          const sent = request({ host: '127.0.0.1', port, path, ca: serverCa, headers, agent: false, ...certificate }, (response) => {
            let text = '';
            response.on('data', (chunk: Buffer) => (text += chunk.toString()));
            response.on('end', () =>
              resolve({
                status: response.statusCode,
                text,
                json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
              }),
            );
          });
          sent.on('error', reject);
          sent.end();
        },
      );
    }

    const depth = '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/depth?labelSelector=queue%3Da';
    const asHpa = { 'X-Remote-User': 'hpa', 'X-Remote-Group': ['system:authenticated', 'a, b'], 'X-Remote-Extra-Scopes': 'x' };

    it('answers whom the front proxy asks for, when the API server allows it', async () => {
      api.reviews.length = 0;
      const answer = await ask(depth, { certificate: proxy, headers: asHpa });
      expect(answer).toMatchObject({
        status: 200,
        json: { kind: 'ExternalMetricValueList', items: [{ metricName: 'depth', value: '7' }] },
      });
      expect(api.reviews).toEqual([
        {
          path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
          spec: {
            user: 'hpa',
            groups: ['system:authenticated', 'a, b'],
            extra: { scopes: ['x'] },
            resourceAttributes: {
              group: 'external.metrics.k8s.io',
              version: 'v1beta1',
              resource: 'depth',
              namespace: 'shop',
              verb: 'list',
            },
          },
        },
      ]);
      await ask(depth, { certificate: proxy, headers: asHpa });
      expect(api.reviews).toHaveLength(1);
    });

    it('refuses whom the API server does not allow', async () => {
      const eve = await ask(depth, { certificate: proxy, headers: { 'X-Remote-User': 'eve' } });
      expect(eve).toMatchObject({ status: 403, json: { kind: 'Status', reason: 'Forbidden', code: 403 } });
      expect(eve.json['message']).toContain('user "eve" may not list depth.external.metrics.k8s.io in namespace shop');
      const other = '/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/other';
      expect(await ask(other, { certificate: proxy, headers: asHpa })).toMatchObject({ status: 403 });
    });

    it.each(['otherName', 'otherCa', 'notForClients'] as const)('does not believe the headers of a certificate of %s', async (which) => {
      expect(await ask(depth, { certificate: others[which], headers: asHpa })).toMatchObject({
        status: 401,
        json: { kind: 'Status', reason: 'Unauthorized' },
      });
    });

    it('does not believe the headers of a client without a certificate', async () => {
      expect(await ask(depth, { headers: asHpa })).toMatchObject({ status: 401 });
      expect(await ask(depth, { headers: { ...asHpa, authorization: 'Bearer bad' } })).toMatchObject({ status: 401 });
    });

    it('takes the bearer token of a client that comes by itself', async () => {
      expect(await ask(depth, { headers: { authorization: 'Bearer good' } })).toMatchObject({ status: 200 });
      expect(await ask('/apis', { headers: { authorization: 'Bearer good' } })).toMatchObject({
        status: 200,
        json: { kind: 'APIGroupList' },
      });
    });

    it('lets system:masters pass, as the API server does when it looks whether this one lives', async () => {
      const headers = { 'X-Remote-User': 'system:kube-aggregator', 'X-Remote-Group': 'system:masters' };
      api.reviews.length = 0;
      expect(await ask('/apis/external.metrics.k8s.io/v1beta1', { certificate: proxy, headers })).toMatchObject({
        status: 200,
        json: { kind: 'APIResourceList', resources: [{ name: 'depth' }] },
      });
      expect(api.reviews).toEqual([]);
    });

    it('has nothing elsewhere', async () => {
      const answer = await ask('/apis/external.metrics.k8s.io/v1/namespaces/shop/depth', { certificate: proxy, headers: asHpa });
      expect(answer).toMatchObject({
        status: 404,
        json: { kind: 'Status', reason: 'NotFound', message: 'the server could not find the requested resource' },
      });
    });

    it.each(['/healthz', '/livez', '/readyz'])('answers %s to everybody', async (path) => {
      expect(await ask(path)).toMatchObject({ status: 200, text: 'ok' });
    });

    it('is served with a new certificate when that was renewed, and knows the front proxy still', async () => {
      const next = await issue(dir, 'serving-ca', { file: 'next', cn: 'next-server', extensions: forServers });
      server.renewCertificate(next);
      expect(await ask(depth, { certificate: proxy, headers: asHpa })).toMatchObject({ status: 200 });
      server.renewCertificate(serving);
    });

    it('has written no token into its log', () => {
      expect(JSON.stringify(logger.lines)).not.toMatch(/good|bad/);
    });
  },
);
