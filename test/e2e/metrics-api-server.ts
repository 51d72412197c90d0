import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiHandler, ApiRequest } from '../../simulator/cluster/api-server/types.ts';
import type { HttpApi } from './http-api.ts';
import { createServingCertificate } from './real-cluster.ts';

/**
 * An aggregated API of a test: a handler of the simulator (its metrics API, say) behind HTTPS on loopback, registered on a real cluster.
 * The API server is the only client; it has authenticated the user already and says who it is in `X-Remote-User`.
 */
export interface HandlerServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveHandler(handler: ApiHandler): Promise<HandlerServer> {
  const { cert, key } = await createServingCertificate();
  const server = createServer({ cert, key }, (request, response) => {
    answer(handler, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('an HTTPS server on 127.0.0.1 has no port');
  return { port: address.port, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(handler: ApiHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const url = new URL(request.url ?? '/', 'https://localhost');
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = Array.isArray(value) ? value.join(',') : value;
  const apiRequest: ApiRequest = {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers,
    body: chunks.length === 0 ? undefined : Buffer.concat(chunks),
    signal: gone.signal,
  };
  const result = await handler(apiRequest);
  response.writeHead(result.status, { ...result.headers });
  if (!('start' in result)) {
    response.end(result.body);
    return;
  }
  const finish = result.start({
    write: (chunk) => void response.write(chunk),
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  });
  response.once('close', finish);
}

export interface AggregatedApi {
  readonly group: string;
  readonly version: string;
  /** Where it listens on loopback, with HTTPS. */
  readonly port: number;
  /** Among the versions of its group; the greatest is preferred. Default 100. */
  readonly versionPriority?: number;
  /** The Service that stands for it; default one in kube-system, named after the API. */
  readonly service?: { readonly namespace: string; readonly name: string };
  /** PEM of the CA that its certificate, for `<service>.<namespace>.svc`, is checked against; default: any certificate will do. */
  readonly ca?: string;
}

/**
 * Makes the API server forward `/apis/<group>/<version>` to the port, and answers when it says that the API is available. An
 * EndpointSlice may not name a loopback address; a Service of type ExternalName may say "localhost", and the aggregator follows it.
 */
export async function registerAggregatedApi(admin: HttpApi, api: AggregatedApi): Promise<{ unregister(): Promise<void> }> {
  const name = `${api.version}.${api.group}`;
  const service = api.service ?? { namespace: 'kube-system', name: `aggregated-${name.replaceAll('.', '-')}` };
  const servicePath = `/api/v1/namespaces/${service.namespace}/services`;
  const apiServicePath = '/apis/apiregistration.k8s.io/v1/apiservices';
  const create = async (path: string, body: object): Promise<void> => {
    const made = await admin.post(path, body);
    if (made.status !== 201) throw new Error(`POST ${path}: ${made.status} ${made.text}`);
  };
  await create(servicePath, { metadata: { name: service.name }, spec: { type: 'ExternalName', externalName: 'localhost' } });
  await create(apiServicePath, {
    metadata: { name },
    spec: {
      group: api.group,
      version: api.version,
      groupPriorityMinimum: 100,
      versionPriority: api.versionPriority ?? 100,
      ...(api.ca === undefined ? { insecureSkipTLSVerify: true } : { caBundle: Buffer.from(api.ca).toString('base64') }),
      service: { ...service, port: api.port },
    },
  });
  await waitUntilAvailable(admin, `${apiServicePath}/${name}`);
  return {
    unregister: async () => {
      await admin.delete(`${apiServicePath}/${name}`);
      await admin.delete(`${servicePath}/${service.name}`);
    },
  };
}

interface ApiServiceStatus {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[] };
}

const availableLimitMs = 30_000;

async function waitUntilAvailable(admin: HttpApi, path: string): Promise<void> {
  const deadline = performance.now() + availableLimitMs;
  for (;;) {
    const { body } = await admin.get(path);
    const available = (body as ApiServiceStatus).status?.conditions?.find(({ type }) => type === 'Available');
    if (available?.status === 'True') return;
    if (performance.now() > deadline) {
      throw new Error(`${path} did not become Available within ${availableLimitMs / 1000} s: ${available?.message ?? 'no condition'}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
