import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { testServers } from './http-server.fixture.ts';
import type { HttpServer } from './http-server.ts';

const serve = testServers();

const echo = (server: HttpServer): void =>
  server.route(
    'PUT',
    '/echo/:name',
    async ({ params, readBody }) => {
      const body = await readBody();
      return body.ok ? { body: `${params['name']}=${body.bytes.toString('utf8')}` } : body.response;
    },
    { maxBodyBytes: 10 },
  );

describe('PUT routes', () => {
  it('read a body up to their limit', async () => {
    const { call } = await serve(echo);
    expect(await call('/echo/a', { method: 'PUT', body: '0123456789' })).toMatchObject({ status: 200, body: 'a=0123456789' });
    expect(await call('/echo/a', { method: 'PUT' })).toMatchObject({ status: 200, body: 'a=' });
    expect(await call('/echo/a', { method: 'PUT', body: '0123456789x' })).toMatchObject({
      status: 413,
      body: 'the body is longer than 10 bytes: send less\n',
    });
  });

  it('cut off a body of unannounced length at the limit', async () => {
    const { port } = await serve(echo);
    const answered = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1', path: '/echo/a', method: 'PUT' }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      request.on('error', reject);
      request.write('01234567');
      request.write('01234567');
      // Never ended: the server does not wait for the rest.
    });
    expect(answered).toEqual({ status: 413, body: 'the body is longer than 10 bytes: send less\n' });
  });

  it('refuse a compressed body', async () => {
    const { call } = await serve(echo);
    const refused = await call('/echo/a', { method: 'PUT', body: 'x', headers: { 'content-encoding': 'gzip' } });
    expect(refused).toMatchObject({ status: 415, body: 'the body is compressed: send it as it is, without Content-Encoding\n' });
  });

  it('say which methods a path has', async () => {
    const { call } = await serve((server) => {
      echo(server);
      server.route('GET', '/both', () => ({ body: 'read' }));
      server.route('PUT', '/both', () => ({ body: 'written' }));
    });
    const putOnly = await call('/echo/a');
    expect([putOnly.status, putOnly.headers.get('allow'), putOnly.body]).toEqual([405, 'PUT', 'GET is not allowed here: use PUT\n']);
    const both = await call('/both', { method: 'POST' });
    expect([both.status, both.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT']);
    expect((await call('/both')).body).toBe('read');
    expect((await call('/both', { method: 'PUT', body: 'x' })).body).toBe('written');
    expect((await call('/healthz', { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD');
  });

  it('keep the connection after a small body that nobody read, and close it after a large one', async () => {
    const { call } = await serve((server) => server.route('PUT', '/no', () => ({ status: 401, body: 'no\n' }), { maxBodyBytes: 100 }));
    const small = await call('/no', { method: 'PUT', body: 'x'.repeat(100) });
    expect([small.status, small.headers.get('connection')]).toEqual([401, 'keep-alive']);
    const large = await call('/no', { method: 'PUT', body: 'x'.repeat(101) });
    expect([large.status, large.headers.get('connection')]).toEqual([401, 'close']);
  });

  it('end a request whose body breaks off', async () => {
    let outcome: ((ok: boolean) => void) | undefined;
    const read = new Promise<boolean>((resolve) => (outcome = resolve));
    let begun: (() => void) | undefined;
    const begins = new Promise<void>((resolve) => (begun = resolve));
    const { port } = await serve((server) =>
      server.route('PUT', '/x', async ({ readBody }) => {
        const reading = readBody();
        begun?.();
        const body = await reading;
        outcome?.(body.ok);
        return body.ok ? { body: '' } : body.response;
      }),
    );
    const socket = connect(port, '127.0.0.1');
    socket.write('PUT /x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf');
    await begins;
    socket.destroy();
    expect(await read).toBe(false);
  });

  it('give a GET no body', async () => {
    const { port } = await serve((server) =>
      server.route('GET', '/x', async ({ readBody }) => {
        const body = await readBody();
        return body.ok ? { body: `${body.bytes.length}` } : body.response;
      }),
    );
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.write('GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody');
    });
    expect(answer).toContain('413 Payload Too Large');
  });
});

describe('answers', () => {
  it('of status 204 have no body and no length', async () => {
    const { call } = await serve((server) => server.route('GET', '/none', () => ({ status: 204, body: '' })));
    const none = await call('/none');
    expect([none.status, none.body, none.headers.get('content-length'), none.headers.get('content-type')]).toEqual([204, '', null, null]);
  });

  it('see the values of a repeated header one by one', async () => {
    const { port } = await serve((server) =>
      server.route('GET', '/x', ({ headerValues }) => ({ body: JSON.stringify([headerValues('x-group'), headerValues('x-none')]) })),
    );
    const body = await new Promise<string>((resolve, reject) => {
      const headers = ['host', 'x', 'X-Group', 'a, b', 'x-group', 'c'];
      const request = httpRequest({ port, host: '127.0.0.1', path: '/x', headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      });
      request.on('error', reject);
      request.end();
    });
    expect(body).toBe('[["a, b","c"],[]]');
  });
});

describe('/metrics', () => {
  it('is for those who may', async () => {
    const { call } = await serve(undefined, {
      metrics: {
        render: async () => 'up 1\n',
        authorize: async ({ headers }) => (headers['authorization'] === 'Bearer t' ? undefined : { status: 401, body: 'no\n' }),
      },
    });
    expect((await call('/metrics')).status).toBe(401);
    expect((await call('/metrics', { headers: { authorization: 'Bearer t' } })).body).toBe('up 1\n');
  });
});
