import { afterEach, describe, expect, it } from 'vitest';
import type { ConcertinaError } from '../errors.ts';
import { resourceTypes } from '../model/object.ts';
import type { KubeClient } from './api.ts';
import { dryRunFence, closeableFence } from './fence.ts';
import type { RequestOutcome } from './pipeline.ts';
import { ApiStatusError, isConflict, isForbidden, isNotFound, isTooManyRequests, isUnauthorized } from './status-error.ts';
import {
  advanceUntil,
  clientFor,
  eventually,
  fakeServer,
  json,
  statusAnswer,
  VirtualClock,
  type FakeHandler,
  type FakeServer,
} from './test-support.ts';

const { pods, deployments, nodes } = resourceTypes;
const web = { namespace: 'shop', name: 'web' };
const opened: { close(): Promise<void> }[] = [];

async function serve(handler: FakeHandler): Promise<FakeServer> {
  const server = await fakeServer(handler);
  opened.push(server);
  return server;
}

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

async function failure(promise: Promise<unknown>): Promise<ConcertinaError> {
  const thrown: unknown = await promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: unknown) => error,
  );
  return thrown as ConcertinaError;
}

describe('requests', () => {
  it('speaks the REST paths, media types and bodies of the API', async () => {
    const server = await serve((_request, response) => json(response, 200, { metadata: { name: 'x', resourceVersion: '7' } }));
    const client = clientFor(server);
    await client.get(pods, web);
    await client.get(nodes, { name: 'n 1' }, { resourceVersion: '0' });
    await client.create(pods, { metadata: web, spec: {} }, { dryRun: true, fieldManager: 'me', fieldValidation: 'Strict' });
    await client.replace(pods, { metadata: { ...web, resourceVersion: '1' } }, { subresource: 'status' });
    await client.patch(deployments, web, { type: 'json', body: [{ op: 'test', path: '/a', value: 1 }] });
    await client.patch(deployments, web, { type: 'merge', body: { a: null } });
    await client.patch(deployments, web, { type: 'strategic', body: {} }, { subresource: 'status' });
    await client.delete(pods, web, { gracePeriodSeconds: 0, preconditions: { uid: 'u' }, propagationPolicy: 'Background' });
    await client.evict(web, { dryRun: true, preconditions: { uid: 'u' } });
    await client.resize(web, { type: 'strategic', body: { spec: {} } });
    await client.setScale(deployments, web, 0, { resourceVersion: '9' });
    const seen = server.requests.map(({ method, url, headers, body }) => [
      method,
      url.pathname + url.search,
      headers['content-type'],
      body,
    ]);
    expect(seen).toEqual([
      ['GET', '/api/v1/namespaces/shop/pods/web', undefined, ''],
      ['GET', '/api/v1/nodes/n%201?resourceVersion=0', undefined, ''],
      [
        'POST',
        '/api/v1/namespaces/shop/pods?dryRun=All&fieldManager=me&fieldValidation=Strict',
        'application/json',
        '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop","name":"web"},"spec":{}}',
      ],
      [
        'PUT',
        '/api/v1/namespaces/shop/pods/web/status',
        'application/json',
        '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop","name":"web","resourceVersion":"1"}}',
      ],
      ['PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', 'application/json-patch+json', '[{"op":"test","path":"/a","value":1}]'],
      ['PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', 'application/merge-patch+json', '{"a":null}'],
      ['PATCH', '/apis/apps/v1/namespaces/shop/deployments/web/status', 'application/strategic-merge-patch+json', '{}'],
      [
        'DELETE',
        '/api/v1/namespaces/shop/pods/web',
        'application/json',
        '{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"propagationPolicy":"Background","preconditions":{"uid":"u"}}',
      ],
      [
        'POST',
        '/api/v1/namespaces/shop/pods/web/eviction?dryRun=All',
        'application/json',
        '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"web","namespace":"shop"},"deleteOptions":{"preconditions":{"uid":"u"},"dryRun":["All"]}}',
      ],
      ['PATCH', '/api/v1/namespaces/shop/pods/web/resize', 'application/strategic-merge-patch+json', '{"spec":{}}'],
      [
        'PATCH',
        '/apis/apps/v1/namespaces/shop/deployments/web/scale',
        'application/merge-patch+json',
        '{"metadata":{"resourceVersion":"9"},"spec":{"replicas":0}}',
      ],
    ]);
    expect(server.requests[0]?.headers).toMatchObject({ 'user-agent': 'concertina-test', accept: 'application/json' });
  });

  it('refuses to build a path that would mean a collection', async () => {
    const server = await serve((_request, response) => json(response, 200, {}));
    const client = clientFor(server);
    await expect(client.delete(pods, { namespace: 'shop', name: '' })).rejects.toThrow('named by the empty string');
    await expect(client.get(pods, { name: 'web' })).rejects.toThrow('Pod web is namespaced but no namespace was given');
    await expect(client.create(pods, { metadata: { name: 'web' } })).rejects.toThrow('its metadata names no namespace');
    expect(server.requests).toEqual([]);
  });

  it('reads a scale whose zero replicas are left out', async () => {
    const server = await serve((_request, response) =>
      json(response, 200, { metadata: { resourceVersion: '5' }, spec: {}, status: { replicas: 2, selector: 'a=b' } }),
    );
    const scale = await clientFor(server).getScale(deployments, web);
    expect(scale).toEqual({ resourceVersion: '5', specReplicas: 0, statusReplicas: 2, selector: 'a=b' });
  });

  it('repeats the group header when it impersonates, and keeps fences', async () => {
    const server = await serve((_request, response) => json(response, 200, { metadata: {} }));
    const client = clientFor(server)
      .fenced(dryRunFence('dry run'))
      .impersonate({ user: 'system:node:n1', groups: ['system:nodes', 'g2'] });
    await client.get(pods, web);
    const raw = server.requests[0]?.rawHeaders ?? [];
    const values = (name: string): string[] => raw.filter((_value, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name);
    expect(values('impersonate-user')).toEqual(['system:node:n1']);
    expect(values('impersonate-group')).toEqual(['system:nodes', 'g2']);
    await expect(client.delete(pods, web)).rejects.toThrow('was not sent: dry run');
  });

  it('joins pages, and starts again when the snapshot expires in the middle', async () => {
    let expired = false;
    const server = await serve((request, response) => {
      const token = request.url.searchParams.get('continue');
      if (token === 'p2' && !expired) {
        expired = true;
        statusAnswer(response, 410, 'Expired');
        return;
      }
      const items = token === null ? ['a', 'b'] : ['c'];
      const more = token === null ? { continue: 'p2', remainingItemCount: 1 } : {};
      json(response, 200, { metadata: { resourceVersion: '10', ...more }, items: items.map((name) => ({ metadata: { name } })) });
    });
    const { items, resourceVersion } = await clientFor(server).list(pods, { limit: 2, resourceVersion: '3' });
    expect(items.map((item) => item.metadata.name)).toEqual(['a', 'b', 'c']);
    expect(resourceVersion).toBe('10');
    expect(server.requests.map(({ url }) => url.search)).toEqual([
      '?limit=2&resourceVersion=3',
      '?limit=2&continue=p2',
      '?limit=2&resourceVersion=3',
      '?limit=2&continue=p2',
    ]);
  });

  it('reads null items, as Go writes an empty slice', async () => {
    const server = await serve((_request, response) => json(response, 200, { metadata: { resourceVersion: '1' }, items: null }));
    await expect(clientFor(server).list(pods)).resolves.toEqual({ items: [], resourceVersion: '1' });
  });
});

describe('failures', () => {
  it('parses a Status and tells its kinds apart', async () => {
    const server = await serve((request, response) => {
      const name = request.url.pathname.split('/').at(-1);
      if (name === 'gone') statusAnswer(response, 404, 'NotFound');
      else if (name === 'mine') statusAnswer(response, 403, 'Forbidden');
      else statusAnswer(response, 409, 'Conflict');
    });
    const client = clientFor(server);
    const notFound = await failure(client.get(pods, { ...web, name: 'gone' }));
    expect(notFound).toBeInstanceOf(ApiStatusError);
    expect(notFound.code).toBe('API_STATUS');
    expect(notFound.message).toBe('test says NotFound (404 NotFound, GET /api/v1/namespaces/shop/pods/gone)');
    expect([isNotFound(notFound), isConflict(notFound)]).toEqual([true, false]);
    expect(isForbidden(await failure(client.get(pods, { ...web, name: 'mine' })))).toBe(true);
    expect(isConflict(await failure(client.patch(pods, web, { type: 'merge', body: {} })))).toBe(true);
  });

  it('reads the plain text of an unknown group', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('404 page not found\n');
    });
    const error = await failure(clientFor(server).list(resourceTypes.horizontalPolicies));
    expect(isNotFound(error)).toBe(true);
    expect(error.message).toContain('404 page not found (404 NotFound');
  });

  it('classifies an HTML page without repeating it', async () => {
    const page = `<!DOCTYPE html><html><body>${'secret '.repeat(5000)}</body></html>`;
    const server = await serve((_request, response, index) => {
      response.writeHead(index === 0 ? 200 : 502, { 'content-type': 'text/html' });
      response.end(page);
    });
    const client = clientFor(server);
    for (const status of [200, 502]) {
      const error = await failure(client.get(pods, web));
      expect(error.code).toBe('API_ANSWER_INVALID');
      expect(error.message).toBe(
        `GET /api/v1/namespaces/shop/pods/web was answered with status ${status} and an HTML page of ${page.length} bytes instead of JSON; is there a proxy in between?`,
      );
    }
  });

  it('calls an answer that is cut short unreachable, and tries a read once more', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"metadata":');
      setImmediate(() => response.destroy());
    });
    const error = await failure(clientFor(server).get(pods, web));
    expect(error.code).toBe('API_UNREACHABLE');
    expect(server.requests).toHaveLength(2);
    const write = await failure(clientFor(server).create(pods, { metadata: web }));
    expect(write.code).toBe('API_UNREACHABLE');
    expect(server.requests).toHaveLength(3);
  });

  it('names server and cause when there is no connection', async () => {
    const server = await fakeServer((_request, response) => response.end());
    await server.close();
    const error = await failure(clientFor(server).get(pods, web));
    expect(error.code).toBe('API_UNREACHABLE');
    expect(error.message).toBe(`${server.url} cannot be reached: the connection was refused; does the API server run at this address?`);
  });

  it('gives a request up after its time on the injected clock', async () => {
    const clock = new VirtualClock();
    const server = await serve(() => undefined);
    const error = failure(clientFor(server, { clock }).get(pods, web, { timeoutMs: 5_000 }));
    await eventually(() => server.requests.length === 1);
    await clock.advance(5_000);
    expect((await error).message).toBe(`${server.url} did not finish answering GET /api/v1/namespaces/shop/pods/web within 5 s`);
    expect(clock.pending).toBe(0);
  });

  it("throws the caller's reason when the caller aborts", async () => {
    const server = await serve(() => undefined);
    const abort = new AbortController();
    const running = clientFor(server).get(pods, web, { signal: abort.signal });
    await eventually(() => server.requests.length === 1);
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  it('refreshes the credentials once after a 401, then says that they expired', async () => {
    let accept = true;
    let token = 'old';
    const server = await serve((request, response) => {
      if (accept && request.headers.authorization === 'Bearer new') json(response, 200, { metadata: {} });
      else statusAnswer(response, 401, 'Unauthorized');
    });
    const base = clientFor(server);
    await base.close();
    const { Agent } = await import('undici');
    const client = clientFor(server, {
      connection: {
        server: server.url,
        dispatcher: new Agent(),
        headers: () => Promise.resolve({ authorization: `Bearer ${token}` }),
        refresh: () => {
          token = 'new';
          return Promise.resolve();
        },
      },
    });
    await client.get(pods, web);
    expect(server.requests).toHaveLength(2);
    accept = false;
    const error = await failure(client.get(pods, web));
    expect(error.code).toBe('CREDENTIALS_EXPIRED');
    expect(isUnauthorized(error)).toBe(true);
    expect(server.requests).toHaveLength(4);
    await expect(failure(client.raw({ method: 'GET', path: '/version' }))).resolves.toMatchObject({ code: 'CREDENTIALS_EXPIRED' });
  });
});

