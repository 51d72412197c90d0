import { afterEach, describe, expect, it } from 'vitest';
import { Agent } from 'undici';
import { connectionFromDispatcher, type KubeConfigConnection } from '../../core/kube/index.ts';
import { fakeServer, json, statusAnswer, type FakeHandler, type FakeServer } from '../../core/kube/test-support.ts';
import { realClock, VirtualClock } from '../../core/runtime/clock.ts';
import { recordingLogger } from '../../core/runtime/logging.ts';
import { reachOrWait, reachServer, waitForServer } from './reach.ts';

const servers: FakeServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serverWith(handler: FakeHandler): Promise<FakeServer> {
  const server = await fakeServer(handler);
  servers.push(server);
  return server;
}

function connectionTo(url: string): KubeConfigConnection {
  const plain = connectionFromDispatcher({ server: url, dispatcher: new Agent() });
  return { ...plain, origin: '/home/jane/config', context: 'prod', user: 'jane', namespace: undefined };
}

const options = (url: string) => ({ connection: connectionTo(url), clock: realClock, random: () => 0.5 });

describe('reachServer', () => {
  it('takes any answer of an API server, also a refusal to tell its version', async () => {
    const version = await serverWith((_, response) => json(response, 200, { gitVersion: 'v1.36.3' }));
    await reachServer(options(version.url));
    expect(version.requests.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual(['GET /version']);
    const forbidden = await serverWith((_, response) => statusAnswer(response, 403, 'Forbidden'));
    await reachServer(options(forbidden.url));
    const missing = await serverWith((_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found'));
    await reachServer(options(missing.url));
  });

  it('names context, kubeconfig, server and user', async () => {
    const refusing = await serverWith((_, response) => statusAnswer(response, 401, 'Unauthorized'));
    await expect(reachServer(options(refusing.url))).rejects.toMatchObject({
      code: 'CREDENTIALS_EXPIRED',
      message: `context "prod" of /home/jane/config: ${refusing.url} refused the credentials (401 for GET /version); log in again or renew the token or certificate of user "jane"`,
    });
    await expect(reachServer(options('http://127.0.0.1:1'))).rejects.toMatchObject({
      code: 'API_UNREACHABLE',
      message:
        'context "prod" of /home/jane/config: http://127.0.0.1:1 cannot be reached: the connection was refused; does the API server run at this address?',
    });
    const page = await serverWith((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'));
    await expect(reachServer(options(page.url))).rejects.toMatchObject({
      code: 'API_ANSWER_INVALID',
      message: expect.stringContaining(`${page.url} is not answering as an API server`) as unknown,
    });
  });
});

describe('reachOrWait', () => {
  it('answers what may pass by itself, throws what only a person can mend', async () => {
    const html =
      (status: number): FakeHandler =>
      (_, response) =>
        response.writeHead(status, { 'content-type': 'text/html' }).end('<html></html>');
    expect(await reachOrWait(options('http://127.0.0.1:1'))).toContain('cannot be reached');
    expect(await reachOrWait(options((await serverWith(html(502))).url))).toContain('status 502');
    await expect(reachOrWait(options((await serverWith(html(200))).url))).rejects.toMatchObject({ code: 'API_ANSWER_INVALID' });
    const refusing = await serverWith((_, response) => statusAnswer(response, 401, 'Unauthorized'));
    await expect(reachOrWait(options(refusing.url))).rejects.toMatchObject({ code: 'CREDENTIALS_EXPIRED' });
    const good = await serverWith((_, response) => json(response, 200, {}));
    expect(await reachOrWait(options(good.url))).toBeUndefined();
  });
});

describe('waitForServer', () => {
  const drive = async (clock: VirtualClock, waiting: Promise<void>): Promise<void> => {
    let done = false;
    const ended = waiting.finally(() => {
      done = true;
    });
    ended.catch(() => undefined);
    for (let turn = 0; turn < 400 && !done; turn++) {
      await clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await ended;
  };

  it('says a problem once, and again when it is another one, until the server answers', async () => {
    const clock = new VirtualClock();
    const logger = recordingLogger();
    const server = await serverWith((_, response, index) => {
      if (index < 6) response.writeHead(index < 3 ? 502 : 500, { 'content-type': 'text/html' }).end('<html></html>');
      else json(response, 200, {});
    });
    const reach = { ...options(server.url), clock };
    const first = (await reachOrWait(reach)) ?? '';
    await drive(clock, waitForServer({ ...reach, logger, first }, new AbortController().signal));
    const said = logger.lines.map(({ level, message }) => `${level} ${message}`);
    const away = 'error the API server cannot be reached; it is tried again until it answers';
    expect(said).toEqual([away, away, 'info the API server answers now']);
    expect(server.requests).toHaveLength(7);
  });

  it('ends with an error when the server is back and refuses the credentials', async () => {
    const clock = new VirtualClock();
    const server = await serverWith((_, response) => statusAnswer(response, 401, 'Unauthorized'));
    const reach = { ...options(server.url), clock, logger: recordingLogger(), first: 'it was away' };
    await expect(drive(clock, waitForServer(reach, new AbortController().signal))).rejects.toMatchObject({ code: 'CREDENTIALS_EXPIRED' });
  });

  it('ends with the signal', async () => {
    const stop = new AbortController();
    const logger = recordingLogger();
    const waiting = waitForServer(
      { ...options('http://127.0.0.1:1'), clock: new VirtualClock(), logger, first: 'it is away' },
      stop.signal,
    );
    stop.abort();
    await waiting;
    expect(logger.lines).toHaveLength(1);
  });
});
