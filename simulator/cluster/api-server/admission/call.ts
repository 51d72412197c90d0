import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { Agent } from 'undici';
import type { Clock } from '../../../../core/model/clock.ts';
import type { Json } from '../json.ts';
import { isJson } from '../json.ts';
import type { Webhook } from './webhook-types.ts';

/** Where a Service's webhook listens, as this process reaches it. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

export interface WebhookCallerOptions {
  readonly clock: Clock;
  /** Finds the back end of `clientConfig.service`; undefined, or a text that says why, when there is none. */
  readonly resolveService?:
    | ((service: { readonly namespace: string; readonly name: string; readonly port: number }) => ServiceAddress | string | undefined)
    | undefined;
}

export interface WebhookCaller {
  /** Posts a review and answers the JSON of the reply; failures are `Error`s with upstream's words (`failed to call webhook: Post "…": …`). */
  call(webhook: Webhook, review: Json): Promise<Json>;
  close(): Promise<void>;
}

const maxReplyBytes = 3 * 1024 * 1024;
/** Real time; only there so that a dead address does not hold a socket for ever. */
const connectTimeoutMs = 30_000;

interface Target {
  /** As it is told to people: with the service's DNS name. */
  readonly shown: URL;
  readonly address: ServiceAddress | undefined;
  readonly serverName: string;
}

export function createWebhookCaller(options: WebhookCallerOptions): WebhookCaller {
  const agents = new Map<string, Agent>();
  const agentFor = (webhook: Webhook, target: Target): Agent => {
    const key = createHash('sha256')
      .update(`${target.serverName} ${target.address?.host ?? ''}:${target.address?.port ?? ''} ${webhook.caBundle ?? ''}`)
      .digest('hex');
    const known = agents.get(key);
    if (known !== undefined) return known;
    const agent = new Agent({
      connect: {
        ...(webhook.caBundle === undefined ? {} : { ca: webhook.caBundle }),
        // An address is no server name (RFC 6066); the certificate is checked against it all the same.
        ...(isIP(target.serverName) === 0 ? { servername: target.serverName } : {}),
        timeout: connectTimeoutMs,
      },
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: maxReplyBytes,
    });
    agents.set(key, agent);
    return agent;
  };
  return {
    call: async (webhook, review) => {
      const target = targetOf(webhook, options);
      const limit = new AbortController();
      const timer = options.clock.setTimeout(() => limit.abort(), webhook.timeoutSeconds * 1000);
      try {
        return await post({ agent: agentFor(webhook, target), target, review, signal: limit.signal });
      } catch (error) {
        throw limit.signal.aborted ? postFailure(target.shown, 'context deadline exceeded', error) : error;
      } finally {
        timer.cancel();
      }
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}

function targetOf(webhook: Webhook, options: WebhookCallerOptions): Target {
  const { service } = webhook;
  const shown = urlOf(webhook);
  shown.searchParams.set('timeout', `${webhook.timeoutSeconds}s`);
  if (service === undefined) return { shown, address: undefined, serverName: shown.hostname.replace(/^\[(.*)\]$/, '$1') };
  const address = options.resolveService?.(service);
  if (address === undefined || typeof address === 'string') {
    throw postFailure(shown, address ?? `service ${JSON.stringify(service.name)} not found`);
  }
  return { shown, address, serverName: `${service.name}.${service.namespace}.svc` };
}

function urlOf(webhook: Webhook): URL {
  const { service, url } = webhook;
  if (service !== undefined) {
    return new URL(
      `https://${service.name}.${service.namespace}.svc:${service.port}${service.path.startsWith('/') ? '' : '/'}${service.path}`,
    );
  }
  if (url === undefined) throw new Error('webhook configuration must have either service or URL');
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
    throw new Error(`failed to call webhook: ${JSON.stringify(url)} is not an https URL`);
  }
  return new URL(url);
}

interface PostRequest {
  readonly agent: Agent;
  readonly target: Target;
  readonly review: Json;
  readonly signal: AbortSignal;
}

async function post(request: PostRequest): Promise<Json> {
  const { agent, target } = request;
  const { shown, address } = target;
  // A URL object leaves out the default port of its scheme; people and the Host header see it all the same.
  const host = address === undefined ? shown.host : `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
  let status: number;
  let text: string;
  try {
    const reply = await agent.request({
      origin: `https://${host}`,
      path: `${shown.pathname}${shown.search}`,
      method: 'POST',
      headers: { host: shown.host, 'content-type': 'application/json', accept: 'application/json, */*' },
      body: JSON.stringify(request.review),
      signal: request.signal,
    });
    status = reply.statusCode;
    text = await reply.body.text();
  } catch (error) {
    throw postFailure(shown, transportText(error), error);
  }
  if (status !== 200) throw new Error(`failed to call webhook: ${statusText(status, text)}`);
  return parseReply(text);
}

function parseReply(text: string): Json {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch (error) {
    throw new Error(`failed to call webhook: couldn't get version/kind; json parse error: ${(error as Error).message}`, { cause: error });
  }
  if (!isJson(reply)) throw new Error("failed to call webhook: Object 'Kind' is missing");
  return reply;
}

function postFailure(url: URL, why: string, cause?: unknown): Error {
  const port = url.port === '' ? ':443' : '';
  const shown = `https://${url.host}${port}${url.pathname}${url.search}`;
  return new Error(`failed to call webhook: Post ${JSON.stringify(shown)}: ${why}`, { cause });
}

const certificateFaults = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'UNABLE_TO_GET_ISSUER_CERT',
]);

/** Go's words for what people look for, Node's own for the rest. */
function transportText(error: unknown): string {
  const code = (error as { code?: string }).code ?? '';
  const message = error instanceof Error ? error.message : String(error);
  if (certificateFaults.has(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `tls: failed to verify certificate: x509: ${message}`;
  if (code === 'CERT_HAS_EXPIRED') return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
  if (code === 'ECONNREFUSED') return `dial tcp: connect: connection refused`;
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET') return 'EOF';
  return message;
}

function statusText(status: number, body: string): string {
  if (status === 404) return 'the server could not find the requested resource';
  if (status < 500) return 'the server rejected our request for an unknown reason';
  const said = JSON.stringify(body.trim().slice(0, 200));
  return `an error on the server (${body.trim() === '' ? '"unknown"' : said}) has prevented the request from succeeding`;
}