describe('retries', () => {
  it('waits for Retry-After on reads, with bounded attempts', async () => {
    const clock = new VirtualClock();
    const server = await serve((_request, response, index) => {
      if (index < 2) statusAnswer(response, index === 0 ? 429 : 503, 'TooManyRequests', { 'retry-after': '4' });
      else json(response, 200, { metadata: { name: 'web' } });
    });
    const notices: number[] = [];
    const client = clientFor(server, { clock, onRetry: ({ delayMs }) => notices.push(delayMs) });
    const answer = client.get(pods, web);
    await eventually(() => notices.length === 1);
    await clock.advance(3_999);
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    await eventually(() => notices.length === 2);
    await clock.advance(4_000);
    await expect(answer).resolves.toEqual({ metadata: { name: 'web' } });
    expect(notices).toEqual([4_000, 4_000]);
  });

  it('gives the last answer when the server stays overloaded', async () => {
    const clock = new VirtualClock();
    const server = await serve((_request, response) => statusAnswer(response, 503, 'ServiceUnavailable'));
    let settled = false;
    const error = failure(clientFor(server, { clock }).get(pods, web)).finally(() => {
      settled = true;
    });
    await advanceUntil(clock, () => settled, 250);
    expect((await error).message).toContain('503 ServiceUnavailable');
    expect(server.requests).toHaveLength(4);
  });

  it('repeats a write only on a 429 with Retry-After, and never an eviction', async () => {
    const clock = new VirtualClock();
    const server = await serve((request, response, index) => {
      if (request.url.pathname.endsWith('/eviction')) statusAnswer(response, 429, 'TooManyRequests', { 'retry-after': '10' });
      else if (request.method === 'PATCH' && index === 0) statusAnswer(response, 429, 'TooManyRequests', { 'retry-after': '1' });
      else if (request.method === 'PATCH') json(response, 200, { metadata: {} });
      else statusAnswer(response, 503, 'ServiceUnavailable', { 'retry-after': '1' });
    });
    const client = clientFor(server, { clock });
    let done = false;
    const patched = client.patch(pods, web, { type: 'merge', body: {} }).finally(() => {
      done = true;
    });
    await advanceUntil(clock, () => done, 500);
    await patched;
    expect(server.requests).toHaveLength(2);
    const eviction = await failure(client.evict(web));
    expect(isTooManyRequests(eviction)).toBe(true);
    expect((eviction as ApiStatusError).retryAfterMs).toBe(10_000);
    await failure(client.create(pods, { metadata: web }));
    expect(server.requests).toHaveLength(4);
  });

  it('tries no read again for whoever has retries of its own', async () => {
    const server = await serve((_request, response) => statusAnswer(response, 503, 'ServiceUnavailable', { 'retry-after': '1' }));
    const answer = await clientFor(server, {}).raw({ method: 'GET', path: '/apis/metrics.k8s.io/v1beta1/pods', retries: 0 });
    expect(answer.status).toBe(503);
    expect(server.requests).toHaveLength(1);
  });

  it('reads no more of an answer than it was told to', async () => {
    const server = await serve((_request, response) => response.end('x'.repeat(100_000)));
    const client = clientFor(server, {});
    const error = await failure(client.raw({ method: 'GET', path: '/apis/metrics.k8s.io/v1beta1/pods', maxBytes: 99_999 }));
    expect(error.message).toContain('/apis/metrics.k8s.io/v1beta1/pods with more than 99999 bytes');
    const whole = await client.raw({ method: 'GET', path: '/apis/metrics.k8s.io/v1beta1/pods', maxBytes: 100_000 });
    expect(whole.body).toHaveLength(100_000);
  });

  it('asks the fence again before a repeated write', async () => {
    const clock = new VirtualClock();
    const fence = closeableFence();
    const server = await serve((_request, response) => statusAnswer(response, 429, 'TooManyRequests', { 'retry-after': '1' }));
    const running = failure(clientFor(server, { clock, fence }).patch(pods, web, { type: 'merge', body: {} }));
    await eventually(() => server.requests.length === 1);
    await eventually(() => clock.pending > 0);
    fence.closeWith('the lease was lost');
    let settled = false;
    void running.then(() => {
      settled = true;
    });
    await advanceUntil(clock, () => settled, 500);
    expect((await running).message).toBe('PATCH /api/v1/namespaces/shop/pods/web was not sent: the lease was lost');
    expect(server.requests).toHaveLength(1);
  });
});

