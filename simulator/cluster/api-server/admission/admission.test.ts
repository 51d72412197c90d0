import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resourceTypes } from '../../../../core/model/object.ts';
import type { KubeObject } from '../../../../core/model/object.ts';
import { realClock, VirtualClock } from '../../../../core/runtime/clock.ts';
import { StatusError } from '../errors.ts';
import { createWebhookAdmission } from './index.ts';
import type { AdmissionRequest } from './index.ts';

interface Review {
  request: { uid: string; object: KubeObject | null; operation: string; dryRun: boolean; kind: object; name?: string; userInfo: object };
}
type Answer = (review: Review) => object | undefined | 'hang' | { status: number; text: string };

const answers = new Map<string, Answer>();
const calls: string[] = [];
let directory: string;
let server: Server;
let port: number;
let ca: string;

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'admission-'));
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=test-ca');
  openssl('req', ...ec, '-keyout', 'tls.key', '-out', 'tls.csr', '-subj', '/CN=hook.default.svc');
  writeFileSync(join(directory, 'san.ext'), 'subjectAltName=DNS:hook.default.svc,IP:127.0.0.1');
  openssl(
    'x509',
    '-req',
    '-in',
    'tls.csr',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'tls.crt',
    '-days',
    '2',
    '-extfile',
    'san.ext',
  );
  ca = readFileSync(join(directory, 'ca.crt')).toString('base64');
  server = createServer(
    { key: readFileSync(join(directory, 'tls.key')), cert: readFileSync(join(directory, 'tls.crt')) },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
        const url = new URL(request.url ?? '/', 'https://x');
        calls.push(url.pathname.slice(1));
        const answer = answers.get(url.pathname)?.(review);
        if (answer === 'hang') return;
        if (answer !== undefined && 'text' in answer && 'status' in answer && typeof answer.status === 'number') {
          response.writeHead(answer.status).end(String(answer.text));
          return;
        }
        response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: review.request.uid, ...answer } }),
        );
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  await admission.close();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  answers.clear();
  calls.length = 0;
});

const admission = createWebhookAdmission({
  clock: realClock,
  random: () => 0.5,
  resolveService: (service) => (service.name === 'hook' ? { host: '127.0.0.1', port } : undefined),
});

const allow: Answer = () => ({ allowed: true });
const patch =
  (operations: object[]): Answer =>
  () => ({
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  });

function hook(name: string, more: object = {}, answer: Answer = allow): KubeObject {
  answers.set(`/${name}`, answer);
  return {
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.dev`,
        clientConfig: { url: `https://127.0.0.1:${port}/${name}`, caBundle: ca },
        rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }],
        sideEffects: 'None',
        timeoutSeconds: 5,
        ...more,
      },
    ],
  };
}

const pod: KubeObject = { metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } }, spec: { replicas: 1 } };
function request(more: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    operation: 'CREATE',
    type: resourceTypes.pods,
    namespace: 'default',
    name: 'web',
    object: pod,
    user: { username: 'me', groups: ['g'] },
    dryRun: false,
    ...more,
  };
}

async function refusal(promise: Promise<unknown>): Promise<StatusError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StatusError);
  return error as StatusError;
}

describe('mutating webhooks', () => {
  it('patch one after another, by configuration name, and warn', async () => {
    const second = hook('b', {}, (review) => ({
      allowed: true,
      warnings: ['careful'],
      patchType: 'JSONPatch',
      patch: Buffer.from(
        JSON.stringify([
          { op: 'add', path: '/metadata/annotations', value: { saw: String((review.request.object!.spec as { x?: number }).x) } },
        ]),
      ).toString('base64'),
    }));
    const first = hook('a', {}, patch([{ op: 'add', path: '/spec/x', value: 7 }]));
    const { object, warnings } = await admission.admit(request(), { mutating: [second, first], validating: [] });
    expect(object).toEqual({ metadata: { ...pod.metadata, annotations: { saw: '7' } }, spec: { replicas: 1, x: 7 } });
    expect(warnings).toEqual(['careful']);
    expect(calls).toEqual(['a', 'b']);
    expect(pod.spec).toEqual({ replicas: 1 });
  });

  it('are called again once when they ask for it and something changed after them', async () => {
    const first = hook('a', { reinvocationPolicy: 'IfNeeded' });
    const second = hook('b', {}, patch([{ op: 'add', path: '/spec/x', value: 7 }]));
    await admission.admit(request(), { mutating: [first, second], validating: [] });
    expect(calls).toEqual(['a', 'b', 'a']);
    calls.length = 0;
    await admission.admit(request(), { mutating: [first], validating: [] });
    expect(calls).toEqual(['a']);
  });

  it('send the review that upstream sends', async () => {
    let seen: Review | undefined;
    const mutating = hook('a', {}, (review) => {
      seen = review;
      return { allowed: true };
    });
    await admission.admit(request(), { mutating: [mutating], validating: [] });
    expect(seen).toMatchObject({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        kind: { group: '', version: 'v1', kind: 'Pod' },
        resource: { group: '', version: 'v1', resource: 'pods' },
        name: 'web',
        namespace: 'default',
        operation: 'CREATE',
        userInfo: { username: 'me', groups: ['g'] },
        object: { apiVersion: 'v1', kind: 'Pod', spec: { replicas: 1 } },
        oldObject: null,
        dryRun: false,
        options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      },
    });
  });

  it.each<[string, Answer, string]>([
    ['a patch without type', () => ({ allowed: true, patch: 'W10=' }), 'invalid response.patchType'],
    ['another uid', () => ({ uid: 'other', allowed: true }), 'expected response.uid='],
    ['no review', () => ({ status: 200, text: '{}' }), 'expected webhook response of admission.k8s.io/v1'],
    ['no JSON', () => ({ status: 200, text: 'hello' }), 'json parse error'],
    ['an error', () => ({ status: 500, text: 'broken' }), 'an error on the server ("broken") has prevented the request from succeeding'],
    ['not found', () => undefined, 'the server could not find the requested resource'],
  ])('fail on %s', async (_, answer, text) => {
    const error = await refusal(admission.admit(request(), { mutating: [hook('a', {}, answer)], validating: [] }));
    expect(error).toMatchObject({ code: 500, reason: 'InternalError' });
    expect(error.message).toContain('Internal error occurred: failed calling webhook "a.example.dev": ');
    expect(error.message).toContain(text);
  });
});

