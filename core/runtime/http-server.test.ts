import { describe, expect, it } from 'vitest';
import { realClock, VirtualClock } from './clock.ts';
import { loopProgress } from './health.ts';
import type { HttpServer } from './http-server.ts';
import { createHttpServer } from './http-server.ts';
import { testServers } from './http-server.fixture.ts';
import { recordingLogger } from './logging.ts';

const start = testServers();

async function serve(prepare?: (server: HttpServer) => void) {
  const { call, ...rest } = await start(prepare, { metrics: { render: async () => 'up 1\n' } });
  return { get: call, ...rest };
}

describe('createHttpServer', () => {
  it('answers health as the API server does', async () => {
    const { get } = await serve();
    expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok' });
    expect(await get('/livez')).toMatchObject({ status: 200, body: 'ok' });
    expect((await get('/readyz?verbose')).body).toBe('[+]ping ok\nreadyz check passed\n');
  });

  it('says what fails, in 503', async () => {
    const { get } = await serve((server) => {
      server.addReadiness('cache', () => 'pods are not listed yet');
      server.addReadiness('source', () => Promise.reject(new Error('unreachable')));
      server.addLiveness('loop', () => undefined);
    });
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: '[+]ping ok\n[-]cache failed: pods are not listed yet\n[-]source failed: unreachable\nreadyz check failed\n',
    });
    expect(await get('/readyz?exclude=cache&exclude=source')).toMatchObject({ status: 200, body: 'ok' });
    expect((await get('/healthz?verbose')).body).toBe('[+]ping ok\n[+]loop ok\nhealthz check passed\n');
    expect((await get('/readyz/cache')).status).toBe(503);
    expect((await get('/readyz/ping')).status).toBe(200);
    expect((await get('/readyz/gone')).status).toBe(404);
  });

  it('serves metrics in the exposition format', async () => {
    const { get } = await serve();
    const response = await get('/metrics');
    expect(response.body).toBe('up 1\n');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('routes with parameters and rests, first come first served', async () => {
    const { get } = await serve((server) => {
      server.route('GET', '/api/policies/:namespace/:name', ({ params, query }) => ({
        contentType: 'application/json',
        body: JSON.stringify({ ...params, full: query.get('full') }),
      }));
      server.route('GET', '/files/*', ({ params }) => ({ body: params['*'] ?? '' }));
    });
    expect((await get('/api/policies/shop/we%2Fb?full=1')).body).toBe('{"namespace":"shop","name":"we/b","full":"1"}');
    expect((await get('/api/policies/shop')).status).toBe(404);
    expect((await get('/api/policies/shop/%zz')).status).toBe(404);
    expect((await get('/files/a/b.txt')).body).toBe('a/b.txt');
  });

  it('allows reading only', async () => {
    const { get } = await serve();
    const refused = await get('/healthz', { method: 'POST' });
    expect(refused.status).toBe(405);
    expect(refused.headers.get('allow')).toBe('GET, HEAD');
    const head = await get('/healthz', { method: 'HEAD' });
    expect([head.status, head.body, head.headers.get('content-length')]).toEqual([200, '', '2']);
    expect((await get('/nothing')).status).toBe(404);
  });

  it('tells a client nothing about a broken handler, and the log everything', async () => {
    const { get, logger } = await serve((server) =>
      server.route('GET', '/broken', () => {
        throw new Error('secret path /var/x');
      }),
    );
    expect(await get('/broken')).toMatchObject({ status: 500, body: 'internal error: see the log of this program\n' });
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { path: '/broken', error: 'secret path /var/x' } }]);
  });

  it('lets a handler stream, and tells it when the client has gone', async () => {
    let gone: (() => void) | undefined;
    const left = new Promise<void>((resolve) => (gone = resolve));
    const { port } = await serve((server) =>
      server.route('GET', '/events', ({ response, signal }) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: 1\n\n');
        signal.addEventListener('abort', () => gone?.());
        return undefined;
      }),
    );
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/events`, { signal: abort.signal });
    const chunk = await response.body!.getReader().read();
    expect(new TextDecoder().decode(chunk.value)).toBe('data: 1\n\n');
    abort.abort();
    await left;
  });

  it('closes although a stream is open', async () => {
    const { server, port } = await serve((each) =>
      each.route('GET', '/events', ({ response }) => {
        response.writeHead(200).write('x');
        return undefined;
      }),
    );
    const response = await fetch(`http://127.0.0.1:${port}/events`);
    const rest = response.text().catch(() => 'cut');
    await server.close(10);
    expect(await rest).toBe('cut');
  });

  it('refuses to listen on a taken port', async () => {
    const { port } = await serve();
    const second = createHttpServer({ host: '127.0.0.1', port, clock: realClock, logger: recordingLogger() });
    await expect(second.listen()).rejects.toThrowError('EADDRINUSE');
  });
});

describe('loopProgress', () => {
  it('fails when the loop has not turned for three intervals', async () => {
    const clock = new VirtualClock();
    const progress = loopProgress({ clock, intervalMs: 15_000 });
    await clock.advance(45_000);
    expect(progress.check()).toBeUndefined();
    await clock.advance(1000);
    expect(progress.check()).toBe('no turn for 46s, expected one every 15s');
    progress.beat();
    expect(progress.check()).toBeUndefined();
  });
});