describe('rate limit', () => {
  it('spaces requests on the injected clock, reads and writes alike', async () => {
    const clock = new VirtualClock();
    const server = await serve((_request, response) => json(response, 200, { metadata: {} }));
    const client = clientFor(server, { clock, rateLimit: { qps: 2, burst: 2 } });
    const all = Promise.all([client.get(pods, web), client.get(pods, web), client.create(pods, { metadata: web }), client.get(pods, web)]);
    await eventually(() => server.requests.length === 2);
    await clock.advance(499);
    expect(server.requests).toHaveLength(2);
    await clock.advance(1);
    await eventually(() => server.requests.length === 3);
    await clock.advance(500);
    await all;
    expect(server.requests).toHaveLength(4);
  });

  it('lets a waiter go when it aborts, and gives its place back', async () => {
    const clock = new VirtualClock();
    const server = await serve((_request, response) => json(response, 200, { metadata: {} }));
    const client = clientFor(server, { clock, rateLimit: { qps: 1, burst: 1 } });
    await client.get(pods, web);
    const abort = new AbortController();
    const waiting = client.get(pods, web, { signal: abort.signal });
    abort.abort(new Error('no longer'));
    await expect(waiting).rejects.toThrow('no longer');
    const next = client.get(pods, web);
    await clock.advance(1_000);
    await next;
    expect(server.requests).toHaveLength(2);
  });
});

