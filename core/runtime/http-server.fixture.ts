import { afterEach } from 'vitest';
import { realClock } from './clock.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from './http-server.ts';
import { recordingLogger } from './logging.ts';

/** Listens on a free port of loopback, for one test file: each server is closed after its test. */
export function testServers() {
  let open: HttpServer | undefined;
  afterEach(async () => {
    await open?.close(0);
    open = undefined;
  });
  return async (prepare: (server: HttpServer) => void = () => undefined, options: Partial<HttpServerOptions> = {}) => {
    const logger = recordingLogger();
    const server = createHttpServer({ host: '127.0.0.1', port: 0, clock: realClock, logger, ...options });
    prepare(server);
    open = server;
    const { port } = await server.listen();
    const call = async (path: string, init?: RequestInit) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
      return { status: response.status, body: await response.text(), headers: response.headers };
    };
    return { server, call, logger, port };
  };
}
