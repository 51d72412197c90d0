import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { MockAgent } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import {
  eventually,
  fakeServer,
  json,
  makeCertificate,
  VirtualClock,
  type FakeHandler,
  type FakeServer,
} from '../../../core/kube/test-support.ts';
import type { ResolvedAddress } from './guarded-connect.ts';
import { createGuardedHttp, type GuardedHttp, type GuardedHttpOptions, type HttpRequest } from './guarded-http.ts';
import type { HttpFailure } from './http-failure.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function serve(handler: FakeHandler, tls?: Parameters<typeof fakeServer>[1]): Promise<FakeServer> {
  const server = await fakeServer(handler, tls);
  open.push(server);
  return server;
}

type Options = Partial<GuardedHttpOptions> & { readonly clock?: VirtualClock };

function make(url: string, options: Options = {}): GuardedHttp {
  const result = createGuardedHttp({
    url,
    name: 'MetricSource main',
    clock: new VirtualClock(),
    maxConcurrent: 4,
    timeoutMs: 10_000,
    maxBytes: 1000,
    plainHttp: true,
    permit: { allowLoopback: true },
    ...options,
  });
  if (!result.ok) throw new Error(result.problem);
  open.push(result.http);
  return result.http;
}

async function failed(http: GuardedHttp, request: HttpRequest = { path: '/x' }): Promise<HttpFailure> {
  const answer = await http.exchange(request);
  if (answer.ok) throw new Error(`answered ${answer.status}`);
  return answer;
}

/** Writes as fast as it is read, until the connection ends. */
function endless(response: ServerResponse, size: number): void {
  const more = (): void => {
    if (response.destroyed) return;
    if (response.write('x'.repeat(size))) setImmediate(more);
    else response.once('drain', more);
  };
  more();
}

function portOf(server: FakeServer): string {
  return new URL(server.url).port;
}

describe('asking', () => {
  test('a form is posted below the path of the URL, with credentials and without a wish for compression', async () => {
    const server = await serve((_, response) => json(response, 200, { a: 1 }));
    const http = make(`${server.url}/prometheus/`, { credentials: { bearer: 'secret\n', headers: { 'X-Scope-OrgID': 'team' } } });
    const answer = await http.exchange({
      path: '/api/v1/query',
      form: [
        ['query', 'a&b="c"'],
        ['match[]', 'é'],
        ['match[]', '2'],
      ],
    });
    expect(answer).toMatchObject({ ok: true, status: 200, json: true });
    expect(answer.ok && answer.body.toString()).toBe('{"a":1}');
    const [seen] = server.requests;
    expect(seen).toMatchObject({ method: 'POST', body: 'query=a%26b%3D%22c%22&match%5B%5D=%C3%A9&match%5B%5D=2' });
    expect(seen?.url.pathname).toBe('/prometheus/api/v1/query');
    expect(seen?.headers).toMatchObject({
      authorization: 'Bearer secret',
      'x-scope-orgid': 'team',
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/x-www-form-urlencoded',
    });
  });

  test('without a form it is a GET', async () => {
    const server = await serve((_, response) => json(response, 200, {}));
    await make(server.url).exchange({ path: '/api/v1/labels?a=b' });
    expect(server.requests[0]).toMatchObject({ method: 'GET', body: '' });
    expect(server.requests[0]?.url.search).toBe('?a=b');
  });

  test('connections are kept and no more than permitted are made', async () => {
    const waiting: (() => void)[] = [];
    const server = await serve((_, response) => {
      waiting.push(() => json(response, 200, {}));
    });
    const http = make(server.url, { maxConcurrent: 3 });
    const answers = Array.from({ length: 9 }, () => http.exchange({ path: '/x' }));
    await eventually(() => waiting.length === 3);
    expect(server.connections).toBe(3);
    for (let index = 0; index < 9; index++) {
      await eventually(() => waiting.length > index);
      waiting[index]?.();
    }
    expect((await Promise.all(answers)).every((answer) => answer.ok)).toBe(true);
    expect(server.connections).toBe(3);
  });

  test('a body can be taken piece by piece, and left', async () => {
    const server = await serve((_, response) => json(response, 200, 'x'.repeat(500_000)));
    let taken = 0;
    const answer = await make(server.url, { maxBytes: 1_000_000 }).exchange({
      path: '/x',
      onBody: (piece) => {
        taken += piece.length;
        return taken < 100_000;
      },
    });
    expect(answer).toMatchObject({ ok: true, status: 200 });
    expect(answer.ok && answer.body.length).toBe(0);
    expect(taken).toBeGreaterThanOrEqual(100_000);
    expect(taken).toBeLessThan(500_002);
  });

  test('an injected dispatcher is used in place of sockets', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent
      .get('http://metadata.internal')
      .intercept({ path: '/x', method: 'GET' })
      .reply(200, { a: 1 }, { headers: { 'content-type': 'application/json' } });
    const http = make('http://metadata.internal', { dispatcher: agent });
    expect(await http.exchange({ path: '/x' })).toMatchObject({ ok: true, status: 200 });
    await http.close();
    // It belongs to whoever made it.
    expect(() => agent.get('http://other')).not.toThrow();
    await agent.close();
  });
});

