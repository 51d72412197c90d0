import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { testServers } from './http-server.fixture.ts';
import type { HttpServerOptions } from './http-server.ts';

const start = testServers();

const serve = (options: Partial<HttpServerOptions> = {}) =>
  start(
    (server) =>
      server.route(
        'POST',
        '/echo',
        async ({ readBody }) => {
          const body = await readBody();
          return body.ok ? { body: body.bytes.toString('utf8') } : body.response;
        },
        { maxBodyBytes: 10 },
      ),
    options,
  );

describe('POST routes', () => {
  it('read a body up to their limit', async () => {
    const { call } = await serve();
    expect(await call('/echo', { method: 'POST', body: '0123456789' })).toMatchObject({ status: 200, body: '0123456789' });
    expect(await call('/echo', { method: 'POST', body: '0123456789x' })).toMatchObject({
      status: 413,
      body: 'the body is longer than 10 bytes: send less\n',
    });
  });

  it('are no other method', async () => {
    const { call } = await serve();
    const got = await call('/echo');
    expect([got.status, got.headers.get('allow'), got.body]).toEqual([405, 'POST', 'GET is not allowed here: use POST\n']);
    expect((await call('/healthz', { method: 'POST', body: 'x' })).status).toBe(405);
  });
});

describe('connections', () => {
  it('tell how long they are kept', async () => {
    const { port } = await serve({ keepAliveMs: 120_000 });
    const agent = new Agent({ keepAlive: true });
    const kept = await new Promise<string | string[] | undefined>((resolve, reject) => {
      httpRequest({ port, host: '127.0.0.1', path: '/healthz', agent }, (response) => {
        response.resume();
        resolve(response.headers['keep-alive']);
      })
        .on('error', reject)
        .end();
    });
    agent.destroy();
    expect(kept).toBe('timeout=120');
  });

  it('are closed beyond their number', async () => {
    const { port } = await serve({ maxConnections: 1 });
    const first = connect(port, '127.0.0.1');
    await new Promise((resolve) => first.once('connect', resolve));
    const second = connect(port, '127.0.0.1');
    second.on('error', () => undefined);
    await new Promise((resolve) => second.once('close', resolve));
    expect(first.destroyed).toBe(false);
    first.destroy();
  });
});
