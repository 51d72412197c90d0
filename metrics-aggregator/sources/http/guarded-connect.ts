import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { buildConnector } from 'undici';
import type { Clock } from '../../../core/model/clock.ts';
import { judgeAddress, type AddressPermit } from './address-rules.ts';

/** One address that a name resolves to. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name. Rejects with an error that has a `code` (`ENOTFOUND`, `EAI_AGAIN`), as `dns.lookup` does. */
export type HostLookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** PEM texts and names for https; credentials in them never reach a message. */
export interface HttpTls {
  /** Absent: the CAs of the program. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Name that the certificate must carry, if it is not that of the URL. */
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

export interface GuardedConnectOptions {
  readonly clock: Clock;
  readonly lookup: HostLookup;
  readonly permit: AddressPermit;
  readonly tls: HttpTls;
  /** For each address that is tried. */
  readonly connectTimeoutMs: number;
}

/** Code of the error of a connection that was refused by its address. */
export const ADDRESS_REFUSED = 'ADDRESS_REFUSED';
export const CONNECT_TIMEOUT = 'CONNECT_TIMEOUT';

/**
 * The way to sockets for an undici Agent. The name is resolved anew for each connection, every address is judged, and the connection is made to the very
 * address that was judged: nothing is looked up between judging and connecting, so a name that changes its answer (DNS rebinding) gains nothing.
 */
export function createGuardedConnect(options: GuardedConnectOptions): buildConnector.connector {
  return (target, settle) => {
    connect(options, target).then(
      (socket) => settle(null, socket),
      (thrown: unknown) => settle(thrown instanceof Error ? thrown : new Error('connecting failed'), null),
    );
  };
}

async function connect(options: GuardedConnectOptions, target: buildConnector.Options): Promise<Socket> {
  const hostname = target.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(hostname) > 0 ? [hostname] : (await resolve(options, hostname)).map(({ address }) => address);
  if (addresses.length === 0) throw codedError('ENOTFOUND', `${hostname} resolves to no address`);
  for (const address of addresses) {
    // One bad address condemns the name: whoever mixes a metadata address into an answer hopes that the good ones fail.
    const verdict = judgeAddress(address, options.permit);
    if (!verdict.ok) throw codedError(ADDRESS_REFUSED, refusal(hostname, address, verdict.problem));
  }
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await open(options, target, { hostname, address });
    } catch (thrown) {
      failure = thrown;
    }
  }
  throw failure;
}

function resolve({ clock, lookup, connectTimeoutMs }: GuardedConnectOptions, hostname: string): Promise<readonly ResolvedAddress[]> {
  return new Promise((settle, reject) => {
    const timer = clock.setTimeout(() => {
      reject(codedError(CONNECT_TIMEOUT, `${hostname} was not looked up within ${connectTimeoutMs / 1000} s`));
    }, connectTimeoutMs);
    lookup(hostname)
      .then(settle, reject)
      .finally(() => timer.cancel());
  });
}

function refusal(hostname: string, address: string, problem: string): string {
  return hostname === address ? `${address} ${problem}` : `${hostname} resolves to ${address}, which ${problem}`;
}

function open(
  options: GuardedConnectOptions,
  target: buildConnector.Options,
  peer: { readonly hostname: string; readonly address: string },
): Promise<Socket> {
  const secure = target.protocol === 'https:';
  const port = Number(target.port || (secure ? 443 : 80));
  return new Promise((settle, reject) => {
    const base = { host: peer.address, port, highWaterMark: 64 * 1024 };
    const socket = secure ? connectTls({ ...base, ...tlsOptions(options.tls, peer.hostname) }) : connectTcp(base);
    const timer = options.clock.setTimeout(() => {
      socket.destroy(codedError(CONNECT_TIMEOUT, `no connection within ${options.connectTimeoutMs / 1000} s`));
    }, options.connectTimeoutMs);
    socket.setKeepAlive(true, 30_000);
    socket.setNoDelay(true);
    const onError = (error: Error): void => {
      timer.cancel();
      reject(error);
    };
    socket.on('error', onError);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      timer.cancel();
      socket.off('error', onError);
      settle(socket);
    });
  });
}

function tlsOptions(tls: HttpTls, hostname: string): ConnectionOptions {
  const expected = tls.serverName ?? hostname;
  return {
    // RFC 6066: an IP address is no server name. The certificate must still be for it.
    servername: isIP(expected) > 0 ? '' : expected,
    checkServerIdentity: (_, certificate) => checkServerIdentity(expected, certificate),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: tls.insecureSkipVerify !== true,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
  };
}

function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