describe('answers that are no answer', () => {
  test.each([301, 302, 303, 307, 308])('%i is not followed', async (status) => {
    const server = await serve((_, response) => {
      response.writeHead(status, { location: 'http://169.254.169.254/latest/meta-data/?secret' }).end();
    });
    const failure = await failed(make(server.url));
    expect(failure).toMatchObject({ kind: 'redirect', status, transient: false });
    expect(failure.detail).toBe(
      `MetricSource main answered ${status}, a redirect, which is never followed: set url to where it finally is`,
    );
    expect(server.requests).toHaveLength(1);
  });

  test('HTML with a 200', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>secret</html>');
    });
    const failure = await failed(make(server.url), { path: '/api/v1/query?query=up' });
    expect(failure).toMatchObject({ kind: 'not-json', status: 200 });
    expect(failure.detail).toContain('answered /api/v1/query with something else than JSON');
    expect(failure.detail).not.toContain('secret');
  });

  test('no content type', async () => {
    const server = await serve((_, response) => {
      response.end('{}');
    });
    expect(await failed(make(server.url))).toMatchObject({ kind: 'not-json' });
  });

  test('an error whose body is HTML has no body', async () => {
    const server = await serve((_, response) => {
      response.writeHead(502, { 'content-type': 'text/html', 'retry-after': '7' }).end('<html>secret</html>');
    });
    const answer = await make(server.url).exchange({ path: '/x' });
    expect(answer).toMatchObject({ ok: true, status: 502, json: false, retryAfterMs: 7000 });
    expect(answer.ok && answer.body.length).toBe(0);
  });

  test('an error whose body is endless is not read to its end', async () => {
    const server = await serve((_, response) => {
      response.writeHead(500, { 'content-type': 'application/json' });
      endless(response, 10_000);
    });
    expect(await make(server.url).exchange({ path: '/x' })).toMatchObject({ ok: true, status: 500, json: false });
  });

  test('a body over the cap, announced', async () => {
    const server = await serve((_, response) => json(response, 200, 'x'.repeat(2000)));
    const failure = await failed(make(server.url));
    expect(failure).toMatchObject({ kind: 'too-large' });
    expect(failure.detail).toBe('MetricSource main answered /x with more than 1000 bytes: ask for less, or raise limits.maxBytes');
  });

  test('a body over the cap, in pieces and without an end', async () => {
    let closed = false;
    const server = await serve((_, response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200, { 'content-type': 'application/json' });
      endless(response, 300);
    });
    expect(await failed(make(server.url))).toMatchObject({ kind: 'too-large' });
    await eventually(() => closed);
  });

  test('a compressed body', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(Buffer.alloc(20));
    });
    expect(await failed(make(server.url))).toMatchObject({ kind: 'broken' });
  });

  test('a connection that breaks in the middle', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{');
      setImmediate(() => response.destroy());
    });
    expect(await failed(make(server.url))).toMatchObject({ kind: 'broken', transient: true });
  });

  test('nobody there', async () => {
    const server = await serve(() => undefined);
    await server.close();
    const failure = await failed(make(server.url));
    expect(failure).toMatchObject({ kind: 'unreachable', transient: true });
    expect(failure.detail).toBe('MetricSource main cannot be reached: the connection was refused; does it run at this address?');
  });

  test('no HTTP', async () => {
    const server = createServer((socket) => {
      socket.end('SSH-2.0-OpenSSH_9.0\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({ close: async () => void server.close() });
    expect(await failed(make(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))).toMatchObject({
      kind: 'broken',
      transient: false,
    });
  });
});

describe('time', () => {
  test('a server that does not begin to answer', async () => {
    const clock = new VirtualClock();
    const server = await serve(() => undefined);
    const pending = failed(make(server.url, { clock }));
    await eventually(() => server.requests.length === 1);
    await clock.advance(9_999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(await pending).toMatchObject({
      kind: 'timeout',
      transient: true,
      detail: 'MetricSource main did not finish answering /x within 10 s',
    });
    expect(clock.pending).toBe(0);
  });

  test('a server that never ends: the deadline is for the last byte', async () => {
    const clock = new VirtualClock();
    let begun = false;
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{', () => {
        begun = true;
      });
    });
    const pending = failed(make(server.url, { clock }), { path: '/x', timeoutMs: 3000 });
    await eventually(() => begun);
    await clock.advance(3000);
    expect(await pending).toMatchObject({ kind: 'timeout' });
  });

  test('waiting for a free connection counts', async () => {
    const clock = new VirtualClock();
    const server = await serve(() => undefined);
    const http = make(server.url, { clock, maxConcurrent: 1 });
    const pending = [failed(http), failed(http)];
    await eventually(() => server.requests.length === 1);
    await clock.advance(10_000);
    expect((await Promise.all(pending)).map(({ kind }) => kind)).toEqual(['timeout', 'timeout']);
  });

  test('a name that is not resolved', async () => {
    const clock = new VirtualClock();
    let asked = false;
    const lookup = (): Promise<never> => {
      asked = true;
      return new Promise(() => undefined);
    };
    const pending = failed(make('http://slow.example', { clock, lookup }));
    await eventually(() => asked);
    await clock.advance(5_000);
    expect(await pending).toMatchObject({ kind: 'unreachable', transient: true });
    expect(clock.pending).toBe(0);
    const controller = new AbortController();
    const cancelled = failed(make('http://slow.example', { clock, lookup }), { path: '/x', signal: controller.signal });
    controller.abort();
    expect(await cancelled).toMatchObject({ kind: 'cancelled' });
  });

  test('a caller who does not wait', async () => {
    const server = await serve(() => undefined);
    const controller = new AbortController();
    const pending = failed(make(server.url), { path: '/x', signal: controller.signal });
    await eventually(() => server.requests.length === 1);
    controller.abort();
    expect(await pending).toMatchObject({ kind: 'cancelled', transient: false });
    expect(await failed(make(server.url), { path: '/x', signal: controller.signal })).toMatchObject({ kind: 'cancelled' });
  });

  test('a source that was closed', async () => {
    const server = await serve((_, response) => json(response, 200, {}));
    const http = make(server.url);
    await http.close();
    expect(await failed(http)).toMatchObject({ kind: 'closed' });
  });
});

