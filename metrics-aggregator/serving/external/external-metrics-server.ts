import type { KubeClient } from '../../../core/kube/api.ts';
import type { Clock, Random } from '../../../core/model/clock.ts';
import { createHttpServer, type RouteHandler, type RouteRequest, type RouteResponse } from '../../../core/runtime/http-server.ts';
import type { Logger } from '../../../core/runtime/logging.ts';
import {
  createRequestAuth,
  type AccessAttributes,
  type Refusal,
  type RequestAuth,
  type UserInfo,
} from '../../../core/runtime/request-auth.ts';
import { group, version } from './discovery.ts';
import {
  createExternalMetricsApi,
  type ExternalMetricsApi,
  type ExternalMetricsApiOptions,
  type ExternalRequest,
} from './external-metrics-api.ts';
import { identityOf, type FrontProxyConfig } from './front-proxy.ts';
import { createFrontProxyTrust } from './front-proxy-trust.ts';
import { statusFailure } from './status.ts';

export interface ExternalMetricsServerOptions extends Omit<ExternalMetricsApiOptions, 'onProblem'> {
  /** Default 0.0.0.0. */
  readonly host?: string;
  readonly port: number;
  /** PEM of the serving certificate; its CA is the APIService's `caBundle`. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** Reviews tokens and access (ClusterRole `system:auth-delegator`) and reads kube-system/extension-apiserver-authentication. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A server of its own, since it asks for the front proxy's client certificate: the aggregated API, and `/healthz`, `/livez`, `/readyz`. */
export interface ExternalMetricsServer {
  /** Resolves when it listens; before the front proxy is known it is not ready and believes bearer tokens only. */
  start(): Promise<{ readonly host: string; readonly port: number }>;
  stop(): Promise<void>;
  /** The serving certificate was renewed. */
  renewCertificate(tls: ExternalMetricsServerOptions['tls']): void;
}

export function createExternalMetricsServer(options: ExternalMetricsServerOptions): ExternalMetricsServer {
  const { client, clock, random, logger } = options;
  const onProblem = (problem: string): void => logger.warn('external metrics', { problem });
  let serving = options.tls;
  let ca: string | undefined;
  const tls = () => ({ ...serving, ca, requestClientCert: true });
  const server = createHttpServer({
    ...(options.host !== undefined && { host: options.host }),
    port: options.port,
    clock,
    logger,
    tls: tls(),
  });
  const trust = createFrontProxyTrust({
    client,
    clock,
    random,
    onProblem,
    onCa: (next) => {
      server.renewTls({ ...serving, ca: next, requestClientCert: true });
      ca = next;
    },
  });
  server.addReadiness('front-proxy', () => trust.problem());
  addExternalMetricsRoutes(server, {
    api: createExternalMetricsApi({ ...options, onProblem }),
    auth: createRequestAuth({ client, clock, onProblem }),
    frontProxy: () => trust.config(),
  });
  return {
    start: async () => {
      await trust.start();
      return server.listen();
    },
    stop: async () => {
      trust.stop();
      await server.close();
    },
    renewCertificate: (next) => {
      server.renewTls({ ...tls(), ...next });
      serving = next;
    },
  };
}

export interface ExternalMetricsRoutesOptions {
  readonly api: ExternalMetricsApi;
  readonly auth: Pick<RequestAuth, 'authenticate' | 'authorize'>;
  /** `undefined`: nobody is believed to be the front proxy. */
  readonly frontProxy: () => FrontProxyConfig | undefined;
}

/** Adds the API's paths; all ask who it is and whether they may, as an aggregated API must (delegated authentication and authorization). */
export function addExternalMetricsRoutes(
  server: Pick<ReturnType<typeof createHttpServer>, 'route'>,
  options: ExternalMetricsRoutesOptions,
): void {
  const answer =
    (read: (request: RouteRequest) => Reading): RouteHandler =>
    async (request) => {
      const { wanted, asked } = read(request);
      return (await refuse(options, request, wanted)) ?? options.api.handle(asked);
    };
  server.route(
    'GET',
    `/apis/${group}/${version}/namespaces/:namespace/:metric`,
    answer(({ params, query }) => {
      const { namespace = '', metric = '' } = params;
      return {
        // The path names a collection, so its verb is list: what the API server asks for, and what the roles of HPA controllers grant.
        wanted: { kind: 'resource', group, version, resource: metric, namespace, verb: 'list' },
        asked: { kind: 'metric', namespace, metric, labelSelector: query.get('labelSelector') },
      };
    }),
  );
  for (const path of ['/apis', '/apis/*', '/openapi/*']) {
    server.route(
      'GET',
      path,
      answer((request) => ({
        wanted: { kind: 'path', path: request.path, verb: 'get' },
        asked: { kind: 'other', path: request.path.replace(/\/$/, '') },
      })),
    );
  }
}

interface Reading {
  readonly wanted: AccessAttributes;
  readonly asked: ExternalRequest;
}

/** As upstream's delegating authorizer: they may do everything everywhere, and nobody needs to be asked about it. */
const masters = 'system:masters';

async function refuse(
  options: ExternalMetricsRoutesOptions,
  request: RouteRequest,
  wanted: AccessAttributes,
): Promise<RouteResponse | undefined> {
  const known = await authenticated(options, request);
  if (!known.ok) return refusalStatus(known);
  if (known.user.groups.includes(masters)) return undefined;
  const permission = await options.auth.authorize(known.user, wanted);
  return permission.ok ? undefined : refusalStatus(permission);
}

async function authenticated(
  { auth, frontProxy }: ExternalMetricsRoutesOptions,
  request: RouteRequest,
): Promise<{ readonly ok: true; readonly user: UserInfo } | Refusal> {
  const config = frontProxy();
  const user = config === undefined ? undefined : identityOf(request, config);
  if (user !== undefined) return { ok: true, user };
  const { authorization } = request.headers as { readonly authorization?: string | string[] };
  return auth.authenticate(typeof authorization === 'string' ? authorization : undefined);
}

function refusalStatus({ status, message }: Refusal): RouteResponse {
  return statusFailure(status, message);
}