describe('fences', () => {
  const writes: readonly (readonly [string, (client: KubeClient) => Promise<unknown>])[] = [
    ['create', (client) => client.create(pods, { metadata: web })],
    ['replace', (client) => client.replace(pods, { metadata: { ...web, resourceVersion: '1' } })],
    ['patch', (client) => client.patch(pods, web, { type: 'merge', body: {} })],
    ['delete', (client) => client.delete(pods, web)],
    ['setScale', (client) => client.setScale(deployments, web, 3)],
    ['evict', (client) => client.evict(web)],
    ['resize', (client) => client.resize(web, { type: 'merge', body: {} })],
    ['raw POST', (client) => client.raw({ method: 'POST', path: '/api/v1/namespaces/shop/pods', body: '{}' })],
    ['raw PUT', (client) => client.raw({ method: 'PUT', path: '/api/v1/namespaces/shop/pods/web', body: '{}' })],
    ['raw PATCH', (client) => client.raw({ method: 'PATCH', path: '/x', body: '{}' })],
    ['raw DELETE', (client) => client.raw({ method: 'DELETE', path: '/api/v1/namespaces/shop/pods' })],
  ];
  const derived: readonly (readonly [string, (client: KubeClient) => KubeClient])[] = [
    ['itself', (client) => client],
    ['impersonating', (client) => client.impersonate({ user: 'u' })],
    ['with another fence', (client) => client.fenced({ check: () => undefined })],
    ['of both', (client) => client.fenced({ check: () => undefined }).impersonate({ user: 'u' })],
  ];

  for (const [derivation, derive] of derived) {
    it.each(writes)(`stops %s of the client ${derivation}`, async (_name, write) => {
      const server = await serve((_request, response) => json(response, 200, { metadata: {} }));
      const fence = closeableFence();
      const client = derive(clientFor(server, { fence }));
      fence.closeWith('not the leader');
      const error = await failure(write(client));
      expect(error.code).toBe('FENCED');
      expect(server.requests).toEqual([]);
      await client.get(pods, web);
      fence.reopen();
      await write(client);
      expect(server.requests).toHaveLength(2);
    });
  }

  it('asks all fences in order', async () => {
    const server = await serve((_request, response) => json(response, 200, { metadata: {} }));
    const asked: string[] = [];
    const named = (name: string) => ({ check: () => void asked.push(name) });
    await clientFor(server, { fence: named('a') })
      .fenced(named('b'))
      .fenced(named('c'))
      .delete(pods, web);
    // Once before the request is handed to the pool and once when the pool puts it on a socket.
    expect(asked).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('stops a write that waited in the pool while the fence closed', async () => {
    const { Agent } = await import('undici');
    const { connectionFromDispatcher } = await import('./connection.ts');
    const release: (() => void)[] = [];
    const server = await serve((_request, response) => release.push(() => json(response, 200, { metadata: {} })));
    const fence = closeableFence();
    const connection = connectionFromDispatcher({ server: server.url, dispatcher: new Agent({ connections: 1 }) });
    const client = clientFor(server, { fence, connection });
    const first = client.get(pods, web);
    await eventually(() => release.length === 1);
    const queued = failure(client.delete(pods, web));
    await new Promise((resolve) => setImmediate(resolve));
    fence.closeWith('the lease ran out');
    release[0]?.();
    await first;
    expect((await queued).message).toBe('DELETE /api/v1/namespaces/shop/pods/web was not sent: the lease ran out');
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  it('lets reviews pass: they store nothing', async () => {
    const server = await serve((_request, response) => json(response, 201, {}));
    const client = clientFor(server, { fence: dryRunFence('dry run') });
    await client.raw({ method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body: '{}' });
    await client.raw({ method: 'POST', path: '/apis/authentication.k8s.io/v1/tokenreviews', body: '{}' });
    await expect(client.raw({ method: 'DELETE', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' })).rejects.toThrow(
      'dry run',
    );
    expect(server.requests).toHaveLength(2);
  });
});

describe('observer', () => {
  it('is told about every attempt', async () => {
    const outcomes: RequestOutcome[] = [];
    const server = await serve((request, response) => {
      if (request.method === 'GET') json(response, 200, { metadata: {} });
      else statusAnswer(response, 409, 'Conflict');
    });
    const client = clientFor(server, { observer: (outcome) => outcomes.push(outcome) }).fenced({ check: () => undefined });
    await client.get(pods, web);
    await failure(client.delete(pods, web));
    await failure(client.fenced(dryRunFence('x')).delete(pods, web));
    expect(outcomes.map(({ method, status }) => [method, status])).toEqual([
      ['GET', 200],
      ['DELETE', 409],
      ['DELETE', 0],
    ]);
  });
});