describe('addresses', () => {
  const answers = (...lists: readonly (readonly string[])[]) => {
    let at = 0;
    const seen: string[] = [];
    const lookup = (hostname: string): Promise<readonly ResolvedAddress[]> => {
      seen.push(hostname);
      const list = lists[Math.min(at++, lists.length - 1)] ?? [];
      return Promise.resolve(list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
    };
    return { lookup, seen };
  };

  test('a name that resolves to a metadata address is not connected to', async () => {
    const { lookup } = answers(['169.254.169.254']);
    const failure = await failed(make('http://prometheus.example', { lookup }));
    expect(failure).toMatchObject({ kind: 'address-refused', transient: false });
    expect(failure.detail).toBe(
      'MetricSource main is not asked: prometheus.example resolves to 169.254.169.254, which is the metadata service of most clouds',
    );
  });

  test('a name that is good at the first look and bad at the second: each connection is judged, and goes to what was judged', async () => {
    const server = await serve((_, response) => {
      json(response, 200, {}, { connection: 'close' });
    });
    const { lookup, seen } = answers(['127.0.0.1'], ['169.254.169.254']);
    const http = make(`http://rebind.example:${portOf(server)}`, { lookup });
    expect(await http.exchange({ path: '/x' })).toMatchObject({ ok: true, status: 200 });
    expect(server.requests[0]?.headers.host).toBe(`rebind.example:${portOf(server)}`);
    expect(await failed(http)).toMatchObject({ kind: 'address-refused' });
    // Once for each connection: nothing is looked up between judging and connecting.
    expect(seen).toEqual(['rebind.example', 'rebind.example']);
    expect(server.requests).toHaveLength(1);
  });

  test('one bad address in a list condemns it, wherever it stands', async () => {
    const server = await serve((_, response) => json(response, 200, {}));
    for (const list of [
      ['127.0.0.1', '169.254.169.254'],
      ['fd00:ec2::254', '127.0.0.1'],
      ['127.0.0.1', '::ffff:169.254.1.1'],
    ]) {
      const { lookup } = answers(list);
      expect(await failed(make(`http://mixed.example:${portOf(server)}`, { lookup }))).toMatchObject({ kind: 'address-refused' });
    }
    expect(server.requests).toHaveLength(0);
    expect(server.connections).toBe(0);
  });

  test('of good addresses the next is tried when one does not answer', async () => {
    const server = await serve((_, response) => json(response, 200, {}));
    const { lookup } = answers(['127.9.9.9', '127.0.0.1']);
    expect(await make(`http://two.example:${portOf(server)}`, { lookup }).exchange({ path: '/x' })).toMatchObject({ ok: true });
  });

  test('no address at all', async () => {
    const { lookup } = answers([]);
    expect((await failed(make('http://none.example', { lookup }))).detail).toContain('does not resolve');
    const rejecting = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'EAI_AGAIN' }));
    expect(await failed(make('http://none.example', { lookup: rejecting }))).toMatchObject({ kind: 'unreachable', transient: true });
  });

  test.each([
    'http://127.0.0.1:9',
    'http://127.1:9',
    'http://2130706433:9',
    'http://0x7f000001:9',
    'http://0177.0.0.1:9',
    'http://[::1]:9',
    'http://[::ffff:127.0.0.1]:9',
    'http://[0:0:0:0:0:ffff:7f00:1]:9',
    'http://0:9',
    'http://[::]:9',
    'http://169.254.169.254',
    'http://[fe80::1]',
    'http://①⑥⑨.254.169.254',
  ])('%s is refused without a permit and without a lookup', async (url) => {
    const { lookup, seen } = answers(['10.0.0.1']);
    expect(await failed(make(url, { permit: {}, lookup }))).toMatchObject({ kind: 'address-refused' });
    expect(seen).toEqual([]);
  });

  test('localhost is judged by what it resolves to, by the resolver of the system', async () => {
    expect(await failed(make('http://localhost:9', { permit: {} }))).toMatchObject({ kind: 'address-refused' });
  });

  test.each(['http://[fe80::1%25eth0]/', 'http://[fe80::1%eth0]/', 'http://[::1', 'no url', 'http://'])('%s is no URL', (url) => {
    expect(
      createGuardedHttp({ url, name: 'x', clock: new VirtualClock(), maxConcurrent: 1, timeoutMs: 1, maxBytes: 1, plainHttp: true }),
    ).toMatchObject({
      ok: false,
      problem: expect.stringContaining('cannot be read') as string,
    });
  });
});

