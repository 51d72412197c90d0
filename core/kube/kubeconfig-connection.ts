import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import type { Clock } from '../model/clock.ts';
import type { Connection } from './connection.ts';
import { createCredentialCache, type Credentials, type TlsMaterial } from './credentials.ts';
import { invalid, loadKubeConfig, type KubeConfigSource, type LoadedKubeConfig } from './kubeconfig.ts';

/** Options of {@link connectionFromKubeConfig}. */
export interface KubeConfigConnectionOptions extends KubeConfigSource {
  readonly clock: Clock;
  /** Most sockets at once, watches included; default 64. */
  readonly connections?: number | undefined;
}

/** A connection that knows which context it came from. */
export interface KubeConfigConnection extends Connection {
  readonly origin: string;
  readonly context: string;
  /** Name of the user in the kubeconfig. */
  readonly user: string;
  /** Default namespace of the context. */
  readonly namespace: string | undefined;
}

/**
 * Loads a kubeconfig (see {@link loadKubeConfig}), proves that its credentials can be read, and makes one pool for the cluster.
 * No request is sent. The pool is replaced when the CA or the client certificate changes on disk; running requests end on the old one.
 */
export async function connectionFromKubeConfig(options: KubeConfigConnectionOptions): Promise<KubeConfigConnection> {
  const loaded = await loadKubeConfig(options);
  const cache = createCredentialCache(loaded, options.clock);
  const first = await cache.current();
  let pool = { fingerprint: first.tlsFingerprint, dispatcher: createPool(loaded, first.tls, options.connections ?? 64) };
  let closed = false;

  const adopt = ({ tls, tlsFingerprint }: Credentials): void => {
    if (tlsFingerprint === pool.fingerprint || closed) return;
    const old = pool.dispatcher;
    pool = { fingerprint: tlsFingerprint, dispatcher: createPool(loaded, tls, options.connections ?? 64) };
    // Waits for what runs on it; whether that ends well is the business of who asked.
    old.close().catch(() => undefined);
  };
  return {
    origin: loaded.origin,
    context: loaded.context,
    user: loaded.userName,
    namespace: loaded.namespace,
    server: loaded.cluster.server,
    get dispatcher() {
      return pool.dispatcher;
    },
    headers: async () => {
      const credentials = await cache.current();
      adopt(credentials);
      return credentials.headers;
    },
    refresh: () => cache.refresh(),
    close: async () => {
      closed = true;
      await pool.dispatcher.destroy();
    },
  };
}

/**
 * undici over HTTP/1.1: its pool gives 4 500 requests a second over 64 sockets where client-node's agent per request gives 300.
 * Idle sockets are kept for 30 s, below the API server's 90 s and the 60 s of usual load balancers.
 */
function createPool(loaded: LoadedKubeConfig, tls: TlsMaterial, connections: number): Dispatcher {
  const pooling = { connections, pipelining: 1, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0 };
  const { proxyUrl } = loaded.cluster;
  if (proxyUrl === undefined) return new Agent({ ...pooling, connect: { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 } });
  if (!/^https?:\/\//.test(proxyUrl)) {
    throw invalid(
      `the proxy-url "${proxyUrl}" of cluster "${loaded.cluster.name}" in ${loaded.origin} is not supported: use http:// or https://`,
    );
  }
  return new ProxyAgent({ ...pooling, uri: proxyUrl, requestTls: { ...tls } });
}
