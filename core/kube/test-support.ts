import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Agent } from 'undici';
// oxlint-disable-next-line no-restricted-imports -- only tests import this file, and they drive the virtual clock
import { realClock, VirtualClock } from '../runtime/clock.ts';
import type { KubeClient } from './api.ts';
import { createKubeClient, type KubeClientOptions } from './client.ts';
import { connectionFromDispatcher } from './connection.ts';

/** Fakes for the tests of this folder: a server on real sockets, certificates, a client on a chosen clock. */

export { realClock, VirtualClock };

/** A request as the fake server got it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export type FakeHandler = (request: SeenRequest, response: ServerResponse, index: number) => void;

/** A node:http(s) server on a free port that remembers what it was asked. */
export interface FakeServer {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** Connections accepted so far. */
  readonly connections: number;
  handle(handler: FakeHandler): void;
  /** Breaks every connection. */
  reset(): void;
  close(): Promise<void>;
}

export async function fakeServer(
  handler: FakeHandler,
  tls?: { cert: string; key: string; ca?: string; requestCert?: boolean },
): Promise<FakeServer> {
  let current = handler;
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://fake');
      const { method = '', headers, rawHeaders } = request;
      const seen = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString('utf8') };
      requests.push(seen);
      response.on('error', () => undefined);
      current(seen, response, requests.length - 1);
    });
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls, rejectUnauthorized: false }, listener);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy?.();
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get connections() {
      return connections;
    },
    handle: (next) => {
      current = next;
    },
    reset,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      reset();
      await closed;
    },
  };
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Answers with a failure Status. */
export function statusAnswer(response: ServerResponse, code: number, reason: string, headers: Record<string, string> = {}): void {
  json(
    response,
    code,
    { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: `test says ${reason}`, reason, code },
    headers,
  );
}

/** A client of a fake server. */
export function clientFor(server: { readonly url: string }, options: Partial<KubeClientOptions> = {}): KubeClient {
  const connection = connectionFromDispatcher({ server: server.url, dispatcher: new Agent({ connections: 64 }) });
  return createKubeClient({ connection, clock: realClock, random: () => 0.5, userAgent: 'concertina-test', ...options });
}

/** Waits in real time until the condition holds: for what crosses a socket. */
export async function eventually(condition: () => boolean, what = 'condition', limitMs = 8_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come to hold within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Advances a virtual clock in steps, letting sockets work in between, until the condition holds. */
export async function advanceUntil(clock: VirtualClock, condition: () => boolean, stepMs = 1_000, limitMs = 600_000): Promise<void> {
  for (let passed = 0; !condition(); passed += stepMs) {
    if (passed > limitMs) throw new Error(`the condition did not come to hold within ${limitMs} virtual ms`);
    await new Promise((resolve) => setTimeout(resolve, 3));
    if (condition()) return;
    await clock.advance(stepMs);
  }
}

/** A certificate with its key, PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;
  readonly name: Buffer;
}

/** An ECDSA certificate, signed by `issuer` or by itself; valid for localhost and 127.0.0.1. */
export function makeCertificate(options: { cn: string; issuer?: TestCertificate; notAfter?: Date }): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = sequence(set(sequence(oid('550403'), tagged(0x0c, Buffer.from(options.cn)))));
  const algorithm = sequence(oid('2a8648ce3d040302'));
  const isCa = options.issuer === undefined;
  const san = sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = sequence(
    extension('551d13', isCa ? sequence(tagged(0x01, Buffer.from([0xff]))) : sequence()),
    extension('551d11', san),
  );
  const validity = sequence(
    generalizedTime(new Date('2020-01-01T00:00:00Z')),
    generalizedTime(options.notAfter ?? new Date('2090-01-01T00:00:00Z')),
  );
  const serial = tagged(0x02, Buffer.from([1, ...Buffer.from(options.cn).subarray(0, 8)]));
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    serial,
    algorithm,
    options.issuer?.name ?? name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, extensions),
  );
  const signature = sign('sha256', body, options.issuer?.privateKey ?? privateKey);
  const der = sequence(body, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
    name,
  };
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function set(...parts: Buffer[]): Buffer {
  return tagged(0x31, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

function extension(hex: string, value: Buffer): Buffer {
  return sequence(oid(hex), tagged(0x04, value));
}

function generalizedTime(date: Date): Buffer {
  return tagged(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
}