describe('validating webhooks', () => {
  it.each<[object | undefined, number, string]>([
    [undefined, 400, 'admission webhook "v.example.dev" denied the request without explanation'],
    [{ code: 403, message: 'no' }, 403, 'admission webhook "v.example.dev" denied the request: no'],
    [{ code: 200, reason: 'Because' }, 400, 'admission webhook "v.example.dev" denied the request: Because'],
  ])('deny with %j', async (status, code, message) => {
    const validating = [hook('v', {}, () => ({ allowed: false, ...(status === undefined ? {} : { status }) }))];
    const error = await refusal(admission.admit(request(), { mutating: [], validating }));
    expect(error).toMatchObject({ code, message });
  });

  it('see the mutated object, and all are called', async () => {
    const seen: unknown[] = [];
    const note: Answer = (review) => {
      seen.push((review.request.object!.spec as { x?: number }).x);
      return { allowed: true, warnings: ['w'] };
    };
    const { warnings } = await admission.admit(request(), {
      mutating: [hook('m', {}, patch([{ op: 'add', path: '/spec/x', value: 7 }]))],
      validating: [hook('v', {}, note), hook('w', {}, note)],
    });
    expect(seen).toEqual([7, 7]);
    expect(warnings).toEqual(['w', 'w']);
  });

  it('tell the first refusal by order, whichever comes back first', async () => {
    const deny =
      (message: string): Answer =>
      () => ({ allowed: false, status: { message } });
    const error = await refusal(
      admission.admit(request(), { mutating: [], validating: [hook('y', {}, deny('y')), hook('x', {}, deny('x'))] }),
    );
    expect(error.message).toBe('admission webhook "x.example.dev" denied the request: x');
  });
});

