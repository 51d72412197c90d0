import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/**
 * A bare HTTP client for the harness and the contracts: every byte of the request is chosen by the test, every byte of the answer is
 * seen by it. The suite's own client (`core/kube`) is deliberately not used here: contracts judge the server, not the client.
 */
export interface Connection {
  readonly server: string;
  /** PEM texts. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
  readonly insecure?: boolean | undefined;
}

export interface HttpCall {
  readonly method?: string;
  readonly path: string;
  /** An object is sent as JSON, a string as it is. */
  readonly body?: object | string | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Milliseconds; default 30 000. */
  readonly timeoutMs?: number | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The parsed JSON; the text itself when it isn't JSON. */
  readonly body: unknown;
}

export interface Identity {
  readonly user: string;
  readonly groups?: readonly string[];
}

export interface WatchLine {
  readonly type: string;
  readonly object: WatchedObject;
}

/** The part of a watched object that tests read by name. */
export interface WatchedObject {
  readonly kind: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** One watch connection. */
export interface HttpWatch {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** The next event; `undefined` when the server has closed the watch. Fails after `timeoutMs` (default 10 000). */
  next(timeoutMs?: number): Promise<WatchLine | undefined>;
  /** So many events. */
  take(count: number, timeoutMs?: number): Promise<WatchLine[]>;
  /** All events up to and with the first that matches. */
  until(found: (line: WatchLine) => boolean, timeoutMs?: number): Promise<WatchLine[]>;
  close(): void;
}

export interface HttpApi {
  readonly connection: Connection;
  call(call: HttpCall): Promise<HttpAnswer>;
  get(path: string, options?: Omit<HttpCall, 'path' | 'method'>): Promise<HttpAnswer>;
  post(path: string, body: object | string, options?: Omit<HttpCall, 'path' | 'method' | 'body'>): Promise<HttpAnswer>;
  put(path: string, body: object | string, options?: Omit<HttpCall, 'path' | 'method' | 'body'>): Promise<HttpAnswer>;
  patch(path: string, type: PatchKind, body: object | string, options?: Omit<HttpCall, 'path' | 'method' | 'body'>): Promise<HttpAnswer>;
  delete(path: string, body?: object, options?: Omit<HttpCall, 'path' | 'method' | 'body'>): Promise<HttpAnswer>;
  watch(path: string, headers?: Readonly<Record<string, string>>): Promise<HttpWatch>;
  /** The same connection under another identity, by impersonation headers. */
  as(identity: Identity): HttpApi;
  close(): void;
}

export type PatchKind = 'json' | 'merge' | 'strategic';

const patchTypes: Readonly<Record<PatchKind, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

export function createHttpApi(connection: Connection): HttpApi {
  const secure = connection.server.startsWith('https:');
  const agent = secure
    ? new HttpsAgent({
        keepAlive: true,
        ca: connection.ca,
        cert: connection.cert,
        key: connection.key,
        rejectUnauthorized: connection.insecure !== true,
      })
    : new HttpAgent({ keepAlive: true });
  return apiOver({ connection, secure, agent }, {});
}

interface Transport {
  readonly connection: Connection;
  readonly secure: boolean;
  readonly agent: HttpAgent | HttpsAgent;
}

type Headers = Readonly<Record<string, string | readonly string[]>>;

function apiOver(transport: Transport, base: Headers): HttpApi {
  const call = (options: HttpCall): Promise<HttpAnswer> => send(transport, base, options);
  return {
    connection: transport.connection,
    call,
    get: (path, options) => call({ ...options, path, method: 'GET' }),
    post: (path, body, options) => call({ ...options, path, method: 'POST', body }),
    put: (path, body, options) => call({ ...options, path, method: 'PUT', body }),
    patch: (path, type, body, options) => call({ contentType: patchTypes[type], ...options, path, method: 'PATCH', body }),
    delete: (path, body, options) => call({ ...options, path, method: 'DELETE', body }),
    watch: (path, headers) => openWatch(transport, { ...base, ...headers }, path),
    as: (identity) => apiOver(transport, { ...base, 'Impersonate-User': identity.user, 'Impersonate-Group': identity.groups ?? [] }),
    close: () => transport.agent.destroy(),
  };
}

function open(transport: Transport, headers: Headers, options: HttpCall): Promise<IncomingMessage> {
  const { connection, agent, secure } = transport;
  const body = typeof options.body === 'object' ? JSON.stringify(options.body) : options.body;
  const all: Record<string, string | string[]> = { accept: options.accept ?? 'application/json' };
  for (const [name, value] of Object.entries({ ...headers, ...options.headers })) {
    if (typeof value === 'string') all[name] = value;
    else if (value.length > 0) all[name] = [...value];
  }
  if (connection.token !== undefined) all['authorization'] = `Bearer ${connection.token}`;
  if (body !== undefined) {
    all['content-type'] = options.contentType ?? 'application/json';
    all['content-length'] = String(Buffer.byteLength(body));
  }
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(
      new URL(connection.server + options.path),
      { method: options.method ?? 'GET', agent, headers: all },
      resolve,
    );
    request.once('error', reject);
    const timeout = options.timeoutMs ?? 30_000;
    if (timeout > 0)
      request.setTimeout(timeout, () => request.destroy(new Error(`no answer to ${options.method} ${options.path} in ${timeout} ms`)));
    request.end(body);
  });
}

async function send(transport: Transport, headers: Headers, options: HttpCall): Promise<HttpAnswer> {
  const response = await open(transport, headers, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

async function openWatch(transport: Transport, headers: Headers, path: string): Promise<HttpWatch> {
  // Its own connection: closing a watch destroys it, and a pooled one would be in the way of other requests.
  const response = await open({ ...transport, agent: dedicated(transport) }, headers, { path, timeoutMs: 0 });
  const lines: WatchLine[] = [];
  const seen: WatchLine[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  let rest = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part !== '') lines.push(JSON.parse(part) as WatchLine);
    wake?.();
  });
  const end = (): void => {
    ended = true;
    if (rest !== '') lines.push({ type: 'TEXT', object: parsed(rest) as WatchedObject });
    rest = '';
    wake?.();
  };
  response.on('end', end);
  response.on('error', end);
  response.on('close', end);
  const next = async (timeoutMs = 10_000): Promise<WatchLine | undefined> => {
    const deadline = performance.now() + timeoutMs;
    while (lines.length === 0 && !ended) {
      const left = deadline - performance.now();
      if (left <= 0) {
        const got = seen.map((line) => `${line.type} ${line.object.metadata.name}`).join(', ');
        throw new Error(`no watch event on ${path} in ${timeoutMs} ms; so far: ${got === '' ? 'nothing' : got}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const line = lines.shift();
    if (line !== undefined) seen.push(line);
    return line;
  };
  const until: HttpWatch['until'] = async (found, timeoutMs = 10_000) => {
    const taken: WatchLine[] = [];
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const line = await next(Math.max(1, deadline - performance.now()));
      if (line === undefined) throw new Error(`the watch on ${path} was closed by the server after ${taken.length} events`);
      taken.push(line);
      if (found(line)) return taken;
    }
  };
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    next,
    until,
    take: async (count, timeoutMs) => {
      let left = count;
      return until(() => --left === 0, timeoutMs);
    },
    close: () => response.destroy(),
  };
}

function dedicated(transport: Transport): HttpAgent | HttpsAgent {
  return transport.secure
    ? new HttpsAgent({ ...(transport.agent as HttpsAgent).options, keepAlive: false })
    : new HttpAgent({ keepAlive: false });
}
