import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectionLost } from './handler.ts';
import type { AwsListener, AwsRequest, AwsResponse } from './types.ts';

interface ListenOptions {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
}

/** Serves a handler of the query protocols over HTTP. */
export async function listen(
  handle: (request: AwsRequest) => Promise<AwsResponse>,
  { port = 0, host = '127.0.0.1' }: ListenOptions,
): Promise<AwsListener> {
  const server = createServer((message, response) => void serve(handle, message, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  handle: (request: AwsRequest) => Promise<AwsResponse>,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => response.destroy());
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const answer = await handle({
      method: message.method ?? 'GET',
      target: message.url ?? '/',
      headers: Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
      ),
      body: Buffer.concat(chunks).toString('utf8'),
    });
    if (response.destroyed) return;
    response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) }).end(answer.body);
  } catch (error) {
    if (error instanceof ConnectionLost || response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end(error instanceof Error ? error.message : String(error));
  }
}