describe('which requests go to a webhook', () => {
  const rule = (more: object): object => ({
    rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], ...more }],
  });
  it.each<[string, object, Partial<AdmissionRequest>, boolean]>([
    ['everything', {}, {}, true],
    ['operation', rule({ operations: ['UPDATE'] }), {}, false],
    ['group', rule({ apiGroups: ['apps'] }), {}, false],
    ['group fits', rule({ apiGroups: ['apps'] }), { type: resourceTypes.deployments }, true],
    ['version', rule({ apiVersions: ['v2'] }), {}, false],
    ['resource', rule({ resources: ['nodes'] }), {}, false],
    ['star without subresources', {}, { subresource: 'status' }, false],
    ['subresource', rule({ resources: ['pods/status'] }), { subresource: 'status' }, true],
    ['another subresource', rule({ resources: ['pods/status'] }), { subresource: 'eviction' }, false],
    ['star of one resource', rule({ resources: ['pods/*'] }), { subresource: 'eviction' }, true],
    ['star of one resource itself', rule({ resources: ['pods/*'] }), {}, true],
    ['subresource of all', rule({ resources: ['*/scale'] }), { subresource: 'scale', type: resourceTypes.deployments }, true],
    ['everything of everything', rule({ resources: ['*/*'] }), { subresource: 'scale' }, true],
    ['scope', rule({ scope: 'Cluster' }), {}, false],
    ['scope fits', rule({ scope: 'Cluster' }), { type: resourceTypes.nodes }, true],
    ['namespace labels', { namespaceSelector: { matchLabels: { team: 'a' } } }, {}, true],
    [
      'namespace labels do not fit',
      { namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['a'] }] } },
      {},
      false,
    ],
    ['cluster objects have no namespace', { namespaceSelector: { matchLabels: { team: 'b' } } }, { type: resourceTypes.nodes }, true],
    ['a namespace has its own labels', { namespaceSelector: { matchLabels: { app: 'web' } } }, { type: resourceTypes.namespaces }, true],
    ['object labels', { objectSelector: { matchLabels: { app: 'web' } } }, {}, true],
    ['object labels do not fit', { objectSelector: { matchLabels: { app: 'db' } } }, {}, false],
    [
      'old object labels',
      { objectSelector: { matchLabels: { app: 'db' } } },
      { oldObject: { metadata: { name: 'web', labels: { app: 'db' } } } },
      true,
    ],
    [
      'condition',
      { matchConditions: [{ name: 'c', expression: "object.metadata.name == 'web' && request.userInfo.groups.exists(g, g == 'g')" }] },
      {},
      true,
    ],
    ['condition false', { matchConditions: [{ name: 'c', expression: "request.operation == 'DELETE'" }] }, {}, false],
    [
      'one condition false, one broken',
      {
        matchConditions: [
          { name: 'b', expression: 'object.nope.x' },
          { name: 'c', expression: 'false' },
        ],
      },
      {},
      false,
    ],
    [
      'condition broken but ignored',
      { failurePolicy: 'Ignore', matchConditions: [{ name: 'c', expression: 'object.nope.x == 1' }] },
      {},
      false,
    ],
    [
      'configurations themselves',
      {},
      {
        type: {
          group: 'admissionregistration.k8s.io',
          version: 'v1',
          plural: 'mutatingwebhookconfigurations',
          kind: 'X',
          namespaced: false,
        },
      },
      false,
    ],
  ])('%s', async (_, more, change, called) => {
    await admission.admit(request(change), { mutating: [], validating: [hook('v', more)] }, { team: 'a' });
    expect(calls).toEqual(called ? ['v'] : []);
  });

  it('a broken condition refuses under Fail', async () => {
    const validating = [hook('v', { matchConditions: [{ name: 'c', expression: 'object.nope.x == 1' }] })];
    const error = await refusal(admission.admit(request(), { mutating: [], validating }));
    expect(error).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect(error.message).toContain('no such key: nope');
  });

  it('dry runs reach only webhooks without side effects', async () => {
    await admission.admit(request({ dryRun: true }), { mutating: [hook('a', { sideEffects: 'NoneOnDryRun' })], validating: [] });
    expect(calls).toEqual(['a']);
    const error = await refusal(
      admission.admit(request({ dryRun: true }), { mutating: [hook('a', { sideEffects: 'Some' })], validating: [] }),
    );
    expect(error).toMatchObject({ code: 400, message: 'admission webhook "a.example.dev" does not support dry run' });
  });
});

describe('the way to a webhook', () => {
  it('goes to a service by its DNS name', async () => {
    const validating = [hook('v', { clientConfig: { service: { namespace: 'default', name: 'hook', path: '/v' }, caBundle: ca } })];
    await admission.admit(request(), { mutating: [], validating });
    expect(calls).toEqual(['v']);
  });

  it.each<[string, () => object, string]>([
    [
      'a service that is not there',
      () => ({ service: { namespace: 'default', name: 'gone', path: '/v' } }),
      'Post "https://gone.default.svc:443/v?timeout=5s": service "gone" not found',
    ],
    ['an unknown authority', () => ({ url: `https://127.0.0.1:${port}/v` }), 'x509: certificate signed by unknown authority'],
    ['another name', () => ({ url: `https://localhost:${port}/v`, caBundle: ca }), 'tls: failed to verify certificate: x509'],
    ['no TLS', () => ({ url: `http://127.0.0.1:${port}/v` }), 'is not an https URL'],
    ['nobody listening', () => ({ url: 'https://127.0.0.1:1/v', caBundle: ca }), 'connection refused'],
  ])('refuses %s, or passes it over', async (_, clientConfig, text) => {
    const config = { clientConfig: clientConfig() };
    const error = await refusal(admission.admit(request(), { mutating: [], validating: [hook('v', config)] }));
    expect(error.message).toMatch(/^Internal error occurred: failed calling webhook "v.example.dev": failed to call webhook: /);
    expect(error.message).toContain(text);
    const ignored = hook('v', { ...config, failurePolicy: 'Ignore' });
    await expect(admission.admit(request(), { mutating: [ignored], validating: [] })).resolves.toMatchObject({ object: pod });
    expect(calls).toEqual([]);
  });

  it('gives up after timeoutSeconds of the clock', async () => {
    const clock = new VirtualClock();
    const patient = createWebhookAdmission({ clock, random: () => 0.5 });
    const refused = refusal(patient.admit(request(), { mutating: [], validating: [hook('v', {}, () => 'hang')] }));
    while (calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await clock.advance(4999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    const error = await refused;
    expect(error.message).toContain(`Post "https://127.0.0.1:${port}/v?timeout=5s": context deadline exceeded`);
    expect(clock.pending).toBe(0);
    await patient.close();
  });
});