describe('TLS', () => {
  const authority = makeCertificate({ cn: 'authority' });
  const certificate = makeCertificate({ cn: 'server', issuer: authority });
  const client = makeCertificate({ cn: 'client', issuer: authority });
  const other = makeCertificate({ cn: 'other authority' });
  const ok: FakeHandler = (_, response) => json(response, 200, {});
  const lookup = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);

  test('a certificate of the given CA is good, for an address and for a name', async () => {
    const server = await serve(ok, certificate);
    expect(await make(server.url, { tls: { ca: authority.cert } }).exchange({ path: '/x' })).toMatchObject({ ok: true, status: 200 });
    const named = make(`https://localhost:${portOf(server)}`, { tls: { ca: authority.cert }, lookup });
    expect(await named.exchange({ path: '/x' })).toMatchObject({ ok: true });
  });

  test('another CA, and none', async () => {
    const server = await serve(ok, certificate);
    for (const tls of [{ ca: other.cert }, {}]) {
      const failure = await failed(make(server.url, { tls }));
      expect(failure).toMatchObject({ kind: 'tls', transient: false });
      expect(failure.detail).toContain('is not signed by a known CA: set tls.ca');
    }
    expect(await make(server.url, { tls: { insecureSkipVerify: true } }).exchange({ path: '/x' })).toMatchObject({ ok: true });
  });

  test('the certificate must be for the name of the URL, or for the one that is set', async () => {
    const server = await serve(ok, certificate);
    const url = `https://prometheus.example:${portOf(server)}`;
    const failure = await failed(make(url, { tls: { ca: authority.cert }, lookup }));
    expect(failure.detail).toContain('is for another host name: set tls.serverName');
    expect(await make(url, { tls: { ca: authority.cert, serverName: 'localhost' }, lookup }).exchange({ path: '/x' })).toMatchObject({
      ok: true,
    });
    expect(await make(url, { tls: { ca: authority.cert, serverName: '127.0.0.1' }, lookup }).exchange({ path: '/x' })).toMatchObject({
      ok: true,
    });
    expect(await failed(make(server.url, { tls: { ca: authority.cert, serverName: 'other.example' } }))).toMatchObject({ kind: 'tls' });
  });

  test('a certificate past its date', async () => {
    const server = await serve(ok, makeCertificate({ cn: 'old', issuer: authority, notAfter: new Date('2021-01-01T00:00:00Z') }));
    expect((await failed(make(server.url, { tls: { ca: authority.cert } }))).detail).toContain('has expired');
  });

  test('a client certificate is shown', async () => {
    let shown = false;
    const server = await serve(
      (_, response) => {
        shown =
          (response.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } }).getPeerCertificate().subject?.CN ===
          'client';
        json(response, 200, {});
      },
      { ...certificate, ca: authority.cert, requestCert: true },
    );
    await make(server.url, { tls: { ca: authority.cert, cert: client.cert, key: client.key } }).exchange({ path: '/x' });
    expect(shown).toBe(true);
  });

  test('http where https is', async () => {
    const server = await serve(ok);
    expect(await failed(make(server.url.replace('http:', 'https:')))).toMatchObject({ kind: 'tls' });
  });
});

describe('options that cannot be used', () => {
  const problemOf = (options: Partial<GuardedHttpOptions>): string => {
    const result = createGuardedHttp({
      url: 'https://a.example',
      name: 'x',
      clock: new VirtualClock(),
      maxConcurrent: 1,
      timeoutMs: 1,
      maxBytes: 1,
      ...options,
    });
    if (result.ok) throw new Error('it was taken');
    return result.problem;
  };
  const pem = makeCertificate({ cn: 'a' });

  test.each<[string, Partial<GuardedHttpOptions>]>([
    ['begins with http://', { url: 'http://a.example' }],
    ['must begin with https://, not ftp:', { url: 'ftp://a.example', plainHttp: true }],
    ['must begin with https://, not file:', { url: 'file:///etc/passwd' }],
    ['has credentials in it', { url: 'https://user:secret@a.example' }],
    ['has a query or fragment', { url: 'https://a.example?x=y' }],
    ['has a query or fragment', { url: 'https://a.example#x' }],
    ['there is a client certificate without its key', { tls: { cert: pem.cert } }],
    ['there is a client key without its certificate', { tls: { key: pem.key } }],
    ['the CA is not a PEM certificate', { tls: { ca: 'secret' } }],
    ['do not belong together', { tls: { cert: pem.cert, key: makeCertificate({ cn: 'b' }).key } }],
    ['bearer and basic are both set', { credentials: { bearer: 'a', basic: { username: 'secret', password: 'secret' } } }],
    ['the bearer token is empty', { credentials: { bearer: '\n' } }],
    ['the bearer token is empty or has characters', { credentials: { bearer: 'secret\r\nHost: evil' } }],
    ['has a colon', { credentials: { basic: { username: 'secret:', password: 'secret' } } }],
    ['is not the name of a header', { credentials: { headers: { 'X-A\r\nHost': 'secret' } } }],
    ['is not the name of a header', { credentials: { headers: { '': 'secret' } } }],
    ['has characters that a header may not have', { credentials: { headers: { 'X-A': 'secret\r\nX-B: c' } } }],
    ['has characters that a header may not have', { credentials: { headers: { 'X-A': 'sécret\u0000' } } }],
    ['is set by the transport', { credentials: { headers: { Host: 'secret' } } }],
    ['is set by the transport', { credentials: { headers: { 'Content-Length': '5' } } }],
    ['is set by the transport', { credentials: { headers: { 'transfer-encoding': 'chunked' } } }],
    ['is set twice', { credentials: { headers: { 'X-A': 'secret', 'x-a': 'secret' } } }],
    ['is set twice', { credentials: { bearer: 'secret', headers: { Authorization: 'secret' } } }],
  ])('%s', (expected, options) => {
    const problem = problemOf(options);
    expect(problem).toContain(expected);
    expect(problem).not.toContain('secret');
  });

  test('basic authentication of what may stand in it', async () => {
    const server = await serve((_, response) => json(response, 200, {}));
    await make(server.url, { credentials: { basic: { username: 'ü', password: 'a:b\n' } } }).exchange({ path: '/x' });
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ü:a:b').toString('base64')}`);
  });
});
